"""The SOA serial: serial number arithmetic (RFC 1982)."""

MODULUS = 1 << 32


def advance(serial: int) -> int:
    """Return the next serial; it wraps after 2^32 - 1 and skips 0, which some take for unset."""
    return (serial + 1) % MODULUS or 1


def is_newer(serial: int, than: int) -> bool:
    """Whether a serial comes after another one (RFC 1982, 3.2)."""
    return 0 < (serial - than) % MODULUS < MODULUS // 2
