"""Workers that hang, and whoever asks more than the main process can answer."""

import asyncio
import os
import signal
import socket
import subprocess
from collections.abc import Callable
from pathlib import Path
from typing import cast

import pytest

from dnsregistry.answers.access import Client
from dnsregistry.answers.responder import Responder
from dnsregistry.registry.registry import Registry
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.workers.demand import Wanted
from dnsregistry.servers.workers.frames import (
    MOST_ASKED,
    Fields,
    Kind,
    Reader,
    pack,
    pack_copy,
    pack_number,
)
from dnsregistry.servers.workers.link import Link
from dnsregistry.servers.workers.pool import Pool
from dnsregistry.servers.workers.process import Process
from dnsregistry.servers.workers.refill import export
from dnsregistry.servers.workers.replica import Configuration, Replica
from dnsregistry.zone.name import Name
from tests.answers.test_table import House, _query
from tests.conftest import Start
from tests.servers.test_workers import NAME, _ask_again, _clients, _find_workers, _wait

CLIENT = Client("10.0.0.7", tcp=False)
WEB = "web.registry.local"


class Told:
    """What a replica has sent, frame by frame."""

    def __init__(self) -> None:
        self.frames: list[tuple[Kind, Fields]] = []

    def __call__(self, frames: bytes) -> None:
        self.frames += Reader().feed(frames)


def _replica(house: House, told: Told, *, rate: float = 0, allowed: str = "0.0.0.0/0") -> Replica:
    """A replica that holds the answer for `web`."""
    house.add("a")
    responder = house.build()
    for _ in range(2):
        responder.respond(_query(WEB, "A"), CLIENT)
    copy = responder.table.export(_query(WEB, "A")[2:], b"", house.now)
    assert copy is not None
    configuration = Configuration("registry.local", 0.0, [allowed], rate, [], [])
    replica = Replica(configuration, lambda: house.now, told)
    for kind, fields in Reader().feed(pack_copy(copy)):
        replica.hear(kind, fields)
    return replica


async def test_a_client_that_was_not_met_yet_is_answered_without_the_main_process() -> None:
    told = Told()
    replica = _replica(House(), told)
    reply = replica.answer(_query(WEB, "A"), CLIENT)
    assert isinstance(reply, bytes)
    assert reply.endswith(bytes((10, 0, 0, 1)))
    assert (told.frames, replica.tally.udp, replica.tally.rcodes.total()) == ([], 1, 1)


@pytest.mark.parametrize("setting", [{"rate": 1.0}, {"allowed": "192.0.2.0/24"}])
async def test_who_may_not_have_an_entry_is_handed_over_without_another_copy(
    setting: dict[str, object],
) -> None:
    told = Told()
    replica = _replica(House(), told, **setting)  # type: ignore[arg-type]
    for _ in range(3):
        replica.answer(_query(WEB, "A"), CLIENT)
    replica.answer(_query("db.registry.local", "A"), CLIENT)
    copies = [fields[3] for _, fields in told.frames]
    assert len(copies) >= 3
    assert (set(copies[:-1]), copies[-1]) == ({b"0"}, b"1")


async def test_nothing_is_handed_over_while_the_main_process_does_not_read() -> None:
    told = Told()
    replica = _replica(House(), told)
    replica.is_heard = False
    assert replica.answer(_query("db.registry.local", "A"), CLIENT) is None
    assert (told.frames, replica.tally.overflowed) == ([], 1)
    assert isinstance(replica.answer(_query(WEB, "A"), CLIENT), bytes)


def _link(responder: Responder) -> Link:
    heed = lambda *_: None  # noqa: E731
    return Link(Exchange(responder), responder, heed, heed, heed, asyncio.Event())


async def test_the_main_process_answers_what_workers_still_wait_for_and_no_more() -> None:
    responder = House().build()
    link = _link(responder)
    message = _query("example.org", "A")
    ask = pack(Kind.ASK, bytes(8), CLIENT.address.encode(), message, b"1")
    for _ in range(10):
        link.data_received(ask * MOST_ASKED)
    assert len(link._asked) <= MOST_ASKED
    while link._asked:  # noqa: ASYNC110 - its turns are the loop's
        await asyncio.sleep(0)
    assert MOST_ASKED <= responder.tally.udp < 10 * MOST_ASKED


async def test_a_settled_change_lets_those_through_who_wait_behind_it() -> None:
    house = House()
    responder = house.build()
    configuration = Configuration("registry.local", 0.0, [], 0, [], [])
    pool = Pool([], configuration, Registry(), house.authority, Exchange(responder), responder)
    link = _link(responder)
    ours, theirs = socket.socketpair()
    with ours, theirs:
        link._ear = ours
        pool._links = {link}
        message = _query("example.org", "A")
        ask = pack(Kind.ASK, bytes(8), CLIENT.address.encode(), message, b"1")
        for _ in range(3):
            theirs.send(ask)
            # Not a turn of the loop.
            await pool.settle()
        assert responder.tally.udp == 3
        await pool.settle()
        theirs.close()
        await pool.settle()
    assert responder.tally.udp == 3


class _Stream(asyncio.Transport):
    """A worker's end of the stream to a main process that says what the test has it say."""

    def __init__(self) -> None:
        super().__init__()
        self.written: list[tuple[Kind, Fields]] = []
        self.reads = True

    def set_write_buffer_limits(self, high: int | None = None, low: int | None = None) -> None:
        """Take any."""

    def write(self, data: bytes | bytearray | memoryview) -> None:
        """Keep it."""
        self.written += Reader().feed(bytes(data))

    def is_reading(self) -> bool:
        """Whether the worker takes in what comes."""
        return self.reads

    def pause_reading(self) -> None:
        """Let it wait."""
        self.reads = False

    def resume_reading(self) -> None:
        """Go on."""
        self.reads = True


async def test_a_worker_listens_in_short_turns_and_answers_between_them(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.servers.workers.process.TURN_SECONDS", 0.0)
    monkeypatch.setattr("dnsregistry.servers.workers.process.MOST_HELD", 1000)
    worker, stream = Process([]), _Stream()
    worker.connection_made(stream)
    told = pack(Kind.CONFIGURE, Configuration("registry.local", 0.0, [], 0, [], []).to_json())
    told += b"".join(pack(Kind.SYNC, pack_number(number)) for number in range(100))
    turns = 0
    paused = False
    while told or not stream.reads or turns < 101:
        if told and stream.reads:
            piece, told = told[:700], told[700:]
            buffer = worker.get_buffer(-1)
            buffer[: len(piece)] = piece
            worker.buffer_updated(len(piece))
        paused = paused or not stream.reads
        before = len(stream.written)
        await asyncio.sleep(0)
        assert len(stream.written) - before <= 1
        turns += 1
    synced = [fields for kind, fields in stream.written if kind is Kind.SYNCED]
    assert synced == [[pack_number(number)] for number in range(100)]
    assert paused


async def test_a_start_that_is_broken_off_leaves_no_process(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    started: list[subprocess.Popen[bytes]] = []
    launch = subprocess.Popen

    def record(*arguments: object, **options: object) -> subprocess.Popen[bytes]:
        started.append(launch(*arguments, **options))  # type: ignore[call-overload]
        return started[0]

    monkeypatch.setattr("subprocess.Popen", record)
    link = _link(House().build())
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        starting = asyncio.create_task(link.start([sock]))
        await asyncio.sleep(0)
        starting.cancel()
        await asyncio.gather(starting, return_exceptions=True)
        await link.stop()
    assert [process.returncode for process in started] == [-signal.SIGKILL]


class _StuckLink:
    """Stands for a Link that takes what it is told and acknowledges nothing."""

    def __init__(self, synced: int) -> None:
        self.is_ready = True
        self.synced = synced
        self.told: list[bytes] = []

    def tell(self, frames: bytes) -> None:
        """Take it."""
        self.told.append(frames)

    def listen(self) -> None:
        """Hear nothing."""

    async def stop(self) -> None:
        """End."""


async def test_only_workers_that_are_behind_the_awaited_change_are_ended(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.servers.workers.pool.SETTLE_SECONDS", 0.05)
    house = House()
    responder = house.build()
    configuration = Configuration("registry.local", 0.0, [], 0, [], [])
    registry = Registry()
    pool = Pool([], configuration, registry, house.authority, Exchange(responder), responder)
    stuck, listening = _StuckLink(0), _StuckLink(1)
    pool._links = cast("set[Link]", {stuck, listening})
    pool.clear()
    waiting = asyncio.create_task(pool.settle())
    await asyncio.sleep(0)
    # A change after it, which nobody can have acknowledged yet.
    pool.clear()
    await waiting
    assert (stuck.is_ready, listening.is_ready) == (False, True)


async def test_a_moved_serial_is_told_once_a_turn_and_only_to_those_who_may_hold_one() -> None:
    house = House()
    responder = house.build()
    configuration = Configuration("registry.local", 0.0, [], 0, [], [])
    pool = Pool([], configuration, Registry(), house.authority, Exchange(responder), responder)
    link = _StuckLink(0)
    pool._links = {cast("Link", link)}
    origin = Name.from_text("registry.local")
    pool.renumber(origin, 7)
    await pool.settle()
    assert link.told == []
    wanted = Wanted(_query("nobody.registry.local", "A"), CLIENT)
    for _ in range(2):
        responder.respond(wanted.message, CLIENT)
    copy = export(responder, wanted)
    assert copy is not None
    pool._note_copy(copy, wanted)
    for serial in (8, 9):
        pool.renumber(origin, serial)
    link.synced = 1
    await pool.settle()
    assert link.told == [
        pack(Kind.RENUMBER, pack_number(9)) + pack(Kind.SYNC, pack_number(1)),
    ]


async def test_a_worker_that_hangs_is_replaced_while_nothing_changes(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("dnsregistry.servers.workers.pool.WATCH_SECONDS", 0.2)
    monkeypatch.setattr("dnsregistry.servers.workers.pool.SETTLE_SECONDS", 0.5)
    program = await start(workers=2)
    await program.register("a", address="10.0.0.1", port=80)
    hanging = _find_workers()[0]
    os.kill(hanging, signal.SIGSTOP)
    for client in _clients(program):
        assert (await _ask_again(client)).answer == [f"{NAME}. 5 IN A 10.0.0.1"]
    assert hanging not in _find_workers()


async def test_a_worker_leaves_the_end_to_the_main_process(start: Start) -> None:
    program = await start(workers=2)
    await program.register("a", address="10.0.0.1", port=80)
    for pid in _find_workers():
        os.kill(pid, signal.SIGTERM)
        os.kill(pid, signal.SIGINT)
    for client in _clients(program):
        assert (await _ask_again(client)).answer == [f"{NAME}. 5 IN A 10.0.0.1"]
    assert (await program.read_stats())["workers"]["restarts"] == 0


async def test_a_worker_takes_no_module_from_the_working_directory(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "json.py").write_text("raise SystemExit('taken from the working directory')\n")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr("dnsregistry.servers.workers.pool.START_SECONDS", 20.0)
    program = await start(workers=1)
    workers = (await program.read_stats())["workers"]
    assert (workers["serving"], workers["restarts"]) == (1, 0)


async def test_a_worker_that_never_becomes_ready_is_started_anew(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await start(workers=1)
    (first,) = _find_workers()
    monkeypatch.setattr("dnsregistry.servers.workers.pool.START_SECONDS", 0.5)
    command: Callable[[], list[str]] = lambda: ["/bin/sleep", "60"]  # noqa: E731
    with monkeypatch.context() as patched:
        patched.setattr("dnsregistry.servers.workers.link._program", command)
        os.kill(first, signal.SIGKILL)

        async def has_restarted_twice() -> bool:
            workers = (await program.read_stats())["workers"]
            return bool(workers["restarts"] >= 2)

        await _wait(has_restarted_twice)
    monkeypatch.setattr("dnsregistry.servers.workers.pool.START_SECONDS", 20.0)

    async def serves() -> bool:
        return bool((await program.read_stats())["workers"]["serving"])

    await _wait(serves)
