"""DNS cookies against the examples of RFC 9018, and what makes one hold."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.cookie import LIFETIME, SKEW, Cookie, CookieBaker

SECRET = bytes.fromhex("e5e973e5a6b2a43f48e7dc849e37bfcf")
OLD = bytes.fromhex("dd3bdf9344b678b185a6f5cb60fca715")
NEW = bytes.fromhex("445536bcd2513298075a5d379663c962")
CLIENT = bytes.fromhex("2464c4abcf10c957")
ADDRESS = "198.51.100.100"
NOW = 1559731985.0


def _answer(secret: bytes, octets: str, address: str, now: float) -> tuple[str, bool]:
    cookie = CookieBaker(secret).answer(bytes.fromhex(octets), address, now)
    assert cookie is not None
    return cookie.octets.hex(), cookie.valid


def _bake(address: str = ADDRESS, now: float = NOW, secret: bytes = SECRET) -> bytes:
    """What a client with this address holds after its first query."""
    cookie = CookieBaker(secret).answer(CLIENT, address, now)
    assert cookie is not None
    return cookie.octets


def _holds(octets: bytes, address: str = ADDRESS, now: float = NOW) -> bool:
    cookie = CookieBaker(SECRET).answer(octets, address, now)
    assert cookie is not None
    return cookie.valid


def test_a_client_learns_a_new_server_cookie() -> None:
    """RFC 9018, A.1."""
    assert _answer(SECRET, "2464c4abcf10c957", ADDRESS, 1559731985) == (
        "2464c4abcf10c957010000005cf79f111f8130c3eee29480",
        False,
    )


def test_the_same_client_learns_a_renewed_server_cookie() -> None:
    """RFC 9018, A.2: the one it has still holds."""
    asked = "2464c4abcf10c957010000005cf79f111f8130c3eee29480"
    assert _answer(SECRET, asked, ADDRESS, 1559734385) == (
        "2464c4abcf10c957010000005cf7a871d4a564a1442aca77",
        True,
    )


def test_another_client_learns_a_renewed_server_cookie() -> None:
    """RFC 9018, A.3: the reserved octets are not ours, and the stamp is too old."""
    asked = "fc93fc62807ddb8601abcdef5cf78f71a314227b6679ebf5"
    assert _answer(SECRET, asked, "203.0.113.203", 1559734700) == (
        "fc93fc62807ddb86010000005cf7a9acf73a7810aca2381e",
        False,
    )
    # While the stamp was fresh it held, whatever the reserved octets say.
    assert _answer(SECRET, asked, "203.0.113.203", 1559727985 + 60)[1]


def test_a_cookie_of_another_secret_is_renewed() -> None:
    """RFC 9018, A.4, but that we hold to one secret: the old one's cookie is renewed."""
    asked = "22681ab97d52c298010000005cf7c57926556bd0934c72f8"
    address = "2001:db8:220:1:59de:d0f4:8769:82b8"
    assert _answer(NEW, asked, address, 1559741961) == (
        "22681ab97d52c298010000005cf7c609a6bb79d16625507a",
        False,
    )
    assert _answer(OLD, asked, address, 1559741961)[1]


@pytest.mark.parametrize(
    ("later", "holds"),
    [(0, True), (LIFETIME, True), (LIFETIME + 1, False), (-SKEW, True), (-SKEW - 1, False)],
)
def test_a_cookie_holds_for_an_hour_and_is_not_from_the_future(later: int, holds: bool) -> None:
    assert _holds(_bake(), now=NOW + later) == holds


def test_stamps_are_compared_as_serial_numbers() -> None:
    """RFC 9018, 4.3: 32 bits wrap in the year 2106."""
    turn = float(1 << 32)
    assert _holds(_bake(now=turn - 10), now=turn + 10)
    assert _holds(_bake(now=turn + 10), now=turn - 10)
    assert not _holds(_bake(now=turn - LIFETIME), now=turn + 1)


def test_a_cookie_holds_for_its_client_and_address_alone() -> None:
    baked = _bake()
    assert _holds(baked)
    assert not _holds(baked, "198.51.100.101")
    assert not _holds(b"another!" + baked[8:])
    assert not _holds(_bake(secret=OLD))
    assert _holds(_bake("fe80::1%eth0"), "fe80::1%eth1")


@pytest.mark.parametrize("octets", [8, *range(16, 41)])
def test_a_cookie_of_a_lawful_length_is_answered(octets: int) -> None:
    cookie = CookieBaker(SECRET).answer(bytes(octets), ADDRESS, NOW)
    assert cookie is not None
    assert not cookie.valid
    assert (len(cookie.octets), cookie.octets[:8]) == (24, bytes(8))


@pytest.mark.parametrize("octets", [*range(8), *range(9, 16), 41, 100])
def test_a_cookie_of_another_length_is_malformed(octets: int) -> None:
    """RFC 7873, 5.2.2: such a message is a format error."""
    assert CookieBaker(SECRET).answer(bytes(octets), ADDRESS, NOW) is None


@pytest.mark.parametrize("octets", range(17, 33))
def test_a_server_cookie_of_another_length_does_not_hold(octets: int) -> None:
    baked = _bake().ljust(8 + octets, b"\0")[: 8 + octets]
    assert not _holds(baked)


@settings(deadline=None)
@given(st.integers(8 * 8, 24 * 8 - 1))
def test_no_bit_of_a_cookie_may_change(bit: int) -> None:
    baked = bytearray(_bake())
    baked[bit // 8] ^= 1 << bit % 8
    assert not _holds(bytes(baked))


@settings(deadline=None)
@given(st.binary(min_size=8, max_size=8), st.ip_addresses().map(str), st.integers(0, 1 << 33))
def test_what_was_given_holds_at_once(client: bytes, address: str, now: int) -> None:
    baker = CookieBaker(SECRET)
    first = baker.answer(client, address, now)
    assert first is not None
    assert baker.answer(first.octets, address, now) == Cookie(first.octets, valid=True)
