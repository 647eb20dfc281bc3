"""The registry against a dict of ids, whatever is asked of it in whatever order."""

import math
from collections.abc import Iterable
from dataclasses import replace

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from dnsregistry.registry.check import Health
from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

ANY = st.from_type(Instance)
PICKS = st.integers(0, 20)
SERVICES = ("web", "api", "db")


def _asked(instance: Instance) -> object:
    """What its checks ask, and where."""
    return instance.checks, instance.addresses, instance.host, instance.port


class RegistryModel(RuleBasedStateMachine):
    """Holds each instance with its deadline; what is past it stays held until it is swept."""

    def __init__(self) -> None:
        super().__init__()
        self.registry = Registry()
        self.registry.feed.subscribe(self._hear)
        self.now = 0.0
        self.held: dict[str, tuple[Instance, float]] = {}
        self.folded: dict[str, Instance] = {}
        self.changes: list[Change] = []
        self.promised: list[Instance] = []
        self.labels: set[str] = set()

    def _hear(self, change: Change) -> None:
        self.changes.append(change)
        shown = change.after or change.before
        assert shown is not None
        key = shown.id.lower()
        assert self.folded.pop(key, None) == change.before
        if change.after is not None:
            assert change.after.id.lower() == key
            self.folded[key] = change.after
        kinds = {
            (False, True): {ChangeKind.REGISTERED},
            (True, True): {ChangeKind.UPDATED},
            (True, False): {ChangeKind.REMOVED, ChangeKind.EXPIRED},
        }
        assert change.kind in kinds[change.before is not None, change.after is not None]

    def _is_live(self, instance_id: str) -> bool:
        return self.held.get(instance_id.lower(), (None, -math.inf))[1] > self.now

    def _clashes(self, instance: Instance) -> bool:
        self.labels.add(host_label(instance.id))
        return any(
            held.id.lower() != instance.id.lower()
            and host_label(held.id) == host_label(instance.id)
            for held in (*(held for held, _ in self.held.values()), *self.promised)
        )

    def _hold(self, instance: Instance) -> bool:
        key = instance.id.lower()
        created = not self._is_live(key)
        if not created and self.held[key][0].status is Status.MAINTENANCE:
            instance = replace(instance, status=Status.MAINTENANCE)
        if not created:
            before = self.held[key][0]
            if instance.checks and _asked(instance) == _asked(before):
                instance = replace(instance, health=before.health)
        ttl = math.inf if instance.ttl is None else instance.ttl
        self.held[key] = (instance, self.now + ttl)
        return created

    def _pick(self, place: int) -> str:
        ids = [*self.held, "ghost"]
        return ids[place % len(ids)].swapcase()

    @rule(instance=ANY)
    def grant(self, instance: Instance) -> None:
        if self._clashes(instance):
            with pytest.raises(InvalidField, match="would share the host name"):
                self.registry.grant(instance, self.now)
        else:
            created = self._hold(instance)
            assert self.registry.grant(instance, self.now).created == created

    @precondition(lambda self: self.held)
    @rule(place=PICKS)
    def grant_the_same(self, place: int) -> None:
        instance, _ = list(self.held.values())[place % len(self.held)]
        was_live, revision = self._is_live(instance.id), self.registry.feed.revision
        self.grant(instance)
        assert self.registry.feed.revision == revision + (0 if was_live else 2)

    @rule(instance=ANY)
    def promise(self, instance: Instance) -> None:
        if self._clashes(instance):
            with pytest.raises(InvalidField, match="would share the host name"):
                self.registry.promise(instance)
        else:
            self.registry.promise(instance)
            self.promised.append(instance)

    @precondition(lambda self: self.promised)
    @rule(place=PICKS)
    def grant_what_is_promised(self, place: int) -> None:
        instance = self.promised[place % len(self.promised)]
        assert not self._clashes(instance)
        self.grant(instance)

    @precondition(lambda self: self.promised)
    @rule(place=PICKS)
    def release(self, place: int) -> None:
        self.registry.release(self.promised.pop(place % len(self.promised)))

    @rule(place=PICKS)
    def renew(self, place: int) -> None:
        instance_id = self._pick(place)
        if self._is_live(instance_id):
            self._hold(self.held[instance_id.lower()][0])
            self.registry.renew(instance_id, self.now)
        else:
            with pytest.raises(UnknownInstance):
                self.registry.renew(instance_id, self.now)

    @rule(places=st.lists(PICKS, max_size=5))
    def renew_all(self, places: list[int]) -> None:
        ids = [self._pick(place) for place in places]
        renewal = self.registry.renew_all(ids, self.now)
        live = [instance_id for instance_id in ids if self._is_live(instance_id)]
        assert renewal.renewed == len(live)
        assert renewal.unknown == [instance_id for instance_id in ids if instance_id not in live]
        for instance_id in live:
            self._hold(self.held[instance_id.lower()][0])

    @rule(place=PICKS, health=st.sampled_from(Health))
    def set_health(self, place: int, health: Health) -> None:
        instance_id = self._pick(place)
        if self._is_live(instance_id):
            instance, deadline = self.held[instance_id.lower()]
            self.held[instance_id.lower()] = (replace(instance, health=health), deadline)
            lease = self.registry.set_health(instance_id, health, self.now)
            assert (lease.instance.health, lease.deadline) == (health, deadline)
        else:
            with pytest.raises(UnknownInstance):
                self.registry.set_health(instance_id, health, self.now)

    @rule(place=PICKS, status=st.sampled_from(Status))
    def set_status(self, place: int, status: Status) -> None:
        instance_id = self._pick(place)
        if self._is_live(instance_id):
            instance, deadline = self.held[instance_id.lower()]
            self.held[instance_id.lower()] = (replace(instance, status=status), deadline)
            self.registry.set_status(instance_id, status, self.now)
        else:
            with pytest.raises(UnknownInstance):
                self.registry.set_status(instance_id, status, self.now)

    @rule(place=PICKS)
    def revoke(self, place: int) -> None:
        instance_id = self._pick(place)
        if self._is_live(instance_id):
            del self.held[instance_id.lower()]
            self.registry.revoke(instance_id, self.now)
        else:
            with pytest.raises(UnknownInstance):
                self.registry.revoke(instance_id, self.now)

    @rule(seconds=st.sampled_from([0.05, 0.33, 1.0, 2.5, 29.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.registry.next_deadline() is not None)
    @rule()
    def wait_until_something_is_due(self) -> None:
        self.now = max(self.now, self.registry.next_deadline() or 0.0)

    @rule(most=st.integers(0, 3))
    def expire(self, most: int) -> None:
        heard = len(self.changes)
        ended = self.registry.expire(self.now, most)
        expired = self.changes[heard:]
        assert len(expired) == ended <= most
        for change in expired:
            assert change.kind is ChangeKind.EXPIRED
            assert change.before is not None
            instance, deadline = self.held.pop(change.before.id.lower())
            assert instance == change.before
            assert deadline <= self.now

    @rule()
    def expire_all(self) -> None:
        while (due := self.registry.next_deadline()) is not None and due <= self.now:
            self.expire(3)
        for _, deadline in self.held.values():
            assert deadline > self.now - 0.0501

    @invariant()
    def finds_what_is_held(self) -> None:
        catalogue = self.registry.catalogue
        assert len(catalogue) == len(self.held)
        for key, (instance, deadline) in self.held.items():
            lease = catalogue.find(key.upper())
            assert lease is not None
            assert (lease.instance, lease.deadline) == (instance, deadline)
            assert lease.is_live(self.now) == (deadline > self.now)
            assert catalogue.find_host(host_label(key)) is lease
            for endpoint in instance.endpoints:
                assert lease in catalogue.at(endpoint)
            if deadline > self.now:
                assert self.registry.find(key, self.now) is lease
            else:
                with pytest.raises(UnknownInstance):
                    self.registry.find(key, self.now)

    @invariant()
    def indexes_hold_what_a_scan_finds(self) -> None:
        catalogue = self.registry.catalogue
        for service in SERVICES:
            members = [held for held, _ in self.held.values() if held.service == service]
            assert _ids(catalogue.of_service(service)) == sorted(held.id for held in members)
            assert catalogue.count_healthy(service) == sum(held.is_serving for held in members)
            for label in ("v1", "edge", "greet"):
                assert _ids(catalogue.labelled(service, label)) == sorted(
                    held.id for held in members if label in held.labels
                )
            answered = [
                lease for lease in catalogue.of_service(service) if lease.is_answered(self.now)
            ]
            assert _ids(answered) == sorted(
                held.id for held in members if self._is_live(held.id) and held.is_serving
            )

    @invariant()
    def changes_folded_give_the_catalogue(self) -> None:
        assert self.folded == {key: instance for key, (instance, _) in self.held.items()}
        assert [change.revision for change in self.changes] == list(range(1, len(self.changes) + 1))
        assert self.registry.feed.revision == len(self.changes)
        latest = {
            (change.after or change.before).id.lower(): change.revision  # type: ignore[union-attr]
            for change in self.changes
        }
        leases = list(self.registry.catalogue.after(0))
        assert [lease.sequence for lease in leases] == sorted(lease.sequence for lease in leases)
        for lease in leases:
            assert lease.revision == latest[lease.instance.id.lower()]

    @invariant()
    def a_host_label_is_taken_by_what_is_held_or_promised(self) -> None:
        instances = (*(held for held, _ in self.held.values()), *self.promised)
        taken = {host_label(instance.id) for instance in instances}
        assert taken <= self.labels
        for label in self.labels:
            assert self.registry.is_taken(label) == (label in taken)

    @invariant()
    def what_ends_is_due_in_time(self) -> None:
        due = self.registry.next_deadline()
        soonest = min((deadline for _, deadline in self.held.values()), default=math.inf)
        if soonest == math.inf:
            assert due is None
        else:
            assert due is not None
            assert due <= soonest + 0.0501


def _ids(leases: Iterable[Lease]) -> list[str]:
    return sorted(lease.instance.id for lease in leases)


TestRegistryModel = RegistryModel.TestCase
TestRegistryModel.settings = settings(max_examples=150, stateful_step_count=30, deadline=None)
