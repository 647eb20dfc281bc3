"""The catalogue's ways to find a lease against a plain list that is scanned."""

from collections.abc import Callable, Collection
from ipaddress import ip_address

from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.catalogue import Catalogue
from dnsregistry.registry.index import Index
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import host_label

Make = Callable[..., Instance]
SERVICES = ("web", "api", "db", "none")
LABELS = ("v1", "edge", "greet", "none")
HOSTS = (ip_address("10.0.0.1"), ip_address("10.0.0.2"), ip_address("2001:db8::1"))
NAMES = ("db.example.org", "none.example.org")


@given(st.lists(st.tuples(st.from_type(Instance), st.booleans()), max_size=25))
@settings(max_examples=120, deadline=None)
def test_every_way_to_a_lease_finds_what_a_scan_finds(steps: list[tuple[Instance, bool]]) -> None:
    catalogue = Catalogue()
    held: list[Lease] = []
    for sequence, (instance, removes) in enumerate(steps, 1):
        lease = catalogue.find(instance.id)
        if catalogue.find_host(host_label(instance.id)) is not lease:
            continue  # the registry refuses it
        if lease is None:
            lease = Lease(instance, sequence, sequence, 0.0)
            catalogue.insert(lease)
            held.append(lease)
        elif removes:
            catalogue.remove(lease)
            held.remove(lease)
        else:
            catalogue.replace(lease, instance)
            assert lease.instance is instance
        _assert_same(catalogue, held)
    for lease in held:
        catalogue.remove(lease)
    _assert_empty(catalogue)


def _assert_same(catalogue: Catalogue, held: list[Lease]) -> None:
    assert len(catalogue) == len(held)
    assert list(catalogue.after(0)) == held
    for lease in held:
        assert catalogue.find(lease.instance.id.swapcase()) is lease
        assert catalogue.find_host(host_label(lease.instance.id)) is lease
    names = sorted({lease.instance.service for lease in held})
    assert catalogue.services_after("", 10) == names
    assert catalogue.count_services() == len(names)
    for service in SERVICES:
        members = [lease for lease in held if lease.instance.service == service]
        _assert_set(catalogue.of_service(service), members)
        healthy = [lease for lease in members if lease.instance.is_serving]
        assert catalogue.count_healthy(service) == len(healthy)
        for protocol in ("tcp", "udp", "none"):
            of_type = [lease for lease in healthy if lease.instance.protocol == protocol]
            assert catalogue.count_healthy_type(service, protocol) == len(of_type)
        for label in LABELS:
            _assert_set(
                catalogue.labelled(service, label),
                [lease for lease in members if label in lease.instance.labels],
            )
    for label in LABELS:
        able = [
            lease
            for lease in held
            if label in [capability.lower() for capability in lease.instance.capabilities]
        ]
        _assert_set(catalogue.capable(label), able)
    for endpoint in [(host, port) for host in (*HOSTS, *NAMES) for port in (80, 8080)]:
        _assert_set(
            catalogue.at(endpoint),
            [lease for lease in held if endpoint in lease.instance.endpoints],
        )


def _assert_set(found: Collection[Lease], expected: list[Lease]) -> None:
    assert len(found) == len(expected)
    assert set(found) == set(expected)


def _assert_empty(catalogue: Catalogue) -> None:
    for name, part in vars(catalogue).items():
        held = part._leases if isinstance(part, Index) else part
        held = (*part._blocks, *part._order) if name == "_arrivals" else held
        assert not held, name


@given(
    st.sets(st.sampled_from("abcdefgh"), min_size=1),
    st.text("abcdefghi", max_size=2),
    st.integers(0, 5),
)
@settings(max_examples=80, deadline=None)
def test_services_are_read_in_alphabetical_order_a_page_at_a_time(
    make: Make, names: set[str], start: str, most: int
) -> None:
    catalogue = Catalogue()
    for sequence, name in enumerate(names, 1):
        catalogue.insert(Lease(make(id=name, service=name), sequence, sequence, 0.0))
    expected = sorted(name for name in names if name > start)[:most]
    assert catalogue.services_after(start, most) == expected


def test_an_id_that_was_never_held_is_not_found() -> None:
    catalogue = Catalogue()
    assert catalogue.find("a") is None
    assert catalogue.find_host("a") is None
    assert catalogue.find_host(host_label("web.1")) is None
    assert list(catalogue.after(0)) == []


def test_a_service_stays_known_while_one_instance_of_any_status_is_left(make: Make) -> None:
    catalogue = Catalogue()
    lease = Lease(make(status=Status.MAINTENANCE), 1, 1, 0.0)
    catalogue.insert(lease)
    assert catalogue.services_after("", 10) == ["web"]
    assert catalogue.count_healthy("web") == 0
    catalogue.replace(lease, make(service="api"))
    assert catalogue.services_after("", 10) == ["api"]
    assert catalogue.count_healthy("api") == 1
    assert catalogue.count_healthy_type("api", "tcp") == 1
    catalogue.replace(lease, make(service="api", protocol="udp"))
    assert catalogue.count_healthy_type("api", "tcp") == 0
    assert catalogue.count_healthy_type("api", "udp") == 1
