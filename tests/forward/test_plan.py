"""UPSTREAMS and resolv.conf in text."""

import os
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.forward.endpoint import Endpoint, is_ours, parse_endpoint
from dnsregistry.forward.groups import Groups
from dnsregistry.forward.plan import Plan, Route, parse_upstreams
from dnsregistry.forward.system import (
    LOOK_SECONDS,
    MOST_SERVERS,
    SystemServers,
    parse_resolv_conf,
)
from dnsregistry.zone.name import Name


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("10.0.0.53", "10.0.0.53", 53),
        ("10.0.0.53:5353", "10.0.0.53", 5353),
        ("2001:DB8:0::1", "2001:db8::1", 53),
        ("[2001:db8::1]", "2001:db8::1", 53),
        ("[2001:db8::1]:65535", "2001:db8::1", 65535),
        ("[fe80::1%eth0]:53", "fe80::1%eth0", 53),
        ("[10.0.0.53]:54", "10.0.0.53", 54),
    ],
)
def test_an_endpoint_is_read(text: str, host: str, port: int) -> None:
    assert parse_endpoint(text) == Endpoint(host, port)


@pytest.mark.parametrize(
    ("text", "fault"),
    [
        ("", "no IP address"),
        ("dns.example", "no IP address"),
        ("10.0.0", "no IP address"),
        ("10.0.0.53:", "between 1 and 65535"),
        ("10.0.0.53:0", "between 1 and 65535"),
        ("10.0.0.53:65536", "between 1 and 65535"),
        ("10.0.0.53:-1", "between 1 and 65535"),
        ("10.0.0.53:5_3", "between 1 and 65535"),
        ("10.0.0.53:٥٣", "between 1 and 65535"),
        ("[2001:db8::1", "brackets"),
        ("[2001:db8::1]53", "brackets"),
        ("[]:53", "no IP address"),
        ("0.0.0.0", "no address of one server"),
        ("::", "no address of one server"),
        ("224.0.0.251", "no address of one server"),
    ],
)
def test_what_is_no_endpoint_is_refused_in_one_sentence(text: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        parse_endpoint(text)
    assert repr(text) in str(raised.value)


@given(
    st.builds(
        Endpoint,
        (st.ip_addresses(v=4) | st.ip_addresses(v=6))
        .filter(lambda address: not address.is_unspecified and not address.is_multicast)
        .map(str),
        st.integers(1, 65535),
    )
)
def test_an_endpoint_and_its_text_are_inverses(endpoint: Endpoint) -> None:
    assert parse_endpoint(str(endpoint)) == endpoint


A, B, C = Endpoint("10.0.0.1"), Endpoint("10.0.0.2", 54), Endpoint("2001:db8::1", 55)


def test_entries_become_a_plan() -> None:
    plan = parse_upstreams(
        [
            "10.0.0.1",
            "corp.example=10.0.0.2:54+[2001:db8::1]:55",
            "system",
            " Corp.Example. = 10.0.0.1 ",
            "10.0.0.2:54",
            "10.0.0.1:53",
            "x.example=10.0.0.1",
        ]
    )
    assert plan == Plan(
        (A, B),
        system=True,
        routes=(
            Route(Name.from_text("corp.example"), (B, C, A)),
            Route(Name.from_text("x.example"), (A,)),
        ),
    )
    assert plan.all_endpoints() == (A, B, C)
    assert parse_upstreams([]) == Plan()


@pytest.mark.parametrize(
    ("entry", "fault"),
    [
        ("corp.example=", "names no server"),
        ("corp.example=10.0.0.1+", "names no server"),
        ("=10.0.0.1", "for every name"),
        (".=10.0.0.1", "for every name"),
        ("a..b=10.0.0.1", "no domain name"),
        ("corp.example=system", "not for routes"),
        ("corp.example=ns.example", "no IP address"),
        ("corp.example=10.0.0.1=10.0.0.2", "no IP address"),
        ("systems", "no IP address"),
    ],
)
def test_a_wrong_entry_is_refused_in_one_sentence(entry: str, fault: str) -> None:
    with pytest.raises(ValueError, match=fault) as raised:
        parse_upstreams(["10.0.0.1", entry])
    assert repr(entry) in str(raised.value)
    assert "\n" not in str(raised.value)


LISTENING = [("127.0.0.1", 5300), ("::1", 5300), ("0.0.0.0", 53), ("::", 5301)]


@pytest.mark.parametrize(
    ("text", "ours"),
    [
        ("127.0.0.1:5300", True),
        ("127.0.0.1:5302", False),
        ("127.0.0.2:5300", False),
        ("[::1]:5300", True),
        ("127.0.0.1", True),
        ("127.0.0.53", True),  # all of 127/8 is this machine's
        ("192.0.2.1", False),
        ("[::1]:53", False),  # the IPv4 wildcard takes no IPv6
    ],
)
def test_asking_ourselves_is_seen(text: str, ours: bool) -> None:
    assert is_ours(parse_endpoint(text), LISTENING) is ours


def test_asking_ourselves_is_seen_over_an_ipv6_wildcard(ipv6: str) -> None:
    assert is_ours(Endpoint(ipv6, 5301), LISTENING)


def test_resolv_conf_is_read_as_the_c_library_reads_it() -> None:
    text = """
# nameserver 10.0.0.9
; nameserver 10.0.0.8
search example.com
nameserver 10.0.0.1
  nameserver\t2001:db8::1   # the second
nameserver
nameserver ns.example
nameserver 10.0.0.1
nameserver 0.0.0.0
nameserver [10.0.0.7]:99
nameservers 10.0.0.6
nameserver fe80::1%eth0
options edns0
"""
    assert [str(server) for server in parse_resolv_conf(text)] == [
        "10.0.0.1",
        "2001:db8::1",
        "fe80::1%eth0",
    ]
    assert len(parse_resolv_conf("".join(f"nameserver 10.0.0.{n}\n" for n in range(1, 99)))) == (
        MOST_SERVERS
    )


@given(st.text())
def test_no_resolv_conf_is_too_strange_to_read(text: str) -> None:
    parse_resolv_conf(text)
    parse_resolv_conf(f"nameserver {text}")


def test_resolv_conf_is_read_anew_when_it_changes(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    servers = SystemServers(path)
    assert servers.current(0) == ()
    path.write_text("nameserver 10.0.0.1\n")
    assert servers.current(LOOK_SECONDS - 0.1) == ()
    assert servers.current(LOOK_SECONDS) == (Endpoint("10.0.0.1"),)
    new = tmp_path / "new"
    new.write_text("nameserver 10.0.0.2\n")
    os.replace(new, path)
    assert servers.current(2 * LOOK_SECONDS) == (Endpoint("10.0.0.2"),)
    # What cannot be read leaves the servers as they were; a clock set back looks again.
    path.unlink()
    assert servers.current(3 * LOOK_SECONDS) == (Endpoint("10.0.0.2"),)
    path.write_bytes(b"nameserver 10.0.0.3\nnameserver \xff\xfe\n")
    assert servers.current(0) == (Endpoint("10.0.0.3"),)


def test_the_machines_own_servers_come_after_those_named_and_leave_us_out(tmp_path: Path) -> None:
    path = tmp_path / "resolv.conf"
    path.write_text("nameserver 127.0.0.1\nnameserver 10.0.0.1\nnameserver 10.0.0.3\n")
    listening = [("127.0.0.1", 53)]
    system = SystemServers(path, lambda endpoint: is_ours(endpoint, listening))
    groups = Groups(parse_upstreams(["10.0.0.2:54", "10.0.0.1", "system"]), system)
    named = [str(upstream.endpoint) for upstream in groups.all_upstreams(0)]
    assert named == ["10.0.0.2:54", "10.0.0.1", "10.0.0.3"]
    group = groups.find(b"\3www\7example\0")
    assert group is not None
    # An upstream is the same one each time, with what is remembered of it.
    assert group.upstreams(0)[2] is groups.know(Endpoint("10.0.0.3"))


def test_labels_are_matched_whole_and_the_longest_suffix_wins() -> None:
    groups = Groups(parse_upstreams(["a.example=10.0.0.1", "b.a.example=10.0.0.2"]))

    def find(text: str) -> list[str]:
        group = groups.find(Name.from_text(text).to_wire())
        return [] if group is None else [str(u.endpoint) for u in group.upstreams(0)]

    assert find("a.example") == find("x.y.a.example") == ["10.0.0.1"]
    assert find("b.a.example") == find("x.b.a.example") == ["10.0.0.2"]
    assert find("xa.example") == find("example") == find(".") == []
    assert find("a\\.example") == []
