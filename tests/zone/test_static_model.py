"""Static and merged zones against models that know nothing of trees.

Names are made of three labels, one of them the wildcard's, so that they meet often.
"""

from collections.abc import Iterable
from functools import cache

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.zone.lookup import Found, Lookup, NoName, NotOurs, Referral
from dnsregistry.zone.merged import MergedZone
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType
from dnsregistry.zone.rrset import RRset
from dnsregistry.zone.static import StaticZone
from dnsregistry.zone.tree import DNAME, DS, Tree
from tests.zonefiles.text import SOA, rrsets_of

ORIGIN = Name.from_text("test")
Key = tuple[Name, int]

_TEXTS = {
    RRType.A: "A 192.0.2.1",
    RRType.AAAA: "AAAA 2001:db8::1",
    RRType.TXT: "TXT text",
    RRType.CNAME: "CNAME a",
    RRType.SRV: "SRV 1 2 3 b.a\n{0} 60 SRV 1 2 4 b",
    RRType.NS: "NS b.a\n{0} 60 NS b",
    DS: "DS 1 8 2 0102030405060708091011121314151617181920212223242526272829303132",
    DNAME: "DNAME elsewhere.example.",
}
TYPES = (*_TEXTS, RRType.SOA)
ALL_LABELS = (b"a", b"b", b"*")

owners = st.lists(st.sampled_from(ALL_LABELS), max_size=3).map(
    lambda labels: Name((*labels, *ORIGIN.labels))
)
plain_owners = owners.filter(lambda name: b"*" not in name.labels)


@cache
def rrset(owner: Name, rtype: int) -> RRset:
    (made,) = rrsets_of(f"{owner} 60 {_TEXTS[rtype].format(owner)}", "test")
    return made


def _sound(keys: Iterable[Key]) -> set[Key]:
    """Leave out what a zone cannot hold: data beside an alias, wildcards that delegate."""
    kept: set[Key] = set()
    for owner, rtype in sorted(keys, key=lambda key: (key[0].labels, key[1])):
        types = {held for name, held in kept if name == owner}
        if RRType.CNAME in types or (rtype == RRType.CNAME and (types or owner == ORIGIN)):
            continue
        if rtype in (RRType.NS, DNAME) and owner.labels[0] == b"*":
            continue
        if rtype == DNAME and RRType.NS in types and owner != ORIGIN:
            continue
        kept.add((owner, rtype))
    return kept


def keys(of: st.SearchStrategy[Name], *types: int) -> st.SearchStrategy[set[Key]]:
    return st.sets(st.tuples(of, st.sampled_from(types)), max_size=7).map(_sound)


soa = rrsets_of(SOA, "test")


def build(held: Iterable[Key]) -> StaticZone:
    return StaticZone(ORIGIN, [*soa, *(rrset(*key) for key in sorted(held, key=str))])


def answer_naively(held: set[Key], name: Name, rtype: int) -> tuple[str, Name | None, int]:
    """The kind of the answer, and owner and type of what is found (RFC 1034, 4.3.2)."""
    held = held | {(ORIGIN, RRType.SOA)}
    depth = len(name.labels)
    for start in range(depth - 1, -1, -1):
        above = Name(name.labels[start:])
        if above != ORIGIN and (above, RRType.NS) in held and not (start == 0 and rtype == DS):
            return "Referral", above, RRType.NS
        if start and (above, DNAME) in held:
            return "Found", above, DNAME
    existing = {Name(owner.labels[i:]) for owner, _ in held for i in range(len(owner.labels))}
    source = name
    if name not in existing:
        encloser = next(
            Name(name.labels[start:])
            for start in range(depth)
            if Name(name.labels[start:]) in existing
        )
        source = Name((b"*", *encloser.labels))
        if source not in existing:
            return "NoName", None, 0
    for found in (rtype, RRType.CNAME):
        if (source, found) in held:
            return "Found", name, found
    return "NoData", None, 0


def shape(lookup: Lookup) -> tuple[str, Name | None, int]:
    kind = type(lookup).__name__
    if isinstance(lookup, Found):
        return kind, lookup.rrset.owner, lookup.rrset.rtype
    if isinstance(lookup, Referral):
        return kind, lookup.ns.owner, lookup.ns.rtype
    return kind, None, 0


def all_names(depth: int = 3) -> list[Name]:
    names = [ORIGIN]
    for _ in range(depth):
        names += [Name((label, *name.labels)) for name in names for label in ALL_LABELS]
    return list(dict.fromkeys(names))


ALL_NAMES = all_names()


@settings(max_examples=100, deadline=None)
@given(keys(owners, *_TEXTS))
def test_every_question_is_answered_as_the_naive_model_does(held: set[Key]) -> None:
    zone = build(held)
    for name in ALL_NAMES:
        for rtype in TYPES:
            assert shape(zone.lookup(name, rtype, 0.0)) == answer_naively(held, name, rtype), (
                name,
                rtype,
            )


def _unite(live: set[Key], overlay: set[Key]) -> set[Key]:
    """The union by the rules of MergedZone."""
    cuts = [name for name, rtype in overlay if rtype == RRType.NS and name != ORIGIN]
    aliases = {name for name, rtype in overlay if rtype == RRType.CNAME}
    taken = {name for name, _ in overlay}
    kept = {
        (name, rtype)
        for name, rtype in live
        if name not in aliases
        and not (rtype == RRType.CNAME and name in taken)
        and not any(name.relative_to(cut) is not None for cut in cuts)
    }
    return kept | overlay


_LIVE = (RRType.A, RRType.AAAA, RRType.TXT, RRType.SRV, RRType.CNAME)
_STATIC = (*_LIVE, RRType.NS, DS)


@settings(max_examples=100, deadline=None)
@given(keys(plain_owners, *_LIVE), keys(owners, *_STATIC))
def test_a_merged_zone_answers_as_one_zone_with_the_union(
    live: set[Key], overlay: set[Key]
) -> None:
    told: list[Key] = []
    laid = Tree(ORIGIN, (rrset(*key) for key in overlay))
    merged = MergedZone(build(live), laid, lambda *key: told.append(key))
    union = _unite(live, overlay)
    one = build(union)
    for name in ALL_NAMES:
        for rtype in TYPES:
            expected = one.lookup(name, rtype, 0.0)
            assert merged.lookup(name, rtype, 0.0) == expected, (name, rtype)
    assert len(told) == len(set(told))
    assert {name for name, _ in told} <= {name for name, _ in live} & {n for n, _ in overlay}


@given(keys(owners, *_TEXTS))
def test_a_name_outside_is_not_ours(held: set[Key]) -> None:
    zone = build(held)
    for name in (Name(()), Name((b"a", b"other")), Name((b"xtest",))):
        assert zone.lookup(name, RRType.A, 0.0) == NotOurs()


def test_the_two_halves_of_a_merged_zone_have_one_origin() -> None:
    with pytest.raises(ValueError, match=r"other\. cannot lie over test\."):
        MergedZone(build(set()), Tree(Name.from_text("other"), ()), lambda *_: None)


def test_the_model_knows_all_kinds() -> None:
    held = {(Name((b"a", *ORIGIN.labels)), int(RRType.A))}
    assert answer_naively(held, Name((b"b", *ORIGIN.labels)), RRType.A)[0] == NoName.__name__
