"""Reverse zones against a search through all instances, whatever happened before."""

from collections.abc import Sequence
from ipaddress import ip_address, ip_network

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Found, Lookup, NoData, NoName, NotOurs
from dnsregistry.zone.name import Name
from dnsregistry.zone.patterns import Patterns
from dnsregistry.zone.policy import EmptyService, LivePolicy
from dnsregistry.zone.rdata import PTR, RRType
from dnsregistry.zone.reverse import ReverseZones, reverse_name, reverse_origin

ORIGIN = Name.from_text("registry.local")
IDS = ("a", "b", "web.1", "an-id-of-more-than-sixteen-octets")
ADDRESSES = ("10.0.0.1", "10.0.0.2", "10.0.9.1", "10.7.0.1", "2001:db8::1", "2001:db8:0:1::1")
DECLARED = ("10.0.0.0/16", "10.0.0.0/24", "10.7.0.1/32", "2001:db8::/64")
TTLS = {"web": 3, "api": 60}
ASKED = sorted(
    {
        Name(reverse_name(ip_address(address)).labels[start:])
        for address in (*ADDRESSES, "10.0.0.3", "2001:db8::3")
        for start in range(34)
    },
    key=str,
)
INSTANCES = st.builds(
    admit,
    id=st.sampled_from(IDS),
    service=st.sampled_from(sorted(TTLS)),
    address=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3) | st.just("db.example"),
    port=st.just(80),
    ttl=st.sampled_from([None, 1, 2.5, 30]),
    status=st.sampled_from(Status),
)


class ReverseModel(RuleBasedStateMachine):
    """Asks for every name of every address after every step."""

    @initialize(auto=st.booleans())
    def begin(self, auto: bool) -> None:
        self.now = 0.0
        self.auto = auto
        self.registry = Registry()
        policy = LivePolicy(ORIGIN, 5, 1, EmptyService.NODATA, (), Patterns(TTLS))
        live = LiveZone(self.registry.catalogue, policy, 1)
        self.authority = Authority([])
        self.zones = ReverseZones(self.authority, self.registry.catalogue, policy, live.soa)
        if auto:
            self.zones.follow_addresses()
        else:
            self.zones.declare(map(ip_network, DECLARED))
        self.registry.feed.subscribe(self.zones.apply)

    @rule(instance=INSTANCES)
    def grant(self, instance: Instance) -> None:
        self.registry.grant(instance, self.now)

    @rule(instance_id=st.sampled_from(IDS), status=st.sampled_from(Status))
    def set_status(self, instance_id: str, status: Status) -> None:
        if any(x.instance.id == instance_id and x.is_live(self.now) for x in self._all()):
            self.registry.set_status(instance_id, status, self.now)

    @rule(seconds=st.sampled_from([0.5, 1.0, 2.0, 30.0]), most=st.integers(0, 3))
    def wait(self, seconds: float, most: int) -> None:
        self.now += seconds
        self.registry.expire(self.now, most)

    @rule(renewed=st.sampled_from(IDS))
    def renew(self, renewed: str) -> None:
        self.registry.renew_all([renewed], self.now)

    @rule()
    def end_all(self) -> None:
        for lease in self._all():
            if lease.is_live(self.now):
                self.registry.revoke(lease.instance.id, self.now)
        self.registry.expire(self.now, 1000)
        # What was kept for the addresses that were is gone with them.
        assert not self.zones._names
        assert not self.zones._auto
        if self.auto:
            assert not self.authority._served
            assert not self.authority._sources

    @invariant()
    def every_answer_is_that_of_the_search(self) -> None:
        leases = self._all()
        origins = self._origins(leases)
        for name in ASKED:
            for rtype in (RRType.PTR, RRType.A, RRType.SOA):
                ours = self.authority.lookup(name, rtype, self.now)
                wanted, ttl = self._search(name, rtype, leases, origins)
                assert type(ours) is wanted, (str(name), rtype)
                if ttl:
                    assert isinstance(ours, Found)
                    assert ours.rrset.ttl == ttl
                    assert set(ours.rrset.rdatas) == self._hosts(name, leases)

    def _search(
        self, name: Name, rtype: int, leases: Sequence[Lease], origins: set[Name]
    ) -> tuple[type[Lookup], int]:
        """What kind of answer there is to be, and the TTL of its pointers."""
        if all(name.relative_to(origin) is None for origin in origins):
            return NotOurs, 0
        known = [lease for lease in leases if _has(lease, name) and _is_shown(lease, self.now)]
        if rtype == RRType.PTR and known:
            longest = min(TTLS[lease.instance.service] for lease in known)
            left = min(lease.deadline for lease in known) - self.now
            return Found, max(1, int(min(left, longest)))
        if name in origins:
            return (Found if rtype == RRType.SOA else NoData), 0
        if known:
            return NoData, 0
        below = [x for lease in leases for x in lease.instance.addresses]
        if any(reverse_name(x).relative_to(name) for x in below):
            return NoData, 0
        return NoName, 0

    def _hosts(self, name: Name, leases: Sequence[Lease]) -> set[object]:
        return {
            PTR(ORIGIN.prepend(host_label(lease.instance.id), "i"))
            for lease in leases
            if _has(lease, name) and _is_shown(lease, self.now)
        }

    def _origins(self, leases: Sequence[Lease]) -> set[Name]:
        networks = [ip_network(text) for text in DECLARED]
        if self.auto:
            networks = [
                ip_network(f"{address}/{24 if address.version == 4 else 64}", strict=False)
                for lease in leases
                for address in lease.instance.addresses
            ]
        return {reverse_origin(network) for network in networks}

    def _all(self) -> list[Lease]:
        return list(self.registry.catalogue.after(0))


def _has(lease: Lease, name: Name) -> bool:
    return any(reverse_name(address) == name for address in lease.instance.addresses)


def _is_shown(lease: Lease, now: float) -> bool:
    return lease.is_live(now) and lease.instance.status is Status.HEALTHY


TestReverseModel = ReverseModel.TestCase
TestReverseModel.settings = settings(max_examples=30, stateful_step_count=15, deadline=None)


@pytest.mark.parametrize("auto", [False, True])
def test_what_is_kept_for_a_thousand_addresses_goes_with_them(auto: bool) -> None:
    model = ReverseModel()
    model.begin(auto)
    for place in range(1000):
        address = f"10.{place // 256}.{place % 256}.1"
        instance = admit(id=f"i{place}", service="web", address=address, port=80)
        model.registry.grant(instance, 0.0)
    # The names above: three octets, two, one, and `in-addr.arpa` and `arpa`.
    assert len(model.zones._names) == 1000 + 4 + 1 + 2
    model.end_all()
