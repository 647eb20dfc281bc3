"""Serial number arithmetic."""

import dns.serial
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.zone.serial import CHANGES_A_SECOND, MODULUS, advance, is_newer, resume, start

SERIALS = st.integers(0, MODULUS - 1) | st.sampled_from([0, 1, MODULUS - 1, MODULUS // 2])


@settings(deadline=None)
@given(SERIALS)
def test_the_next_serial_is_newer_and_never_zero(serial: int) -> None:
    following = advance(serial)
    assert 0 < following < MODULUS
    assert is_newer(following, serial)
    assert not is_newer(serial, following)


def test_the_serial_wraps_past_zero() -> None:
    assert advance(MODULUS - 1) == 1


@settings(deadline=None)
@given(SERIALS, SERIALS)
def test_dnspython_finds_the_same_serial_newer(one: int, other: int) -> None:
    assert is_newer(one, other) == (dns.serial.Serial(one) > dns.serial.Serial(other))


@pytest.mark.parametrize(("one", "other"), [(5, 5), (MODULUS // 2, 0), (0, MODULUS // 2)])
def test_equal_and_opposite_serials_are_not_newer(one: int, other: int) -> None:
    assert not is_newer(one, other)


@settings(deadline=None)
@given(
    begun=st.integers(0, 1 << 33),
    seconds=st.integers(1, 86_400 * 365),
    data=st.data(),
)
def test_a_run_begins_after_one_that_kept_to_the_pace(
    begun: int, seconds: int, data: st.DataObject
) -> None:
    # Zero is skipped, so a run that would have begun there has room for one change less.
    changes = data.draw(st.integers(0, seconds * CHANGES_A_SECOND - 2))
    last = (start(begun) + changes) % MODULUS
    assert is_newer(start(begun + seconds), last) or last == 0


@pytest.mark.parametrize("now", [0.0, MODULUS / CHANGES_A_SECOND])
def test_no_run_begins_with_zero(now: float) -> None:
    assert start(now) == 1


def test_a_serial_goes_on_after_the_one_that_was_told() -> None:
    now = 1_800_000_000.0
    first = start(now)
    assert resume(None, now) == first
    assert resume(first - 1, now) == first
    assert resume(first, now) == first + 1
    ahead = (first + 5000) % MODULUS
    assert resume(ahead, now) == advance(ahead)
