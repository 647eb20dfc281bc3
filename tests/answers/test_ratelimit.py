"""How many responses a network gets, and what becomes of the others."""

from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers import ratelimit
from dnsregistry.answers.ratelimit import RateLimit, Verdict

SEND, SLIP, DROP = Verdict.SEND, Verdict.SLIP, Verdict.DROP
ADDRESS = "192.0.2.1"


def _judge(limit: RateLimit, address: str, times: int, now: float = 0.0) -> list[Verdict]:
    return [limit.judge(address, now) for _ in range(times)]


def test_a_second_is_given_in_advance_and_no_more() -> None:
    verdicts = _judge(RateLimit(10), ADDRESS, 14)
    assert verdicts == [SEND] * 10 + [DROP, SLIP, DROP, SLIP]


@pytest.mark.parametrize("rate", [0.5, 1, 7, 100])
@pytest.mark.parametrize("asked", [3, 50, 1000])
def test_in_the_long_run_the_rate_is_kept(rate: float, asked: int) -> None:
    limit = RateLimit(rate)
    seconds = 60
    verdicts = Counter(limit.judge(ADDRESS, place / asked) for place in range(seconds * asked))
    wanted = min(rate, asked) * seconds
    assert wanted - 1 <= verdicts[SEND] <= wanted + max(1, rate)
    assert 0 <= verdicts[DROP] - verdicts[SLIP] <= 1


def test_every_second_refused_response_is_slipped_over_time_too() -> None:
    limit = RateLimit(1)
    verdicts = [limit.judge(ADDRESS, place * 0.5) for place in range(20)]
    refused = [verdict for verdict in verdicts if verdict is not SEND]
    assert refused == [DROP, SLIP] * (len(refused) // 2) + [DROP] * (len(refused) % 2)
    assert len(refused) >= 9


def test_a_bucket_fills_no_higher_than_a_second() -> None:
    limit = RateLimit(5)
    _judge(limit, ADDRESS, 20)
    assert Counter(_judge(limit, ADDRESS, 20, now=1000.0))[SEND] == 5


@pytest.mark.parametrize(
    ("one", "other", "shared"),
    [
        ("192.0.2.1", "192.0.2.254", True),
        ("192.0.2.1", "192.0.3.1", False),
        ("2001:db8::1", "2001:db8:0:ff::1", True),
        ("2001:db8::1", "2001:db8:0:100::1", False),
        ("fe80::1%eth0", "fe80::2%eth1", True),
        # The first three octets agree, the families do not.
        ("32.1.13.1", "2001:d01::1", False),
    ],
)
def test_a_network_shares_a_bucket(one: str, other: str, shared: bool) -> None:
    limit = RateLimit(3)
    _judge(limit, one, 3)
    assert (limit.judge(other, 0.0) is not SEND) == shared


def test_the_table_is_bounded_and_the_first_goes_first(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratelimit, "MOST_NETWORKS", 4)
    limit = RateLimit(1)
    for place in range(4):
        assert limit.judge(f"10.0.{place}.1", 0.0) is SEND
    assert [limit.judge(f"10.0.{place}.1", 0.0) for place in range(4)] == [DROP] * 4
    assert limit.judge("10.0.4.1", 0.0) is SEND
    assert len(limit._buckets) == 4
    assert limit.judge("10.0.1.1", 0.0) is SLIP
    assert limit.judge("10.0.0.1", 0.0) is SEND


@settings(deadline=None, max_examples=60)
@given(
    st.floats(0.1, 50),
    st.lists(st.tuples(st.floats(0, 3), st.sampled_from(["10.0.0.1", "10.0.1.1"])), max_size=80),
)
def test_no_window_of_time_gets_more_than_the_rate_and_a_burst(
    rate: float, steps: list[tuple[float, str]]
) -> None:
    limit = RateLimit(rate)
    now = 0.0
    sent: dict[str, list[float]] = {"10.0.0.1": [], "10.0.1.1": []}
    for wait, address in steps:
        now += wait
        if limit.judge(address, now) is SEND:
            sent[address].append(now)
    for times in sent.values():
        for first in range(len(times)):
            for last in range(first, len(times)):
                allowed = (times[last] - times[first]) * rate + max(1.0, rate)
                assert last - first + 1 <= allowed + 1e-6
