"""The door: what a client said, made into an Instance or refused with the field and the rule."""

import json
from collections.abc import Iterable, Mapping, Sequence
from ipaddress import IPv4Address, IPv6Address

from dnsregistry.registry.check import Check
from dnsregistry.registry.check_admission import initial_health
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import (
    LABEL_OCTETS,
    UNDERSCORED_OCTETS,
    Address,
    check_id,
    check_label,
    check_service,
    parse_address,
)
from dnsregistry.registry.sharing import share

PROTOCOLS = ("tcp", "udp")
SHORTEST_TTL = 1.0
"""A record's TTL is at least one second, so a shorter lease could not be told to a resolver."""
LONGEST_TTL = 31_536_000.0
"""A year: above it, a lease without end is what is meant."""
MOST_ADDRESSES = 16
"""A dual-stack host has a handful; each is one more record in every answer."""
MOST_LABELS = 64
"""Tags and capabilities of one instance: each is an owner name that its changes touch."""
MOST_PORTS = 64
"""Named ports of one instance: each is an owner name that its changes touch."""
MOST_METADATA = 256
"""Names in one instance's metadata: each is one more string of its TXT record."""
METADATA_OCTETS = 16 * 1024
"""Of metadata as JSON without spaces: every page of a list carries that of each instance on it, and
a TXT record could never hold more than 64 KiB of any."""
MOST_VERSION = 255
"""Characters of a version: a TXT string holds no more, and every page of a list carries it."""

_PROTOCOLS = {protocol: protocol for protocol in PROTOCOLS}
_NO_METADATA: Mapping[str, object] = {}


def admit(
    *,
    id: str,
    service: str,
    address: str | Sequence[str],
    port: int,
    protocol: str = "tcp",
    ports: Mapping[str, int] | None = None,
    priority: int = 0,
    weight: int = 1,
    tags: Iterable[str] = (),
    capabilities: Iterable[str] = (),
    metadata: Mapping[str, object] | None = None,
    version: str | None = None,
    ttl: float | None = None,
    status: Status = Status.HEALTHY,
    checks: tuple[Check, ...] = (),
) -> Instance:
    """Return the instance in canonical form. Raises InvalidField; the first fault is told.

    `checks` come from `check_admission.admit_checks`; its health is what they begin with.
    """
    if protocol not in _PROTOCOLS:
        raise InvalidField("protocol", f"{protocol[:80]!r} is not one of {', '.join(PROTOCOLS)}")
    if version is not None and len(version) > MOST_VERSION:
        raise InvalidField("version", f"is longer than {MOST_VERSION} characters")
    addresses, host = _admit_addresses([address] if isinstance(address, str) else address)
    tags = _admit_labels("tags", tags, LABEL_OCTETS)
    capabilities = _admit_labels("capabilities", capabilities, UNDERSCORED_OCTETS)
    if len(tags) + len(capabilities) > MOST_LABELS:
        raise InvalidField("tags", f"at most {MOST_LABELS} tags and capabilities are allowed")
    return Instance(
        id=check_id(id),
        service=share(check_service(service)),
        protocol=_PROTOCOLS[protocol],
        addresses=addresses,
        host=host,
        port=share(_admit_number("port", port, 1)),
        ports=share(_admit_ports(ports)) if ports else (),
        priority=_admit_number("priority", priority, 0),
        weight=_admit_number("weight", weight, 0),
        tags=tags,
        capabilities=capabilities,
        metadata=_admit_metadata(metadata) if metadata else _NO_METADATA,
        version=version if version is None else share(version),
        ttl=_admit_ttl(ttl),
        status=status,
        checks=share(checks) if checks else (),
        health=initial_health(checks),
    )


def _admit_addresses(texts: Sequence[str]) -> tuple[tuple[Address, ...], str | None]:
    if not texts:
        raise InvalidField("address", "is an empty list; at least one address is needed")
    if len(texts) > MOST_ADDRESSES:
        raise InvalidField("address", f"at most {MOST_ADDRESSES} addresses are allowed")
    parsed = [parse_address("address", text) for text in texts]
    if len(parsed) == 1:
        [only] = parsed
        return ((), only) if isinstance(only, str) else ((only,), None)
    addresses = tuple(dict.fromkeys(a for a in parsed if isinstance(a, IPv4Address | IPv6Address)))
    if any(isinstance(a, str) for a in parsed):
        raise InvalidField("address", "a host name stands alone, without other addresses")
    return addresses, None


def _admit_labels(field: str, texts: Iterable[str], most: int) -> tuple[str, ...]:
    if not texts:
        return ()
    kept: dict[str, str] = {}
    for text in texts:
        kept.setdefault(check_label(field, text, most), text)
    return share(tuple(kept.values()))


def _admit_ports(ports: Mapping[str, int]) -> tuple[tuple[str, int], ...]:
    if len(ports) > MOST_PORTS:
        raise InvalidField("ports", f"at most {MOST_PORTS} named ports are allowed")
    named: dict[str, int] = {}
    for text, number in ports.items():
        name = check_label("ports", text, UNDERSCORED_OCTETS)
        if name in named:
            raise InvalidField("ports", f"{name!r} is given twice; case does not matter")
        named[name] = _admit_number(f"ports.{name}", number, 1)
    return tuple(named.items())


def _admit_metadata(metadata: Mapping[str, object]) -> Mapping[str, object]:
    if len(metadata) > MOST_METADATA:
        raise InvalidField("metadata", f"at most {MOST_METADATA} names are allowed")
    text = json.dumps(dict(metadata), ensure_ascii=False, separators=(",", ":"))
    octets = len(text.encode(errors="surrogatepass"))
    if octets > METADATA_OCTETS:
        raise InvalidField(
            "metadata", f"has {octets} octets as JSON; at most {METADATA_OCTETS} are allowed"
        )
    return metadata


def _admit_number(field: str, number: int, least: int) -> int:
    if not least <= number <= 65535:
        raise InvalidField(field, f"{number} is not between {least} and 65535")
    return number


def _admit_ttl(ttl: float | None) -> float | None:
    if ttl is None:
        return None
    if not SHORTEST_TTL <= ttl <= LONGEST_TTL:
        raise InvalidField(
            "ttl",
            f"{ttl} is not between {SHORTEST_TTL:.0f} and {LONGEST_TTL:.0f} seconds;"
            " null means no end",
        )
    return share(float(ttl))
