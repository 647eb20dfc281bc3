"""Host names of an array that lead from one of its elements to another, and back.

What the registry holds already is checked with each element; the array's own elements are not
in it yet.
"""

from collections.abc import Iterator, Mapping, Sequence

from dnsregistry.api.context import Api
from dnsregistry.api.registration import element
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.turns import take_turns

Aliases = Mapping[str, Mapping[str, int]]
"""By a name: the names that it leads to, each with the place of the element that says so."""


async def check_array(api: Api, instances: Sequence[Instance]) -> None:
    """Raise InvalidField for an element whose host name leads back to it through others."""
    async for _ in take_turns(follow(await _read_aliases(api, instances))):
        pass


async def _read_aliases(api: Api, instances: Sequence[Instance]) -> Aliases:
    pointing = [
        (place, instance, instance.host)
        async for place, instance in take_turns(enumerate(instances))
        if instance.host is not None
    ]
    targets = {host async for _, _, host in take_turns(pointing)}
    aliases: dict[str, dict[str, int]] = {}
    async for place, instance, host in take_turns(pointing):
        for name in map(_fold, api.dns_names(instance)):
            if name in targets:
                aliases.setdefault(name, {}).setdefault(host, place)
    return aliases


def follow(aliases: Aliases) -> Iterator[None]:
    """Go every way once, a step at a time. Raises InvalidField for the one that closes a loop."""
    done: set[str] = set()
    for start in aliases:
        if start in done:
            continue
        path = {start: iter(aliases[start].items())}
        while path:
            yield
            way = next(path[next(reversed(path))], None)
            if way is None:
                done.add(path.popitem()[0])
                continue
            target, place = way
            if target in path:
                rule = f"{target!r} leads back to this instance"
                raise InvalidField(element(place).field("address"), rule)
            if target in aliases and target not in done:
                path[target] = iter(aliases[target].items())


def _fold(name: str) -> str:
    return name.lower().removesuffix(".")
