"""Which records a client gets where not all can go."""

from collections import Counter
from collections.abc import Sequence
from ipaddress import IPv4Address

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.subset import choose, take
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import PTR, SRV, A, RRType
from dnsregistry.zone.rrset import Preference, RRset

OWNER = Name.from_text("_user-service._tcp.registry.local")
CLIENTS = st.ip_addresses().map(str)
Described = tuple[int, int, int]
# The place names the instance; priority and weight follow.
RECORDS = st.lists(
    st.tuples(st.integers(0, 99), st.integers(0, 1), st.integers(0, 9)),
    min_size=1,
    max_size=30,
    unique_by=lambda record: record[0],
)


def _services(records: Sequence[Described]) -> RRset:
    rdatas = tuple(SRV(p, w, 80, OWNER.prepend(f"i{place}")) for place, p, w in records)
    preferences = tuple(Preference(p, w) for _, p, w in records)
    return RRset(OWNER, RRType.SRV, 5, rdatas, preferences)


def _even(count: int) -> RRset:
    return _services([(place, 0, 1) for place in range(count)])


def _rank(rrset: RRset, client: str) -> RRset:
    return choose(rrset, len(rrset.rdatas), client)


def _chosen(rrset: RRset, most: int, client: str) -> set[str]:
    return {str(rdata) for rdata in choose(rrset, most, client).rdatas}


@settings(deadline=None)
@given(RECORDS, st.integers(0, 31), CLIENTS)
def test_as_many_as_there_may_be_are_chosen_each_with_its_preference(
    records: list[Described], most: int, client: str
) -> None:
    rrset = _services(records)
    chosen = choose(rrset, most, client)
    assert len(chosen.rdatas) == len(set(chosen.rdatas)) == min(most, len(records))
    of_all = dict(zip(rrset.rdatas, rrset.preferences, strict=True))
    assert dict(zip(chosen.rdatas, chosen.preferences, strict=True)).items() <= of_all.items()
    assert (chosen.owner, chosen.rtype, chosen.ttl) == (rrset.owner, rrset.rtype, rrset.ttl)


@settings(deadline=None)
@given(RECORDS, CLIENTS, st.randoms(use_true_random=False))
def test_the_rank_is_a_matter_of_the_records_alone(
    records: list[Described], client: str, chance: object
) -> None:
    shuffled = list(records)
    chance.shuffle(shuffled)  # type: ignore[attr-defined]
    assert _rank(_services(records), client) == _rank(_services(shuffled), client)


@settings(deadline=None, max_examples=200)
@given(RECORDS, st.integers(1, 20), CLIENTS, st.integers(0, 99))
def test_one_that_goes_or_comes_moves_at_most_one_other(
    records: list[Described], most: int, client: str, place: int
) -> None:
    without = [*records]
    gone = without.pop(place % len(records))
    before, after = (_chosen(_services(some), most, client) for some in (records, without))
    (name,) = {str(rdata) for rdata in _services([gone]).rdatas}
    assert before - after <= {name}
    assert len(after - before) <= 1
    if name not in before:
        assert before == after


@settings(deadline=None)
@given(RECORDS, st.integers(1, 30), CLIENTS)
def test_fewer_are_the_first_of_more(records: list[Described], most: int, client: str) -> None:
    rrset = _services(records)
    assert _chosen(rrset, most - 1, client) <= _chosen(rrset, most, client)


def test_clients_differ() -> None:
    rrset = _even(40)
    chosen = {frozenset(_chosen(rrset, 18, f"10.0.0.{place}")) for place in range(100)}
    assert len(chosen) == 100


def test_the_choice_is_the_same_in_every_process() -> None:
    """Written down, since replicas behind one name have to agree."""
    ranked = _rank(_even(6), "192.0.2.7")
    assert [str(rdata.target)[:2] for rdata in ranked.rdatas if isinstance(rdata, SRV)] == [
        *("i0", "i5", "i3", "i4", "i2", "i1")
    ]


def test_every_record_is_chosen_for_its_share_of_clients() -> None:
    rrset = _even(20)
    counts: Counter[str] = Counter()
    for place in range(2000):
        counts.update(_chosen(rrset, 5, f"10.1.{place // 256}.{place % 256}"))
    assert len(counts) == 20
    # A quarter of 2,000, and six standard deviations.
    assert all(500 - 116 < count < 500 + 116 for count in counts.values())


def test_the_share_follows_the_weight() -> None:
    rrset = _services([(0, 0, 3), (1, 0, 1)])
    heavy = str(rrset.rdatas[0])
    count = sum(_chosen(rrset, 1, f"10.1.{n // 256}.{n % 256}") == {heavy} for n in range(2000))
    assert 1500 - 116 < count < 1500 + 116


def test_a_lower_priority_is_always_had_first() -> None:
    records = [(place, place % 2, 1) for place in range(20)]
    for place in range(50):
        ranked = _rank(_services(records), f"10.0.0.{place}")
        assert [p.priority for p in ranked.preferences] == [0] * 10 + [1] * 10


def test_records_without_preference_are_chosen_evenly() -> None:
    rdatas = tuple(PTR(OWNER.prepend(f"i{place}")) for place in range(10))
    rrset = RRset(OWNER, RRType.PTR, 5, rdatas)
    counts = Counter(choose(rrset, 1, f"10.0.{n >> 8}.{n & 255}").rdatas for n in range(1000))
    assert len(counts) == 10
    assert choose(rrset, 3, "10.0.0.1").preferences == ()


@pytest.mark.parametrize("client", ["", "fe80::1%" + "x" * 100])
def test_any_text_is_a_client(client: str) -> None:
    rrset = RRset(OWNER, RRType.A, 5, tuple(A(IPv4Address(n)) for n in range(9)))
    assert len(choose(rrset, 4, client).rdatas) == 4


@settings(deadline=None)
@given(RECORDS, st.integers(0, 31), st.integers(0, 31), CLIENTS)
def test_a_part_of_a_choice_is_a_smaller_choice(
    records: list[Described], most: int, fewer: int, client: str
) -> None:
    chosen = choose(_services(records), most, client)
    assert take(chosen, fewer) == choose(_services(records), min(most, fewer), client)
