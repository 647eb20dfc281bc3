"""What must not be probed is not, however it is written, named, redirected to or renamed."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from ipaddress import ip_address, ip_network
from urllib.parse import urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st
from yarl import URL

from dnsregistry.health.outcome import Outcome
from dnsregistry.health.probing.connect import MOST_ADDRESSES
from dnsregistry.health.probing.probes import Probes
from dnsregistry.health.tally import HealthTally
from dnsregistry.health.targets import ALLOWED, TargetPolicy
from dnsregistry.registry.check import HttpProbe, Probe, TcpProbe
from dnsregistry.registry.check_admission import MOST_URL, admit_checks, keep_checks
from dnsregistry.registry.check_description import describe_check, write_place
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.names import Address
from tests.health.backend import Backend, Mood
from tests.health.conftest import StartBackend, until
from tests.program import Program

SCHEME = "is not http or https"
NUMBER = "its last label is a number"
METADATA = "a cloud's metadata service, which is never probed"
LINK_LOCAL = "link-local, which is never probed"
PUBLIC = "is a public address outside PROBE_NETWORKS"
USER = "names a user, which no check may"

URLS = [
    ("http://169.254.169.254/latest/meta-data/", METADATA),
    ("http://169.254.169.254:80/", METADATA),
    ("http://169.254.0.1/", LINK_LOCAL),
    ("http://2852039166/", NUMBER),
    ("http://0xa9fea9fe/", NUMBER),
    ("http://0xA9.0xFE.0xA9.0xFE/", NUMBER),
    ("http://0251.0376.0251.0376/", NUMBER),
    ("http://169.16689662/", NUMBER),
    ("http://127.1:8053/", NUMBER),
    ("http://0/", NUMBER),
    ("http://0.0.0.0/", "no address that a client can connect to"),
    ("http://[::]/", "no address that a client can connect to"),
    ("http://[::ffff:169.254.169.254]/", "is an IPv4 address; write 169.254.169.254"),
    ("http://[::ffff:a9fe:a9fe]/", "is an IPv4 address; write 169.254.169.254"),
    ("http://[::a9fe:a9fe]/", METADATA),
    ("http://[64:ff9b::a9fe:a9fe]/", METADATA),
    ("http://[64:ff9b:1::a9fe:a9fe]/", "translated to an address that cannot be told"),
    ("http://[2002:a9fe:a9fe::1]/", METADATA),
    ("http://[fd00:ec2::254]/", METADATA),
    ("http://[fe80::1]/", LINK_LOCAL),
    ("http://[fe80::1%25eth0]/", "names an interface"),
    ("http://[ff02::1]/", "no address that a client can connect to"),
    ("http://224.0.0.251/", "no address that a client can connect to"),
    ("http://255.255.255.255/", "no address that a client can connect to"),
    ("http://240.0.0.1/", "reserved, which is never probed"),
    ("http://100.100.100.200/", METADATA),
    ("http://168.63.129.16/", METADATA),
    ("http://8.8.8.8/", PUBLIC),
    ("http://[2001:4860:4860::8888]/", PUBLIC),
    ("http://100.64.0.1/", "is an address outside PROBE_NETWORKS"),
    ("http://10.0.0.1@169.254.169.254/", USER),
    ("http://169.254.169.254@10.0.0.1/", USER),
    ("http://user:secret@10.0.0.1/", USER),
    ("http://10.0.0.1#@169.254.169.254/", "has a fragment"),
    ("http://10.0.0.1\\@169.254.169.254/", USER),
    ("http://10.0.0.1\\.evil.test/", "may hold only letters"),
    ("http://10.0.0.1:80:90/", "must end in a port"),
    ("http://10.0.0.1:0/", "must end in a port"),
    ("http://10.0.0.1:65536/", "must end in a port"),
    ("http://10.0.0.1:+80/", "must end in a port"),
    ("http://10.0.0.1 .evil.test/", "may hold only letters"),
    ("http://169。254。169。254/", "may hold only letters"),
    ("http://①⑥⑨.254.169.254/", "may hold only letters"),
    ("http://%31%36%39.254.169.254/", "may hold only letters"),
    ("http://10.0.0.1/\r\nHost: evil.test", "printable ASCII"),
    ("http:///latest/", "names no host"),
    ("http:/10.0.0.1/", "has no // before its host"),
    ("//169.254.169.254/", "is no URL"),
    ("gopher://10.0.0.1:70/_", SCHEME),
    ("file:///etc/passwd", SCHEME),
    ("ftp://10.0.0.1/", SCHEME),
    ("dict://10.0.0.1:11211/stat", SCHEME),
    ("unix:///var/run/docker.sock", SCHEME),
    ("javascript://10.0.0.1/", SCHEME),
]
CHECKS: list[dict[str, object]] = [
    {"type": "http", "path": "/h?a=b", "port": 9000, "headers": {"Host": "a"}, "tls": True},
    {"type": "http", "url": "https://Web.Example.org:8443/h", "server_name": "x.test"},
    {"type": "http", "url": "http://[2001:DB8::1]/", "expect_status": 204},
    {"type": "tcp", "address": "db.test:5432", "tls": True, "verify_tls": False},
    {"type": "grpc", "service": "a.b.C", "deregister_after": 60},
    {"type": "dns", "name": "a.test", "qtype": "SRV", "address": "10.0.0.1:53"},
    {"type": "heartbeat", "interval": 5, "timeout": 2, "initial": "unhealthy"},
]
ADDRESSES = [
    ("169.254.169.254:80", METADATA),
    ("[fe80::1]:22", LINK_LOCAL),
    ("8.8.8.8:53", PUBLIC),
    ("0x7f000001:22", NUMBER),
    ("root@10.0.0.1:22", USER),
    ("10.0.0.1", "has no port"),
    ("/var/run/docker.sock", "has no port"),
]


async def _refuse(program: Program, check: dict[str, object]) -> dict[str, str]:
    body = {"service": "web", "address": "10.0.0.1", "port": 80, "checks": [check]}
    async with program.http.put("/v1/instances/i1", json=body) as response:
        told: dict[str, str] = await response.json()
        assert response.status == 422, told
    assert len(program.app.registry.catalogue) == 0
    return told


async def test_a_hostile_url_is_refused_at_registration_with_the_rule_named(
    program: Program,
) -> None:
    for url, reason in URLS:
        told = await _refuse(program, {"type": "http", "url": url})
        assert (told["field"], reason in told["reason"]) == ("checks.0.url", True), (url, told)


@pytest.mark.parametrize("kind", ["tcp", "grpc", "dns"])
async def test_a_hostile_address_is_refused_at_registration_with_the_rule_named(
    program: Program, kind: str
) -> None:
    for address, reason in ADDRESSES:
        check: dict[str, object] = {"type": kind, "address": address}
        told = await _refuse(program, {**check, "name": "a.test"} if kind == "dns" else check)
        assert told["field"] == "checks.0.address", (address, told)
        assert reason in told["reason"], (address, told)


async def test_our_own_ports_are_never_probed(program: Program) -> None:
    http = program.app.checking.policy
    for port in (program.port, int(program.url.rpartition(":")[2])):
        for host in ("127.0.0.1", "127.9.9.9", "[::1]"):
            told = await _refuse(program, {"type": "tcp", "address": f"{host}:{port}"})
            assert told["reason"].endswith("is this registry's own"), told
        mapped = ip_address("::ffff:127.0.0.1")
        assert "this registry's own" in (http.refuse(mapped, port) or "")


async def test_an_instance_of_its_own_address_is_refused_where_that_may_not_be_probed(
    program: Program,
) -> None:
    body = {"service": "web", "address": "8.8.8.8", "port": 80, "checks": [{"type": "tcp"}]}
    async with program.http.put("/v1/instances/i1", json=body) as response:
        told = await response.json()
    assert (response.status, told["field"]) == (422, "checks.0.type")
    assert PUBLIC in told["reason"]


@pytest.mark.parametrize(
    ("name", "value", "reason"),
    [
        ("headers", {"X\r\nHost": "evil"}, "no name of a header"),
        ("headers", {"X": "a\r\nHost: evil"}, "printable ASCII"),
        ("headers", {"Content-Length": "5"}, "is not for a check to set"),
        ("headers", {"transfer-encoding": "chunked"}, "is not for a check to set"),
        ("method", "DELETE", "must be one of GET"),
        ("method", "GET / HTTP/1.1\r\n", "must be one of GET"),
        ("path", "//169.254.169.254/ x", "must begin with /"),
        ("path", "http://169.254.169.254/", "must begin with /"),
        ("path", "/a\r\nb", "must begin with /"),
        ("body_pattern", "(", "is no regular expression"),
        ("body_pattern", "a" * 300, "at most 256"),
        ("expect_status", "9-1000", "not within 100-599"),
        ("expect_status", "300-200", "not within 100-599"),
        ("expect_status", [200], "a number or a range"),
        ("interval", 0, "not between 0.1"),
        ("interval", float(10**9), "not between 0.1"),
        ("timeout", 11, "longer than the interval"),
        ("timeout", 61, "not between 0.01 and 60"),
        ("jitter", 1, "not between 0 and 0.5"),
        ("failures_before_unhealthy", 0, "not between 1 and 100"),
        ("success_before_healthy", 1.5, "must be a whole number"),
        ("deregister_after", 0.5, "less than 1"),
        ("initial", "degraded", "must be one of healthy, unhealthy"),
        ("verify_tls", False, "says nothing without tls"),
        ("url", "http://10.0.0.1/", "part of the url"),
    ],
)
async def test_a_check_that_breaks_a_rule_is_refused(
    program: Program, name: str, value: object, reason: str
) -> None:
    check: dict[str, object] = {"type": "http", "path": "/", name: value}
    told = await _refuse(program, check)
    assert told["field"].startswith("checks.0."), told
    assert reason in told["reason"], told


class Names:
    """A resolver that says what the test wants, and another thing each time where it wants that."""

    def __init__(self, *answers: Sequence[str]) -> None:
        self.answers = list(answers)
        self.asked = 0

    async def resolve(self, host: str) -> Sequence[Address]:
        self.asked += 1
        answer = self.answers.pop(0) if len(self.answers) > 1 else self.answers[0]
        return [ip_address(text) for text in answer]

    def close(self) -> None:
        """Nothing is open."""


@pytest.fixture
async def ask_by_name() -> AsyncIterator[object]:
    """Probe a name that resolves to the answers given, one after another."""
    opened: list[Probes] = []

    class Asker:
        def __init__(self, *answers: Sequence[str]) -> None:
            self.names = Names(*answers)
            self.tally = HealthTally()
            policy = TargetPolicy(ALLOWED, {8053}, lambda address: False)
            self.probes = Probes(policy, self.names, self.tally)
            opened.append(self.probes)

        async def ask(self, probe: Probe, port: int) -> Outcome:
            return await self.probes.ask(probe, [("name.test", port)], 2.0)

    yield Asker
    for probes in opened:
        await probes.close()


@pytest.mark.parametrize("probe", [HttpProbe(), TcpProbe()])
@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (["169.254.169.254"], METADATA),
        (["127.0.0.1", "169.254.169.254"], METADATA),
        (["8.8.8.8"], PUBLIC),
        (["::ffff:169.254.169.254"], METADATA),
        (["::ffff:8.8.8.8"], PUBLIC),
        (["fe80::1"], LINK_LOCAL),
        (["0.0.0.0"], "unspecified, which is never probed"),
        (["::"], "unspecified, which is never probed"),
        (["224.0.0.1"], "multicast, which is never probed"),
        ([], "has no address"),
    ],
)
async def test_a_name_is_judged_by_every_address_that_it_has(
    ask_by_name: type, backend: Backend, probe: Probe, answer: list[str], reason: str
) -> None:
    asker = ask_by_name(answer)
    outcome = await asker.ask(probe, backend.port)
    assert not outcome.passed
    assert reason in outcome.reason
    assert asker.tally.refused == (1 if answer else 0)
    assert backend.asked == []


@pytest.mark.parametrize("probe", [HttpProbe(), TcpProbe()])
@pytest.mark.parametrize(("more", "passed"), [(0, True), (1, False)])
async def test_a_name_with_very_many_addresses_is_not_probed(
    ask_by_name: type, backend: Backend, probe: Probe, more: int, passed: bool
) -> None:
    asker = ask_by_name(["127.0.0.1"] * (MOST_ADDRESSES + more))
    outcome = await asker.ask(probe, backend.port)
    assert outcome.passed is passed
    assert passed or outcome.reason == f"name.test has more than {MOST_ADDRESSES} addresses"


async def test_a_name_that_leads_to_our_own_port_is_refused(ask_by_name: type) -> None:
    outcome = await ask_by_name(["127.0.0.1"]).ask(HttpProbe(), 8053)
    assert outcome.reason == "port 8053 of 127.0.0.1 is this registry's own"


@pytest.mark.parametrize("probe", [HttpProbe(), TcpProbe()])
async def test_a_name_that_changes_between_checks_is_judged_anew_and_resolved_once_a_check(
    ask_by_name: type, backend: Backend, probe: Probe
) -> None:
    asker = ask_by_name(["127.0.0.1"], ["169.254.169.254"], ["127.0.0.1"], ["10.0.0.1", "8.8.8.8"])
    outcomes = [await asker.ask(probe, backend.port) for _ in range(4)]
    assert [outcome.passed for outcome in outcomes] == [True, False, True, False]
    assert METADATA in outcomes[1].reason
    assert PUBLIC in outcomes[3].reason
    assert asker.names.asked == 4


@pytest.mark.parametrize(
    "location",
    [
        "http://169.254.169.254/",
        "//169.254.169.254/",
        "http://2852039166/",
        "http://[::ffff:169.254.169.254]/",
        "http://127.0.0.1@169.254.169.254/",
        "gopher://127.0.0.1/",
        "file:///etc/passwd",
        "http://localhost/",
        "http://user@127.0.0.1/",
        "http://127.0.0.1:8053/",
    ],
)
async def test_a_redirect_leads_nowhere_else(
    ask_by_name: type,
    start_backend: StartBackend,
    location: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("tests.health.backend.REDIRECT", location)
    backend = await start_backend()
    backend.mood = Mood.REDIRECTING
    asker = ask_by_name(["127.0.0.1"])
    places = [(ip_address("127.0.0.1"), backend.port)]
    outcome = await asker.probes.ask(HttpProbe(), places, 2.0)
    assert not outcome.passed
    assert "redirects to" in outcome.reason or "this registry's own" in outcome.reason, outcome
    assert len(backend.asked) == 1


async def test_a_proxy_of_the_environment_is_not_asked(
    ask_by_name: type, start_backend: StartBackend, monkeypatch: pytest.MonkeyPatch
) -> None:
    proxy, backend = await start_backend(), await start_backend()
    for name in ("http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, f"http://127.0.0.1:{proxy.port}")
    assert (await ask_by_name(["127.0.0.1"]).ask(HttpProbe(), backend.port)).passed
    assert (len(backend.asked), proxy.asked) == (1, [])


def _policy(allowed: Sequence[str] = ()) -> TargetPolicy:
    return TargetPolicy(map(ip_network, allowed) if allowed else ALLOWED, (), lambda _: False)


@given(st.ip_addresses(v=4))
def test_an_address_that_carries_another_is_never_allowed_where_that_one_is_not(
    inner: Address,
) -> None:
    everywhere = _policy(["0.0.0.0/0", "::/0"])
    number = int(inner)
    carrying = [
        (0xFFFF << 32) | number,
        (0x64FF9B << 96) | number,
        (0x2002 << 112) | (number << 80) | 1,
    ]
    for policy in (_policy(), everywhere):
        refused = policy.refuse(inner, 80) is not None
        for value in carrying:
            outer = ip_address(value) if value >= 1 << 32 else inner
            assert not refused or policy.refuse(outer, 80) is not None, (inner, outer)
    assert (_policy().refuse(ip_address((0xFFFF << 32) | number), 80) is None) == (
        _policy().refuse(inner, 80) is None
    )


def test_networks_that_are_allowed_open_no_door_to_what_never_is() -> None:
    everywhere = _policy(["0.0.0.0/0", "::/0"])
    assert everywhere.refuse(ip_address("8.8.8.8"), 80) is None
    for text in ("169.254.169.254", "100.100.100.200", "fd00:ec2::254", "0.0.0.0", "ff02::1"):
        assert "never probed" in (everywhere.refuse(ip_address(text), 80) or "")


def test_what_is_admitted_is_written_in_one_way_and_comes_back_as_it_was() -> None:
    checks = admit_checks(CHECKS)
    assert admit_checks([describe_check(check) for check in checks]) == checks


async def test_probes_that_are_cancelled_leave_nothing_open(
    ask_by_name: type, backend: Backend
) -> None:
    backend.mood = Mood.HANGING
    asker = ask_by_name(["127.0.0.1"])
    task = asyncio.create_task(asker.ask(HttpProbe(), backend.port))
    await until(lambda: bool(backend.asked))
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task


@given(
    st.lists(
        st.one_of(
            st.sampled_from(["http://", "https://", "//", "@", "[", "]", ":", "%", "\\", "#", "?"]),
            st.sampled_from(["10.0.0.1", "a.test", "::1", "80", "/x", ".", "..", "127.1", "0x7f"]),
            st.text(max_size=3),
        ),
        max_size=8,
    ),
    st.sampled_from(["http://", "https://", ""]),
)
def test_what_is_admitted_is_read_alike_by_the_client_that_connects(
    parts: list[str], scheme: str
) -> None:
    text = scheme + "".join(parts)
    try:
        (check,) = admit_checks([{"type": "http", "url": text}])
    except InvalidField:
        return
    assert isinstance(check.probe, HttpProbe)
    assert check.probe.place is not None
    host, port = check.probe.place
    url = URL(
        f"{'https' if check.probe.tls else 'http'}://{write_place((host, port))}"
        + (check.probe.path),
        encoded=True,
    )
    assert (url.raw_host, url.port) == (str(host), port)
    assert (url.raw_user, url.raw_password, url.raw_fragment) == (None, None, "")
    assert urlsplit(text).hostname is not None
    assert admit_checks([describe_check(check)]) == (check,)


@given(st.sampled_from(CHECKS), st.floats(2, 100), st.sampled_from([None, 5.0]))
def test_what_is_kept_of_a_check_is_all_of_it(
    described: dict[str, object], interval: float, deregister_after: float | None
) -> None:
    more = {"interval": interval, "deregister_after": deregister_after}
    checks = admit_checks([{**described, **more}])
    kept = keep_checks(checks)
    assert admit_checks(kept) == checks
    assert len(kept[0]) <= len(described) + 6


@pytest.mark.parametrize(
    "start", ["http://h/", "https://h/", "http://h?", "http://[::1]/", "http://h:8/"]
)
def test_the_longest_url_that_is_taken_can_be_read_again(start: str) -> None:
    def fits(length: int) -> bool:
        url = start.ljust(length, "a")
        try:
            checks = admit_checks([{"type": "http", "url": url}])
        except InvalidField:
            return False
        assert admit_checks(keep_checks(checks)) == checks
        return True

    fitting = [fits(length) for length in range(MOST_URL - 10, MOST_URL + 2)]
    assert fitting == sorted(fitting, reverse=True)
    assert fitting[0]
    assert not fitting[-1]
