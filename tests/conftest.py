"""Fixtures for all: a program to start, and nothing of it left at the end."""

import asyncio
import os
import signal
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping

import pytest

from dnsregistry.settings import PREFIX
from tests.machine import give_up
from tests.program import PATIENCE, Clock, Program

Start = Callable[..., Awaitable[Program]]


def pytest_configure() -> None:
    """Have programs that are started here end by the signals that tests send.

    A shell that runs the tests in the background has them ignored, and so would all below it.
    """
    if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
        signal.signal(signal.SIGINT, signal.default_int_handler)
    if signal.getsignal(signal.SIGQUIT) is signal.SIG_IGN:
        signal.signal(signal.SIGQUIT, signal.SIG_DFL)


@pytest.fixture(autouse=True)
def _no_settings_from_outside(
    monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory
) -> None:
    for name in [name for name in os.environ if name.startswith(PREFIX)]:
        monkeypatch.delenv(name)
    # Whatever goes by the default must not find the files of whoever runs the tests.
    state = tmp_path_factory.getbasetemp() / "state"
    monkeypatch.setenv("XDG_STATE_HOME", str(state))


@pytest.fixture
def ipv6() -> str:
    """The IPv6 loopback address, where there is one."""
    try:
        with socket.socket(socket.AF_INET6, socket.SOCK_DGRAM) as sock:
            sock.bind(("::1", 0))
    except OSError as error:
        give_up(f"no IPv6 loopback: {error.strerror}")
    return "::1"


@pytest.fixture
async def start() -> AsyncIterator[Start]:
    """Start a program on free ports, with settings as of `serve`.

    At the end each is stopped, and neither a task nor a socket of it may be left.
    """
    programs: list[Program] = []
    sockets = _open_sockets()

    async def start_program(
        clock: Clock | None = None,
        environment: Mapping[str, str] | None = None,
        **settings: object,
    ) -> Program:
        program = Program(clock or Clock(), environment, **settings)
        programs.append(program)
        await program.start()
        return program

    yield start_program
    for program in reversed(programs):
        async with asyncio.timeout(PATIENCE):
            await program.stop()
    assert asyncio.all_tasks() - {asyncio.current_task()} == set()
    assert _open_sockets() - sockets == set()


@pytest.fixture
async def program(start: Start) -> Program:
    """A program without instances."""
    return await start()


@pytest.fixture
async def house(program: Program) -> Program:
    """A program with three instances of user-service, two of them on one address."""
    await program.register("i1", address="10.0.0.1", port=8080)
    await program.register("i2", address="10.0.0.1", port=8081)
    await program.register("i3", address="10.0.0.2", port=8080)
    return program


def _open_sockets() -> set[str]:
    """The sockets of this process, by inode; none where the system does not tell."""
    try:
        descriptors = os.listdir("/proc/self/fd")
    except OSError:
        return set()
    return {link for link in map(_read_link, descriptors) if link.startswith("socket:")}


def _read_link(descriptor: str) -> str:
    try:
        return os.readlink(f"/proc/self/fd/{descriptor}")
    except OSError:
        return ""
