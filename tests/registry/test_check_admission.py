"""What a check may say: every rule at both sides of its edge, and what is told of a breach."""

import pytest

from dnsregistry.registry.check import (
    DnsProbe,
    GrpcProbe,
    Health,
    HttpProbe,
    TcpProbe,
    Tls,
)
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.errors import InvalidField

HTTP: dict[str, object] = {"type": "http"}
TCP: dict[str, object] = {"type": "tcp"}
DNS: dict[str, object] = {"type": "dns", "name": "a.test"}


def _refuse(item: object) -> tuple[str, str]:
    with pytest.raises(InvalidField) as refused:
        admit_checks([item])
    return refused.value.field, refused.value.rule


@pytest.mark.parametrize(
    ("given", "field", "rule"),
    [
        ("http", "checks.0", "must be an object"),
        ({}, "checks.0.type", "is missing"),
        ({"type": None}, "checks.0.type", "is missing"),
        ({"type": 1}, "checks.0.type", "must be one of http, https, tcp"),
        (HTTP | {"path": 1}, "checks.0.path", "must be text"),
        (HTTP | {"path": "/a#b"}, "checks.0.path", "must begin with /"),
        (HTTP | {"path": "/" * 2049}, "checks.0.path", "has 2049 characters; at most 2048"),
        (HTTP | {"fallback_path": "a"}, "checks.0.fallback_path", "must begin with /"),
        (HTTP | {"follow_redirects": "yes"}, "checks.0.follow_redirects", "must be true or false"),
        (HTTP | {"interval": "5"}, "checks.0.interval", "must be a number"),
        (HTTP | {"interval": True}, "checks.0.interval", "must be a number"),
        (HTTP | {"interval": 86401}, "checks.0.interval", "not between 0.1 and 86400"),
        (HTTP | {"delay": -1}, "checks.0.delay", "not between 0 and 86400"),
        (HTTP | {"deregister_after": 31_536_001}, "checks.0.deregister_after", "not between 0"),
        (HTTP | {"port": 0}, "checks.0.port", "0 is not between 1 and 65535"),
        (HTTP | {"port": 65536}, "checks.0.port", "65536 is not between 1 and 65535"),
        (HTTP | {"port": True}, "checks.0.port", "must be a whole number"),
        (HTTP | {"expect_status": True}, "checks.0.expect_status", "must be a number or a range"),
        (HTTP | {"expect_status": 99}, "checks.0.expect_status", "not within 100-599"),
        (HTTP | {"expect_status": 600}, "checks.0.expect_status", "not within 100-599"),
        (HTTP | {"headers": []}, "checks.0.headers", "must be an object"),
        (HTTP | {"headers": {"X": 1}}, "checks.0.headers.X", "must be text"),
        (HTTP | {"headers": {"": "a"}}, "checks.0.headers.", "is no name of a header"),
        (HTTP | {"headers": {"X" * 1025: "a"}}, f"checks.0.headers.{'X' * 80}", "is no name"),
        (HTTP | {"headers": {"X": "a" * 1025}}, "checks.0.headers.X", "at most 1024 printable"),
        (
            HTTP | {"headers": {f"X{place}": "a" for place in range(17)}},
            "checks.0.headers",
            "at most 16 headers are allowed",
        ),
        (
            HTTP | {"method": "HEAD", "body_pattern": "ok"},
            "checks.0.body_pattern",
            "cannot be looked for",
        ),
        (HTTP | {"url": "http://a.test/", "path": "/"}, "checks.0.path", "is part of the url"),
        (HTTP | {"url": "http://a.test/", "port": 80}, "checks.0.port", "is part of the url"),
        (HTTP | {"url": "http://a.test/", "tls": True}, "checks.0.tls", "is not what http://"),
        ({"type": "https", "url": "http://a.test/"}, "checks.0.url", "is not https"),
        ({"type": "https", "tls": False}, "checks.0.tls", "is what https means"),
        (TCP | {"tls": "yes"}, "checks.0.tls", "must be true or false"),
        (TCP | {"server_name": "a.test"}, "checks.0.server_name", "says nothing without tls"),
        (TCP | {"tls": True, "server_name": "-"}, "checks.0.server_name", "no host name"),
        ({"type": "grpc", "service": "a b"}, "checks.0.service", "is no name of a gRPC service"),
        ({"type": "grpc", "service": "a" * 257}, "checks.0.service", "has 257 characters"),
        ({"type": "dns"}, "checks.0.name", "is missing"),
        (DNS | {"name": "a b"}, "checks.0.name", "may hold only"),
        (DNS | {"qtype": "AXFR"}, "checks.0.qtype", "must be one of A, AAAA"),
        (TCP | {"x" * 99: 1}, f"checks.0.{'x' * 80}", "is not a field of this check"),
    ],
)
def test_a_breach_is_told_with_its_field_and_its_rule(given: object, field: str, rule: str) -> None:
    told = _refuse(given)
    assert told[0] == field
    assert rule in told[1]


def test_of_several_checks_the_one_at_fault_is_named() -> None:
    with pytest.raises(InvalidField) as refused:
        admit_checks([TCP, TCP | {"port": 1}])
    assert refused.value.field == "checks.1.port"


def test_an_instance_has_at_most_sixteen_checks() -> None:
    assert len(admit_checks([TCP] * 16)) == 16
    with pytest.raises(InvalidField, match="at most 16 checks are allowed"):
        admit_checks([TCP] * 17)


def test_what_stands_on_the_edge_is_taken() -> None:
    headers = {f"X{place}": "a" for place in range(15)} | {"Y" * 1024: "a" * 1024}
    given = HTTP | {
        "path": "/" * 2048,
        "port": 65535,
        "method": "HEAD",
        "expect_status": "100-599",
        "headers": headers,
        "follow_redirects": False,
        "fallback_path": "/b",
        "interval": 86_400,
        "timeout": 60,
        "jitter": 0.5,
        "success_before_healthy": 100,
        "failures_before_unhealthy": 1,
        "delay": 86_400,
        "deregister_after": 31_536_000,
        "initial": "healthy",
    }
    (check,) = admit_checks([given])
    assert check.probe == HttpProbe(
        port=65535,
        path="/" * 2048,
        method="HEAD",
        statuses=(100, 599),
        headers=tuple(headers.items()),
        follow_redirects=False,
        fallback_path="/b",
    )
    pace = check.pace
    assert (pace.interval, pace.timeout, pace.jitter) == (86_400, 60, 0.5)
    assert (pace.success_before_healthy, pace.failures_before_unhealthy) == (100, 1)
    assert (pace.delay, pace.deregister_after) == (86_400, 31_536_000)
    assert pace.initial is Health.HEALTHY


def test_the_least_of_each_is_taken() -> None:
    least = {
        "port": 1,
        "expect_status": 100,
        "interval": 0.1,
        "timeout": 0.01,
        "jitter": 0,
        "success_before_healthy": 1,
        "failures_before_unhealthy": 100,
        "deregister_after": 1,
    }
    (check,) = admit_checks([HTTP | least])
    assert check.probe == HttpProbe(port=1, statuses=(100, 100))
    assert (check.pace.interval, check.pace.timeout, check.pace.jitter) == (0.1, 0.01, 0)
    assert check.pace.deregister_after == 1


def test_a_short_interval_shortens_the_usual_timeout() -> None:
    short, long = admit_checks([TCP | {"interval": 2}, TCP | {"interval": 60}])
    assert (short.pace.timeout, long.pace.timeout) == (2, 5)


@pytest.mark.parametrize(("kind", "health"), [("tcp", "unhealthy"), ("heartbeat", "healthy")])
def test_who_sends_heartbeats_is_healthy_at_first_and_others_are_not(
    kind: str, health: str
) -> None:
    (check,) = admit_checks([{"type": kind}])
    assert check.pace.initial == health


def test_tls_goes_where_it_is_wanted() -> None:
    named = {"tls": True, "server_name": "A.test.", "verify_tls": False}
    checks = admit_checks([TCP, TCP | {"tls": True}, TCP | named, {"type": "https"}, HTTP | named])
    tls = [probe.tls for check in checks if isinstance(probe := check.probe, TcpProbe | HttpProbe)]
    assert tls == [None, Tls(), Tls(False, "a.test"), Tls(), Tls(False, "a.test")]


def test_a_target_is_read_from_its_url_or_address() -> None:
    checks = admit_checks(
        [
            HTTP | {"url": "HTTPS://A.test?b"},
            HTTP | {"url": "http://a.test:65535/b?c"},
            {"type": "grpc", "service": "a.B/c_d-1", "address": "a.test:1"},
            DNS | {"qtype": "CNAME"},
        ]
    )
    assert [check.probe for check in checks] == [
        HttpProbe(("a.test", 443), path="/?b", tls=Tls()),
        HttpProbe(("a.test", 65535), path="/b?c"),
        GrpcProbe(("a.test", 1), "a.B/c_d-1"),
        DnsProbe("a.test", "CNAME"),
    ]
