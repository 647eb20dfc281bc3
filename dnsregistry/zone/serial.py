"""The SOA serial: serial number arithmetic (RFC 1982)."""

MODULUS = 1 << 32


CHANGES_A_SECOND = 16
"""What the serial leaves room for. Times more would let it pass half its circle, beyond which a
new serial looks old, within the uptime of a server; at this pace that takes four years."""


def start(now: float) -> int:
    """Return a serial to start with at a unix time.

    It comes after all of an earlier run that made fewer changes than its time leaves room for.
    """
    return int(now * CHANGES_A_SECOND) % MODULUS or 1


def resume(last: int | None, now: float) -> int:
    """Return a serial to start with after one that an earlier run told last, if one is known."""
    first = start(now)
    return first if last is None or is_newer(first, last) else advance(last)


def advance(serial: int) -> int:
    """Return the next serial; it wraps after 2^32 - 1 and skips 0, which some take for unset."""
    return (serial + 1) % MODULUS or 1


def is_newer(serial: int, than: int) -> bool:
    """Whether a serial comes after another one (RFC 1982, 3.2)."""
    return 0 < (serial - than) % MODULUS < MODULUS // 2
