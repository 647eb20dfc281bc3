"""Connections to the scanner's port, well meant and otherwise."""

import asyncio
import json
from io import BytesIO
from types import SimpleNamespace

import pytest

from dnsregistry.api.dialects import entrance
from dnsregistry.api.dialects.scanner import conversation
from dnsregistry.api.dialects.scanner.queries import Queries
from tests.conftest import Start
from tests.dialects.sockets import Line, crowd
from tests.dialects.spoken import wait_until
from tests.program import PATIENCE, Program

LIST_ALL = {"query_type": "list_all"}
EMPTY = {"services": [], "count": 0}


@pytest.fixture
async def program(start: Start) -> Program:
    return await start(dialects="scanner:0")


@pytest.fixture
def port(program: Program) -> int:
    return program.dialects["scanner"]


async def test_several_queries_go_over_one_connection_one_by_one_or_together(port: int) -> None:
    line = await Line.open(port)
    for _ in range(3):
        assert await line.ask(LIST_ALL) == EMPTY
    text = json.dumps(LIST_ALL).encode()
    await line.send(text + b"\n" + text + text + b"\n\n" + text)
    assert [await line.receive() for _ in range(4)] == [EMPTY] * 4
    await line.close()


async def test_a_node_that_does_not_know_its_cluster_yet_lists_nothing(
    program: Program, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = await Line.open(port)
    with monkeypatch.context() as patch:
        patch.setattr(program.app, "_cluster", SimpleNamespace(is_loaded=False))
        answer = await line.ask(LIST_ALL)
    assert "not known yet" in answer["error"]
    await line.close()


async def test_a_query_may_go_over_several_lines_and_come_octet_by_octet(port: int) -> None:
    line = await Line.open(port)
    for octet in json.dumps(LIST_ALL, indent=2).encode():
        await line.send(bytes([octet]))
        await asyncio.sleep(0)
    assert await line.receive() == EMPTY
    await line.close()


async def test_a_client_that_reads_to_the_end_gets_one(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "AFTER_ANSWER", 0.05)
    line = await Line.open(port, json.dumps(LIST_ALL).encode())
    assert json.loads(await line.receive_rest()) == EMPTY
    await line.close()


async def test_a_client_that_says_it_has_ended_gets_its_answers_and_an_end(port: int) -> None:
    line = await Line.open(port, json.dumps(LIST_ALL).encode() * 2)
    line.writer.write_eof()
    assert [json.loads(text) for text in (await line.receive_rest()).splitlines()] == [EMPTY] * 2
    await line.close()


@pytest.mark.parametrize(
    ("query", "reason"),
    [
        ({}, "query_type: is missing"),
        ({"query_type": "drop_all"}, "query_type: unknown query type 'drop_all'"),
        ({"query_type": ["list_all"]}, "query_type: unknown query type"),
        ({"query_type": "find_by_type"}, "service_type: is missing"),
        ({"query_type": "find_by_type", "service_type": 5}, "service_type: must be text"),
        ({"query_type": "find_by_id", "service_id": None}, "service_id: is missing"),
    ],
)
async def test_a_wrong_query_is_an_error_that_names_the_member_both_ways(
    program: Program, port: int, query: object, reason: str
) -> None:
    line = await Line.open(port)
    answer = await line.ask(query)
    assert set(answer) == {"error"}
    assert answer["error"].startswith(reason)
    # The connection lives on: the query was whole.
    assert await line.ask(LIST_ALL) == EMPTY
    await line.close()
    async with program.http.post(f"http://127.0.0.1:{port}/", json=query) as response:
        assert response.status == 422
        assert await response.json() == answer


@pytest.mark.parametrize(
    ("octets", "reason"),
    [
        (b'{"query_type": list_all}', "Expecting value"),
        (b'{"query_type": "list_all", "x": NaN}', "NaN is not JSON"),
        (b'{"a":' * 5000 + b"1" + b"}" * 5000, "nested too deep"),
        (b'{"a": "\xff"}', "not UTF-8"),
        (b"[]\n", "a query is a JSON object"),
        (b"list_all\n", "a query is a JSON object"),
        (b"\x00\x01\x02", "a query is a JSON object"),
        (b"GE\n", "a query is a JSON object"),
        (b'{"query_type": "' + b"x" * 100_000, "longer than 65536 octets"),
        (b'{"query_type": "list_all"', None),
    ],
)
async def test_what_is_no_query_gets_an_error(port: int, octets: bytes, reason: str | None) -> None:
    line = await Line.open(port, octets)
    if reason is None:
        line.writer.write_eof()
        reason = "breaks off"
    answer = await line.receive()
    assert set(answer) == {"error"}
    assert reason in answer["error"]
    await line.close()


async def test_ten_megabytes_are_refused_both_ways(program: Program, port: int) -> None:
    octets = b'{"query_type": "list_all", "x": "' + b"x" * 10_000_000 + b'"}'
    line = await Line.open(port)
    line.writer.write(octets)
    answer = await line.receive_rest()
    assert not answer or b"longer than 65536 octets" in answer
    await line.close()
    async with program.http.post(f"http://127.0.0.1:{port}/", data=BytesIO(octets)) as response:
        assert response.status == 413
        assert set(await response.json()) == {"error"}
    async with program.http.post(f"http://127.0.0.1:{port}/", json=LIST_ALL) as response:
        assert await response.json() == EMPTY


@pytest.mark.parametrize(
    ("method", "path", "status"), [("GET", "/", 405), ("POST", "/other", 404), ("PUT", "/", 405)]
)
async def test_other_requests_are_refused_in_the_same_form(
    program: Program, port: int, method: str, path: str, status: int
) -> None:
    url = f"http://127.0.0.1:{port}{path}"
    async with program.http.request(method, url, json=LIST_ALL) as response:
        assert response.status == status
        assert set(await response.json()) == {"error"}


async def test_http_that_cannot_be_read_is_refused_in_the_same_form(port: int) -> None:
    line = await Line.open(port, b"POST / HTTP/9.9 what\r\n\r\n")
    answer = await line.receive_rest()
    assert b" 400 " in answer.splitlines()[0]
    assert set(json.loads(answer.partition(b"\r\n\r\n")[2])) == {"error"}
    await line.close()


async def test_a_page_of_another_origin_is_refused(program: Program, port: int) -> None:
    headers = {"Origin": "https://elsewhere.example"}
    url = f"http://127.0.0.1:{port}/"
    async with program.http.post(url, json=LIST_ALL, headers=headers) as response:
        assert response.status == 403
        assert set(await response.json()) == {"error"}


@pytest.mark.parametrize(
    ("octets", "answer"),
    [
        (b"", b""),
        (b"PO", b""),
        (b'{"query', b"did not come whole"),
        (b"{\n", b"did not come whole"),
    ],
)
async def test_who_says_no_more_is_given_up_after_a_while(
    program: Program, port: int, octets: bytes, answer: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    for module in (entrance, conversation):
        monkeypatch.setattr(module, "PATIENCE", 0.05)
    monkeypatch.setattr(conversation, "AFTER_LINE", 0.05)
    line = await Line.open(port, octets)
    assert answer in await line.receive_rest()
    await line.close()


async def test_dripping_octets_holds_nothing_open(
    port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "PATIENCE", 0.2)
    line = await Line.open(port, b'{"query_type": "')
    async with asyncio.timeout(PATIENCE):
        while not line.reader.at_eof() and not line.reader._buffer:  # type: ignore[attr-defined]
            line.writer.write(b"x")
            await asyncio.sleep(0.01)
    await line.close()


async def test_a_client_that_does_not_read_is_cut(
    program: Program, port: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(conversation, "PATIENCE", 0.3)
    await program.register_all(
        [
            {"id": f"w{number}", "service": "web", "address": "10.0.0.1", "port": 80}
            for number in range(2000)
        ]
    )
    line = await Line.open(port)
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]
    line.writer.write(json.dumps(LIST_ALL).encode() * 500)
    async with asyncio.timeout(PATIENCE):
        while not line.writer.transport.is_closing():
            line.writer.write(b" ")
            await asyncio.sleep(0.01)
    assert 1 <= program.app.tallies["scanner"].queries < 500
    await line.close()


async def test_a_thousand_idle_connections_keep_nobody_out(program: Program, port: int) -> None:
    first = await Line.open(port)
    async with crowd(port, 1100, (b"", b"{")):
        line = await Line.open(port)
        assert await line.ask(LIST_ALL) == EMPTY
        await line.close()
        async with program.http.post(f"http://127.0.0.1:{port}/", json=LIST_ALL) as response:
            assert await response.json() == EMPTY
        # Who waited longest made room.
        assert await first.receive_rest() == b""
    await first.close()


async def test_a_stop_ends_what_is_open(start: Start) -> None:
    program = await start(dialects="scanner:0")
    port = program.dialects["scanner"]
    lines = [await Line.open(port, octets) for octets in (b"", b"{", b"POST / HTTP/1.1\r\n")]
    await lines[0].ask(LIST_ALL)
    await program.stop()
    for line in lines:
        assert await line.receive_rest() == b""
        await line.close()


async def test_an_error_of_ours_is_told_in_the_documents_form_and_logged(
    program: Program,
    port: int,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    async def fail(_: object, __: object) -> None:
        raise RuntimeError("a fault")

    line = await Line.open(port)
    with monkeypatch.context() as patch:
        patch.setattr(Queries, "answer", fail)
        answer = await line.ask(LIST_ALL)
        async with program.http.post(f"http://127.0.0.1:{port}/", json=LIST_ALL) as response:
            assert response.status == 500
            assert await response.json() == answer
    assert answer == {"error": "the cause is in the server's log"}
    assert [record.levelname for record in caplog.records if record.exc_info] == ["ERROR"] * 2
    assert program.app.tallies["scanner"].internal_errors == 2
    assert await line.ask(LIST_ALL) == EMPTY
    await line.close()


async def test_a_client_that_leaves_in_the_middle_of_an_answer_harms_nobody(
    program: Program, port: int
) -> None:
    await program.register_all(
        [
            {"id": f"w{number}", "service": "web", "address": "10.0.0.1", "port": 80}
            for number in range(5000)
        ]
    )
    for _ in range(5):
        line = await Line.open(port, json.dumps(LIST_ALL).encode())
        await line.close()
    line = await Line.open(port)
    assert (await line.ask(LIST_ALL))["count"] == 5000
    await line.close()


async def test_answers_are_held_back_until_a_client_reads_again(
    program: Program, port: int
) -> None:
    await program.register_all(
        [
            {"id": f"w{number}", "service": "web", "address": "10.0.0.1", "port": 80}
            for number in range(2000)
        ]
    )
    line = await Line.open(port)
    line.writer.transport.pause_reading()  # type: ignore[attr-defined]
    await line.send(json.dumps(LIST_ALL).encode() * 40)
    await wait_until(lambda: program.app.tallies["scanner"].queries > 2)
    line.writer.transport.resume_reading()  # type: ignore[attr-defined]
    for _ in range(40):
        assert (await line.receive())["count"] == 2000
    await line.close()
