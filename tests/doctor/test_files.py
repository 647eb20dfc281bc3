"""What resolv.conf and nsswitch.conf say that is in the way."""

import pytest

from dnsregistry.doctor import nsswitch, resolvconf
from dnsregistry.doctor.finding import Level


def test_resolv_conf_is_read_as_the_c_library_reads_it() -> None:
    conf = resolvconf.read(
        "# a comment\nnameserver 10.0.0.1 # not part of it\nnameserver\t2001:db8::1\n"
        "domain old.example\nsearch a.example b.example\noptions ndots:5 edns0\nbroken\n"
    )
    assert conf.servers == ("10.0.0.1", "2001:db8::1")
    assert conf.search == ("a.example", "b.example")
    assert (conf.ndots, conf.options) == (5, {"ndots": "5", "edns0": ""})


@pytest.mark.parametrize(
    ("text", "levels", "change"),
    [
        ("nameserver 10.0.0.1\n", [Level.OK, Level.OK], ""),
        ("", [Level.PROBLEM, Level.OK], "nameserver <address"),
        (
            "".join(f"nameserver 10.0.0.{number}\n" for number in range(5)),
            [Level.WARNING, Level.OK],
            "leave out nameserver 10.0.0.3, 10.0.0.4",
        ),
        (
            "nameserver 10.0.0.1\nsearch svc.cluster.local\noptions ndots:5\n",
            [Level.OK, Level.WARNING],
            "options ndots:2",
        ),
        ("nameserver 10.0.0.1\nsearch registry.local\n", [Level.OK, Level.OK], ""),
    ],
)
def test_a_resolv_conf_is_judged(text: str, levels: list[Level], change: str) -> None:
    found = list(resolvconf.examine(resolvconf.read(text), "registry.local"))
    assert [finding.level for finding in found] == levels
    assert change in "".join(finding.change for finding in found)


@pytest.mark.parametrize(
    ("line", "zone", "level", "change"),
    [
        ("hosts: files dns", "registry.local", Level.OK, ""),
        ("", "registry.local", Level.OK, ""),
        ("hosts: files", "registry.local", Level.PROBLEM, "hosts: files dns"),
        (
            "hosts:\tfiles mdns4_minimal [NOTFOUND=return] dns # usual",
            "registry.local",
            Level.PROBLEM,
            "hosts: files dns",
        ),
        ("hosts: files mdns4 dns", "registry.local", Level.WARNING, "hosts: files dns"),
        ("hosts: files dns mdns4", "registry.local", Level.OK, ""),
        ("hosts: files mdns4_minimal [NOTFOUND=return] dns", "registry.internal", Level.OK, ""),
        ("hosts: files resolve [!UNAVAIL=return] dns", "registry.local", Level.OK, ""),
    ],
)
def test_an_nsswitch_conf_is_judged(line: str, zone: str, level: Level, change: str) -> None:
    (finding,) = nsswitch.examine(nsswitch.read_hosts(f"passwd: files\n{line}\n"), zone)
    assert (finding.level, change in finding.change) == (level, True)
