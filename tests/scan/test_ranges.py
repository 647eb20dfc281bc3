"""Which addresses a scan asks."""

from ipaddress import ip_address, ip_network
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.scan.pace import BACKLOG, Pace, vary
from dnsregistry.scan.ranges import (
    MOST_IN_ALL,
    RangeError,
    Ranges,
    Target,
    parse_network,
    parse_networks,
)

_v4 = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    st.integers(0x0B000000, 0xDFFFFFFF),
    st.integers(22, 32),
)
_v6 = st.builds(
    lambda address, prefix: ip_network((address, prefix), strict=False),
    st.integers(0x20010000 << 96, 0x2001FFFF << 96),
    st.integers(118, 128),
)


@given(st.lists(_v4 | _v6, min_size=1, max_size=3, unique=True), st.randoms())
def test_every_address_is_given_once_in_whatever_order(networks: list, random: Random) -> None:  # type: ignore[type-arg]
    ranges = Ranges(networks, [8080, 9090])
    expected = [
        Target(address, port)
        for network in networks
        for address in (network.hosts() if network.version == 4 else network)
        for port in (8080, 9090)
    ]
    assert list(ranges) == expected
    assert len(ranges) == len(expected)
    assert sorted(map(str, ranges.shuffle(random.random))) == sorted(map(str, expected))
    assert all(target in ranges for target in expected[:50])


def test_a_target_outside_is_not_in_the_ranges() -> None:
    ranges = Ranges([ip_network("10.0.0.0/24")], [8080])
    assert Target(ip_address("10.0.0.7"), 8080) in ranges
    assert Target(ip_address("10.0.0.7"), 8081) not in ranges
    assert Target(ip_address("10.0.0.0"), 8080) not in ranges
    assert Target(ip_address("10.0.0.255"), 8080) not in ranges
    assert Target(ip_address("::a00:7"), 8080) not in ranges
    with pytest.raises(IndexError):
        ranges[254]


def test_bits_behind_the_prefix_do_not_count_and_an_address_is_a_range() -> None:
    assert str(parse_network("192.168.1.77/24")) == "192.168.1.0/24"
    assert [str(target) for target in Ranges([parse_network("10.0.0.9")], [1])] == ["10.0.0.9:1"]
    assert [str(target) for target in Ranges([parse_network("::1")], [1])] == ["[::1]:1"]


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("10.0.0.0/15", "larger than a /16"),
        ("0.0.0.0/0", "larger than a /16"),
        ("fd00::/111", "larger than a /112"),
        ("224.0.0.0/24", "no addresses of single machines"),
        ("0.0.0.0/24", "no addresses of single machines"),
        ("192.168.1.0/33", "no range of addresses"),
        ("localhost", "no range of addresses"),
        ("", "no range of addresses"),
    ],
)
def test_what_cannot_be_swept_is_refused_with_the_reason(text: str, reason: str) -> None:
    with pytest.raises(RangeError, match=reason):
        parse_network(text)


def test_a_sixteen_is_the_largest_and_there_are_four_of_them_at_most() -> None:
    assert len(Ranges(parse_networks(["10.1.0.0/16"]), [8080])) == 65534
    four = [f"10.{number}.0.0/16" for number in range(4)]
    assert len(parse_networks(four)) == 4
    with pytest.raises(RangeError, match=str(MOST_IN_ALL)):
        parse_networks([*four, "10.9.0.0/24"])


def test_ranges_that_overlap_are_refused() -> None:
    with pytest.raises(RangeError, match=r"10\.0\.0\.0/24 and 10\.0\.0\.128/25 overlap"):
        parse_networks(["10.0.0.0/24", "10.0.0.128/25"])


@given(st.floats(1, 5000), st.integers())
def test_a_pace_is_kept_on_average_and_makes_up_for_no_more_than_its_backlog(
    rate: float, seed: int
) -> None:
    pace = Pace(rate, Random(seed).random)
    now = 100.0
    pace.wait(now)
    for _ in range(200):
        now += pace.wait(now)
    assert 0.6 * 200 / rate <= now - 100 + BACKLOG + 1 / rate
    assert now - 100 <= 1.4 * 200 / rate
    # After a long delay a burst as large as the backlog allows, and not more.
    now += 60
    burst = 0
    while pace.wait(now) == 0:
        burst += 1
    assert burst <= 2 * BACKLOG * rate + 2


@given(st.floats(0, 1))
def test_an_interval_varies_by_a_tenth(number: float) -> None:
    assert 27 <= vary(30, lambda: number) <= 33
