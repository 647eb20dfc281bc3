"""What no client of a document would send, to each HTTP dialect: its form of error, and no harm."""

import asyncio
import io
import json
import logging
import resource
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest

from dnsregistry.storage.errors import StoreAway
from tests.dialects.conftest import Speak
from tests.dialects.spoken import Spoken
from tests.program import LOOPBACK, PATIENCE

REGISTER = {"modularity": "/api/register", "ip-port": "/register", "base-url": "/register"}
LIST = {"modularity": "/api/services", "ip-port": "/services", "base-url": "/services"}
FIND = {
    "modularity": "/api/services/good",
    "ip-port": "/resolve/good",
    "base-url": "/services/good",
}
GOOD: dict[str, dict[str, object]] = {
    "modularity": {"id": "good", "location": "http://127.0.0.1:4000"},
    "ip-port": {"name": "good", "ip": "127.0.0.1", "port": 4000},
    "base-url": {"service_name": "good", "base_url": "http://127.0.0.1:4000"},
}
MEMBERS = {"modularity": {"error"}, "ip-port": {"error", "message", "timestamp"},
           "base-url": {"detail"}}  # fmt: skip
INVALID = {"modularity": 400, "ip-port": 400, "base-url": 422}
BODIES = (b"", b"{", b"nonsense", b"\xff\xfe{}", b'{"a": NaN}', b"[]", b"7", b'"x"', b"null",
          b"{}{}", b'{"a": "\\ud800"}', b"[" * 100_000, b'{"name": 1, "name": 2}')  # fmt: skip
PAGES = (
    {"Origin": "https://evil.example"},
    {"Origin": "null"},
    {"Sec-Fetch-Site": "cross-site"},
    {"Host": "rebound.example:3100", "Origin": "http://rebound.example:3100"},
)
DIALECTS = list(REGISTER)
CROWD = 1000


@pytest.fixture(params=DIALECTS)
def name(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
async def spoken(speak: Speak, name: str, caplog: pytest.LogCaptureFixture) -> Any:
    """At the end the dialect still works, holds what it held, and has logged no error of ours."""
    caplog.set_level(logging.ERROR)
    spoken = await speak(name)
    assert (await spoken.ask("POST", REGISTER[name], GOOD[name]))[0] in (200, 201)
    yield spoken
    assert await spoken.srv("good") == [("127.0.0.1", 4000)]
    assert spoken.program.app.registry.catalogue.count_services() == 1
    assert (await spoken.ask("GET", LIST[name]))[0] == 200
    assert not [record for record in caplog.records if record.name.startswith("dnsregistry")]


@pytest.fixture
def many_files() -> Iterator[None]:
    """Room for both ends of a crowd of connections."""
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (before[1], before[1]))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, before)


async def test_a_body_that_is_no_json_object_gets_the_documents_error(
    spoken: Spoken, name: str
) -> None:
    for body in BODIES:
        status, answer = await spoken.ask("POST", REGISTER[name], data=body)
        assert (status, set(answer)) == (INVALID[name], MEMBERS[name]), body[:20]


async def test_ten_megabytes_are_refused(spoken: Spoken, name: str) -> None:
    body = json.dumps({**GOOD[name], "x": "y" * 10_000_000}).encode()
    status, answer = await spoken.ask("POST", REGISTER[name], data=io.BytesIO(body))
    assert status == 413
    assert set(answer) == MEMBERS[name]


async def test_deep_metadata_is_refused_or_left_alone(spoken: Spoken, name: str) -> None:
    deep: object = "x"
    for _ in range(200):
        deep = {"deeper": deep}
    status, answer = await spoken.ask("POST", REGISTER[name], {**GOOD[name], "metadata": deep})
    assert status in (200, INVALID[name])
    assert status == 200 or set(answer) == MEMBERS[name]


@pytest.mark.parametrize(
    ("method", "path", "status"),
    [("GET", "/nothing-here", 404), ("PATCH", "/register", None), ("GET", "/%00%ff", 404)],
)
async def test_an_unknown_route_gets_the_documents_error(
    spoken: Spoken, name: str, method: str, path: str, status: int | None
) -> None:
    path = REGISTER[name] if status is None else path
    told, answer = await spoken.ask(method, path)
    assert told == (status or 405)
    assert set(answer) == MEMBERS[name]


async def test_what_is_no_http_gets_the_documents_error(spoken: Spoken, name: str) -> None:
    reader, writer = await asyncio.open_connection(LOOPBACK, spoken.port)
    writer.write(b"\xff\x00 no HTTP at all\r\n\r\n")
    async with asyncio.timeout(PATIENCE):
        head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    writer.close()
    await writer.wait_closed()
    assert b" 400 " in head.splitlines()[0]
    assert set(json.loads(body)) == MEMBERS[name]


async def test_a_request_that_breaks_off_harms_nobody(spoken: Spoken, name: str) -> None:
    for half in (b"POST", b"POST / HTTP/1.1\r\nHost: x\r\nContent-Length: 5\r\n\r\n{"):
        _, writer = await asyncio.open_connection(LOOPBACK, spoken.port)
        writer.write(half)
        await writer.drain()
        writer.transport.abort()


@pytest.mark.usefixtures("many_files")
async def test_a_thousand_idle_connections_keep_nobody_out(spoken: Spoken, name: str) -> None:
    opened = [await asyncio.open_connection(LOOPBACK, spoken.port) for _ in range(CROWD)]
    assert (await spoken.ask("GET", LIST[name]))[0] == 200
    assert (await spoken.ask("POST", REGISTER[name], GOOD[name]))[0] in (200, 201)
    for _, writer in opened:
        writer.close()
    for _, writer in opened:
        await writer.wait_closed()


async def test_a_page_of_another_origin_changes_nothing(spoken: Spoken, name: str) -> None:
    other = {**GOOD[name], "service_name": "evil", "name": "evil", "id": "evil"}
    body = json.dumps(other).encode()
    for headers in PAGES:
        given = {**headers, "Content-Type": "text/plain"}
        status, answer = await spoken.ask("POST", REGISTER[name], data=body, headers=given)
        assert (status, set(answer)) == (403, MEMBERS[name]), headers


@pytest.mark.parametrize("path", [REGISTER, LIST])
async def test_a_final_slash_is_no_matter(spoken: Spoken, name: str, path: dict[str, str]) -> None:
    method = "POST" if path is REGISTER else "GET"
    body = GOOD[name] if path is REGISTER else None
    assert (await spoken.ask(method, f"{path[name]}/", body))[0] in (200, 201)


async def test_while_the_store_is_away_writes_are_503_and_nothing_is_forgotten(
    spoken: Spoken, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def be_away(*_: object, **__: object) -> None:
        raise StoreAway("the disk is full")

    store = spoken.program.app.store
    for change in ("grant", "renew", "revoke"):
        monkeypatch.setattr(store, change, be_away)
    other = {**GOOD[name], "service_name": "other", "name": "other", "id": "other"}
    async with spoken.http.post(REGISTER[name], json=other) as response:
        assert response.status == 503
        assert int(response.headers["Retry-After"]) > 0
        assert set(await response.json()) == MEMBERS[name]


async def test_a_node_that_does_not_know_its_cluster_yet_lists_nothing(
    spoken: Spoken, name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(spoken.program.app, "_cluster", SimpleNamespace(is_loaded=False))
        for path in (LIST[name], FIND[name]):
            status, answer = await spoken.ask("GET", path)
            assert (status, set(answer)) == (503, MEMBERS[name])


async def test_an_error_of_ours_has_the_documents_form_too(
    speak: Speak, name: str, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    async def fail(*_: object, **__: object) -> None:
        raise RuntimeError("nobody foresaw this")

    spoken = await speak(name)
    monkeypatch.setattr(spoken.program.app.store, "grant", fail)
    status, answer = await spoken.ask("POST", REGISTER[name], GOOD[name])
    assert status == 500
    assert set(answer) == MEMBERS[name]
    assert "foresaw" not in str(answer)
    assert "nobody foresaw this" in caplog.text
    assert spoken.program.app.tallies[name].internal_errors == 1


@pytest.mark.parametrize("said", [b"", b"GET / HTTP/1.1\r\nHost: "])
async def test_who_never_ends_a_request_is_sent_away(
    spoken: Spoken, monkeypatch: pytest.MonkeyPatch, said: bytes
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr("dnsregistry.api.connection.IDLE", 0.05)
        reader, writer = await asyncio.open_connection(LOOPBACK, spoken.port)
        writer.write(said)
        async with asyncio.timeout(PATIENCE):
            assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()
