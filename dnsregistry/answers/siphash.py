"""SipHash-2-4 (Aumasson and Bernstein, 2012): the keyed hash that DNS cookies prescribe."""

import struct

_MASK = (1 << 64) - 1


def siphash(key: bytes, text: bytes) -> bytes:
    """Return the 8 octets of the hash, least significant first; the key has 16."""
    k0, k1 = struct.unpack("<QQ", key)
    v0, v1 = k0 ^ 0x736F6D6570736575, k1 ^ 0x646F72616E646F6D
    v2, v3 = k0 ^ 0x6C7967656E657261, k1 ^ 0x7465646279746573
    padding = -(len(text) + 1) % 8
    padded = text + bytes(padding) + bytes((len(text) & 0xFF,))
    for (word,) in struct.iter_unpack("<Q", padded):
        v3 ^= word
        v0, v1, v2, v3 = _mix(*_mix(v0, v1, v2, v3))
        v0 ^= word
    v2 ^= 0xFF
    v0, v1, v2, v3 = _mix(*_mix(*_mix(*_mix(v0, v1, v2, v3))))
    return struct.pack("<Q", v0 ^ v1 ^ v2 ^ v3)


def _mix(v0: int, v1: int, v2: int, v3: int) -> tuple[int, int, int, int]:
    v0 = (v0 + v1) & _MASK
    v1 = _rotate(v1, 13) ^ v0
    v0 = _rotate(v0, 32)
    v2 = (v2 + v3) & _MASK
    v3 = _rotate(v3, 16) ^ v2
    v0 = (v0 + v3) & _MASK
    v3 = _rotate(v3, 21) ^ v0
    v2 = (v2 + v1) & _MASK
    v1 = _rotate(v1, 17) ^ v2
    v2 = _rotate(v2, 32)
    return v0, v1, v2, v3


def _rotate(word: int, by: int) -> int:
    return (word << by | word >> (64 - by)) & _MASK
