"""Each example of docs/client.md, run as it stands there, beside a real registry."""

import asyncio
import importlib.util
import os
import re
import signal
import sys
from asyncio.subprocess import PIPE, Process
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest

from tests.client.conftest import House, free_port
from tests.dialects.spoken import wait_until
from tests.machine import give_up
from tests.program import LOOPBACK, PATIENCE

_DOCUMENT = (Path(__file__).parents[2] / "docs" / "client.md").read_text(encoding="utf-8")
EXAMPLES = dict(re.findall(r"<!-- example: (\w+) -->\n```python\n(.*?)```", _DOCUMENT, re.DOTALL))

Begin = Callable[..., Awaitable[Process]]


@pytest.fixture
async def begin(tmp_path: Path, place: House) -> AsyncIterator[Begin]:
    """Write files, and start Python with arguments among them, knowing registry and port."""
    started: list[Process] = []
    root = str(Path(__file__).parents[2])

    async def start(
        files: dict[str, str], *arguments: str, dns: int = 0, port: int | None = None
    ) -> Process:
        for name, text in files.items():
            (tmp_path / name).write_text(text)
        environment = {
            **os.environ,
            "DNSREGISTRY_URL": place.url,
            "PORT": str(port or free_port()),
            "DNS": f"{LOOPBACK}:{dns}",
            "PYTHONPATH": f"{root}:{tmp_path}",
            "PYTHONUNBUFFERED": "1",
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            cwd=tmp_path,
            env=environment,
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
        )
        started.append(process)
        return process

    yield start
    for process in started:
        if process.returncode is None:
            process.kill()
            await process.communicate()


def _need(*modules: str) -> None:
    for module in modules:
        if importlib.util.find_spec(module) is None:
            give_up(f"{module} is not installed")


async def _finish(process: Process) -> tuple[int | None, str]:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert b"Traceback" not in err, err.decode()
    return process.returncode, out.decode() + err.decode()


async def _wait_registered(place: House, process: Process, count: int = 1) -> None:
    async def fail() -> None:
        await process.wait()
        assert process.stderr is not None
        raise AssertionError((await process.stderr.read()).decode())

    failing = asyncio.create_task(fail())
    waiting = asyncio.create_task(wait_until(lambda: len(place.ids()) == count))
    done, rest = await asyncio.wait({failing, waiting}, return_when=asyncio.FIRST_COMPLETED)
    for task in rest:
        task.cancel()
    await asyncio.gather(*rest, return_exceptions=True)
    for task in done:
        task.result()


async def test_aiohttp(place: House, begin: Begin) -> None:
    await place.open()
    process = await begin({"example.py": EXAMPLES["aiohttp"]}, "example.py")
    await _wait_registered(place, process)
    [lease] = place.program.app.registry.catalogue.after(0)
    assert [check.probe for check in lease.instance.checks]
    process.send_signal(signal.SIGTERM)
    assert (await _finish(process))[0] == 0
    assert place.ids() == []


async def test_fastapi_under_uvicorn_serves_on_while_it_is_drained(
    place: House, begin: Begin
) -> None:
    _need("fastapi", "uvicorn")
    program = await place.open()
    port = free_port()
    process = await begin(
        {"example.py": EXAMPLES["fastapi"]},
        *("-m", "uvicorn", "example:app", "--port", str(port)),
        port=port,
    )
    await _wait_registered(place, process)
    process.send_signal(signal.SIGTERM)
    await wait_until(lambda: place.statuses() == ["draining"])
    async with program.http.get(f"http://{LOOPBACK}:{port}/health") as response:
        assert response.status == 200
    code, told = await _finish(process)
    # uvicorn ends by the signal that it was sent, once it has shut down.
    assert code in (0, -signal.SIGTERM), told
    assert "Application shutdown complete" in told
    assert place.ids() == []


async def test_flask_under_gunicorn_is_an_instance_a_worker(place: House, begin: Begin) -> None:
    _need("flask", "gunicorn")
    program = await place.open()
    process = await begin(
        {"example.py": EXAMPLES["flask"], "gunicorn.conf.py": EXAMPLES["gunicorn"]},
        *("-m", "gunicorn", "example:app", "--workers", "2"),
    )
    await _wait_registered(place, process, 2)
    answer = await program.ask("_user-service._tcp.registry.local", "SRV")
    assert len(answer.rdatas) == 1
    process.send_signal(signal.SIGTERM)
    assert (await _finish(process))[0] == 0
    assert place.ids() == []


async def test_a_plain_program_is_deregistered_and_ends_by_the_signal(
    place: House, begin: Begin
) -> None:
    await place.open()
    process = await begin({"example.py": EXAMPLES["thread"]}, "example.py")
    await _wait_registered(place, process)
    process.send_signal(signal.SIGTERM)
    assert (await _finish(process))[0] == -signal.SIGTERM
    assert place.ids() == []


async def test_a_program_that_ends_without_stopping_is_deregistered(
    place: House, begin: Begin
) -> None:
    """By a host name as well: Python resolves none any more at the end of a process."""
    await place.open()
    url = place.url.replace(LOOPBACK, "localhost")
    source = (
        "from dnsregistry.client.sync import Registration\n"
        f"registration = Registration('web', port=1, url={url!r})\n"
        "registration.start()\n"
        "assert registration.is_registered\n"
        "print(registration.id)\n"
    )
    process = await begin({"example.py": source}, "example.py")
    code, out = await _finish(process)
    assert (code, len(out.split()[0])) == (0, 10), out
    assert place.program.app.registry.feed.revision >= 2
    assert place.ids() == []


async def test_a_forked_child_leaves_its_parent_s_registration_alone(
    place: House, begin: Begin
) -> None:
    await place.open()
    source = (
        "import os, sys\n"
        "from dnsregistry.client.sync import Registration\n"
        f"with Registration('web', port=1, url={place.url!r}) as registration:\n"
        "    if os.fork() == 0:\n"
        "        registration.stop()\n"
        "        sys.exit(0)\n"
        "    os.wait()\n"
        "    print('alone', flush=True)\n"
        "    sys.stdin.read()\n"
    )
    process = await begin({"example.py": source}, "-W", "ignore", "example.py")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        assert await process.stdout.readline() == b"alone\n"
    assert len(place.ids()) == 1
    process.send_signal(signal.SIGTERM)
    assert (await _finish(process))[0] == -signal.SIGTERM
    assert place.ids() == []


async def test_finding(place: House, begin: Begin) -> None:
    program = await place.open()
    await program.register("i1", address="10.0.0.1", port=8080)
    process = await begin({"example.py": EXAMPLES["find"]}, "example.py", dns=program.port)
    assert await _finish(process) == (0, "10.0.0.1 8080\n10.0.0.1 8080\n")


def test_no_example_is_left_out() -> None:
    assert set(EXAMPLES) == {
        *("aiohttp", "fastapi", "gunicorn", "flask", "thread", "find", "watch"),
    }


async def test_watching(place: House, begin: Begin) -> None:
    program = await place.open()
    await program.register("i1")
    process = await begin({"example.py": EXAMPLES["watch"]}, "example.py")
    assert process.stdout is not None
    async with asyncio.timeout(PATIENCE):
        first = (await process.stdout.readline()).decode()
        await program.remove("i1")
        second = (await process.stdout.readline()).decode()
    assert first.endswith(" reset ['i1']\n")
    assert second.endswith(" removed []\n")
