"""What the program writes to standard error while it serves."""

import asyncio
import json
import os
import signal
from collections import Counter
from contextlib import suppress
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from prometheus_client.parser import text_string_to_metric_families

from tests.endtoend.conftest import Serve
from tests.endtoend.process import Served, command, environment, run
from tests.program import PATIENCE
from tests.wire import make_query

NAME = "user-service.registry.local"


async def _lines(served: Served) -> list[dict[str, Any]]:
    """Stop it; what it has logged, as JSON."""
    return [json.loads(line) for line in (await served.stop()).err.splitlines()]


def _of(event: str, lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    return [line for line in lines if line["event"] == event]


async def _register(served: Served) -> None:
    body = {"service": "user-service", "address": "10.0.0.1", "port": 80}
    async with (
        ClientSession() as client,
        client.put(f"{served.url}/v1/instances/a", json=body) as response,
    ):
        assert response.status == 201


async def test_in_json_each_line_is_an_object_with_time_level_and_event(serve: Serve) -> None:
    lines = await _lines(await serve("--log-format", "json", "--zone", "home.local"))
    assert [line["event"] for line in lines if line["logger"] == "dnsregistry"][-2:] == [
        "serving",
        "stopping",
    ]
    assert {"timestamp", "level", "event", "logger"} <= set.intersection(*map(set, lines))
    assert [line["zone"] for line in lines if line["level"] == "warning"] == ["home.local"]


async def test_the_level_leaves_out_what_is_less_grave(serve: Serve) -> None:
    served = await serve("--log-level", "WARNING", "--zone", "home.local")
    [line] = (await served.stop()).err.splitlines()
    assert "RFC 6762" in line


async def test_lines_are_counted_from_warnings_on(serve: Serve, tmp_path: Path) -> None:
    (tmp_path / "broken.zone").write_text("@ A nonsense\n")
    served = await serve(
        *("--log-format", "json", "--zone", "home.local", "--zones-dir", str(tmp_path))
    )
    async with ClientSession() as client, client.get(f"{served.url}/metrics") as response:
        told = text_string_to_metric_families(await response.text())
        [family] = (one for one in told if one.name == "dnsregistry_log_lines")
    counted = {sample.labels["level"]: sample.value for sample in family.samples}
    levels = Counter(line["level"] for line in await _lines(served))
    assert counted == {level: levels[level] for level in ("warning", "error", "critical")}
    assert counted["warning"]
    assert counted["error"]


async def test_requests_are_logged_with_their_ids_and_without_what_is_secret(
    serve: Serve,
) -> None:
    served = await serve("--log-format", "json", "--http-log", "all")
    headers = {"X-Request-Id": "of-mine/7", "Authorization": "Bearer sesame"}
    async with ClientSession(headers=headers) as client:
        async with client.get(f"{served.url}/v1/instances?service=x&token=sesame") as response:
            assert response.headers["X-Request-Id"] == "of-mine/7"
        async with client.get(f"{served.url}/no%0Athing") as response:
            assert (await response.json(content_type=None))["request_id"] == "of-mine/7"
    lines = await _lines(served)
    assert "sesame" not in json.dumps(lines)
    first, second = _of("request", lines)
    assert (first["request_id"], first["path"]) == ("of-mine/7", "/v1/instances?service&token")
    assert (first["route"], first["status"], first["method"]) == ("/v1/instances", 400, "GET")
    assert first["seconds"] < PATIENCE
    assert (second["route"], second["status"], second["path"]) == (
        "unmatched", 404, "/no%0Athing"
    )  # fmt: skip


async def test_of_requests_the_errors_alone_can_be_logged(serve: Serve) -> None:
    served = await serve("--log-format", "json", "--http-log", "errors")
    async with ClientSession() as client:
        for path in ("/health", "/nothing", "/ready"):
            async with client.get(served.url + path):
                pass
    assert [line["path"] for line in _of("request", await _lines(served))] == ["/nothing"]


@pytest.mark.parametrize("workers", [0, 1])
async def test_questions_are_logged_by_main_process_and_workers(serve: Serve, workers: int) -> None:
    served = await serve(
        "--log-format", "json", "--query-log", "all", "--workers", str(workers)
    )  # fmt: skip
    await _register(served)
    for _ in range(10):
        assert (await served.dns.ask(NAME)).answer
    assert (await served.dns.ask(NAME, tcp=True)).answer
    await served.dns.ask("nobody.registry.local")
    await served.dns.ask("ns.example.test")
    await served.dns.ask(r"a\010\027b.example.org")
    queries = _of("query", await _lines(served))
    assert len(queries) == 14
    first = queries[0]
    assert (first["name"], first["type"], first["rcode"]) == (f"{NAME}.", "A", "NOERROR")
    assert (first["client"], first["transport"], first["path"]) == ("127.0.0.1", "udp", "live")
    assert first["octets"] == len(NAME) + 2 + 12 + 4 + 16
    assert {line["path"] for line in queries[:10]} == {"live", "table"}
    ours = [line for line in queries if line["name"] == f"{NAME}."]
    assert {line["octets"] for line in ours} == {first["octets"]}
    assert [line["path"] for line in ours if line["transport"] == "tcp"] == ["live"]
    others = {line["name"]: (line["rcode"], line["path"]) for line in queries if line not in ours}
    assert others[r"a\010\027b.example.org."] == ("REFUSED", "refused")
    assert others["nobody.registry.local."] == ("NXDOMAIN", "live")


async def test_of_questions_the_errors_alone_can_be_logged(serve: Serve) -> None:
    served = await serve("--log-format", "json", "--query-log", "errors")
    await _register(served)
    for name in (NAME, NAME, NAME, "nobody.registry.local", "www.example.org"):
        await served.dns.ask(name)
    [line] = _of("query", await _lines(served))
    assert (line["name"], line["rcode"]) == ("www.example.org.", "REFUSED")


async def test_of_questions_a_sample_is_logged(serve: Serve) -> None:
    sample = ("--query-log-sample", "10")
    served = await serve("--log-format", "json", "--query-log", "all", *sample)
    await _register(served)
    client = served.dns.udp()
    for _ in range(1000):
        await client.exchange(make_query(NAME))
    # A hundred; less than 40 or more than 160 come once in a billion runs.
    assert 40 < len(_of("query", await _lines(served))) < 160


async def test_dns_is_answered_while_nobody_reads_the_log(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    served = await Served.start(
        *("--dns-port", "0", "--http-port", "0", "--ready-file", str(ready)),
        *("--query-log", "all", "--workers", "0"),
        variables={},
    )
    try:
        # The reader stops reading: what is in the pipe is all that the system takes.
        transport = served.process._transport.get_pipe_transport(2)  # type: ignore[attr-defined]
        transport.pause_reading()
        await served.wait_ready(ready)
        await _register(served)
        client = served.dns.udp()
        async with asyncio.timeout(PATIENCE * 3):
            for _ in range(15_000):
                await client.exchange(make_query(NAME))
        async with ClientSession() as http, http.get(f"{served.url}/v1/stats") as response:
            told = (await response.json())["log"]
        assert told["dropped"] > 0
        transport.resume_reading()
        finished = await served.stop()
        assert finished.code == 0
        assert "lines of the log were dropped" in finished.err
    finally:
        await served.kill()


async def test_it_ends_though_nobody_reads_the_log(tmp_path: Path) -> None:
    ready = tmp_path / "ready"
    reading, writing = os.pipe()
    # The pipe is full before the first line.
    os.set_blocking(writing, False)
    with suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    process = await asyncio.create_subprocess_exec(
        *(command(), "serve", "--dns-port", "0", "--http-port", "0", "--ready-file", str(ready)),
        stdout=asyncio.subprocess.DEVNULL,
        stderr=writing,
        env=environment({}),
    )
    try:
        served = Served(process)
        await served.wait_ready(ready)
        process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
        await served.dns.close()
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        os.close(reading)
        os.close(writing)


@pytest.mark.parametrize(
    ("flag", "value", "told"),
    [
        ("--log-format", "xml", "LOG_FORMAT=xml"),
        ("--log-level", "loud", "LOG_LEVEL=loud"),
        ("--http-log", "some", "HTTP_LOG=some"),
        ("--query-log", "yes", "QUERY_LOG=yes"),
        ("--query-log-sample", "0", "QUERY_LOG_SAMPLE=0"),
        ("--otel-endpoint", "localhost:4318", "OTEL_ENDPOINT=localhost:4318"),
    ],
)
async def test_a_wrong_value_is_one_sentence(flag: str, value: str, told: str) -> None:
    finished = await run(flag, value)
    assert finished.code != 0
    [line] = finished.err.splitlines()
    assert told in line
