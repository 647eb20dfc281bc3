"""Replies kept by question: bounded in entries and octets, the longest unused leaves first.

Rules:
- A reply is fresh for its lifetime. After it, it is stale for `STALE_SECONDS` more, to be used
  only where nobody can be asked (RFC 8767).
- NXDOMAIN speaks of the name, and answers every type of it (RFC 2308, 5), unless aliases led to
  another name: then it speaks of that one.
- A reply that may not be kept still ends what was kept before.
"""

import struct
from collections import OrderedDict
from dataclasses import dataclass

from dnsregistry.answers.protocol import Rcode
from dnsregistry.forward.question import Asked
from dnsregistry.forward.reply import Reply

STALE_SECONDS = 86_400.0
"""A day, the least that RFC 8767, 5 advises: longer than most outages, and yet an end."""
STALE_TTL = 30
"""What stale data is given on with (RFC 8767, 4)."""
ENTRY_OCTETS, RECORD_OCTETS = 900, 48
"""What an entry, and each record in it, costs beside its octets: measured and rounded up."""

_TTL = struct.Struct("!I")
_EVERY_TYPE = -1


@dataclass(frozen=True, slots=True)
class CacheBounds:
    """How much is kept. The defaults are a large house's names of a day, and fit any machine."""

    entries: int = 20_000
    octets: int = 32 << 20


class Entry:
    """A reply with the time at which it came."""

    __slots__ = ("_aged", "_aged_body", "fresh_until", "octets", "reply", "stored_at")

    def __init__(self, reply: Reply, name: bytes, now: float) -> None:
        self.reply = reply
        self.stored_at = now
        self.fresh_until = now + reply.lifetime
        # The body may be there twice, as it came and as it was last given out.
        records = RECORD_OCTETS * len(reply.ends)
        self.octets = ENTRY_OCTETS + len(name) + 2 * len(reply.body) + records
        self._aged = 0
        self._aged_body = reply.body

    def is_fresh(self, now: float) -> bool:
        """Whether its lifetime still runs."""
        return now < self.fresh_until

    def body(self, now: float) -> bytes:
        """The reply's body with what is left of each TTL in whole seconds, or `STALE_TTL`."""
        # A clock that was set back ages nothing, and says so by no TTL above the first one.
        age = max(0, int(now - self.stored_at)) if self.is_fresh(now) else -1
        if age != self._aged:
            self._aged, self._aged_body = age, _set_ttls(self.reply, age)
        return self._aged_body


def _set_ttls(reply: Reply, age: int) -> bytes:
    body = bytearray(reply.body)
    for offset in reply.ttls:
        (ttl,) = _TTL.unpack_from(body, offset)
        _TTL.pack_into(body, offset, STALE_TTL if age < 0 else max(0, ttl - age))
    return bytes(body)


class Cache:
    """Entries by what was asked."""

    def __init__(self, bounds: CacheBounds) -> None:
        self.octets = 0
        self._bounds = bounds
        self._entries: OrderedDict[Asked, Entry] = OrderedDict()

    def __len__(self) -> int:
        return len(self._entries)

    def find(self, asked: Asked, now: float, *, used: bool = True) -> Entry | None:
        """The entry that answers best: a fresh one, else the younger stale one, else None.

        `used` is whether that counts as a use of it.
        """
        exact = self._get(asked, now, used=used)
        if exact is not None and exact.is_fresh(now):
            return exact
        name = self._get(_about_name(asked), now, used=used)
        if name is None or (
            exact is not None and not name.is_fresh(now) and exact.stored_at > name.stored_at
        ):
            return exact
        return name

    def keep(self, asked: Asked, reply: Reply, now: float) -> Entry:
        """Keep a reply for as long as it may be; returns it as an entry in any case."""
        about_name = _about_name(asked)
        entry = Entry(reply, asked.name, now)
        self._drop(asked)
        self._drop(about_name)
        if reply.lifetime > 0 and entry.octets <= self._bounds.octets:
            denied = reply.rcode == Rcode.NXDOMAIN and not reply.counts[0]
            self._entries[about_name if denied else asked] = entry
            self.octets += entry.octets
            while len(self._entries) > self._bounds.entries or self.octets > self._bounds.octets:
                self._drop(next(iter(self._entries)))
        return entry

    def _get(self, key: Asked, now: float, *, used: bool) -> Entry | None:
        entry = self._entries.get(key)
        if entry is None:
            return None
        if now >= entry.fresh_until + STALE_SECONDS:
            self._drop(key)
            return None
        if used:
            self._entries.move_to_end(key)
        return entry

    def _drop(self, key: Asked) -> None:
        entry = self._entries.pop(key, None)
        if entry is not None:
            self.octets -= entry.octets


def _about_name(asked: Asked) -> Asked:
    return asked._replace(rtype=_EVERY_TYPE)
