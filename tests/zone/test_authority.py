"""Several zones as one: a name belongs to the deepest."""

from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.registry import Registry
from dnsregistry.zone.authority import Authority, Source
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Found, Lookup, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import TXT
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Stone:
    """A zone that tells what it was asked."""

    origin: Name
    age: int = 0

    def lookup(self, name: Name, rtype: int, now: float) -> Lookup:
        """Answer anything with a text."""
        said = f"{self.origin} {self.age} {rtype} {now}".encode()
        return Found(RRset(name, rtype, 0, (TXT((said,)),)))


def _stone(text: str, age: int = 0) -> Stone:
    return Stone(Name.from_text(text), age)


def _asked(authority: Authority, text: str) -> str | None:
    """Which zone was asked, as origin and age."""
    lookup = authority.lookup(Name.from_text(text), 16, 5.0)
    if isinstance(lookup, NotOurs):
        assert authority.find(Name.from_text(text)) is None
        return None
    assert isinstance(lookup, Found)
    (rdata,) = lookup.rrset.rdatas
    assert isinstance(rdata, TXT)
    origin, age, *rest = rdata.strings[0].decode().split()
    assert rest == ["16", "5.0"]
    return origin + age


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("registry.local", "registry.local.0"),
        ("a.b.registry.local", "registry.local.0"),
        ("sub.registry.local", "sub.registry.local.0"),
        ("A.SUB.Registry.Local", "sub.registry.local.0"),
        ("xsub.registry.local", "registry.local.0"),
        ("x\\.sub.registry.local", "registry.local.0"),
        ("local", None),
        ("xregistry.local", None),
        (".", None),
    ],
)
def test_the_deepest_zone_is_asked(name: str, asked: str | None) -> None:
    authority = Authority([_stone("registry.local"), _stone("sub.registry.local")])
    assert _asked(authority, name) == asked


def test_the_root_owns_what_no_other_does() -> None:
    authority = Authority([_stone("."), _stone("local")])
    assert _asked(authority, "example.org") == ".0"
    assert _asked(authority, "x.local") == "local.0"


def test_zones_come_change_and_go() -> None:
    authority = Authority([])
    assert _asked(authority, "x.local") is None
    authority.put(_stone("local"))
    assert _asked(authority, "x.local") == "local.0"
    authority.put(_stone("LOCAL", 1))
    assert _asked(authority, "x.local") == "local.1"
    authority.remove(Name.from_text("local"))
    assert _asked(authority, "x.local") is None


@pytest.mark.parametrize(
    ("name", "asked"),
    [
        ("sub.registry.local", "registry.local.0"),
        ("x.sub.registry.local", "sub.registry.local.0"),
        ("registry.local", "registry.local.0"),
        ("local", None),
    ],
)
def test_the_ds_of_a_zone_is_its_parents(name: str, asked: str | None) -> None:
    """RFC 4035, 3.1.4.1; where the parent is not ours, the zone itself denies it."""
    authority = Authority([_stone("registry.local"), _stone("sub.registry.local")])
    lookup = authority.lookup(Name.from_text(name), 43, 5.0)
    if isinstance(lookup, NotOurs):
        assert asked is None
        return
    assert isinstance(lookup, Found)
    (rdata,) = lookup.rrset.rdatas
    assert str(rdata) == f'"{(asked or "")[:-1]} 0 43 5.0"'


def test_of_two_with_one_origin_the_higher_source_is_served() -> None:
    authority = Authority([])
    ages = {Source.LIVE: 1, Source.EMPTY: 2, Source.FILE: 3, Source.UNREAD: 4}
    served = []
    for source, age in ages.items():
        authority.put(_stone("local", age), source)
        served.append(_asked(authority, "x.local"))
    assert served == ["local.1", "local.1", "local.3", "local.3"]
    for source in (Source.FILE, Source.LIVE, Source.EMPTY, Source.UNREAD):
        authority.remove(Name.from_text("local"), source)
        served.append(_asked(authority, "x.local"))
    assert served[4:] == ["local.1", "local.4", "local.4", None]


def test_every_change_of_the_zones_is_told() -> None:
    authority = Authority([])
    told: list[bool] = []
    authority.watch(lambda: told.append(authority.find(Name.from_text("local")) is not None))
    authority.put(_stone("local"))
    authority.put(_stone("local", 1))
    authority.remove(Name.from_text("local"))
    assert told == [True, True, False]


def test_the_live_zone_is_alone_until_another_lies_under_or_over_it() -> None:
    policy = LivePolicy(Name.from_text("local"), 5, 1, EmptyService.NODATA, ())
    live = LiveZone(Registry().catalogue, policy, 1)
    authority = Authority([live, _stone("example.org")])
    assert authority.alone() is live
    authority.put(_stone("a.b.local"))
    assert authority.alone() is None
    authority.remove(Name.from_text("a.b.local"))
    assert authority.alone() is live
    authority.put(_stone("local"), Source.FILE)
    assert authority.alone() is None


@given(
    st.lists(
        st.tuples(
            st.booleans(),
            st.sampled_from(
                ["", "local", "registry.local", "a.registry.local", "b.a.registry.local"]
            ),
            st.sampled_from([Source.UNREAD, Source.FILE]),
        )
    )
)
def test_the_live_zone_is_alone_while_no_other_is_served_at_or_under_its_origin(
    steps: list[tuple[bool, str, Source]],
) -> None:
    origin = Name.from_text("registry.local")
    policy = LivePolicy(origin, 5, 1, EmptyService.NODATA, ())
    live = LiveZone(Registry().catalogue, policy, 1)
    authority = Authority([live])
    put: set[tuple[str, Source]] = set()
    for is_put, text, source in steps:
        if is_put:
            authority.put(_stone(text), source)
            put.add((text, source))
        elif (text, source) in put:
            authority.remove(Name.from_text(text), source)
            put.discard((text, source))
        below = any(text.endswith(".registry.local") for text, _ in put)
        covered = ("registry.local", Source.FILE) in put
        assert authority.alone() is (None if below or covered else live)
