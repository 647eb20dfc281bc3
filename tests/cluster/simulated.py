"""A store as a plain value that answers as the scripts do: it can lose what real ones lose.

Beside what the scripts keep it keeps, for each key, the number of the operation that decided its
present state, so that a test can tell whether a later word was lost.
"""

import copy
from collections.abc import AsyncIterator, Mapping, Sequence
from dataclasses import dataclass, field
from types import coroutine
from typing import Any

from dnsregistry.storage.cluster.link import LinkDown
from dnsregistry.storage.cluster.scripts import Script

LULL = 1000
GRACE = 3500
LIFT = 1 << 20
LOCK_MS = 10_000
Entry = tuple[int, dict[bytes, bytes]]


@coroutine
def step() -> Any:
    """Give way, once."""
    yield


@dataclass
class Value:
    revision: int
    sequence: int
    since: str
    label: str
    status: str
    nonce: str
    created: int
    was: str
    body: str
    ttl: int

    def tail(self, sequence: int) -> str:
        words = (sequence, self.since, self.label, self.status, self.nonce, self.created, self.was)
        return " ".join(map(str, words)) + "\n" + self.body


@dataclass
class State:
    """All that a loss can take back."""

    meta: dict[str, Any] = field(default_factory=dict)
    log: list[Entry] = field(default_factory=list)
    held: dict[str, Value] = field(default_factory=dict)
    due: dict[str, int] = field(default_factory=dict)
    gone: dict[str, int] = field(default_factory=dict)
    lock: tuple[str, int] | None = None
    ops: dict[str, int] = field(default_factory=dict)
    history: list[tuple[int, str, int]] = field(default_factory=list)


class SimulatedStore:
    """`time` is the engine's own, in ms.

    `outcomes` are all operations that ever counted, by key and number, and whether each left the
    key there; no loss takes them back. Nor what was promised: of
    each key the operation, and until when its lease lives. `expired` has, of each key and the
    operation at which it expired, the one before. `server` is another one after a loss.
    """

    def __init__(self) -> None:
        self.state = State()
        self.time = 1_000_000
        self.now = self.resumed = 0
        self.most_kept = 1000
        self.server = 0
        self.promised: dict[str, tuple[int, int]] = {}
        self.expired: dict[tuple[str, int], int] = {}
        self.outcomes: set[tuple[str, int, bool]] = set()

    def copy(self) -> State:
        return copy.deepcopy(self.state)

    def run(self, name: str, words: Sequence[str], op: int) -> list[Any]:
        script = getattr(self, f"_{name}")
        if name != "claim" and self.state.meta.get("epoch") != words[0]:
            return [b"epoch"]
        if name != "claim":
            self._read_clock()
        reply: list[Any] = script(words if name == "claim" else words[1:], op)
        return reply

    @property
    def last(self) -> int:
        return self.state.log[-1][0] if self.state.log else 0

    def expire_all(self, op: int) -> None:
        """What any node's tick would end now."""
        self._read_clock()
        self._reap(op)

    def _read_clock(self) -> None:
        meta = self.state.meta
        last, skew = meta.get("clock"), meta.get("skew", 0)
        self.now, self.resumed = self.time + skew, meta.get("resumed", 0)
        if last is not None and self.now < last:
            meta["skew"] = last - self.time
            self.now = last
        if last is not None and self.now - last > LULL:
            self._resume()
        meta["clock"] = self.now

    def _resume(self) -> None:
        self.resumed = self.state.meta["resumed"] = self.now + GRACE

    def _check_server(self) -> None:
        last = self.state.meta.get("server")
        if last != self.server:
            self.state.meta["server"] = self.server
            if last is not None:
                self._resume()

    def _append(self, kind: str, nonce: str, key: str = "", op: int = 0, **more: object) -> int:
        revision = self.last + 1
        self._log(revision, kind, nonce, key, **more)
        if key:
            self.state.ops[key] = op
            self.outcomes.add((key, op, kind == "put"))
            self.state.history.append((revision, key, op))
        return revision

    def _log(self, revision: int, kind: str, nonce: str, key: str, **more: object) -> None:
        prior = self.state.log[-1][1][b"n"] if self.state.log else b"-"
        fields = {b"k": kind.encode(), b"n": nonce.encode(), b"p": prior}
        if key:
            fields[b"i"] = key.encode()
        fields |= {name.encode(): str(value).encode() for name, value in more.items()}
        self.state.log.append((revision, fields))
        del self.state.log[: -self.most_kept]

    def _file(self, key: str, value: Value, op: int) -> int:
        deadline = self.now + value.ttl if value.ttl else 0
        tail = value.tail(value.sequence)
        revision = self._append("put", value.nonce, key, op, d=deadline, v=tail)
        value.revision, value.sequence = revision, value.sequence or revision
        self.state.held[key] = value
        self.state.due.pop(key, None)
        if value.ttl:
            self.state.due[key] = deadline
        self.state.gone.pop(key, None)
        return revision

    def _finish(self, key: str, kind: str, nonce: str, op: int) -> int:
        revision = self._append(kind, nonce, key, op)
        del self.state.held[key]
        self.state.due.pop(key, None)
        if kind == "removed":
            self.state.gone[key] = revision
        return revision

    def _is_live(self, key: str) -> bool:
        value = self.state.held.get(key)
        if value is None:
            return False
        return (
            not value.ttl or self.state.due[key] > self.now or self.resumed + value.ttl > self.now
        )

    def _put(self, words: Sequence[str], op: int) -> list[Any]:
        nonce, expected, key, label, ttl, status, _, body = words
        assert not expected
        held = self.state.held.get(key)
        if held is not None and not self._is_live(key):
            self._finish(key, "expired", nonce, op)
            held = None
        if held is not None and (held.body, held.status) == (body, status):
            if held.ttl:
                self.state.due[key] = self.now + held.ttl
                self._promise(key)
            return [b"ok", self.now, held.revision, 0]
        revision = self._file(
            key,
            Value(
                revision=0,
                sequence=held.sequence if held else 0,
                since=held.since if held else str(self.now),
                label=label,
                status=status,
                nonce=nonce,
                created=int(held is None),
                was="-",
                body=body,
                ttl=int(ttl),
            ),
            op,
        )
        self._promise(key)
        return [b"ok", self.now, revision, int(held is None)]

    def _renew(self, words: Sequence[str], _: int) -> list[Any]:
        unknown = []
        for place, key in enumerate(words):
            if not self._is_live(key):
                unknown.append(place)
            elif self.state.held[key].ttl:
                self.state.due[key] = self.now + self.state.held[key].ttl
                self._promise(key)
        return [b"ok", self.now, self.last, *unknown]

    def _revoke(self, words: Sequence[str], op: int) -> list[Any]:
        nonce, key, expected, _ = words
        assert not expected
        if not self._is_live(key):
            return [b"unknown"]
        return [b"ok", self.now, self._finish(key, "removed", nonce, op)]

    def _tick(self, words: Sequence[str], op: int) -> list[Any]:
        revision, nonce = int(words[1]), words[2]
        known = {number: fields[b"n"].decode() for number, fields in self.state.log}
        first = self.state.log[0][0] if self.state.log else 1
        verdict = b"same"
        if revision in known:
            verdict = b"same" if known[revision] == nonce else b"apart"
        elif revision > self.last or revision >= first:
            verdict = b"apart"
        elif revision + 1 < first:
            verdict = b"trimmed" if self._find_lost(revision) is None else b"apart"
        elif self.state.log and self.state.log[0][1][b"p"].decode() != nonce:
            verdict = b"apart"
        if int(words[4]):
            self._check_server()
            self._reap(op)
        return [verdict, self.now, self.last, [words[0].encode()]]

    def _find_lost(self, revision: int) -> int | None:
        gaps = self.state.meta.get("lost", [])
        return next((common for common, to in gaps if common < revision < to), None)

    def _reap(self, op: int) -> None:
        for key, deadline in sorted(self.state.due.items()):
            ttl = self.state.held[key].ttl
            if deadline > self.now:
                continue
            if self.now < self.resumed + ttl:
                self.state.due[key] = self.resumed + ttl
            else:
                self._check_promise(key)
                self.expired[key, op] = self.state.ops[key]
                self._finish(key, "expired", f"reap-{op}", op)

    def _promise(self, key: str) -> None:
        self.promised[key] = (self.state.ops[key], self.time + self.state.held[key].ttl)

    def _check_promise(self, key: str) -> None:
        op, until = self.promised.get(key, (0, 0))
        assert self.state.ops[key] != op or until <= self.time, "a lease ends that was renewed"

    def _claim(self, words: Sequence[str], _: int) -> list[Any]:
        node, lineage, revision, common = words[0], words[1], int(words[2]), int(words[3])
        meta, lock = self.state.meta, self.state.lock
        if lock is not None and lock[1] <= self.time:
            lock = self.state.lock = None
        if lock is not None and lock[0] != node:
            return [b"wait"]
        epoch = meta.get("epoch")
        is_lost = epoch is None and revision > 0
        if epoch is None:
            epoch = words[4]
            if is_lost:
                self._log(revision + LIFT, "note", words[6], "")
            meta |= {"epoch": epoch, "base": words[5]}
        self._read_clock()
        self._check_server()
        if is_lost:
            self._resume()
        lost = self._find_lost(revision)
        if lineage == epoch and common >= 0 and lost is not None:
            common = min(common, lost)
        merged = max(meta.get(f"m:{lineage}", 0), common)
        locked = 0
        if lineage and revision > merged and (lineage != epoch or common >= 0):
            locked = 1
            self.state.lock = (node, self.time + LOCK_MS)
            if lineage == epoch:
                self._log(max(revision, self.last) + LIFT, "note", words[6], "")
                meta["lost"] = [*meta.get("lost", []), (common, self.last)]
            elif self.last <= revision:
                self._log(revision + LIFT, "note", words[6], "")
        nonce = self.state.log[-1][1][b"n"] if self.state.log else b"-"
        base = str(meta["base"]).encode()
        return [b"ok", self.now, epoch.encode(), base, self.last, nonce, merged, locked]

    def restore(self, words: Sequence[str], known: Mapping[str, int]) -> list[Any]:
        epoch, node, nonce, lineage, common = words[:5]
        if self.state.meta.get("epoch") != epoch:
            return [b"epoch"]
        self._read_clock()
        self._keep_lock(node)
        filed = 0
        for at in range(5, len(words), 9):
            key, label, ttl, status, revision, floor, sequence, since, body = words[at : at + 9]
            held, older = self.state.held.get(key), False
            if held is not None:
                came, _, was = held.was.rpartition(":")
                if came == lineage:
                    older = int(was) < int(revision)
                elif lineage == epoch:
                    older = held.revision <= int(common) and held.revision < int(revision)
                if not older and held.ttl:
                    due = self.state.due[key]
                    self.state.due[key] = max(due, self.now + held.ttl)
            removed = self.state.gone.get(key, 0) > int(floor)
            if older or (held is None and not removed):
                was = "-" if lineage == "-" else f"{lineage}:{revision}"
                value = Value(0, int(sequence), since, label, status, nonce, 0, was, body, int(ttl))
                self._file(key, value, known[key])
                filed += 1
        return [b"ok", self.now, filed]

    def drop(self, words: Sequence[str], known: Mapping[str, int]) -> list[Any]:
        epoch, node, nonce = words[:3]
        if self.state.meta.get("epoch") != epoch:
            return [b"epoch"]
        self._read_clock()
        self._keep_lock(node)
        ended = 0
        for at in range(3, len(words), 2):
            held = self.state.held.get(words[at])
            if held is not None and held.revision == int(words[at + 1]):
                self._finish(words[at], "removed", nonce, known.get(words[at], 0))
                ended += 1
        return [b"ok", self.now, ended]

    def _settle(self, words: Sequence[str], _: int) -> list[Any]:
        node, lineage, revision = words[0], words[1], int(words[2])
        meta = self.state.meta
        meta[f"m:{lineage}"] = max(meta.get(f"m:{lineage}", 0), revision)
        if self.state.lock is not None and self.state.lock[0] == node:
            self.state.lock = None
        return [b"ok", self.now]

    def _keep_lock(self, node: str) -> None:
        if self.state.lock is not None and self.state.lock[0] == node:
            self.state.lock = (node, self.time + LOCK_MS)


class SimulatedLink:
    """A link that gives way before and after each call, and fails once it is cut.

    A call whose link is cut on the way back has been done all the same.
    """

    place = "simulated"

    def __init__(self, store: SimulatedStore, known: Mapping[str, int]) -> None:
        self._store = store
        self._known = known
        self.is_cut = False

    async def run(self, script: Script, *arguments: object) -> list[Any]:
        words = [str(argument) for argument in arguments]
        await self._pass()
        if script.name in ("restore", "drop"):
            reply: list[Any] = getattr(self._store, script.name)(words, self._known)
        else:
            reply = self._store.run(script.name, words, 0)
        await self._pass()
        return reply

    async def read_back(self, start: int, end: int, most: int) -> list[tuple[bytes, Any]]:
        await self._pass()
        found = [entry for entry in reversed(self._store.state.log) if end <= entry[0] <= start]
        return _entries(found[:most])

    async def read_forward(self, after: int, most: int) -> list[tuple[bytes, Any]]:
        await self._pass()
        return _entries([entry for entry in self._store.state.log if entry[0] > after][:most])

    async def read_all(self) -> AsyncIterator[list[tuple[bytes, bytes, int]]]:
        for key in sorted(self._store.state.held):
            await self._pass()
            value = self._store.state.held.get(key)
            if value is not None:
                text = f"{value.revision} {value.tail(value.sequence)}"
                yield [(key.encode(), text.encode(), self._store.state.due.get(key, 0))]

    async def _pass(self) -> None:
        await step()
        if self.is_cut:
            raise LinkDown("cut")


def _entries(found: Sequence[Entry]) -> list[tuple[bytes, Any]]:
    return [(f"0-{revision}".encode(), fields) for revision, fields in found]
