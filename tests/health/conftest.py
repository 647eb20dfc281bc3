"""Backends of the tests, a watch over what DNS says beside what probes found."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from dnsregistry.registry.check import Health
from dnsregistry.registry.feed import Change
from tests.dns.certificate import make_certificate
from tests.health.backend import Backend
from tests.program import PATIENCE, Program

StartBackend = Callable[..., Awaitable[Backend]]
NAME = "user-service.registry.local"


@pytest.fixture
async def backend(start_backend: StartBackend) -> Backend:
    return await start_backend()


@pytest.fixture
async def start_backend() -> AsyncIterator[StartBackend]:
    started: list[Backend] = []

    async def start_one(host: str = "127.0.0.1", **given: object) -> Backend:
        one = Backend(**given)  # type: ignore[arg-type]
        await one.start(host)
        started.append(one)
        return one

    yield start_one
    for one in started:
        await one.stop()


@pytest.fixture
def make_tls(tmp_path: Path) -> Callable[[str], tuple[ssl.SSLContext, Path]]:
    """A server's TLS with a certificate of its own, and the file that trusts it."""

    def make(name: str) -> tuple[ssl.SSLContext, Path]:
        folder = tmp_path / name
        folder.mkdir()
        both = make_certificate(folder, name)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.load_cert_chain(both)
        return context, folder / "cert.pem"

    return make


class Watch:
    """Sees each verdict at the moment it is told, with the probes that had failed and passed."""

    def __init__(self, program: Program) -> None:
        self.program = program
        self.verdicts: list[tuple[str, Health]] = []
        self._changed = asyncio.Event()
        self._marked = (0, 0)
        self.counted = (0, 0)
        program.app.registry.feed.subscribe(self._hear)

    @property
    def failed(self) -> int:
        tally = self.program.app.checking.tally
        return tally.probes - tally.passed - self._marked[0]

    @property
    def passed(self) -> int:
        return self.program.app.checking.tally.passed - self._marked[1]

    def mark(self) -> None:
        """Count probes from now on."""
        tally = self.program.app.checking.tally
        self._marked = (tally.probes - tally.passed, tally.passed)

    async def wait(self, id: str, health: Health) -> None:
        """Until an instance's verdict is this; `counted` tells failed and passed probes then."""
        async with asyncio.timeout(PATIENCE):
            while self.health_of(id) is not health:
                self._changed.clear()
                await self._changed.wait()

    def health_of(self, id: str) -> Health | None:
        lease = self.program.app.registry.catalogue.find(id)
        return None if lease is None else lease.instance.health

    async def answers(self, name: str = NAME) -> list[str]:
        return sorted((await self.program.ask(name)).rdatas)

    @asynccontextmanager
    async def answered_until_failed(self, count: int) -> AsyncIterator[None]:
        """While it lasts, DNS is asked all the time and must answer until so many have failed."""

        async def ask() -> None:
            while True:
                before = self.failed
                if not await self.answers():
                    assert self.failed >= count, (before, self.failed)
                await asyncio.sleep(0.002)

        task = asyncio.create_task(ask())
        yield
        task.cancel()
        result = (await asyncio.gather(task, return_exceptions=True))[0]
        assert isinstance(result, asyncio.CancelledError), result

    def _hear(self, change: Change) -> None:
        if change.after is not None:
            self.verdicts.append((change.after.id, change.after.health))
        self.counted = (self.failed, self.passed)
        self._changed.set()


@pytest.fixture
def watch(program: Program) -> Watch:
    return Watch(program)


async def until(holds: Callable[[], bool]) -> None:
    """Wait until something holds."""
    async with asyncio.timeout(PATIENCE):
        while True:
            if holds():
                return
            await asyncio.sleep(0.005)
