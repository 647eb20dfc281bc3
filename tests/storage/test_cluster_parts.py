"""The parts of the cluster's engine that need no store."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.storage.cluster.address import Sentinels, Server, read_address
from dnsregistry.storage.cluster.past import KEPT, Past
from dnsregistry.storage.cluster.timing import StoreClock
from dnsregistry.storage.cluster.wire import (
    ForeignContent,
    label_of,
    read_body,
    read_change,
    read_held,
    write_body,
    write_state,
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=2) | st.dictionaries(st.text(), inner, max_size=2),
    max_leaves=5,
)
INSTANCES = st.builds(
    admit,
    id=st.sampled_from(["a", "Web.1", "an-id-of-more-than-sixteen-octets"]),
    service=st.just("web"),
    address=st.lists(st.sampled_from(["10.0.0.1", "2001:db8::1"]), min_size=1, max_size=2)
    | st.just("db.example.org"),
    port=st.integers(1, 65535),
    protocol=st.sampled_from(["tcp", "udp"]),
    ports=st.dictionaries(st.sampled_from(["http", "grpc"]), st.integers(1, 65535)),
    priority=st.integers(0, 65535),
    weight=st.integers(0, 65535),
    tags=st.lists(st.sampled_from(["v1", "V2"]), max_size=2),
    capabilities=st.lists(st.just("greet"), max_size=1),
    metadata=st.dictionaries(st.text(max_size=5), JSON, max_size=3),
    version=st.none() | st.text(max_size=5),
    ttl=st.none() | st.floats(1, 1000),
    status=st.sampled_from(Status),
    checks=st.sampled_from([(), ({"type": "tcp"}, {"type": "http", "path": "/up"})]).map(
        admit_checks
    ),
)


@given(INSTANCES, st.none() | st.text("0123456789abcdef", min_size=32, max_size=32))
def test_an_instance_is_read_as_it_was_written(instance: Instance, owner: str | None) -> None:
    instance = replace(instance, owner=owner)
    text = write_body(instance)
    assert read_body(text, instance.status, instance.health, instance.owner) == instance
    # As a script compares: what is equal is written equal, whatever the order of its metadata.
    turned = dict(reversed(list(instance.metadata.items())))
    fields = {name: getattr(instance, name) for name in Instance.__slots__ if name != "host_label"}
    assert write_body(Instance(**{**fields, "metadata": turned})) == text
    head = f"7 3 1000 {label_of(instance.id.lower())} {write_state(instance)} n 1 lineage:5"
    held = read_held(f"{head}\n{text}".encode())
    assert (held.revision, held.sequence, held.since, held.was) == (7, 3, 1000, ("lineage", 5))
    assert held.instance == instance


@pytest.mark.parametrize(
    "value",
    [
        *(
            b"",
            b"x",
            b"1 2",
            b"1 1 1 - healthy.healthy.- n 1 -\n{}",
            b"1 1 1 - healthy.healthy.- n 1 -\n[1]",
        ),
        *(b"1 1 1 - unwell.healthy.- n 1 -\n{}", b'1 1 1 - healthy.healthy.- n 1 -\n{"id":1}'),
    ],
)
def test_what_is_no_value_of_ours_is_foreign(value: bytes) -> None:
    with pytest.raises(ForeignContent):
        read_held(value)


@pytest.mark.parametrize("fields", [{}, {b"k": b"what", b"n": b"1", b"p": b"-", b"i": b"a"}])
def test_what_is_no_change_of_ours_is_foreign(fields: dict[bytes, bytes]) -> None:
    with pytest.raises(ForeignContent):
        read_change(b"0-1", fields)


def test_a_url_names_a_server_or_sentinels() -> None:
    assert read_address("rediss://u:p@store:7000/2?ssl_ca_certs=/ca") == Server(
        "rediss://u:p@store:7000/2?ssl_ca_certs=/ca", "store:7000"
    )
    told = read_address("redis+sentinel://u:p@h1:1,[::1],h3:3/main?sentinel_password=s&db=4")
    assert told == Sentinels(
        hosts=(("h1", 1), ("::1", 26379), ("h3", 3)),
        master="main",
        url="redis://u:p@sentinel?db=4",
        username=None,
        password="s",
        place="the master main of h1:1,[::1],h3:3",
    )


def test_what_is_quoted_in_a_url_of_sentinels_stays_so() -> None:
    told = read_address("redis+sentinel://h/main?password=a%26b%2Bc%23")
    assert isinstance(told, Sentinels)
    assert told.url == "redis://sentinel?password=a%26b%2Bc%23"


def test_the_past_knows_the_last_change_that_a_log_shares() -> None:
    past = Past()
    assert (past.nonce(), past.oldest()) == ("-", 0)
    past.begin((number, f"n{number}") for number in range(1, 6))
    assert past.find_common([(5, "other"), (4, "other"), (3, "n3"), (2, "n2")]) == 3
    assert past.find_common([(5, "other")]) is None
    for number in range(6, KEPT + 10):
        past.add(number, "n")
    assert past.oldest() == 10


def test_a_stores_time_is_told_by_the_shortest_way_unless_it_jumped() -> None:
    now = 100.0
    clock = StoreClock(lambda: now)
    clock.measure(99.9, 5_000)
    assert clock.to_local(6_000) == pytest.approx(100.95)
    clock.measure(99.0, 4_900)  # a long way tells less
    assert clock.to_local(6_000) == pytest.approx(100.95)
    clock.measure(99.99, 905_000)  # another server took over
    assert clock.to_local(906_000) == pytest.approx(100.995)
    assert clock.to_store(clock.to_local(906_500)) == 906_500
