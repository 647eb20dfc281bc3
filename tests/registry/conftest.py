"""Instances for the tests of the core: one by hand, or any from a pool small enough to collide."""

from collections.abc import Callable

import pytest
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.check import Check, HeartbeatProbe, TcpProbe
from dnsregistry.registry.feed import Change
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

LONG_ID = "an-id-of-more-than-sixteen-octets"
# Two pairs that are one id but for the case, and one id that is the digest of another.
IDS = ("a", "A", "b", "web-1", "web.1", "WEB.1", "under_score", LONG_ID, host_label(LONG_ID))
ADDRESSES = ("10.0.0.1", "10.0.0.2", "2001:db8::1")


def _instances() -> st.SearchStrategy[Instance]:
    return st.builds(
        admit,
        id=st.sampled_from(IDS),
        service=st.sampled_from(["web", "Api", "db"]),
        address=st.lists(st.sampled_from(ADDRESSES), min_size=1, max_size=3)
        | st.just("Db.Example.org."),
        port=st.sampled_from([80, 8080]),
        protocol=st.sampled_from(["tcp", "udp"]),
        ports=st.dictionaries(st.sampled_from(["http", "grpc"]), st.just(9000)),
        weight=st.integers(0, 1),
        tags=st.lists(st.sampled_from(["v1", "V1", "edge"]), max_size=3),
        capabilities=st.lists(st.sampled_from(["greet", "Edge"]), max_size=2),
        metadata=st.dictionaries(st.sampled_from(["zone", "rack"]), st.integers(0, 1)),
        version=st.sampled_from([None, "1.0"]),
        ttl=st.sampled_from([None, 1, 2.5, 30]),
        status=st.sampled_from(Status),
        checks=st.sampled_from([(), (Check(TcpProbe()),), (Check(HeartbeatProbe()),)]),
    )


st.register_type_strategy(Instance, _instances())


@pytest.fixture(scope="session")
def make() -> Callable[..., Instance]:
    """Admit an instance of which only the telling fields are given."""

    def make_instance(id: str = "a", **fields: object) -> Instance:
        given = {"service": "web", "address": "10.0.0.1", "port": 80, **fields}
        return admit(id=id, **given)  # type: ignore[arg-type]

    return make_instance


@pytest.fixture
def registry() -> Registry:
    """A registry without instances."""
    return Registry()


@pytest.fixture
def changes(registry: Registry) -> list[Change]:
    """All that the registry tells, in the order it is told."""
    heard: list[Change] = []
    registry.feed.subscribe(heard.append)
    return heard
