"""The live zone against one that remembers nothing, whatever happened before."""

from dataclasses import replace
from ipaddress import ip_address

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import RegistryError
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Found, Lookup, NoName
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import owners_of
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import RRType
from dnsregistry.zone.rrset import RRset

ORIGIN = Name.from_text("registry.local")
LONG_ID = "an-id-of-more-than-sixteen-octets"
IDS = ("a", "A", "b", "web.1", LONG_ID, host_label(LONG_ID))
ADDRESSES = ("10.0.0.1", "10.0.0.2", "2001:db8::1")
ALWAYS = (
    "",
    "ns1",
    "_services._dns-sd._udp",
    "_dns-sd._udp",
    "i",
    "cap",
    "_tcp",
    "_tcp.cap",
    "unknown",
    "x.y.z.registry.local",
)
TYPES = tuple(RRType)
Shown = dict[tuple[Name, int], Lookup]
INSTANCES = st.builds(
    admit,
    id=st.sampled_from(IDS),
    service=st.sampled_from(["web", "api"]),
    address=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=2)
    | st.sampled_from(["db.example.org", "web.registry.local"]),
    port=st.sampled_from([80, 81]),
    protocol=st.sampled_from(["tcp", "udp"]),
    ports=st.dictionaries(st.sampled_from(["http", "grpc"]), st.sampled_from([80, 90])),
    priority=st.integers(0, 1),
    weight=st.integers(0, 2),
    tags=st.lists(st.sampled_from(["v1", "V1", "edge"]), max_size=2),
    capabilities=st.lists(st.sampled_from(["greet", "Edge"]), max_size=2),
    metadata=st.just({}) | st.just({"zone": "a"}),
    ttl=st.sampled_from([None, 1, 2.5, 7, 30]),
    status=st.sampled_from(Status),
)


class LiveZoneModel(RuleBasedStateMachine):
    """Asks all names of all instances ever seen of both zones after every step."""

    @initialize(empty_service=st.sampled_from(EmptyService), ttl=st.sampled_from([1, 5, 60]))
    def begin(self, empty_service: EmptyService, ttl: int) -> None:
        self.now = 0.0
        self.registry = Registry()
        self.policy = LivePolicy(ORIGIN, ttl, 1, empty_service, (ip_address("127.0.0.1"),))
        self.zone = LiveZone(self.registry.catalogue, self.policy, 1)
        self.registry.feed.subscribe(self.zone.apply)
        self.names = {Name.from_text(f"{text}.registry.local".strip(".")) for text in ALWAYS}
        self.shown: Shown = {}
        self.shown_at = (1, 0.0)
        self.renewed = False

    @rule(instance=INSTANCES)
    def grant(self, instance: Instance) -> None:
        self.names |= {ORIGIN.prepend(*owner.labels()) for owner in owners_of(instance)}
        self.renewed |= self.registry.catalogue.find(instance.id) is not None
        try:
            self.registry.grant(instance, self.now)
        except RegistryError:
            assert host_label(instance.id) == host_label(LONG_ID)

    @rule(instance_id=st.sampled_from(IDS))
    def renew(self, instance_id: str) -> None:
        self.renewed |= self.registry.renew_all([instance_id], self.now).renewed > 0

    @rule(instance_id=st.sampled_from(IDS), status=st.sampled_from(Status))
    def set_status(self, instance_id: str, status: Status) -> None:
        if self._is_live(instance_id):
            self.registry.set_status(instance_id, status, self.now)

    @rule(instance_id=st.sampled_from(IDS))
    def revoke(self, instance_id: str) -> None:
        if self._is_live(instance_id):
            self.registry.revoke(instance_id, self.now)

    @rule(seconds=st.sampled_from([0.05, 0.5, 1.0, 1.5, 2.5, 6.0, 25.0]))
    def wait(self, seconds: float) -> None:
        self.now += seconds

    @precondition(lambda self: self.registry.next_deadline() is not None)
    @rule()
    def wait_until_something_is_due(self) -> None:
        self.now = max(self.now, self.registry.next_deadline() or 0.0)

    @rule(most=st.integers(0, 3))
    def expire(self, most: int) -> None:
        self.registry.expire(self.now, most)

    @invariant()
    def every_answer_holds(self) -> None:
        shown: Shown = {
            (name, rtype): self.zone.lookup(name, rtype, self.now)
            for name in self.names
            for rtype in TYPES
        }
        self._answers_as_if_it_remembered_nothing(shown)
        self._the_serial_stands_only_while_the_answers_do(shown)
        self._a_target_answers_the_addresses_that_came_with_it(shown)
        self._nothing_is_below_a_name_that_is_not_there(shown)

    def _answers_as_if_it_remembered_nothing(self, shown: Shown) -> None:
        fresh = LiveZone(self.registry.catalogue, self.policy, self.zone.serial)
        for (name, rtype), ours in shown.items():
            theirs = fresh.lookup(name, rtype, self.now)
            if not self.renewed:
                assert ours == theirs, (str(name), rtype)
                continue
            # A heartbeat touches no name: the TTL may stay that of the shorter lease.
            assert _longest_ttl(ours) <= _longest_ttl(theirs)
            assert _without_ttl(ours) == _without_ttl(theirs), (str(name), rtype)

    def _the_serial_stands_only_while_the_answers_do(self, shown: Shown) -> None:
        if self.shown_at == (self.zone.serial, self.now):
            for question, lookup in self.shown.items():
                assert _records(lookup) == _records(shown[question]), question
        self.shown, self.shown_at = shown, (self.zone.serial, self.now)

    def _a_target_answers_the_addresses_that_came_with_it(self, shown: Shown) -> None:
        for lookup in shown.values():
            if isinstance(lookup, Found):
                for target, rrsets in lookup.additional.items():
                    for rrset in rrsets:
                        assert rrset.owner == target or rrset.rtype in (RRType.A, RRType.AAAA)
                        direct = shown[rrset.owner, rrset.rtype]
                        assert isinstance(direct, Found)
                        assert set(direct.rrset.rdatas) == set(rrset.rdatas)

    def _nothing_is_below_a_name_that_is_not_there(self, shown: Shown) -> None:
        gone = {name.labels for (name, _), lookup in shown.items() if isinstance(lookup, NoName)}
        for name in self.names:
            if name.labels not in gone:
                assert not any(name.labels[place:] in gone for place in (1, 2, 3)), str(name)

    def _is_live(self, instance_id: str) -> bool:
        lease = self.registry.catalogue.find(instance_id)
        return lease is not None and lease.is_live(self.now)


def _rrsets(lookup: Lookup) -> list[RRset]:
    if not isinstance(lookup, Found):
        return []
    return [lookup.rrset, *(rrset for rrsets in lookup.additional.values() for rrset in rrsets)]


def _longest_ttl(lookup: Lookup) -> int:
    return max((rrset.ttl for rrset in _rrsets(lookup)), default=0)


def _without_ttl(lookup: Lookup) -> Lookup:
    if not isinstance(lookup, Found):
        return lookup
    additional = {
        target: tuple(replace(rrset, ttl=0) for rrset in rrsets)
        for target, rrsets in lookup.additional.items()
    }
    return Found(replace(lookup.rrset, ttl=0), additional)


def _records(lookup: Lookup) -> object:
    """The records; which instance stands for an endpoint that two share is not told apart."""
    if not isinstance(lookup, Found) or lookup.rrset.rtype == RRType.SRV:
        return type(lookup)
    return frozenset(lookup.rrset.rdatas)


TestLiveZoneModel = LiveZoneModel.TestCase
TestLiveZoneModel.settings = settings(max_examples=50, stateful_step_count=25, deadline=None)


@pytest.fixture
def busy() -> tuple[Registry, LiveZone]:
    """A zone with two services of two instances that share a capability."""
    registry = Registry()
    policy = LivePolicy(ORIGIN, 5, 1, EmptyService.NODATA, ())
    zone = LiveZone(registry.catalogue, policy, 1)
    registry.feed.subscribe(zone.apply)
    for place, service in enumerate(["web", "web", "api", "api"]):
        instance = admit(
            id=f"i{place}",
            service=service,
            address=f"10.0.0.{place + 1}",
            port=80,
            tags=[f"t{place}"],
            capabilities=["greet"] if place in (0, 2) else [],
            ports={"http": 81},
        )
        registry.grant(instance, 0.0)
    return registry, zone


@pytest.mark.parametrize("ended", [False, True])
def test_a_change_touches_the_names_of_its_instance_alone(
    busy: tuple[Registry, LiveZone], ended: bool
) -> None:
    registry, zone = busy
    leases = list(registry.catalogue.after(0))
    names = {ORIGIN.prepend(*o.labels()) for lease in leases for o in owners_of(lease.instance)}
    touched = {ORIGIN.prepend(*owner.labels()) for owner in owners_of(leases[0].instance)}
    before = {(name, t): _rrset(zone, name, t) for name in names for t in (RRType.A, RRType.SRV)}
    if ended:
        registry.revoke("i0", 1.0)
    else:
        registry.set_status("i0", Status.DRAINING, 1.0)
    for (name, rtype), rrset in before.items():
        now = _rrset(zone, name, rtype)
        if rrset is None:
            assert now is None
        elif name not in touched:
            assert now is rrset
        elif name != ORIGIN.prepend("i0", "i") or ended:
            assert now != rrset
    assert len(touched) < len(names)


def _rrset(zone: LiveZone, name: Name, rtype: int) -> RRset | None:
    lookup = zone.lookup(name, rtype, 1.0)
    return lookup.rrset if isinstance(lookup, Found) else None
