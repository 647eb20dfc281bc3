"""`dnsregistry run` with programs of every kind, beside registries that come and go."""

import asyncio
import os
import pty
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import suppress
from pathlib import Path

import pytest

from dnsregistry.client.registration import LEAVE_SECONDS
from tests.client.conftest import House, free_port
from tests.client.test_registration import Proxy
from tests.conftest import Start
from tests.dialects.spoken import wait_until
from tests.machine import give_up, require
from tests.program import LOOPBACK, PATIENCE

CHILD = str(Path(__file__).with_name("child.py"))


@pytest.fixture
def place(start: Start) -> House:
    return House(start)


class Running:
    """A running `dnsregistry run`, and the port of its program."""

    def __init__(self, process: Process, port: int) -> None:
        self.process = process
        self.port = port
        self.out = b""

    async def order(self, text: str) -> None:
        """Have the program do something."""
        _, writer = await asyncio.open_connection(LOOPBACK, self.port)
        writer.write(text.encode())
        await writer.drain()
        writer.close()

    async def read(self, word: str) -> list[str]:
        """The words after `word` in a line of the program's."""
        assert self.process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            while line := await self.process.stdout.readline():
                self.out += line
                if line.decode().startswith(word):
                    return line.decode().split()[1:]
        raise AssertionError(f"no {word} in {self.out!r}")

    async def finish(self) -> tuple[int, str]:
        """The exit code, and what was told."""
        async with asyncio.timeout(PATIENCE):
            out, err = await self.process.communicate()
        self.out += out
        assert "Traceback" not in err.decode(), err.decode()
        assert self.process.returncode is not None
        return self.process.returncode, err.decode()


Begin = Callable[..., Awaitable[Running]]


@pytest.fixture
async def begin() -> AsyncIterator[Begin]:
    started: list[Running] = []

    async def run(
        url: str, mode: str, *options: str, command: Sequence[str] = (), before: Sequence[str] = ()
    ) -> Running:
        port = free_port()
        given = ["--url", url, "--service", "web", "--port", str(port), "--ttl", "1", *options]
        command = command or (sys.executable, CHILD, mode, str(port))
        process = await asyncio.create_subprocess_exec(
            *(*before, sys.executable, "-m", "dnsregistry", "run", *given, "--", *command),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=PIPE,
            stderr=PIPE,
        )
        running = Running(process, port)
        started.append(running)
        return running

    yield run
    for running in started:
        if running.process.returncode is None:
            # First what it runs, which would hold the pipes open for ever.
            for child in _children(running.process.pid):
                os.kill(child, signal.SIGKILL)
            running.process.kill()
            await running.finish()


def _children(pid: int) -> list[int]:
    text = Path(f"/proc/{pid}/task/{pid}/children").read_text(encoding="ascii")
    return [int(child) for child in text.split()]


async def _registered(place: House) -> None:
    await wait_until(lambda: len(place.ids()) == 1)


async def test_a_program_is_there_from_when_its_port_opens_until_it_ends(
    place: House, begin: Begin
) -> None:
    program = await place.open()
    running = await begin(place.url, "serve", "--tag", "v1", "--id", "web-1")
    await _registered(place)
    answer = await program.ask("_web._tcp.registry.local", "SRV")
    assert answer.rdatas == [f"0 1 {running.port} web-1.i.registry.local."]
    [lease] = program.app.registry.catalogue.after(0)
    place.clock.advance(0.5)
    await wait_until(lambda: lease.renewed_at == place.clock())
    await running.order("exit 3")
    assert await running.finish() == (3, "")
    assert place.ids() == []


async def test_a_registry_that_hangs_holds_the_end_up_for_five_seconds(begin: Begin) -> None:
    proxy = Proxy()
    runner = await proxy.start()
    proxy.status = 0
    running = await begin(proxy.url, "serve")
    await wait_until(lambda: len(proxy.asked) == 1)
    await running.order("exit 3")
    began = asyncio.get_running_loop().time()
    assert (await running.finish())[0] == 3
    assert asyncio.get_running_loop().time() - began < 2 * LEAVE_SECONDS + 2
    proxy.hangs.set()
    await runner.cleanup()


async def test_a_program_of_another_protocol_is_registered_as_it_is_started(
    place: House, begin: Begin
) -> None:
    await place.open()
    running = await begin(place.url, "closed", "--protocol", "udp", "--start-timeout", "0.5")
    await _registered(place)
    running.process.send_signal(signal.SIGTERM)
    assert (await running.finish())[0] == 128 + signal.SIGTERM
    assert place.ids() == []


async def test_a_secret_that_no_header_takes_is_told_before_the_program_starts(
    place: House, begin: Begin
) -> None:
    running = await begin(place.url, "serve", "--token", "s3cret\n")
    code, told = await running.finish()
    assert (code, running.out) == (2, b"")
    assert "the token has a character" in told
    assert "s3cret" not in told


async def test_a_crash_is_128_and_the_signal(place: House, begin: Begin) -> None:
    await place.open()
    running = await begin(place.url, "serve")
    await _registered(place)
    await running.order("abort")
    assert (await running.finish())[0] == 128 + signal.SIGABRT
    assert place.ids() == []


async def test_at_sigterm_it_is_drained_before_the_program_hears_of_it(
    place: House, begin: Begin
) -> None:
    await place.open()
    running = await begin(place.url, "polite", "--drain", "0.5")
    await _registered(place)
    running.process.send_signal(signal.SIGTERM)
    await wait_until(lambda: place.statuses() == ["draining"])
    # It serves on meanwhile.
    await running.order("nothing")
    assert await running.finish() == (7, "")
    assert place.ids() == []


async def test_a_program_that_ignores_sigterm_is_killed_after_the_grace(
    place: House, begin: Begin
) -> None:
    await place.open()
    running = await begin(place.url, "deaf", "--grace", "0.3")
    await _registered(place)
    running.process.send_signal(signal.SIGTERM)
    code, told = await running.finish()
    assert code == 128 + signal.SIGKILL
    assert told == "dnsregistry run: killed: it went on for 0.3 s after SIGTERM\n"
    assert place.ids() == []


async def test_other_signals_are_the_program_s(place: House, begin: Begin) -> None:
    await place.open()
    running = await begin(place.url, "serve")
    await _registered(place)
    for number in (signal.SIGHUP, signal.SIGUSR1):
        running.process.send_signal(number)
        assert await running.read("got") == [str(int(number))]
    assert len(place.ids()) == 1
    running.process.send_signal(signal.SIGINT)
    assert (await running.finish())[0] == 128 + signal.SIGINT


async def test_signals_reach_the_children_of_the_program(place: House, begin: Begin) -> None:
    await place.open()
    running = await begin(place.url, "parent")
    [inner] = await running.read("pid")
    await _registered(place)
    running.process.send_signal(signal.SIGTERM)
    assert (await running.finish())[0] == 128 + signal.SIGTERM
    await wait_until(lambda: not _lives(inner))


async def test_what_a_program_leaves_behind_is_ended_with_it(place: House, begin: Begin) -> None:
    await place.open()
    running = await begin(place.url, "serve", "--grace", "0.3")
    await _registered(place)
    await running.order("fork")
    [left] = await running.read("left")
    assert await running.finish() == (0, "")
    await wait_until(lambda: not _lives(left))
    assert place.ids() == []


def _lives(pid: str) -> bool:
    """Whether the process runs; one that only waits to be reaped does not."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] != "Z"
    except OSError:
        return False


async def test_a_port_that_never_opens_ends_it_with_one_sentence(
    place: House, begin: Begin
) -> None:
    await place.open()
    running = await begin(place.url, "closed", "--start-timeout", "0.5")
    code, told = await running.finish()
    assert code == 124
    assert told == (
        f"dnsregistry run: nothing accepts at 127.0.0.1:{running.port} after 0.5 s;"
        " --start-timeout gives it longer\n"
    )
    assert place.ids() == []


async def test_a_program_that_is_not_where_it_would_be_registered_is_told_so(
    place: House, begin: Begin, ipv6: str
) -> None:
    """The registry is reached from ::1, and the program listens at 127.0.0.1."""
    running = await begin(f"http://[{ipv6}]:{place.port}", "serve", "--start-timeout", "0.5")
    code, told = await running.finish()
    assert code == 124
    assert f"nothing accepts at [::1]:{running.port} after 0.5 s; 127.0.0.1:{running.port}" in told
    assert "listen on all addresses, or give --address" in told


async def test_a_registry_that_is_down_at_the_start_keeps_no_program_from_running(
    place: House, begin: Begin
) -> None:
    running = await begin(place.url, "serve")
    assert running.process.stderr is not None
    async with asyncio.timeout(PATIENCE):
        told = await running.process.stderr.readline()
    assert told.startswith(f"dnsregistry run: no registry at {place.url}".encode())
    await place.open()
    await _registered(place)
    await running.order("exit 0")
    assert (await running.finish())[0] == 0
    assert place.ids() == []


async def test_a_registry_that_is_restarted_in_the_middle_has_it_again(
    place: House, begin: Begin
) -> None:
    program = await place.open()
    running = await begin(place.url, "serve")
    await _registered(place)
    await program.stop()
    await place.open()
    await _registered(place)
    await running.order("exit 5")
    assert (await running.finish())[0] == 5
    assert place.ids() == []


async def test_a_registry_that_is_gone_at_the_end_holds_nobody_up(
    place: House, begin: Begin
) -> None:
    program = await place.open()
    running = await begin(place.url, "serve", "--drain", "3600")
    await _registered(place)
    await program.stop()
    running.process.send_signal(signal.SIGTERM)
    code, told = await running.finish()
    assert code == 128 + signal.SIGTERM
    assert "could not be deregistered" in told


async def test_a_registry_that_hangs_holds_nobody_up(begin: Begin) -> None:
    proxy = Proxy()
    proxy.status = 0
    runner = await proxy.start()
    running = await begin(proxy.url, "serve")
    await wait_until(lambda: bool(proxy.asked))
    await running.order("exit 4")
    code, _ = await running.finish()
    assert code == 4
    proxy.hangs.set()
    await runner.cleanup()


async def test_what_the_registry_refuses_ends_the_program(place: House, begin: Begin) -> None:
    await place.open()
    running = await begin(place.url, "serve", "--tag", "no label")
    code, told = await running.finish()
    assert code == 125
    assert "refuses the registration: tags" in told
    assert "deregistered" not in told


@pytest.mark.parametrize(
    ("command", "code", "told"),
    [
        (("/no/such/program",), 127, "there is no program /no/such/program"),
        (("/etc/passwd",), 126, "/etc/passwd cannot be run: permission denied"),
    ],
)
async def test_a_command_that_cannot_be_run_is_told(
    place: House, begin: Begin, command: tuple[str, ...], code: int, told: str
) -> None:
    running = await begin(place.url, "", command=command)
    assert await running.finish() == (code, f"dnsregistry run: {told}\n")


async def test_a_port_that_is_taken_is_told(place: House, begin: Begin) -> None:
    program = await place.open()
    taken = program.url.rsplit(":", 1)[1]
    command = (sys.executable, "-c", "raise SystemExit(9)")
    running = await begin(place.url, "", "--port", taken, command=command)
    code, told = await running.finish()
    assert code == 9
    assert f"something accepts at 127.0.0.1:{taken} already" in told
    assert place.ids() == []


async def test_as_process_1_it_reaps_orphans_and_hears_signals(place: House, begin: Begin) -> None:
    unshare = require("unshare")
    if os.geteuid() != 0:
        give_up("a namespace of processes takes root")
    await place.open()
    before = (unshare, "--pid", "--fork", "--mount-proc", "--kill-child")
    running = await begin(place.url, "polite", before=before)
    [pid] = await running.read("pid")
    assert int(pid) < 10
    await _registered(place)
    await running.order("orphan")
    [orphan, *_] = await running.read("orphan")
    assert int(orphan) > int(pid)
    # The process namespace, seen from outside: nobody in it is a zombie.
    inside = _inside(running.process.pid)
    await wait_until(lambda: _states(inside) in ({"S"}, {"S", "R"}))
    os.kill(inside, signal.SIGTERM)
    assert (await running.finish())[0] == 7
    assert place.ids() == []


def _inside(unshare: int) -> int:
    """The process that unshare started, by its number outside."""
    return int(Path(f"/proc/{unshare}/task/{unshare}/children").read_text().split()[0])


def _states(top: int) -> set[str]:
    """The states of a process and of its children."""
    states = set()
    for pid in (str(top), *Path(f"/proc/{top}/task/{top}/children").read_text().split()):
        # One that was reaped in between has none.
        with suppress(FileNotFoundError, ProcessLookupError):
            states.add(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0])
    return states


async def test_at_a_terminal_the_program_reads_it_and_ctrl_c_ends_it(place: House) -> None:
    await place.open()
    port = free_port()
    leader, follower = pty.openpty()
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _IN_FRONT, sys.executable, "-m", "dnsregistry", "run"),
        *("--url", place.url, "--service", "web", "--port", str(port), "--"),
        *(sys.executable, "-c", _READER, str(port)),
        stdin=follower,
        stdout=PIPE,
        stderr=PIPE,
        start_new_session=True,
    )
    os.close(follower)
    await _registered(place)
    os.write(leader, b"hello\n")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readline() == b"hello\n"
    os.write(leader, b"\x03")
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    os.close(leader)
    assert process.returncode == 128 + signal.SIGINT, err
    assert place.ids() == []


_READER = (
    "import socket, sys; server = socket.create_server(('127.0.0.1', int(sys.argv[1])));"
    "print(input(), flush=True); input()"
)
# As a shell does: the terminal is the session's, and the program in front.
_IN_FRONT = (
    "import fcntl, os, sys, termios; fcntl.ioctl(0, termios.TIOCSCTTY, 0);"
    "os.execv(sys.argv[1], sys.argv[1:])"
)
