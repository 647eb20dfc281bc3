"""SipHash-2-4 against the vectors of its authors."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.answers.siphash import siphash

KEY = bytes(range(16))


def test_the_papers_own_example_comes_out() -> None:
    """Appendix A: the key 00 to 0f, the text 00 to 0e."""
    assert siphash(KEY, bytes(range(15))) == (0xA129CA6149BE45E5).to_bytes(8, "little")


@pytest.mark.parametrize(
    ("octets", "digest"),
    [
        (0, "310e0edd47db6f72"),
        (1, "fd67dc93c539f874"),
        (2, "5a4fa9d909806c0d"),
        (3, "2d7efbd796666785"),
        (7, "37d1018bf50002ab"),
        (8, "6224939a79f5f593"),
        (9, "b0e4a90bdf82009e"),
    ],
)
def test_the_reference_vectors_come_out(octets: int, digest: str) -> None:
    assert siphash(KEY, bytes(range(octets))).hex() == digest


@settings(deadline=None)
@given(st.binary(min_size=16, max_size=16), st.binary(max_size=300), st.integers(0, 1 << 20))
def test_every_bit_of_key_and_text_counts(key: bytes, text: bytes, place: int) -> None:
    digest = siphash(key, text)
    assert len(digest) == 8
    assert siphash(_flip(key, place), text) != digest
    assert siphash(key, text + b"\0") != digest
    if text:
        assert siphash(key, _flip(text, place)) != digest


def _flip(octets: bytes, place: int) -> bytes:
    place %= len(octets) * 8
    flipped = bytearray(octets)
    flipped[place // 8] ^= 1 << place % 8
    return bytes(flipped)
