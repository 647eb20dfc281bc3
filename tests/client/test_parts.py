"""The parts of the client that decide: no socket, and chance as an argument."""

import random
from collections import Counter
from itertools import chain, pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.client.addresses import Addresses
from dnsregistry.client.checks import read_check
from dnsregistry.client.choice import arrange
from dnsregistry.client.client import Client
from dnsregistry.client.description import Description, Fields
from dnsregistry.client.naming import _split, service_name
from dnsregistry.client.rhythm import MOST_INTERVAL, Rhythm
from dnsregistry.client.sse import MOST_MESSAGE, Message, MessageStream, TooLong
from dnsregistry.client.values import Endpoint


def test_the_address_that_worked_last_is_asked_first() -> None:
    addresses = Addresses.read("http://a:1, https://b/x/ ,http://c")
    assert addresses.in_turn() == ("http://a:1", "https://b/x", "http://c")
    addresses.keep("https://b/x")
    assert addresses.in_turn() == ("https://b/x", "http://c", "http://a:1")
    assert addresses.first == "https://b/x"


def test_secrets_are_not_shown_and_one_that_no_header_takes_is_told_without_it() -> None:
    description = Description.make("web", 80, {"owner_secret": "s3cret"})
    assert "s3cret" not in repr(description)
    with pytest.raises(ValueError, match="owner_secret has a character") as told:
        Description.make("web", 80, {"owner_secret": "s3cret\n"})
    assert "s3cret" not in str(told.value)
    with pytest.raises(ValueError, match="token has a character") as told:
        Client(token="s3cret\n")
    assert "s3cret" not in str(told.value)


@pytest.mark.parametrize(
    "fields", [{"tags": "v1"}, {"capabilities": "greet"}, {"checks": "http:///health"}]
)
def test_a_text_where_a_list_belongs_is_not_taken_letter_by_letter(fields: Fields) -> None:
    [(name, value)] = fields.items()
    with pytest.raises(ValueError, match=rf"^{name} are a list, such as \['{value}'\]$"):
        Description.make("web", 80, fields)


def test_the_address_comes_from_the_environment_and_else_is_the_default(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    assert Addresses.read().urls == ("http://127.0.0.1:8053",)
    monkeypatch.setenv("DNSREGISTRY_URL", "http://a,http://b")
    assert Addresses.read().urls == ("http://a", "http://b")


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("host:8053", "did you mean http://host:8053"),
        ("ftp://host", "is no URL of a registry"),
        ("http://", "is no URL of a registry"),
        ("http://a:99999", "is no URL of a registry"),
        ("http://a?b", "is no URL of a registry"),
        ("http://a..b", "is no URL of a registry"),
        (f"http://{'a' * 64}.example,http://b", "is no URL of a registry"),
        (" , ", "no address"),
    ],
)
def test_a_wrong_address_is_named(text: str, told: str) -> None:
    with pytest.raises(ValueError, match=told.replace("?", r"\?")):
        Addresses.read(text)


@given(st.lists(st.builds(Endpoint, st.just("h"), st.integers(1, 9), st.integers(0, 3))))
def test_arranging_loses_nobody_and_keeps_priorities(endpoints: list[Endpoint]) -> None:
    arranged = arrange(endpoints, random.random)
    assert Counter(arranged) == Counter(endpoints)
    assert [e.priority for e in arranged] == sorted(e.priority for e in endpoints)


def test_weights_are_the_chances_to_come_first() -> None:
    draw = random.Random(7).random
    endpoints = [Endpoint("a", 1, 0, 1), Endpoint("b", 1, 0, 3), Endpoint("z", 1, 0, 0)]
    firsts = Counter(arrange(endpoints, draw)[0].host for _ in range(20_000))
    assert 0.73 < firsts["b"] / 20_000 < 0.77
    assert 0 < firsts["z"] < 20_000 * 0.005


def test_equal_weights_and_weights_of_nought_take_turns() -> None:
    draw = random.Random(7).random
    endpoints = [Endpoint(name, 1, 0, 0) for name in "abcd"]
    firsts = Counter(arrange(endpoints, draw)[0].host for _ in range(8_000))
    assert all(1_800 < count < 2_200 for count in firsts.values())


@pytest.mark.parametrize("ttl", [1.0, 30.0, None, 100_000.0])
def test_two_heartbeats_may_be_lost(ttl: float | None) -> None:
    rhythm = Rhythm(lambda: 0.0)
    rhythm.take_lease(ttl)
    assert rhythm.after_heartbeat() <= MOST_INTERVAL
    if ttl is not None:
        assert 3 * rhythm.after_heartbeat() <= ttl


def test_waits_after_failures_double_up_to_the_interval() -> None:
    rhythm = Rhythm(lambda: 1.0)
    rhythm.take_lease(24)
    assert [rhythm.after_failure(None) for _ in range(6)] == [1, 2, 4, 8, 8, 8]
    assert rhythm.after_failure(5) == 13
    assert rhythm.after_failure(1e9) == 68
    rhythm.after_heartbeat()
    assert rhythm.after_failure(None) == 1


def _arrivals(outage: float, draw: random.Random) -> list[float]:
    """When each of 1,000 clients that beat each 10 s is first heard after an outage, in seconds."""
    arrivals: list[float] = []
    for _ in range(1000):
        rhythm = Rhythm(draw.random)
        rhythm.take_lease(30)
        now = -outage - 100 + rhythm.after_registration()
        while now < 0:
            now += rhythm.after_failure(None) if now > -outage else rhythm.after_heartbeat()
        arrivals.append(now)
    return arrivals


@pytest.mark.parametrize("outage", [0.1, 1.0, 3.0, 10.0, 30.0, 300.0])
def test_after_an_outage_of_any_length_clients_come_spread_over_their_interval(
    outage: float,
) -> None:
    """No tenth of the interval has more than three times its share.

    The last may have nobody: who would have come then has found out, and come, before.
    """
    arrivals = _arrivals(outage, random.Random(int(outage * 10)))
    tenths = Counter(int(arrival) for arrival in arrivals)
    assert max(tenths.values()) < 300, sorted(tenths.items())
    assert len([tenth for tenth in range(10) if tenths[tenth]]) >= 9


_STREAM = (
    b': hello\n\nretry: 1500\nid: 4\nevent: registered\ndata: {"a":\ndata: 1}\n\n'
    b"event: void\n\r\nid: 5\r\ndata:x\r\n\r\nnonsense\ndata: \xc3\xa9\n\nevent: cut\ndata: y\n"
)


@given(st.lists(st.integers(0, len(_STREAM))))
def test_a_stream_reads_the_same_however_it_is_cut(cuts: list[int]) -> None:
    stream = MessageStream()
    places = [0, *sorted(cuts), len(_STREAM)]
    messages: list[Message] = []
    for start, end in pairwise(places):
        messages += stream.feed(_STREAM[start:end])
    assert messages == [
        Message("registered", '{"a":\n1}', "4"),
        Message("message", "x", "5"),
        Message("message", "é", "5"),
    ]
    assert stream.retry == 1.5


@pytest.mark.parametrize("octets", [b"x" * 1000, b"data: " + b"x" * 1000 + b"\n"])
def test_an_event_without_end_is_cut_off(octets: bytes) -> None:
    stream = MessageStream()
    many = [octets * 64] * (MOST_MESSAGE // 64_000 + 1)
    with pytest.raises(TooLong):
        list(chain.from_iterable(map(stream.feed, many)))


@pytest.mark.parametrize(
    ("text", "check"),
    [
        ("http:///health?deep=1", {"type": "http", "path": "/health?deep=1"}),
        ("https:///", {"type": "https", "path": "/"}),
        ("http://10.0.0.1:81/x", {"type": "http", "url": "http://10.0.0.1:81/x"}),
        ("tcp://", {"type": "tcp"}),
        ("tcp://10.0.0.1:81", {"type": "tcp", "address": "10.0.0.1:81"}),
        ("grpc://", {"type": "grpc"}),
        ("heartbeat://", {"type": "heartbeat"}),
    ],
)
def test_a_check_in_short_is_one_at_length(text: str, check: dict[str, str]) -> None:
    assert read_check(text) == check
    assert read_check(check) == check


@pytest.mark.parametrize(
    "text", ["/health", "http://", "tcp:///x", "grpc://x", "ftp://x", "http://["]
)
def test_a_text_that_is_no_check_is_told_with_those_there_are(text: str) -> None:
    with pytest.raises(ValueError, match="is no check"):
        read_check(text)


def test_ids_that_are_made_up_are_short_host_labels_and_differ() -> None:
    ids = {Description.make("web", 1, {}).id for _ in range(100)}
    assert len(ids) == 100
    assert all(len(made) == 10 and made.isalnum() and made == made.lower() for made in ids)


def test_a_service_is_asked_for_under_its_owner_name(monkeypatch: pytest.MonkeyPatch) -> None:
    assert service_name("web") == "_web._tcp.registry.local."
    assert service_name("web", "udp", "a.b.") == "_web._udp.a.b."
    monkeypatch.setenv("DNSREGISTRY_ZONE", "x.internal")
    assert service_name("web") == "_web._tcp.x.internal."


@pytest.mark.parametrize(
    ("place", "read"),
    [
        ("192.0.2.1", ("192.0.2.1", 53)),
        ("192.0.2.1:5300", ("192.0.2.1", 5300)),
        ("localhost:5300", ("127.0.0.1", 5300)),
        ("::1", ("::1", 53)),
        ("[::1]:5300", ("::1", 5300)),
        ("[::1]", ("::1", 53)),
    ],
)
def test_a_name_server_is_an_address_with_or_without_port(
    place: str, read: tuple[str, int]
) -> None:
    assert _split(place) == read


@pytest.mark.parametrize("place", ["", "host", "1.2.3.4:0", "1.2.3.4:x", "[::1]x"])
def test_what_is_no_address_of_a_name_server_is_named(place: str) -> None:
    with pytest.raises(ValueError, match="is no address of a name server"):
        _split(place)
