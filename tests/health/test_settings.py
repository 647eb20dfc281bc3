"""What can be set about checks, and what is refused with one sentence."""

import pytest

from dnsregistry.health.guard import GuardRule
from dnsregistry.registry.check import GrpcProbe, HttpProbe, TcpProbe, Tls
from dnsregistry.settings import Settings, SettingsError, load


def _load(**flags: object) -> Settings:
    settings, _ = load(flags, {}, None)
    return settings


def test_guards_are_set_for_all_and_by_service() -> None:
    settings = _load(guard_threshold=0.3, guard_limit=10, service_guards="db=off,web-*=0.8/5,x=0.2")
    assert settings.guard_rule_of(None) == GuardRule(0.3, 10)
    rules = {name: settings.guard_rule_of(rule) for name, rule in settings.service_guards.items()}
    assert rules == {
        "db": GuardRule(None, 10),
        "web-*": GuardRule(0.8, 5),
        "x": GuardRule(0.2, 10),
    }


def test_checks_are_set_by_service_in_a_word_and_in_a_file() -> None:
    settings = _load(service_checks="Web-*=https:/health?a=b,db=tcp,rpc=grpc:a.B")
    probes = {name: checks[0].probe for name, checks in settings.service_checks.items()}
    assert probes == {
        "web-*": HttpProbe(path="/health?a=b", tls=Tls()),
        "db": TcpProbe(),
        "rpc": GrpcProbe(service="a.B"),
    }
    whole = {"web": [{"type": "tcp", "interval": 2}, {"type": "heartbeat"}], "db": {"type": "tcp"}}
    checks = _load(service_checks=whole).service_checks
    assert [len(checks[name]) for name in ("web", "db")] == [2, 1]
    assert checks["web"][0].pace.interval == 2


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("guard_threshold", "2", "GUARD_THRESHOLD=2"),
        ("guard_limit", "0", "GUARD_LIMIT=0"),
        ("guard_limit", "100000", "GUARD_LIMIT=100000"),
        ("service_guards", "web", "not of the form name=value"),
        ("service_guards", "web=1.5", "web=1.5 is not off, nor a part from 0 to 1"),
        ("service_guards", "web=0.5/0", "is not off, nor a part"),
        ("service_guards", "we b=off", "no service name"),
        ("service_checks", "web=ftp", "web.0.type: must be one of http"),
        ("service_checks", "web=tcp:80", "'tcp' has nothing behind a colon"),
        ("service_checks", "web=http:health", "web.0.path"),
        ("service_checks", "*a=tcp", "no service name"),
        ("probe_networks", "10.0.0.0/33", "PROBE_NETWORKS"),
        ("probe_concurrency", "0", "PROBE_CONCURRENCY=0"),
        ("slow_start", "-1", "SLOW_START=-1"),
    ],
)
def test_a_wrong_setting_ends_the_start_with_one_sentence(
    name: str, value: str, reason: str
) -> None:
    with pytest.raises(SettingsError) as caught:
        _load(**{name: value})
    assert name.upper() in str(caught.value)
    assert reason in str(caught.value)


def test_networks_are_loopback_and_private_ones_unless_set() -> None:
    assert [str(network) for network in _load().probe_networks] == [
        *("127.0.0.0/8", "10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "::1/128", "fc00::/7"),
    ]
    assert [str(network) for network in _load(probe_networks="any").probe_networks] == [
        "0.0.0.0/0",
        "::/0",
    ]
    assert [str(n) for n in _load(probe_networks="10.1.0.0/16,::1/128").probe_networks] == [
        "10.1.0.0/16",
        "::1/128",
    ]
