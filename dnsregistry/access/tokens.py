"""Callers by the tokens that they send.

Rules:
- A token is hashed slowly once, in a thread; from then on it is known by a digest under a key of
  this process.
- One thread hashes. Clients take turns at it, each may wait with a few, and all together with a
  bounded number; whoever fails again and again waits longer. A flood of wrong tokens costs one
  thread, and keeps nobody else waiting for more than its turn.
- A wrong token that comes again is known too, until the file changes.
- What a file no longer holds is forgotten with it at once.
"""

import asyncio
import hashlib
import secrets
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field

from dnsregistry.access.buckets import Buckets, pack
from dnsregistry.access.entries import Entry
from dnsregistry.access.hashes import Hash, name_of, verify
from dnsregistry.access.scopes import Caller

MOST_WAITING = 256
"""Some seconds of the thread's work."""
MOST_WAITING_OF_ONE = 4
"""A machine that starts a few programs at once."""
MOST_WRONG = 4096
FAILURES_BURST = 20
FAILURES_RATE = 0.5
"""Wrong tokens of one client: so many at once, then one in two seconds."""


class InvalidToken(Exception):
    """Nobody is known by this token."""


class TooManyAttempts(Exception):
    """The client has sent too many wrong tokens, or too many wait; later it may try again."""


@dataclass(slots=True)
class TokenTally:
    """Since the start."""

    hashed: int = 0
    invalid: int = 0
    turned_away: int = 0


@dataclass(slots=True, eq=False)
class _Job:
    token: str = field(repr=False)
    digest: bytes
    name: str
    kept: Hash
    client: str
    answer: "asyncio.Future[Caller]"


class Tokens:
    """The callers of a tokens file. `now` is a clock in seconds that never runs backwards."""

    def __init__(self, entries: Sequence[Entry], now: Callable[[], float]) -> None:
        self.tally = TokenTally()
        self._now = now
        # Begun once and copied: half the cost of beginning with the key each time.
        self._keyed = hashlib.blake2b(digest_size=32, key=secrets.token_bytes(32))
        self._known: dict[bytes, Caller] = {}
        self._wrong: OrderedDict[bytes, None] = OrderedDict()
        self._failures = Buckets(FAILURES_RATE, FAILURES_BURST)
        self._queue: OrderedDict[bytes, deque[_Job]] = OrderedDict()
        self._jobs: dict[bytes, _Job] = {}
        self._running: _Job | None = None
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="tokens")
        self._calls: list[Callable[[], None]] = []
        self._entries: dict[str, Entry] = {}
        self._callers: dict[str, Caller] = {}
        self._certs: dict[str, tuple[int, Caller]] = {}
        self.replace(entries)

    def __len__(self) -> int:
        return len(self._entries)

    @property
    def waiting(self) -> int:
        """How many tokens wait to be hashed, or are."""
        return len(self._jobs)

    def replace(self, entries: Sequence[Entry]) -> None:
        """Know these callers from now on, and no others."""
        before, callers = self._entries, self._callers
        self._entries = {entry.name: entry for entry in entries}
        self._callers = {
            entry.name: callers[entry.name] if before.get(entry.name) == entry else entry.caller
            for entry in entries
        }
        self._certs = {}
        for place, entry in enumerate(entries):
            if entry.cert is not None:
                self._certs.setdefault(entry.cert, (place, self._callers[entry.name]))
        same = {
            name
            for name, entry in self._entries.items()
            if entry.hash is not None and name in before and before[name].hash == entry.hash
        }
        self._known = {
            digest: self._callers[caller.name]
            for digest, caller in self._known.items()
            if caller.name in same
        }
        self._wrong.clear()
        for call in self._calls:
            call()

    def when_replaced(self, call: Callable[[], None]) -> None:
        """Call this whenever the callers have changed."""
        self._calls.append(call)

    def is_current(self, caller: Caller) -> bool:
        """Whether a caller that was found before is still what its token says."""
        return self._callers.get(caller.name) is caller

    def find(self, token: str) -> Caller | None:
        """The caller of a token that was verified before."""
        return self._known.get(self._digest(token))

    def find_cert(self, names: Iterable[str]) -> Caller | None:
        """The caller known by any of the names in a certificate; the file's first, of several."""
        found = [self._certs[name] for name in names if name in self._certs]
        return min(found, key=lambda entry: entry[0])[1] if found else None

    async def verify(self, token: str, client: str) -> Caller:
        """The caller of a token. Raises InvalidToken, TooManyAttempts."""
        digest = self._digest(token)
        caller = self._known.get(digest)
        if caller is not None:
            return caller
        name = name_of(token)
        entry = None if name is None else self._entries.get(name)
        if name is None or entry is None or entry.hash is None or digest in self._wrong:
            self.tally.invalid += 1
            raise InvalidToken
        job = self._jobs.get(digest)
        if job is None:
            job = self._submit(token, digest, name, entry.hash, client)
        return await asyncio.shield(job.answer)

    def stop(self) -> None:
        """Verify nothing more."""
        for job in self._jobs.values():
            job.answer.cancel()
        self._jobs.clear()
        self._queue.clear()
        self._thread.shutdown()

    def _submit(self, token: str, digest: bytes, name: str, kept: Hash, client: str) -> _Job:
        key = pack(client)
        waiting = self._queue.get(key, ())
        if (
            len(self._jobs) >= MOST_WAITING
            or len(waiting) >= MOST_WAITING_OF_ONE
            or not self._failures.has(client, self._now())
        ):
            self.tally.turned_away += 1
            raise TooManyAttempts
        answer: asyncio.Future[Caller] = asyncio.get_running_loop().create_future()
        # Whoever asked may be gone by then, and nobody else need care.
        answer.add_done_callback(lambda done: done.cancelled() or done.exception())
        job = self._jobs[digest] = _Job(token, digest, name, kept, client, answer)
        self._queue.setdefault(key, deque()).append(job)
        self._hash_next()
        return job

    def _hash_next(self) -> None:
        if self._running is not None or not self._queue:
            return
        key, jobs = self._queue.popitem(last=False)
        job = self._running = jobs.popleft()
        if jobs:
            self._queue[key] = jobs
        loop = asyncio.get_running_loop()
        hashed = loop.run_in_executor(self._thread, verify, job.token, job.kept)
        hashed.add_done_callback(lambda done: self._finish(job, done))

    def _finish(self, job: _Job, done: "asyncio.Future[bool]") -> None:
        self._running = None
        self._jobs.pop(job.digest, None)
        self.tally.hashed += 1
        if done.cancelled() or done.exception() is not None:
            job.answer.cancel()
        elif not job.answer.done():
            self._settle(job, is_right=done.result())
        self._hash_next()

    def _settle(self, job: _Job, *, is_right: bool) -> None:
        entry = self._entries.get(job.name)
        # The file may have changed meanwhile.
        if is_right and entry is not None and entry.hash == job.kept:
            caller = self._known[job.digest] = self._callers[job.name]
            job.answer.set_result(caller)
            return
        if not is_right:
            self._failures.take(job.client, self._now())
            self._wrong[job.digest] = None
            if len(self._wrong) > MOST_WRONG:
                self._wrong.popitem(last=False)
        self.tally.invalid += 1
        job.answer.set_exception(InvalidToken())

    def _digest(self, token: str) -> bytes:
        keyed = self._keyed.copy()
        keyed.update(token.encode(errors="surrogateescape"))
        return keyed.digest()
