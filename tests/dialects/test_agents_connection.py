"""Connections to the agents' port, well meant and otherwise."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from io import BytesIO
from types import SimpleNamespace
from typing import Any

import pytest
import zmq
import zmq.asyncio

from dnsregistry.api.context import ReadyState
from dnsregistry.api.dialects import entrance
from dnsregistry.api.dialects.agents import router
from dnsregistry.api.dialects.agents.actions import Actions
from dnsregistry.api.dialects.agents.splice import Budget, Splice
from dnsregistry.api.dialects.room import Room
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.store import Outage
from tests.conftest import Start
from tests.dialects.sockets import Line, crowd
from tests.program import PATIENCE, Program

GREETING = b"\xff" + bytes(8) + b"\x7f\x03\x00NULL".ljust(23, b"\0") + bytes(31)
LIST = {"action": "list_agents"}
EMPTY = {"status": "success", "agents": []}


@pytest.fixture
async def program(start: Start) -> Program:
    return await start(dialects="agents:0", agents_health_port=0)


@pytest.fixture
def port(program: Program) -> int:
    return program.dialects["agents"]


@pytest.fixture
async def context(monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[zmq.asyncio.Context]:
    """Holds its sockets until it is destroyed: one that is collected first warns of being open."""
    made = zmq.asyncio.Context()
    opened, open_socket = [], made.socket

    def open_and_hold(kind: int) -> zmq.asyncio.Socket:
        opened.append(open_socket(kind))
        return opened[-1]

    monkeypatch.setattr(made, "socket", open_and_hold)
    yield made
    made.destroy(linger=0)


def _connect(context: zmq.asyncio.Context, port: int, kind: int = zmq.REQ) -> zmq.asyncio.Socket:
    sock = context.socket(kind)
    sock.connect(f"tcp://127.0.0.1:{port}")
    return sock


async def _ask(sock: zmq.asyncio.Socket, request: object) -> Any:
    async with asyncio.timeout(PATIENCE):
        await sock.send(json.dumps(request).encode())
        return json.loads(await sock.recv())


async def _check_all(program: Program, context: zmq.asyncio.Context) -> None:
    """Both ways in work."""
    port = program.dialects["agents"]
    assert (await _ask(_connect(context, port), LIST))["status"] == "success"
    async with program.http.post(f"http://127.0.0.1:{port}", json=LIST) as response:
        assert (await response.json())["status"] == "success"


async def test_a_client_asks_again_and_again_on_one_connection(
    port: int, context: zmq.asyncio.Context
) -> None:
    sock = _connect(context, port)
    for number in range(50):
        agent = {"agent_id": f"a{number}", "host": "10.0.0.1", "port": 1 + number}
        assert await _ask(sock, {"action": "register_agent", **agent}) == {"status": "success"}
    assert len((await _ask(sock, LIST))["agents"]) == 50


async def test_many_clients_ask_at_once(port: int, context: zmq.asyncio.Context) -> None:
    clients = [_connect(context, port) for _ in range(100)]
    answers = await asyncio.gather(*(_ask(sock, LIST) for sock in clients))
    assert answers == [EMPTY] * 100


async def test_a_dealer_may_have_many_requests_on_their_way(
    port: int, context: zmq.asyncio.Context
) -> None:
    sock = _connect(context, port, zmq.DEALER)
    for number in range(30):
        await sock.send_multipart([b"%d" % number, b"", json.dumps(LIST).encode()])
        await sock.send(json.dumps(LIST).encode())
    async with asyncio.timeout(PATIENCE):
        received = [await sock.recv_multipart() for _ in range(60)]
    envelopes = sorted(int(frames[0]) for frames in received if len(frames) == 3)
    assert envelopes == list(range(30))
    assert all(json.loads(frames[-1]) == EMPTY for frames in received)


async def test_clients_with_the_same_identity_take_over_from_each_other(
    port: int, context: zmq.asyncio.Context
) -> None:
    for _ in range(3):
        sock = context.socket(zmq.REQ)
        sock.setsockopt(zmq.IDENTITY, b"same")
        sock.connect(f"tcp://127.0.0.1:{port}")
        assert await _ask(sock, LIST) == EMPTY


@pytest.mark.parametrize(
    ("octets", "message"),
    [
        (b"", "the body is empty"),
        (b"{", "Expecting property name"),
        (b"\xff\xfe", "not UTF-8"),
        (b"[1]", "must be an object"),
        (b'{"action": NaN}', "NaN is not JSON"),
        (b"{}{}", "something follows"),
        (b"[" * 100_000, "nested too deep"),
        (b'{"x": "' + b"x" * 10_000_000 + b'"}', "longer than 1048576 octets"),
    ],
)
async def test_a_message_that_is_no_request_gets_the_documents_error_both_ways(
    program: Program, port: int, context: zmq.asyncio.Context, octets: bytes, message: str
) -> None:
    sock = _connect(context, port)
    async with asyncio.timeout(PATIENCE):
        await sock.send(octets)
        answer = json.loads(await sock.recv())
    assert (set(answer), answer["status"]) == ({"status", "message"}, "error")
    assert message in answer["message"]
    assert await _ask(sock, LIST) == EMPTY
    async with program.http.post(f"http://127.0.0.1:{port}", data=BytesIO(octets)) as response:
        assert response.status in (400, 413, 422)
        assert (await response.json())["status"] == "error"


async def test_a_message_beyond_all_bounds_ends_its_connection_and_no_other(
    program: Program, port: int, context: zmq.asyncio.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = _connect(context, port)
    await _ask(other, LIST)
    sock = _connect(context, port)
    monitor = sock.get_monitor_socket(zmq.EVENT_DISCONNECTED)
    await sock.send(b"x" * (router.MOST_OCTETS + 1))
    async with asyncio.timeout(PATIENCE):
        await monitor.recv_multipart()
    sock.disable_monitor()
    sock.close(linger=0)
    assert await _ask(other, LIST) == EMPTY


async def test_several_parts_are_one_request(port: int, context: zmq.asyncio.Context) -> None:
    sock = _connect(context, port)
    async with asyncio.timeout(PATIENCE):
        await sock.send_multipart([b'{"action":', b'"list_agents"}'])
        assert json.loads(await sock.recv()) == EMPTY


@pytest.mark.parametrize("octets", [b"\xff", GREETING[:11], GREETING])
async def test_half_a_handshake_is_given_up_and_harms_nobody(
    start: Start, context: zmq.asyncio.Context, octets: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(router, "HANDSHAKE_SECONDS", 0.3)
    program = await start(dialects="agents:0", agents_health_port=0)
    line = await Line.open(program.dialects["agents"], octets)
    await _check_all(program, context)
    # All that comes until the end is ZeroMQ's own greeting.
    assert (await line.receive_rest())[:1] in (b"", b"\xff")
    await line.close()


async def test_greetings_followed_by_noise_harm_nobody(
    program: Program, port: int, context: zmq.asyncio.Context
) -> None:
    ready = b"\x04\x19\x05READY\x0bSocket-Type\x00\x00\x00\x03REQ"
    huge = b"\x02" + struct.pack(">Q", 1 << 62)
    for noise in (b"\x00" * 100, b"\xff" * 1000, b"\x04\xff" + b"A" * 300, ready + huge, huge):
        line = await Line.open(port, GREETING + noise)
        assert (await line.receive_rest())[:1] in (b"", b"\xff")
        await line.close()
    await _check_all(program, context)


@pytest.mark.parametrize("kind", [zmq.SUB, zmq.PUSH, zmq.PULL])
async def test_sockets_of_another_kind_harm_nobody(
    program: Program, port: int, context: zmq.asyncio.Context, kind: int
) -> None:
    sock = _connect(context, port, kind)
    await _check_all(program, context)
    sock.close(linger=0)


@pytest.mark.parametrize("octets", [b"", b"POS", b"hello\r\n\r\n", b'{"action": "list_agents"}\n'])
async def test_what_is_neither_is_ended(
    program: Program, port: int, octets: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(entrance, "PATIENCE", 0.05)
    line = await Line.open(port, octets)
    answer = await line.receive_rest()
    if len(octets) > 3:
        assert b" 400 " in answer.splitlines()[0]
        assert json.loads(answer.partition(b"\r\n\r\n")[2])["status"] == "error"
    await line.close()


@pytest.mark.parametrize(
    ("place", "method", "path", "status"),
    [
        ("agents", "GET", "/", 405),
        ("agents", "POST", "/health", 404),
        ("agents-health", "POST", "/health", 405),
        ("agents-health", "GET", "/", 404),
    ],
)
async def test_other_requests_are_refused_in_the_same_form(
    program: Program, place: str, method: str, path: str, status: int
) -> None:
    url = f"http://127.0.0.1:{program.dialects[place]}{path}"
    async with program.http.request(method, url) as response:
        assert response.status == status
        assert set(await response.json()) == {"status", "message"}


async def test_a_thousand_idle_connections_keep_nobody_out(
    program: Program, port: int, context: zmq.asyncio.Context
) -> None:
    kinds = (b"", b"P", b"\xff", GREETING)
    async with crowd(port, 1200, kinds):
        await _check_all(program, context)


async def test_a_stop_ends_what_is_open(start: Start, context: zmq.asyncio.Context) -> None:
    program = await start(dialects="agents:0", agents_health_port=0)
    port = program.dialects["agents"]
    client = _connect(context, port)
    await _ask(client, LIST)
    lines = [await Line.open(port, octets) for octets in (b"", b"\xff", GREETING, b"POST / HTTP/1")]
    await program.stop()
    for line in lines:
        await line.receive_rest()
        await line.close()


class _Cut(Splice):
    def __init__(self) -> None:
        super().__init__("", Room(), Budget())
        self.cut = False

    def abort(self) -> None:
        self.cut = True


def test_of_connections_that_send_without_end_the_greediest_is_cut() -> None:
    budget = Budget(100)
    first, second, third = _Cut(), _Cut(), _Cut()
    budget.take(first, 40)
    budget.take(second, 50)
    budget.free(first)
    budget.take(first, 40)
    assert not first.cut
    assert not second.cut
    budget.take(third, 20)
    assert [splice.cut for splice in (first, second, third)] == [False, True, False]
    budget.take(third, 40)
    assert not third.cut
    budget.take(third, 1)
    assert third.cut


async def test_an_error_of_ours_is_told_in_the_documents_form_and_logged(
    program: Program,
    port: int,
    context: zmq.asyncio.Context,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: object, __: object) -> None:
        raise RuntimeError("a fault")

    sock = _connect(context, port)
    with monkeypatch.context() as patch:
        patch.setattr(Actions, "perform", fail)
        answer = await _ask(sock, LIST)
        async with program.http.post(f"http://127.0.0.1:{port}", json=LIST) as response:
            assert response.status == 500
            assert await response.json() == answer
    assert answer == {"status": "error", "message": "the cause is in the server's log"}
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"] * 2
    assert program.app.tallies["agents"].internal_errors == 2
    assert await _ask(sock, LIST) == EMPTY


async def test_a_client_that_takes_no_answers_keeps_nobody_waiting(
    program: Program, port: int, context: zmq.asyncio.Context
) -> None:
    await program.register_all(
        [
            {"id": f"w{number}", "service": "web", "address": "10.0.0.1", "port": 80}
            for number in range(2000)
        ]
    )
    deaf = context.socket(zmq.DEALER)
    deaf.setsockopt(zmq.RCVHWM, 1)
    deaf.setsockopt(zmq.RCVBUF, 4096)
    deaf.connect(f"tcp://127.0.0.1:{port}")
    for _ in range(400):
        await deaf.send(json.dumps(LIST).encode())
    assert len((await _ask(_connect(context, port), LIST))["agents"]) == 2000
    # What it takes late it still gets, as far as that was kept for it.
    async with asyncio.timeout(PATIENCE):
        for _ in range(20):
            assert len(json.loads(await deaf.recv())["agents"]) == 2000


async def test_health_tells_of_a_store_that_is_away_and_of_the_start(
    program: Program, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"http://127.0.0.1:{program.dialects['agents-health']}/health"
    outage = Outage(since=program.clock.now, reason="the disk is full")
    with monkeypatch.context() as patch:
        patch.setattr(type(program.app.store), "outage", outage)
        async with program.http.get(url) as response:
            answer = await response.json()
    assert (response.status, answer["status"]) == (200, "ok")
    assert answer["message"].startswith("ServiceRegistry answers from memory: ")
    assert answer["message"].endswith("the disk is full")
    monkeypatch.setattr(program.app, "_state", ReadyState.STARTING)
    async with program.http.get(url) as response:
        assert response.status == 503
        assert await response.json() == {
            "status": "error",
            "message": "ServiceRegistry is starting",
        }


async def test_a_node_that_does_not_know_its_cluster_yet_lists_no_agents(
    program: Program, port: int, context: zmq.asyncio.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    sock = _connect(context, port)
    monkeypatch.setattr(program.app, "_cluster", SimpleNamespace(is_loaded=False))
    for request in (LIST, {"action": "get_agent_endpoint", "agent_name": "a"}):
        answer = await _ask(sock, request)
        assert (answer["status"], set(answer)) == ("error", {"status", "message"})
        assert "not known yet" in answer["message"]
    monkeypatch.undo()


async def test_a_store_that_is_away_refuses_agents_in_the_documents_form(
    program: Program, port: int, context: zmq.asyncio.Context, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refuse(*_: object, **__: object) -> None:
        raise StoreAway("the disk is full")

    agent = {"action": "register_agent", "agent_id": "a", "host": "10.0.0.1", "port": 1}
    sock = _connect(context, port)
    with monkeypatch.context() as patch:
        patch.setattr(program.app.store, "grant", refuse)
        answer = await _ask(sock, agent)
        async with program.http.post(f"http://127.0.0.1:{port}", json=agent) as response:
            assert response.status == 503
            assert await response.json() == answer
    assert (answer["status"], set(answer)) == ("error", {"status", "message"})
    assert "the disk is full" in answer["message"]
    assert await _ask(sock, agent) == {"status": "success"}
