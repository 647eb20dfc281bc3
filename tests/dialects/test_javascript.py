"""The JavaScript clients of the ip-port document, as they stand there, run by Node."""

import asyncio
import json
import shutil
import signal
import subprocess
from asyncio.subprocess import PIPE, Process
from pathlib import Path

import pytest

from tests.dialects.conftest import Speak
from tests.dialects.spoken import Spoken, wait_until
from tests.machine import require
from tests.program import PATIENCE

CLIENTS = Path(__file__).parent / "clients"
USUAL = "localhost:3100"
NPM_PATIENCE = 60


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder in which `require('axios')` works: the real one, else ours on fetch."""
    require("node")
    made = tmp_path_factory.mktemp("node")
    npm = shutil.which("npm")
    if npm is None or not _install(npm, made):
        module = made / "node_modules" / "axios"
        module.mkdir(parents=True)
        shutil.copy(CLIENTS / "axios.js", module / "index.js")
    return made


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("ip-port")


def _install(npm: str, folder: Path) -> bool:
    options = ("--no-audit", "--no-fund", "--no-package-lock", "--ignore-scripts")
    command = [npm, "install", "--prefix", str(folder), *options, "axios@1"]
    try:
        done = subprocess.run(command, capture_output=True, timeout=NPM_PATIENCE, check=False)
    except subprocess.TimeoutExpired:
        return False
    return done.returncode == 0


async def _run(folder: Path, name: str, text: str) -> Process:
    path = folder / name
    path.write_text(text)
    return await asyncio.create_subprocess_exec(
        require("node"), path, cwd=folder, stdout=PIPE, stderr=PIPE
    )


async def _finish(process: Process) -> str:
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode == 0, err.decode()
    assert err == b""
    return out.decode()


def _point(name: str, spoken: Spoken) -> str:
    text = (CLIENTS / name).read_text()
    assert USUAL in text
    return text.replace(USUAL, f"localhost:{spoken.port}")


async def test_the_registration_client_registers_beats_and_deregisters(
    folder: Path, spoken: Spoken
) -> None:
    text = _point("registration.js", spoken)
    assert "}, 5000);" in text
    process = await _run(folder, "registration.js", text.replace("}, 5000);", "}, 50);"))
    tally = spoken.program.app.tallies["ip-port"]
    try:
        await wait_until(lambda: tally.heartbeats >= 3 or process.returncode is not None)
        assert await spoken.srv("user-service") == [("127.0.0.1", 3001)]
        _, answer = await spoken.ask("GET", "/resolve/user-service")
        metadata = answer["instances"][0]["metadata"]
        assert metadata["version"] == "1.0.0"
        assert metadata["startTime"].endswith("Z")
        process.send_signal(signal.SIGINT)
        out = await _finish(process)
    finally:
        if process.returncode is None:
            process.kill()
            await process.communicate()
    lines = out.splitlines()
    assert lines[0] == "Service user-service registered successfully"
    assert lines[-1] == "Service deregistered successfully"
    assert set(lines[1:-1]) == {"Heartbeat sent"}
    assert await spoken.srv("user-service") == []


async def test_the_discovery_client_finds_a_healthy_instance(folder: Path, spoken: Spoken) -> None:
    body = {"name": "user-service", "ip": "127.0.0.1", "port": 3001}
    assert (await spoken.ask("POST", "/register", body))[0] == 201
    # The document's lines await outside of a function, and leave their result unused.
    text = _point("discovery.js", spoken)
    told = "console.log(JSON.stringify([userService, apiUrl]));"
    wrapped = f"const axios = require('axios');\n(async () => {{\n{text}\n{told}\n}})();\n"
    out = await _finish(await _run(folder, "discovery.js", wrapped))
    found = {"ip": "127.0.0.1", "port": 3001}
    assert json.loads(out) == [found, "http://127.0.0.1:3001"]


async def test_the_discovery_client_is_told_that_there_is_none(
    folder: Path, spoken: Spoken
) -> None:
    text = _point("discovery.js", spoken).partition("// Usage")[0]
    asked = "resolveService('user-service').catch((error) => console.log(error.message));"
    wrapped = f"const axios = require('axios');\nconsole.error = () => {{}};\n{text}\n{asked}\n"
    out = await _finish(await _run(folder, "missing.js", wrapped))
    assert out.strip() == "Request failed with status code 404"
