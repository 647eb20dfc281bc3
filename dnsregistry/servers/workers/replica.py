"""A worker's replica of the answer table, and its way to the main process for all else.

Rules:
- It holds what the main process told, in the order in which that was told. What is told to be
  forgotten is forgotten before it is acknowledged.
- A question without an entry is handed over; the reply comes with the entry, if there is one.
  So is that of a client who may not ask, or has asked too often: without the entry.
- While the main process does not read, nothing more is handed over.
- Names are denied here only where the service that they would belong to is known not to exist.
"""

import asyncio
import json
from collections.abc import Callable
from dataclasses import asdict, dataclass
from ipaddress import ip_address, ip_network
from time import perf_counter

from dnsregistry.answers.access import Access, Client, Network
from dnsregistry.answers.entry import Entry
from dnsregistry.answers.ratelimit import RateLimit
from dnsregistry.answers.responder import Reply
from dnsregistry.answers.standing import Standing
from dnsregistry.answers.table import AnswerTable
from dnsregistry.answers.tally import Path, Tally
from dnsregistry.log.form import LogFormat
from dnsregistry.servers.querylog import QueryLog
from dnsregistry.servers.workers.frames import (
    MOST_ASKED,
    Fields,
    Kind,
    pack,
    pack_number,
    read_copy,
    read_number,
    read_refill,
)
from dnsregistry.zone.absence import Absence
from dnsregistry.zone.name import Name


@dataclass(frozen=True, slots=True)
class Configuration:
    """What a worker is told at its start; networks as text.

    `clock` is what is to be added to the machine's monotonic clock. `rate_limit` is this
    worker's share. Without `recursion`, nobody's.
    """

    origin: str
    clock: float
    allow_query: list[str]
    rate_limit: float
    unlimited: list[str]
    recursion: list[str]
    log_format: LogFormat = LogFormat.CONSOLE
    query_sample: int = 0
    """Of its answers one in so many is logged; 0: none is."""
    goes_first: bool = False
    """Whether it goes before others on a processor that they share."""

    def to_json(self) -> bytes:
        """Write it as a field."""
        return json.dumps(asdict(self)).encode()


class Services:
    """The names of the services that there are; of all else it is unsure."""

    def __init__(self) -> None:
        self.names: set[str] = set()

    def has_service(self, service: str) -> bool:
        """Whether there is such a service."""
        return service in self.names

    def may_have(self, *_: object) -> bool:
        """Whether there may be such a thing: only the main process knows."""
        return True

    find_host = labelled = capable = may_have


class Replica:
    """Answers as a Responder does, from what it was told; asks the main process for the rest."""

    def __init__(
        self,
        configuration: Configuration,
        monotonic: Callable[[], float],
        send: Callable[[bytes], None],
    ) -> None:
        self.origin = Name.from_text(configuration.origin)
        self.tally = Tally()
        self._services = Services()
        self._absence = Absence(self._services, self.origin)
        self._is_alone = False
        self._watchers: list[Callable[[], None]] = []
        self.table = AnswerTable(self, self.tally, lambda: 0.0)
        self._clock = configuration.clock
        self._monotonic = monotonic
        self._allowed = Access(_read(configuration.allow_query))
        self._recursive = Access(_read(configuration.recursion))
        self._unlimited = Access(_read(configuration.unlimited))
        rate = configuration.rate_limit
        self._limit = RateLimit(rate) if rate else None
        self._send = send
        self.queries: QueryLog | None = None
        """Hears of every answer from here."""
        self.is_heard = True
        """Whether what is sent is read; kept up by whoever sends."""
        self._given: list[bytes] = []
        """Names of answers that were given before they were made anew, since the last SYNC."""
        self._asked: dict[int, asyncio.Future[bytes]] = {}
        self._number = 0

    def now(self) -> float:
        """The main process's time."""
        return self._monotonic() + self._clock

    def alone(self) -> "Replica | None":
        """Itself, where the main process says that no zone lies over or under the live one."""
        return self if self._is_alone else None

    def lacks(self, name: bytes) -> bool:
        """Whether the live zone surely has no such wire name."""
        return self._absence.covers(name)

    def watch(self, watcher: Callable[[], None]) -> None:
        """Call this whenever `alone` may have changed."""
        self._watchers.append(watcher)

    def stand(self, address: str, now: float) -> Standing:
        """How we stand to the client with this address, in text."""
        unlimited = self._limit is None or self._unlimited.allows(address)
        return Standing(
            ip_address(address.partition("%")[0]).packed,
            self._allowed.allows(address),
            self._recursive.allows(address),
            None if unlimited or self._limit is None else self._limit.find(address, now),
        )

    def answer(self, message: bytes, client: Client) -> Reply:
        """Return the reply from the table, to a client that was not met yet, or hand it over."""
        now = self.now()
        standing = self.stand(client.address, now)
        entry = self.table.find(message[2:], standing.peer, now)
        if (
            entry is not None
            and standing.allowed
            and (standing.bucket is None or standing.bucket.take(now))
        ):
            return self._write(entry, message, client, recursion=standing.recursion)
        return self._hand_over(message, client, wanted=entry is None)

    def _write(self, entry: Entry, message: bytes, client: Client, *, recursion: bool) -> bytes:
        began = perf_counter()
        self.tally.udp += 1
        self.tally.hits += 1
        reply = entry.write(message, recursion=recursion)
        took = perf_counter() - began
        self.tally.times[Path.TABLE].note(took)
        if self.queries is not None:
            self.queries.note(message, reply, client, Path.TABLE, took)
        return reply

    def _hand_over(self, message: bytes, client: Client, *, wanted: bool) -> Reply:
        """Ask the main process; `wanted` tells whether it is to send its entry, too."""
        if not self.is_heard:
            self.tally.overflowed += 1
            return None
        while len(self._asked) >= MOST_ASKED:
            oldest = next(iter(self._asked))
            self._asked.pop(oldest).cancel()
            self.tally.overflowed += 1
        self._number += 1
        reply = self._asked[self._number] = asyncio.get_running_loop().create_future()
        number = pack_number(self._number)
        address, copy = client.address.encode(), b"1" if wanted else b"0"
        self._send(pack(Kind.ASK, number, address, message, copy))
        return reply

    def take(self, reply: asyncio.Future[bytes], _message: bytes, _client: Client) -> bytes | None:
        """Return the reply that came later; None where there is none."""
        return None if reply.cancelled() else reply.result() or None

    def hear(self, kind: Kind, fields: Fields) -> None:
        """Take in what the main process told."""
        match kind:
            case Kind.COPY:
                self.table.adopt(read_copy(fields))
            case Kind.REPLY:
                asked = self._asked.pop(read_number(fields[0]), None)
                if asked is not None and not asked.cancelled():
                    asked.set_result(fields[1])
            case Kind.REFILL:
                name, copies = read_refill(fields)
                if self.table.is_given(name):
                    self._given.append(name)
                self.table.forget(name)
                for copy in copies:
                    self.table.adopt(copy)
            case Kind.FORGET:
                for name in fields:
                    self.table.forget(name)
            case Kind.RENUMBER:
                self.table.renumber(self.origin, read_number(fields[0]))
            case Kind.CLEAR:
                self.table.clear()
            case Kind.ALONE:
                self._is_alone = fields == [b"1"]
                for watcher in self._watchers:
                    watcher()
            case Kind.PRESENT:
                self._services.names.update(name.decode() for name in fields)
            case Kind.GONE:
                self._services.names.difference_update(name.decode() for name in fields)
            case Kind.SYNC:
                self._send(pack(Kind.SYNCED, fields[0], *self._given))
                self._given.clear()

    def count(self, lines_dropped: int = 0) -> None:
        """Tell what was counted since it was last told, and how many lines were dropped in all."""
        counted = self.tally.drain()
        if counted:
            counted["table"] = self.table.room
            counted["lines_dropped"] = lines_dropped
            self._send(pack(Kind.COUNTED, json.dumps(counted).encode()))


def _read(networks: list[str]) -> list[Network]:
    return [ip_network(text) for text in networks]
