"""What is told absent has no node, whatever is registered."""

from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.departures import Departures
from dnsregistry.registry.registry import Registry
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import NoName
from dnsregistry.zone.name import Name
from dnsregistry.zone.owner import owners_of
from dnsregistry.zone.policy import EmptyService, LivePolicy

ORIGIN = Name.from_text("registry.local")
LABELS = tuple(
    b"web db _web _db _tcp _udp i cap ns1 _sub v1 greet _greet _http a b _services _dns-sd"
    b" hostmaster registry local \xff".split(b" ")
)


def _zone(fields: list[dict[str, object]]) -> LiveZone:
    registry = Registry()
    policy = LivePolicy(ORIGIN, 5, 1, EmptyService.NODATA, ())
    for instance in fields:
        registry.grant(admit(address="10.0.0.1", port=80, **instance), 1000.0)  # type: ignore[arg-type]
    return LiveZone(registry.catalogue, policy, 1)


INSTANCES = st.lists(
    st.fixed_dictionaries(
        {
            "id": st.sampled_from(["a", "b", "longer-than-a-short-label"]),
            "service": st.sampled_from(["web", "db"]),
            "tags": st.sampled_from([(), ("v1",)]),
            "capabilities": st.sampled_from([(), ("greet",)]),
            "ports": st.sampled_from([{}, {"http": 8080}]),
            "protocol": st.sampled_from(["tcp", "udp"]),
            "ttl": st.just(10),
        }
    ),
    max_size=3,
)


@given(INSTANCES, st.lists(st.sampled_from(LABELS), max_size=5))
def test_no_lookup_finds_what_is_told_absent(
    instances: list[dict[str, object]], labels: list[bytes]
) -> None:
    zone = _zone(instances)
    name = Name((*labels, *ORIGIN.labels))
    if zone.lacks(name.to_wire()[:-1]):
        assert isinstance(zone.lookup(name, 1, 1000.0), NoName)


def test_what_a_flood_asks_for_is_told_absent() -> None:
    zone = _zone([{"id": "a", "service": "web", "tags": ("v1",)}])
    for text in ("n1", "_n1._tcp", "www.example.com", "v2.web", "n1.i", "n1.cap", "x._n1._udp"):
        assert zone.lacks(Name.from_text(f"{text}.registry.local").to_wire()[:-1]), text


def test_no_name_that_an_instance_has_and_none_above_it_is_told_absent() -> None:
    instance: dict[str, object] = {"id": "Longer-than-a-Short-Label", "service": "web"}
    instance |= {"tags": ["v1"], "capabilities": ["greet"], "ports": {"http": 8080}}
    zone = _zone([instance, instance | {"id": "a", "protocol": "udp"}])
    for lease in zone._catalogue.before(None):
        for owner in owners_of(lease.instance):
            labels = owner.labels()
            for start in range(len(labels)):
                name = ORIGIN.prepend(*labels[start:])
                assert not zone.lacks(name.to_wire()[:-1]), name


def test_a_service_that_has_just_left_is_not_told_absent_for_its_reason_is_told() -> None:
    registry, departures = Registry(), Departures()
    policy = LivePolicy(ORIGIN, 5, 1, EmptyService.NODATA, ())
    zone = LiveZone(registry.catalogue, policy, 1, departures=departures)
    registry.feed.subscribe(lambda change: departures.note(change, 1000.0))
    registry.grant(admit(id="a", service="web", address="10.0.0.1", port=80), 1000.0)
    registry.revoke("a", 1000.0)
    for text, lacks in (("web", False), ("_web._tcp", False), ("a._web._tcp", True), ("db", True)):
        assert zone.lacks(Name.from_text(f"{text}.registry.local").to_wire()[:-1]) is lacks, text


def test_names_under_another_origin_are_not_told_absent() -> None:
    zone = _zone([])
    for text in ("n1.example.org", "local", "registry.local", "xregistry.local", ""):
        assert not zone.lacks(Name.from_text(text).to_wire()[:-1]), text
    assert not zone.lacks(b"\x0fx\x08registry\x05local")
