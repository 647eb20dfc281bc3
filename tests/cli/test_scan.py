"""`dnsregistry scan` and `dnsregistry legacy` as a person uses them."""

import asyncio
import json
import os
import pty
import re
import socket
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator
from typing import Any

import pytest

from tests.program import PATIENCE
from tests.scan.peers import Peers, identify, say

COMMAND = [sys.executable, "-m", "dnsregistry"]


@pytest.fixture
async def peers() -> AsyncIterator[Peers]:
    started = Peers("127.77.9")
    await started.start(3, identify("web", "web-3", ports={"admin": 9000}, weight=3))
    await started.start(2, identify("api", "api-2", metadata={"note": "[red]\x1b[31m\n"}))
    await started.start(4, identify("not a label", "x"))
    await started.start(5, say(b"SSH-2.0\r\n"))
    yield started
    await started.close()


async def _run(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(*COMMAND, *arguments, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    assert "Traceback" not in err.decode()
    return process.returncode, out.decode(), err.decode()


async def test_lines_tell_what_was_found_in_the_order_of_addresses(peers: Peers) -> None:
    code, out, err = await _run("scan", "127.77.9.0/29", "--port", str(peers.port))
    assert code == 0
    port = peers.port
    assert [line.split("\t") for line in out.splitlines()] == [
        [f"127.77.9.2:{port}", "api", "api-2", "", "1", '{"note": "[red]\\u001b[31m\\n"}'],
        [f"127.77.9.3:{port}", "web", "web-3", "admin=9000", "3", ""],
    ]
    assert err.splitlines()[0].startswith(f"127.77.9.4:{port}: service_type: 'not a label'")
    assert err.splitlines()[-1] == "6 asked: 2 identified, 2 refused, 2 unreadable"


async def test_json_is_an_object_a_line(peers: Peers) -> None:
    _, out, _ = await _run("scan", "127.77.9.3", "--json", "--port", str(peers.port))
    assert [json.loads(line) for line in out.splitlines()] == [
        {
            "service_id": "web-3",
            "type": "web",
            "ip": "127.77.9.3",
            "port": peers.port,
            "ports": {"admin": 9000},
            "weight": 3,
            "metadata": {},
        }
    ]


async def test_a_terminal_gets_a_progress_bar_and_a_table(peers: Peers) -> None:
    leader, follower = pty.openpty()
    arguments = ("scan", "127.77.9.0/29", "--port", str(peers.port))
    environment = {**os.environ, "TERM": "xterm", "COLUMNS": "120"}
    process = await asyncio.create_subprocess_exec(
        *COMMAND, *arguments, stdin=follower, stdout=follower, stderr=follower, env=environment
    )
    os.close(follower)
    shown = await asyncio.to_thread(_read_all, leader)
    async with asyncio.timeout(PATIENCE):
        assert await process.wait() == 0
    os.close(leader)
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert "asking" in text
    assert re.search(r" web +web-3 +admin=9000 +3 ", text)
    # What a peer says of itself is neither markup nor a control sequence.
    assert r"[red]\u001b[31m" in text
    assert "\x1b[31m" not in shown.split("asking")[-1].split("note")[-1]


def _read_all(leader: int) -> str:
    octets = b""
    try:
        while chunk := os.read(leader, 65536):
            octets += chunk
    except OSError:
        """Linux tells the end of a terminal so."""
    return octets.decode()


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("10.0.0.0/8",), "larger than a /16"),
        (("nowhere",), "is no range"),
        (("10.0.0.0/24", "10.0.0.7"), "overlap"),
        (("10.0.0.1", "--port", "0"), "not in the range"),
        ((), "Missing argument"),
    ],
)
async def test_a_wrong_range_is_one_sentence(arguments: tuple[str, ...], reason: str) -> None:
    code, out, err = await _run("scan", *arguments)
    assert (code, out) == (2, "")
    assert reason in err


async def _serve_once(answer: bytes) -> tuple[asyncio.Server, int]:
    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.readline()
        writer.write(answer)
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    return server, server.sockets[0].getsockname()[1]


@pytest.mark.parametrize(
    ("answer", "code", "told"),
    [
        (b'{"error": "no"}\n', 1, '"error": "no"'),
        (b'{"found": false}', 0, '"found": false'),
        (b"", 1, "the connection was closed"),
        (b"HTTP/1.1 400\r\n\r\n", 1, "is no registry"),
        (b"{]}", 1, "is no registry"),
    ],
)
async def test_legacy_prints_what_is_answered_and_tells_what_is_no_answer(
    answer: bytes, code: int, told: str
) -> None:
    server, port = await _serve_once(answer)
    result = await _run("legacy", "--port", str(port), "id", "x")
    server.close()
    assert result[0] == code
    assert told in (result[1] if answer.startswith(b'{"') else result[2])


async def test_legacy_tells_in_one_sentence_that_nobody_answers() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port: Any = taken.getsockname()[1]
    code, out, err = await _run("legacy", "--host", "127.0.0.1", "--port", str(port), "list")
    assert (code, out) == (1, "")
    assert err == f"Error: no answer from 127.0.0.1 port {port}: connection refused\n"
