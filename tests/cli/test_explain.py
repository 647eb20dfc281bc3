"""`dnsregistry explain`, and what any command says where there is no registry."""

import asyncio
import json
import socket
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import pytest
from aiohttp import web
from click.testing import CliRunner, Result
from grpc_health.v1 import health_pb2_grpc

from dnsregistry.cli.main import main
from dnsregistry.cli.table import _draw
from tests.health.conftest import until
from tests.program import Program

SERVICE = "user-service.registry.local"


async def _run(*arguments: str, **environment: str) -> Result:
    """Run a command in a thread: the registry that it asks is in this one."""
    given = [*arguments]
    return await asyncio.to_thread(CliRunner().invoke, main, given, env=environment)


async def test_an_explanation_in_lines_tells_way_answer_and_fates(house: Program) -> None:
    await house.set_status("i1", "draining")
    done = await _run("explain", SERVICE, "--url", house.url)
    assert done.exit_code == 0, done.output
    lines = done.output.splitlines()
    assert lines[0].startswith("path   live zone: answered from the registrations")
    assert lines[1].startswith("rcode  NOERROR, ")
    assert ";; ANSWER" in lines
    assert f"{SERVICE}. 5 IN A 10.0.0.2" in lines
    assert "i1\tleft out\tdraining" in lines
    assert "i3\tkept\tanswered" in lines


async def test_the_json_is_the_registry_s_own(house: Program) -> None:
    given = ("--tcp", "--bufsize", "0", "--client", "127.0.0.9", "--limit", "1", "--json")
    done = await _run("explain", SERVICE, "SRV", *given, DNSREGISTRY_URL=house.url)
    told = json.loads(done.output)
    assert told["question"] == {
        "name": f"{SERVICE}.",
        "type": "SRV",
        "class": "IN",
        "client": "127.0.0.9",
        "transport": "tcp",
        "bufsize": 0,
    }
    assert len(told["candidates"]) == 1


async def test_what_is_left_out_and_what_went_wrong_is_told(program: Program) -> None:
    await program.register("a")
    await program.register("b")
    await program.set_status("a", "draining")
    await program.set_status("b", "draining")
    done = await _run("explain", SERVICE, "--limit", "1", "--url", program.url)
    assert "error  0: no healthy instance: 2 of 2 draining" in done.output
    assert "and 1 more; --limit tells up to 1000" in done.output
    done = await _run("explain", "example.org", "--url", program.url)
    assert "path   refused by UPSTREAMS: not a name of ours" in done.output


def test_a_terminal_gets_a_table_that_reads_no_markup(capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("rich")
    assert _draw(("instance", "kept", "reason"), [("[red]a", "kept", "answered")])
    assert "[red]a" in capsys.readouterr().out


class _Mocker(health_pb2_grpc.HealthServicer):  # type: ignore[misc, unused-ignore]
    """Says of its health what a terminal would take for a command."""

    def Check(self, request: Any, context: Any) -> None:  # noqa: N802 - gRPC's name
        context.abort(grpc.StatusCode.UNAVAILABLE, "\x1b]0;mine\x07\x1b[31mred\r\nagain")


async def test_what_a_backend_says_of_itself_moves_no_terminal(
    program: Program, capsys: pytest.CaptureFixture[str]
) -> None:
    server = grpc.server(ThreadPoolExecutor(1))
    health_pb2_grpc.add_HealthServicer_to_server(_Mocker(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    try:
        check = {"type": "grpc", "interval": 10, "timeout": 10, "jitter": 0}
        await program.register("a", address="127.0.0.1", port=port, checks=[check])
        patient = program.app.checking.ward.find("a")
        assert patient is not None
        await until(lambda: patient.course.courses[0].last is not None)
    finally:
        server.stop(0).wait()
    done = await _run("explain", SERVICE, "--url", program.url)
    told = done.output.splitlines()[-1]
    assert "?]0;mine??[31mred??again" in told
    assert told.isprintable() or told.replace("\t", "").isprintable()
    _draw(("instance", "kept", "reason"), [("a", "left out", "\x1b[31mred")])
    assert "?[31mred" in capsys.readouterr().out


async def test_what_a_registry_says_of_itself_moves_no_terminal() -> None:
    async def refuse(_request: web.Request) -> web.Response:
        document = {"title": "No\x1b[31m", "detail": "\x1b]0;mine\x07", "status": 400, "type": "x"}
        return web.json_response(document, status=400, content_type="application/problem+json")

    application = web.Application()
    application.router.add_get("/{path:.*}", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", 0).start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        for command in (("explain", SERVICE), ("list",), ("show", "a")):
            done = await _run(*command, "--url", url)
            assert done.output.startswith("Error: "), done.output
            assert done.output.rstrip("\n").isprintable(), done.output
    finally:
        await runner.cleanup()


async def test_a_bad_type_is_told_as_the_registry_says_it(program: Program) -> None:
    done = await _run("explain", SERVICE, "NOPE", "--url", program.url)
    assert done.exit_code == 1
    assert "type: 'NOPE' is no type" in done.output
    assert "Traceback" not in done.output


@pytest.fixture
def closed_port() -> Iterator[int]:
    with socket.socket() as sock:
        sock.bind(("127.0.0.1", 0))
        yield sock.getsockname()[1]


async def test_no_registry_at_the_url_is_one_sentence(closed_port: int) -> None:
    url = f"http://127.0.0.1:{closed_port}"
    done = await _run("explain", SERVICE, "--url", url)
    assert done.exit_code == 3
    assert f"{url}" in done.output
    assert "connection refused; start one with: dnsregistry serve" in done.output
    assert len(done.output.splitlines()) == 1


async def test_another_server_at_the_url_is_told_apart(program: Program) -> None:
    async def page(_request: web.Request) -> web.Response:
        return web.Response(text="<html>", content_type="text/html", status=404)

    async def broken(_request: web.Request) -> web.Response:
        return web.Response(text="{", content_type="application/json")

    application = web.Application()
    application.router.add_get("/broken/v1/dns/explain", broken)
    application.router.add_get("/{path:.*}", page)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        done = await _run("explain", SERVICE, "--url", url)
        assert "what answers there is no registry (status 404)" in done.output
        assert (done.exit_code, url in done.output) == (3, True)
        done = await _run("explain", SERVICE, "--url", f"{url}/broken")
        assert "what answers there is no registry (status 200 without JSON)" in done.output
        assert (done.exit_code, f"{url}/broken" in done.output) == (3, True)
    finally:
        await runner.cleanup()


async def test_a_token_goes_along_as_a_bearer() -> None:
    seen: list[str | None] = []

    async def refuse(request: web.Request) -> web.Response:
        seen.append(request.headers.get("Authorization"))
        document = {
            "title": "A token is needed",
            "detail": "none was sent",
            "status": 401,
            "type": "t",
        }
        return web.json_response(document, status=401, content_type="application/problem+json")

    application = web.Application()
    application.router.add_get("/v1/dns/explain", refuse)
    runner = web.AppRunner(application)
    await runner.setup()
    try:
        site = web.TCPSite(runner, "127.0.0.1", 0)
        await site.start()
        url = f"http://127.0.0.1:{runner.addresses[0][1]}"
        await _run("explain", SERVICE, "--url", url)
        done = await _run("explain", SERVICE, "--url", url, DNSREGISTRY_TOKEN="secret")
    finally:
        await runner.cleanup()
    assert seen == [None, "Bearer secret"]
    assert (done.exit_code, "none was sent" in done.output) == (1, True)


@pytest.mark.parametrize("url", ["127.0.0.1:8053", "ftp://x", "http://", "http://x:99999"])
def test_a_url_that_is_none_is_a_wrong_command_line(url: str) -> None:
    done = CliRunner().invoke(main, ["explain", SERVICE, "--url", url])
    assert done.exit_code == 2
    assert url in done.output


def test_certificates_that_cannot_be_read_are_a_wrong_command_line(tmp_path: Path) -> None:
    given = ["explain", SERVICE, "--url", "https://127.0.0.1:1", "--ca-file"]
    done = CliRunner().invoke(main, [*given, str(tmp_path / "none.pem")])
    assert (done.exit_code, "Traceback" in done.output) == (2, False)
    assert "none.pem cannot be used: No such file or directory" in done.output
    empty = tmp_path / "empty.pem"
    empty.write_text("")
    done = CliRunner().invoke(main, [*given, str(empty)])
    assert (done.exit_code, "no certificate in it" in done.output) == (2, True)
