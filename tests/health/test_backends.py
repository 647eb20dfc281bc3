"""Real backends fall ill in every way, and DNS follows: at the counted result and never earlier."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest

from dnsregistry.health.probing import http
from dnsregistry.health.probing.pattern import search
from dnsregistry.registry.check import Health
from tests.health.backend import Backend, Mood
from tests.health.conftest import StartBackend, Watch, until
from tests.program import Program

Change = Callable[[], Awaitable[None]]
MakeTls = Callable[[str], tuple[ssl.SSLContext, Path]]
FAILURES, SUCCESSES = 3, 2
HTTP = {
    "type": "http",
    "path": "/health",
    "interval": 0.1,
    "timeout": 0.1,
    "failures_before_unhealthy": FAILURES,
    "success_before_healthy": SUCCESSES,
}
REASONS = {
    Mood.ERROR: "answered 500, not 200-399",
    Mood.HANGING: "no whole answer within 0.1 s",
    Mood.DRIPPING: "no whole answer within 0.1 s",
    Mood.REDIRECTING: "redirects to another host, 169.254.169.254, which is not followed",
    Mood.NOT_HTTP: "",
    Mood.CLOSING: "Server disconnected",
}


async def _register(program: Program, port: int, check: dict[str, object], id: str = "i1") -> None:
    await program.register(id, address="127.0.0.1", port=port, ttl=None, checks=[check])


async def _read_last(program: Program, id: str = "i1") -> dict[str, str]:
    async with program.http.get(f"/v1/instances/{id}/checks") as response:
        told = await response.json()
        last: dict[str, str] = told["checks"][0]["last"]
        return last


async def _fall_and_rise(watch: Watch, fall: Change, rise: Change) -> str:
    """Let it fall and rise again; returns the reason of the fall."""
    await watch.wait("i1", Health.HEALTHY)
    assert await watch.answers() == ["127.0.0.1"]
    watch.mark()
    async with watch.answered_until_failed(FAILURES):
        await fall()
        await watch.wait("i1", Health.UNHEALTHY)
        assert watch.counted[0] == FAILURES
        assert await watch.answers() == []
    reason = (await _read_last(watch.program))["reason"]
    await rise()
    watch.mark()
    await watch.wait("i1", Health.HEALTHY)
    assert watch.counted[1] == SUCCESSES
    assert await watch.answers() == ["127.0.0.1"]
    return reason


async def test_an_instance_is_not_answered_before_its_checks_have_passed(
    program: Program, backend: Backend, watch: Watch
) -> None:
    backend.mood = Mood.ERROR
    await _register(program, backend.port, HTTP)
    while len(backend.asked) < 2:
        assert await watch.answers() == []
        await asyncio.sleep(0.01)
    backend.mood = Mood.OK
    await watch.wait("i1", Health.HEALTHY)
    assert await watch.answers() == ["127.0.0.1"]


@pytest.mark.parametrize("mood", REASONS)
async def test_dns_follows_a_backend_at_the_counted_failure_and_never_earlier(
    program: Program, backend: Backend, watch: Watch, mood: Mood
) -> None:
    await _register(program, backend.port, HTTP)
    reason = await _fall_and_rise(watch, lambda: backend.feel(mood), lambda: backend.feel(Mood.OK))
    assert REASONS[mood] in reason


async def test_dns_follows_a_backend_that_refuses_and_comes_back(
    program: Program, backend: Backend, watch: Watch
) -> None:
    await _register(program, backend.port, HTTP)
    reason = await _fall_and_rise(watch, backend.stop, backend.start)
    assert "refused" in reason.lower() or "Connect call failed" in reason


async def test_dns_follows_a_backend_whose_certificate_breaks(
    program: Program,
    start_backend: StartBackend,
    watch: Watch,
    make_tls: MakeTls,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    trusted, authority = make_tls("trusted")
    foreign, _ = make_tls("foreign")
    monkeypatch.setenv("SSL_CERT_FILE", str(authority))
    backend = await start_backend(tls=trusted)

    async def serve_with(context: ssl.SSLContext) -> None:
        await backend.stop()
        backend.tls = context
        await backend.start()

    # A handshake takes a while on a slow machine.
    await _register(
        program, backend.port, {**HTTP, "type": "https", "interval": 0.3, "timeout": 0.3}
    )
    reason = await _fall_and_rise(watch, lambda: serve_with(foreign), lambda: serve_with(trusted))
    assert reason.startswith("its certificate is not valid")


async def test_a_certificate_of_whoever_passes_where_nobody_verifies_it(
    program: Program, start_backend: StartBackend, watch: Watch, make_tls: MakeTls
) -> None:
    backend = await start_backend(tls=make_tls("foreign")[0])
    slow: dict[str, object] = {"tls": True, "interval": 0.5, "failures_before_unhealthy": 1}
    await _register(
        program, backend.port, {**slow, "type": "http", "path": "/", "verify_tls": False}
    )
    await watch.wait("i1", Health.HEALTHY)
    check = {**slow, "type": "tcp", "verify_tls": False}
    await _register(program, backend.port, check, "i2")
    await watch.wait("i2", Health.HEALTHY)
    check = {**slow, "type": "tcp", "initial": "healthy"}
    await _register(program, backend.port, check, "i3")
    await watch.wait("i3", Health.UNHEALTHY)
    assert "certificate is not valid" in (await _read_last(program, "i3"))["reason"]


async def test_a_redirect_on_the_same_host_is_followed(
    program: Program, backend: Backend, watch: Watch
) -> None:
    backend.mood = Mood.SAME_HOST
    await _register(program, backend.port, HTTP)
    await watch.wait("i1", Health.HEALTHY)
    assert any(head.startswith(b"GET /well ") for head in backend.asked)


async def test_a_redirect_is_an_answer_where_it_is_not_to_be_followed(
    program: Program, backend: Backend, watch: Watch
) -> None:
    backend.mood = Mood.REDIRECTING
    check = {**HTTP, "follow_redirects": False, "expect_status": "302"}
    await _register(program, backend.port, check)
    await watch.wait("i1", Health.HEALTHY)
    assert (await _read_last(program))["reason"] == "answered 302"


async def test_the_body_must_hold_the_pattern(
    program: Program, backend: Backend, watch: Watch
) -> None:
    await _register(program, backend.port, {**HTTP, "body_pattern": r"all\s+is (well|fine)"})
    await watch.wait("i1", Health.HEALTHY)
    backend.body = b"nothing is"
    await watch.wait("i1", Health.UNHEALTHY)
    assert (await _read_last(program))["reason"] == "the body does not hold body_pattern"


async def test_a_pattern_that_never_ends_is_given_up_and_holds_up_nobody(
    program: Program, backend: Backend, watch: Watch, monkeypatch: pytest.MonkeyPatch
) -> None:
    turns, meanwhile = 0, []

    def search_and_note(pattern: str, body: bytes) -> bool:
        before = turns
        try:
            return search(pattern, body)
        finally:
            meanwhile.append(turns - before)

    monkeypatch.setattr(http, "search", search_and_note)
    backend.body = b"a" * 60_000
    check = {**HTTP, "body_pattern": "(a|aa)+$(?<=b)", "interval": 1, "timeout": 1}
    await _register(
        program, backend.port, {**check, "failures_before_unhealthy": 1, "initial": "healthy"}
    )
    while watch.health_of("i1") is not Health.UNHEALTHY or len(meanwhile) < 3:
        await asyncio.sleep(0)
        turns += 1
    assert (await _read_last(program))["reason"] == "body_pattern took longer than 0.1 s"
    # Thousands; if it held the loop up, none.
    assert max(meanwhile) > 10


async def test_a_body_without_end_is_read_to_a_bound(
    program: Program, start_backend: StartBackend, watch: Watch
) -> None:
    backend = await start_backend(body=b"x" * 10_000_000)
    await _register(program, backend.port, {**HTTP, "interval": 1, "timeout": 1})
    await watch.wait("i1", Health.HEALTHY)


async def test_connections_are_kept_from_check_to_check(
    program: Program, backend: Backend, watch: Watch
) -> None:
    await _register(program, backend.port, HTTP)
    await watch.wait("i1", Health.HEALTHY)
    await until(lambda: len(backend.asked) >= 5)
    assert backend.most_open == 1


async def test_a_target_is_never_asked_twice_at_once(program: Program, backend: Backend) -> None:
    backend.mood = Mood.HANGING
    check = {**HTTP, "interval": 0.5, "timeout": 0.5}
    for number in range(20):
        await _register(program, backend.port, check, f"i{number}")
    tally = program.app.checking.tally
    await until(lambda: tally.probes >= 20)
    assert backend.most_open == 1
    assert tally.shared > 0


async def test_all_checks_of_an_instance_must_pass(
    program: Program, backend: Backend, start_backend: StartBackend, watch: Watch
) -> None:
    other = await start_backend()
    tcp = {"type": "tcp", "address": f"127.0.0.1:{other.port}", "interval": 0.1}
    await program.register(
        "i1", address="127.0.0.1", port=backend.port, ttl=None, checks=[HTTP, tcp]
    )
    await watch.wait("i1", Health.HEALTHY)
    await other.stop()
    await watch.wait("i1", Health.UNHEALTHY)
    await other.start()
    await watch.wait("i1", Health.HEALTHY)
    backend.mood = Mood.ERROR
    await watch.wait("i1", Health.UNHEALTHY)


async def test_the_same_registration_again_keeps_the_verdict_and_another_check_does_not(
    program: Program, backend: Backend, watch: Watch
) -> None:
    check = {**HTTP, "interval": 60, "timeout": 1, "success_before_healthy": 1}
    await _register(program, backend.port, check)
    await watch.wait("i1", Health.HEALTHY)
    await _register(program, backend.port, check)
    assert watch.health_of("i1") is Health.HEALTHY
    backend.mood = Mood.ERROR
    await _register(program, backend.port, {**check, "path": "/other"})
    assert watch.health_of("i1") is Health.UNHEALTHY
    assert await watch.answers() == []


async def test_another_path_is_asked_where_the_first_is_missing(
    program: Program, backend: Backend, watch: Watch
) -> None:
    backend.mood = Mood.MISSING
    await _register(program, backend.port, {**HTTP, "fallback_path": "/there"})
    await watch.wait("i1", Health.HEALTHY)
    await _register(program, backend.port, {**HTTP, "fallback_path": "/nowhere"}, "i2")
    await until(lambda: any(b"/nowhere" in head for head in backend.asked))
    assert watch.health_of("i2") is Health.UNHEALTHY
    backend.mood = Mood.ERROR
    await watch.wait("i1", Health.UNHEALTHY)


async def test_an_ipv6_backend_is_asked(
    program: Program, start_backend: StartBackend, watch: Watch, ipv6: str
) -> None:
    backend = await start_backend(ipv6)
    await program.register("i1", address=ipv6, port=backend.port, ttl=None, checks=[HTTP])
    await watch.wait("i1", Health.HEALTHY)
    assert f"Host: [{ipv6}]:{backend.port}".encode() in backend.asked[0]
