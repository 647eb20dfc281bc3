"""Workers: real processes that share the port, and what becomes of them."""

import asyncio
import os
import signal
from collections.abc import Awaitable, Callable
from pathlib import Path

import dns.edns
import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.registry.departures import KEPT_SECONDS
from dnsregistry.servers.workers.frames import Kind, Reader, pack
from tests.conftest import Start
from tests.machine import give_up
from tests.program import PATIENCE, Clock, Program, UdpClient
from tests.wire import Reply, make_query

NAME = "user-service.registry.local"
CLIENTS = 16
"""Sockets, each of its own port: all of them come to one worker of two once in 32,000 runs."""


@pytest.fixture
async def crew(start: Start) -> Program:
    """A program with two workers and one instance."""
    program = await start(workers=2)
    await program.register("a", address="10.0.0.1", port=80)
    return program


def _clients(program: Program) -> list[UdpClient]:
    return [program.dns.udp() for _ in range(CLIENTS)]


async def _ask(client: UdpClient, name: str = NAME, rtype: str = "A") -> Reply:
    return Reply.of(await client.exchange(make_query(name, rtype)))


async def _ask_again(client: UdpClient) -> Reply:
    """As a stub does: what gets no reply is asked again."""
    async with asyncio.timeout(PATIENCE):
        while True:
            await client.send(make_query(NAME))
            try:
                async with asyncio.timeout(0.5):
                    return Reply.of(await client.receive())
            except TimeoutError:
                continue


def _find_workers() -> list[int]:
    """The worker processes of this one, by their command lines."""
    workers = []
    for entry in Path("/proc").glob("[0-9]*"):
        try:
            status = (entry / "stat").read_text().rpartition(")")[2].split()
            command = (entry / "cmdline").read_bytes()
        except OSError:
            continue
        if int(status[1]) == os.getpid() and b"dnsregistry.servers.workers.process" in command:
            workers.append(int(entry.name))
    if not Path("/proc/self").exists():
        give_up("no /proc to find processes in")
    return workers


async def _wait(holds: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while not await holds():  # noqa: ASYNC110 - no event tells what another process counts
            await asyncio.sleep(0.01)


async def test_every_client_gets_the_answers_of_the_main_process(crew: Program) -> None:
    for client in _clients(crew):
        for _ in range(4):
            reply = await _ask(client)
            assert (reply.answer, reply.flags) == ([f"{NAME}. 5 IN A 10.0.0.1"], "QR AA RD")
        assert (await _ask(client, NAME, "AAAA")).answer == []
        assert (await _ask(client, "nobody.registry.local")).rcode == "NXDOMAIN"
        assert (await _ask(client, "example.org")).rcode == "REFUSED"
        assert (await _ask(client, f"_{NAME.replace('.', '._tcp.', 1)}", "SRV")).rcode == "NOERROR"


async def test_a_change_that_is_acknowledged_is_known_to_every_worker(crew: Program) -> None:
    clients = _clients(crew)
    for number in range(1, 30):
        await crew.register("a", address=f"10.0.1.{number}", port=80)
        for client in clients:
            assert (await _ask(client)).answer == [f"{NAME}. 5 IN A 10.0.1.{number}"]


async def test_changes_of_what_is_asked_for_leave_workers_nothing_to_ask(crew: Program) -> None:
    client = crew.dns.udp()
    questions = [(NAME, "A"), (NAME, "AAAA"), (f"_{NAME.replace('.', '._tcp.', 1)}", "SRV")]

    async def ask_all() -> list[Reply]:
        return [await _ask(client, *question) for question in questions]

    for _ in range(3):
        await ask_all()
    before = (await crew.read_stats())["dns"]["ordinary"]
    for number in range(1, 10):
        # Of another service too, so that there is a denial's serial that nothing else tells.
        await crew.register("b", service=f"other{number}", address="10.0.2.1", port=80)
        await crew.register("a", address=f"10.0.1.{number}", port=80 + number)
        serial = (await crew.read_stats())["zone"]["serial"]
        a, aaaa, srv = await ask_all()
        assert a.answer == [f"{NAME}. 5 IN A 10.0.1.{number}"]
        assert f" {serial} " in aaaa.authority[0]
        assert f" {80 + number} " in srv.answer[0]
    assert (await crew.read_stats())["dns"]["ordinary"] == before


async def test_a_new_service_is_denied_by_no_worker(crew: Program) -> None:
    clients = _clients(crew)
    for number in range(20):
        name = f"new{number}.registry.local"
        for client in clients:
            assert (await _ask(client, name)).rcode == "NXDOMAIN"
        await crew.register("b", service=f"new{number}", address="10.0.0.9", port=80)
        for client in clients:
            assert (await _ask(client, name)).rcode == "NOERROR"


async def test_every_worker_tells_of_a_service_that_has_just_gone(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.servers.workers.pool.WATCH_SECONDS", 0.05)
    crew = await start(clock := Clock(), workers=2)
    await crew.register("b", service="gone", ttl=None)
    await crew.remove("b")
    clients = _clients(crew)
    gone, none = (make_query(f"{name}.registry.local", edns=1232) for name in ("gone", "none"))
    for client in clients:
        for _ in range(3):
            reply = Reply.of(await client.exchange(none))
            assert (reply.rcode, reply.message.extended_errors()) == ("NXDOMAIN", [])
        (why,) = Reply.of(await client.exchange(gone)).message.extended_errors()
        assert why.text == "last instance removed 0 s ago"
    clock.advance(KEPT_SECONDS)

    async def is_denied_by_workers() -> bool:
        before = (await crew.read_stats())["dns"]["ordinary"]
        for client in clients:
            assert Reply.of(await client.exchange(gone)).message.extended_errors() == []
        return bool((await crew.read_stats())["dns"]["ordinary"] == before)

    await _wait(is_denied_by_workers)


async def test_a_worker_that_is_killed_costs_a_retry_at_most(crew: Program) -> None:
    clients = _clients(crew)
    before = _find_workers()
    assert len(before) == 2
    for pid in before:
        os.kill(pid, signal.SIGKILL)
        for client in clients:
            assert (await _ask_again(client)).answer == [f"{NAME}. 5 IN A 10.0.0.1"]
    after = _find_workers()
    assert len(after) == 2
    assert not set(before) & set(after)
    assert (await crew.read_stats())["workers"]["restarts"] == 2


async def test_a_worker_that_hangs_tells_nobody_what_is_no_longer_so(crew: Program) -> None:
    clients = _clients(crew)
    for client in clients:
        for _ in range(4):
            await _ask(client)
    hanging = _find_workers()[0]
    os.kill(hanging, signal.SIGSTOP)
    await crew.register("a", address="10.0.0.2", port=80)
    assert hanging not in _find_workers()
    for client in clients:
        assert (await _ask_again(client)).answer == [f"{NAME}. 5 IN A 10.0.0.2"]


async def test_what_workers_answer_is_counted(crew: Program) -> None:
    for client in _clients(crew):
        for _ in range(5):
            await _ask(client)

    async def is_counted() -> bool:
        dns = (await crew.read_stats())["dns"]
        counted = dns["queries"]["udp"], dns["rcodes"].get("NOERROR")
        return bool(counted == (CLIENTS * 5, CLIENTS * 5))

    await _wait(is_counted)


async def test_what_only_the_main_process_can_answer_is_handed_over(crew: Program) -> None:
    cookie = [dns.edns.CookieOption(b"12345678", b"")]
    for client in _clients(crew):
        reply = Reply.of(await client.exchange(make_query(NAME, edns=1232, options=cookie)))
        assert reply.answer == [f"{NAME}. 5 IN A 10.0.0.1"]
        assert (await _ask(client, NAME, "ANY")).answer == [f"{NAME}. 5 IN A 10.0.0.1"]


async def test_a_zone_under_the_live_one_ends_the_denials(start: Start, tmp_path: Path) -> None:
    program = await start(workers=2, zones_dir=tmp_path)
    clients = _clients(program)
    for client in clients:
        assert (await _ask(client, "www.static.registry.local")).rcode == "NXDOMAIN"
    (tmp_path / "static.registry.local.zone").write_text(
        "$TTL 60\n@ SOA ns hostmaster 1 60 60 60 60\n@ NS ns\nns A 10.0.0.1\nwww A 10.0.0.2\n"
    )

    async def is_served() -> bool:
        replies = [await _ask(client, "www.static.registry.local") for client in clients]
        return all(reply.rcode == "NOERROR" for reply in replies)

    await _wait(is_served)


async def test_a_client_is_limited_by_workers_too(start: Start) -> None:
    program = await start(workers=2, rate_limit=10, rate_limit_exempt="192.0.2.0/24")
    await program.register("a", address="10.0.0.1", port=80)
    client = program.dns.udp()
    for _ in range(100):
        await client.send(make_query(NAME))
    whole = 0
    for _ in range(40):
        reply = Reply.of(await client.receive())
        whole += "TC" not in reply.flags
    assert whole <= 25


@given(
    st.lists(st.tuples(st.sampled_from(Kind), st.lists(st.binary(max_size=40), max_size=5))),
    st.integers(1, 50),
)
def test_frames_come_out_as_they_went_in(
    frames: list[tuple[Kind, list[bytes]]], piece: int
) -> None:
    stream = b"".join(pack(kind, *fields) for kind, fields in frames)
    reader = Reader()
    read: list[tuple[Kind, list[bytes]]] = []
    for start in range(0, len(stream), piece):
        read += reader.feed(stream[start : start + piece])
    assert read == frames
