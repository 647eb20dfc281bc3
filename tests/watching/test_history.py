"""The history against a plain list of all changes that ever were."""

import json
from dataclasses import dataclass, field

from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dnsregistry.api.watching.event import Event, weigh
from dnsregistry.api.watching.history import History
from dnsregistry.api.watching.run import Run
from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease

SERVICES = ("web", "api", "db")
Told = tuple[int, ChangeKind, str]


def _make(service: str) -> Instance:
    return admit(id="a", service=service, address="10.0.0.1", port=80)


@dataclass
class Reader:
    """One who reads, and what it must be told next: all of its service after `seen`."""

    service: str | None
    run: Run
    position: int
    seen: int
    is_torn: bool = False
    told: list[Told] = field(default_factory=list)


def _expect(changes: list[Change], service: str | None, since: int) -> list[Told]:
    told: list[Told] = []
    for change in changes:
        before, after = change.before, change.after
        instance = after or before
        if change.revision <= since or instance is None:
            continue
        if service is None:
            told.append((change.revision, change.kind, instance.service))
        elif before and after and before.service != after.service:
            if before.service == service:
                told.append((change.revision, ChangeKind.REMOVED, service))
            elif after.service == service:
                told.append((change.revision, ChangeKind.REGISTERED, service))
        elif instance.service == service:
            told.append((change.revision, change.kind, service))
    return told


def _tell(event: Event) -> Told:
    return event.revision, event.kind, event.instance.service


class Histories(RuleBasedStateMachine):
    """Changes come, readers come, read and go; the history is cut at its bound, or torn."""

    @initialize(
        most=st.integers(0, 6), first=st.integers(0, 50), octets=st.sampled_from([1, 10**9])
    )
    def begin(self, most: int, first: int, octets: int) -> None:
        self.history = History(first, most, octets)
        self.most, self.octets = most, octets
        self.changes: list[Change] = []
        self.begun = self.revision = first
        self.readers: list[Reader] = []

    @rule(
        before=st.sampled_from((None, *SERVICES)),
        after=st.sampled_from((None, *SERVICES)),
        step=st.integers(1, 3),
        kind=st.sampled_from(ChangeKind),
    )
    def change(self, before: str | None, after: str | None, step: int, kind: ChangeKind) -> None:
        if before is None and after is None:
            return
        was, held = before and _make(before), after and _make(after)
        self.revision += step
        lease = Lease(held or was, 1, self.revision, 0.0)  # type: ignore[arg-type]
        change = Change(self.revision, kind, was or None, held or None, lease)
        self.changes.append(change)
        services = {name for name in (before, after) if name}
        assert set(self.history.add(change)) == services

    @rule(step=st.integers(0, 3))
    def reach(self, step: int) -> None:
        self.revision += step
        self.history.reach(self.revision)

    @rule(step=st.integers(0, 3))
    def tear(self, step: int) -> None:
        self.revision += step
        self.history.tear(self.revision)
        self.changes.clear()
        self.begun = self.revision
        for reader in self.readers:
            reader.is_torn = True

    @rule(service=st.sampled_from((None, *SERVICES)), back=st.integers(0, 12))
    def open(self, service: str | None, back: int) -> None:
        since = max(0, self.revision - back)
        start = self.history.open(service, since)
        assert start.is_gap == (since < self.floor())
        seen = self.revision if start.is_gap else since
        self.readers.append(Reader(service, start.run, start.position, seen))

    @rule(service=st.sampled_from((None, *SERVICES)))
    def open_live(self, service: str | None) -> None:
        start = self.history.open(service, None)
        assert not start.is_gap
        self.readers.append(Reader(service, start.run, start.position, self.revision))

    @precondition(lambda self: self.readers)
    @rule(number=st.integers(0, 100), most=st.integers(1, 5))
    def read(self, number: int, most: int) -> None:
        """Every event once and in order, or a gap: never a hole that is not told."""
        reader = self.readers[number % len(self.readers)]
        expected = _expect(self.changes, reader.service, reader.seen)
        if reader.position < reader.run.first:
            lost = expected and expected[0][0] <= self.floor()
            assert reader.is_torn or lost
            reader.position, reader.seen, reader.is_torn = reader.run.end, self.revision, False
            return
        assert not reader.is_torn
        for _ in range(most):
            if reader.position == reader.run.end:
                assert not expected
                reader.seen = self.revision
                return
            told = _tell(reader.run.at(reader.position))
            assert told == expected.pop(0)
            reader.position += 1
            reader.seen = told[0]

    @precondition(lambda self: self.readers)
    @rule(number=st.integers(0, 100))
    def close(self, number: int) -> None:
        self.history.close(self.readers.pop(number % len(self.readers)).service)

    @rule(service=st.sampled_from((None, *SERVICES)), back=st.integers(0, 12))
    def ask(self, service: str | None, back: int) -> None:
        since = max(0, self.revision - back)
        expected = since < self.floor() or bool(_expect(self.changes, service, since))
        assert self.history.may_have_changed(service, since) == expected

    @invariant()
    def it_is_bounded(self) -> None:
        if not hasattr(self, "history"):
            return
        assert len(self.history) == len(self.kept())
        assert self.history.floor == self.floor()
        services = {name for change in self.kept() for name in _services(change)}
        read = {reader.service for reader in self.readers if reader.service}
        assert self.history.count_services() == len(services | read)

    def kept(self) -> list[Change]:
        most = 0 if self.octets == 1 else self.most
        return self.changes[-most:] if most else []

    def floor(self) -> int:
        forgotten = len(self.changes) - len(self.kept())
        return self.changes[forgotten - 1].revision if forgotten else self.begun


def _services(change: Change) -> set[str]:
    return {instance.service for instance in (change.before, change.after) if instance}


Histories.TestCase.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)
TestHistories = Histories.TestCase

_TEXTS = st.text('ab \n"\\\x01\x7f\u00e9\u2603\U0001f600', max_size=20)
_JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(10**9), 10**9) | _TEXTS,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(_TEXTS, inner, max_size=4),
    max_leaves=20,
)


@given(_JSON)
@settings(deadline=None)
def test_what_is_weighed_is_no_longer_than_it_was_said_to_be(value: object) -> None:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
    assert len(text.encode()) <= weigh(value)
