"""Host names of one array that lead back through its own elements."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.api.aliases import Aliases, follow
from dnsregistry.api.context import Api
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]


@pytest.fixture
def api(registry: Registry, make_api: Callable[..., Api]) -> Api:
    """Its names are written in another case and with a final dot."""

    def dns_names(instance: Instance) -> list[str]:
        owners = [f"{instance.id}.i", instance.service, *instance.tags]
        return [f"{owner}.Registry.TEST." for owner in owners]

    return make_api(registry=registry, dns_names=dns_names)


def _array(*aliases: str) -> list[dict[str, object]]:
    """`xx>yy`: a service and where its instance points; a second arrow gives a tag."""
    array = []
    for place, alias in enumerate(aliases):
        service, address, *tags = alias.split(">")
        if not address[0].isdigit():
            address = f"{address}.registry.test"
        array.append(
            {"id": f"n{place}", "service": service, "address": address, "port": 80, "tags": tags}
        )
    return array


@pytest.mark.parametrize(
    ("aliases", "place"),
    [
        (["xx>yy", "yy>xx"], 1),
        (["xx>YY", "yy>Xx"], 1),
        (["xx>xx"], 0),
        (["a>b", "b>c", "c>d", "d>a"], 3),
        (["start>b", "b>c", "c>b"], 2),
        (["x>10.0.0.1", "a>b", "other>x", "b>a"], 3),
        (["xx>n1.i", "yy>n0.i"], 1),
        (["xx>v1", "yy>xx>v1"], 1),
        (["two>end", "one>two", "two>one"], 1),
    ],
)
async def test_an_element_that_closes_a_loop_is_named_and_none_is_registered(
    ask: Ask, registry: Registry, aliases: list[str], place: int
) -> None:
    array = _array(*aliases)
    status, body = await ask("POST", "/v1/instances", array)
    address = str(array[place]["address"]).lower()
    assert (status, body["type"], body["field"]) == (422, "invalid-field", f"{place}.address")
    assert body["reason"] == f"'{address}' leads back to this instance"
    assert registry.feed.revision == 0
    assert not registry.is_taken("n0")


@pytest.mark.parametrize(
    "aliases",
    [
        ["a>b", "b>c", "c>d", "d>10.0.0.1"],
        ["a>c", "b>c", "c>d", "d>elsewhere"],
        ["a>b", "a>c", "b>d", "c>d"],
    ],
)
async def test_an_array_whose_host_names_come_to_an_end_is_registered(
    ask: Ask, registry: Registry, aliases: list[str]
) -> None:
    assert (await ask("POST", "/v1/instances", _array(*aliases)))[0] == 201
    assert len(registry.catalogue) == len(aliases)


_NAMES = st.sampled_from("abcdef")


@settings(deadline=None)
@given(st.lists(st.tuples(_NAMES, _NAMES), max_size=12))
def test_an_edge_is_refused_just_where_one_leads_back(edges: list[tuple[str, str]]) -> None:
    aliases: dict[str, dict[str, int]] = {}
    for place, (name, target) in enumerate(edges):
        aliases.setdefault(name, {}).setdefault(target, place)
    loops = {place for place, (name, target) in enumerate(edges) if name in _reach(aliases, target)}
    if not loops:
        assert sum(1 for _ in follow(aliases)) <= len(edges) + len(aliases)
        return
    with pytest.raises(InvalidField) as refused:
        list(follow(aliases))
    place = int(refused.value.field.removesuffix(".address"))
    assert place in loops
    assert refused.value.rule == f"{edges[place][1]!r} leads back to this instance"


def _reach(aliases: Aliases, start: str) -> set[str]:
    reached, new = {start}, {start}
    while new:
        new = {target for name in new for target in aliases.get(name, ())} - reached
        reached |= new
    return reached


def test_a_long_chain_is_followed_once() -> None:
    size = 20_000
    aliases = {f"n{place}": {f"n{place + 1}": place} for place in range(size)}
    assert sum(1 for _ in follow(dict(reversed(aliases.items())))) <= 3 * size
    aliases[f"n{size}"] = {"n0": size}
    with pytest.raises(InvalidField, match=f"{size}.address: 'n0' leads back"):
        list(follow(aliases))
