"""Everything that is registered, as JSON, written without holding up the event loop."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass

from dnsregistry.api.context import Api
from dnsregistry.api.replies import encode
from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.lease import Lease
from dnsregistry.turns import take_turns

PAGE = 256
"""Service names that are looked up together."""

Describe = Callable[[Lease], object | None]
"""An instance as the document shows it, None for one that it cannot."""
Frame = Callable[[bytes, int, int], bytes]
"""A service as the document shows it: of its instances as a JSON array, how many there are, and how
many of them are healthy."""


@dataclass(slots=True)
class Written:
    """The members of a JSON object, a service each, and the totals."""

    members: bytearray
    services: int = 0
    instances: int = 0
    healthy: int = 0


def walk(catalogue: Catalogue) -> Iterator[tuple[str, Lease]]:
    """All leases, with their services in alphabetical order.

    The catalogue may change between two of them: what is there all the time is told once.
    """
    last = ""
    while names := catalogue.services_after(last, PAGE):
        for name in names:
            for lease in tuple(catalogue.of_service(name)):
                yield name, lease
        last = names[-1]


async def write_services(api: Api, describe: Describe, frame: Frame) -> Written:
    """All services that have an instance to be shown, each a member under its name."""
    written = Written(bytearray())
    current = ""
    texts: list[bytes] = []
    healthy = 0

    def close() -> None:
        if texts:
            array = b"[" + b",".join(texts) + b"]"
            mark = b"," if written.services else b""
            framed = frame(array, len(texts), healthy)
            written.members.extend(mark + encode(current).rstrip() + b":" + framed)
            written.services += 1
            written.instances += len(texts)
            written.healthy += healthy

    async for name, lease in take_turns(walk(api.registry.catalogue)):
        if name != current:
            close()
            current, texts, healthy = name, [], 0
        now = api.now()
        if lease.is_live(now) and (shown := describe(lease)) is not None:
            texts.append(encode(shown).rstrip())
            healthy += lease.is_answered(now)
    close()
    return written


async def write_leases(api: Api, leases: Iterable[Lease], describe: Describe) -> tuple[bytes, int]:
    """The live ones among the leases that can be shown, as a JSON array, and how many."""
    texts = [
        encode(shown).rstrip()
        async for lease in take_turns(leases)
        if lease.is_live(api.now()) and (shown := describe(lease)) is not None
    ]
    return b"[" + b",".join(texts) + b"]", len(texts)
