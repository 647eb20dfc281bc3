"""Bodies: broken, hostile, large, slow, and cut off."""

import asyncio
import gzip
import json
import logging
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AbstractAsyncContextManager
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from dnsregistry.api.context import Api

Ask = Callable[..., Awaitable[tuple[int, Any]]]
Serve = Callable[[Api], AbstractAsyncContextManager[URL]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
LIMIT = 1000
WAYS = (
    ("POST", "/v1/instances"),
    ("PUT", "/v1/instances/a"),
    ("PUT", "/v1/instances/a/status"),
    ("POST", "/v1/heartbeats"),
)

BROKEN = {
    "empty": b"",
    "space": b" \r\n\t ",
    "word": b"service",
    "cut": b'{"service": "web"',
    "two": b"{} {}",
    "comma": b'{"port": 80,}',
    "single quotes": b"{'port': 80}",
    "not utf-8": b'{"service": "\xff"}',
    "cut utf-8": b'{"service": "a"}\xc3',
    "utf-16": '{"port": 80}'.encode("utf-16"),
    "bom": b'\xef\xbb\xbf{"port": 80}',
    "twice": b'{"port": 80, "port": 80}',
    "twice within": b'{"metadata": {"a": 1, "b": 2, "a": 3}}',
    "nan": b'{"ttl": NaN}',
    "infinity": b'{"ttl": -Infinity}',
    "too large a number": b'{"metadata": {"a": 1e999}}',
    "too many digits": b'{"port": ' + b"9" * 5000 + b"}",
    "lone surrogate": b'{"metadata": {"a": "\\uD800"}}',
    "lone surrogate in a name": b'{"metadata": {"\\udfff": 1}}',
    "control character": b'{"service": "a\nb"}',
    "nested": b'{"metadata":' + b'{"a":' * 100_000,
    "nested lists": b'{"metadata":{"a":' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
}


@pytest.mark.parametrize(("method", "path"), WAYS)
@pytest.mark.parametrize("body", BROKEN.values(), ids=BROKEN.keys())
async def test_what_is_no_json_is_refused(
    client: ClientSession, method: str, path: str, body: bytes
) -> None:
    async with client.request(method, path, data=body) as response:
        answer = await response.json(content_type=None)
    assert (response.status, answer["type"]) == (400, "invalid-json")
    assert answer["detail"]


@pytest.mark.parametrize(("method", "path"), WAYS)
@pytest.mark.parametrize("body", [b'"text"', b"7", b"null", b"true"])
async def test_json_that_is_no_object_is_refused(
    client: ClientSession, method: str, path: str, body: bytes
) -> None:
    async with client.request(method, path, data=body) as response:
        answer = await response.json(content_type=None)
    assert (response.status, answer["type"], answer["field"]) == (422, "invalid-field", "body")


@pytest.mark.parametrize(
    "content_type", ["application/json", "application/x-www-form-urlencoded", "text/plain", "x"]
)
async def test_the_content_type_does_not_matter(client: ClientSession, content_type: str) -> None:
    body = json.dumps(LEAST).encode()
    headers = {"Content-Type": content_type}
    async with client.post("/v1/instances", data=body, headers=headers) as response:
        assert response.status == 201


async def test_a_surrogate_pair_is_one_character(client: ClientSession) -> None:
    body = json.dumps({**LEAST, "version": "\U0001f600"}).encode()
    assert b"\\ud83d" in body
    async with client.post("/v1/instances", data=body) as response:
        assert (await response.json())["version"] == "\U0001f600"


def _padded(size: int, *, array: bool) -> bytes:
    text = json.dumps([LEAST] if array else LEAST)
    return text.ljust(size).encode()


async def _post(client: ClientSession, body: object, **more: Any) -> tuple[int, str | None]:
    async with client.post("/v1/instances", data=body, **more) as response:
        return response.status, (await response.json(content_type=None)).get("type")


@pytest.mark.parametrize("array", [False, True])
@pytest.mark.parametrize("chunked", [False, True])
async def test_a_body_is_read_up_to_its_limit_and_no_further(
    make_api: Callable[..., Api], serve: Serve, *, array: bool, chunked: bool
) -> None:
    limit = LIMIT * 3 if array else LIMIT
    refused = (413, "body-too-large")

    async def pieces(body: bytes) -> AsyncIterator[bytes]:
        yield b"  "
        yield body[2:]

    def send(size: int, *, array: bool) -> object:
        body = b"  " + _padded(size - 2, array=array)
        return pieces(body) if chunked else body

    api = make_api(body_limit=LIMIT, array_body_limit=LIMIT * 3)
    async with serve(api) as url, ClientSession(url) as client:
        assert await _post(client, send(limit, array=array)) == (201, None)
        assert await _post(client, send(limit + 1, array=array)) == refused
        assert await _post(client, send(LIMIT * 3 + 1, array=array)) == refused


async def test_nothing_but_space_is_no_array(make_api: Callable[..., Api], serve: Serve) -> None:
    api = make_api(body_limit=LIMIT, array_body_limit=LIMIT * 3)
    async with serve(api) as url, ClientSession(url) as client:
        assert await _post(client, b" " * (LIMIT + 1)) == (413, "body-too-large")


async def test_the_limit_is_that_of_what_was_unpacked(
    make_api: Callable[..., Api], serve: Serve
) -> None:
    api = make_api(body_limit=LIMIT, array_body_limit=LIMIT)
    packed = {"Content-Encoding": "gzip"}
    async with serve(api) as url, ClientSession(url) as client:
        body = gzip.compress(_padded(LIMIT, array=False))
        assert await _post(client, body, headers=packed) == (201, None)
        bomb = gzip.compress(bytes(50_000_000))
        assert await _post(client, bomb, headers=packed) == (413, "body-too-large")


async def _open(
    url: URL, body: bytes, length: int
) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    reader, writer = await asyncio.open_connection(url.host, url.port)
    head = f"POST /v1/instances HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n\r\n"
    writer.write(head.encode() + body)
    await writer.drain()
    return reader, writer


async def test_a_sender_that_stalls_is_told_so(make_api: Callable[..., Api], serve: Serve) -> None:
    api = make_api(body_patience=0.05)
    async with serve(api) as url, asyncio.timeout(20):
        reader, writer = await _open(url, b'{"service"', 100)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 408 " in head.splitlines()[0]
        writer.close()
        await writer.wait_closed()


async def test_a_client_that_goes_away_in_mid_body_leaves_nothing_behind(
    make_api: Callable[..., Api], serve: Serve, caplog: pytest.LogCaptureFixture
) -> None:
    api = make_api()
    async with serve(api) as url, ClientSession(url) as client, asyncio.timeout(20):
        for abort in (False, True):
            _, writer = await _open(url, b'{"service"', 100)
            # The answer to a later request shows that the earlier one is being read.
            async with client.get("/health"):
                pass
            if abort:
                writer.transport.abort()
            else:
                writer.close()
                await writer.wait_closed()
        async with client.get("/v1/stats") as response:
            assert (await response.json())["http"]["internal_errors"] == 0
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


@pytest.mark.parametrize(
    "sent",
    [
        b'Transfer-Encoding: chunked\r\n\r\n5\r\n{"ser\r\nzz\r\n',
        b"Content-Encoding: gzip\r\nContent-Length: 9\r\n\r\nnot gzip!",
    ],
    ids=["chunk", "gzip"],
)
async def test_a_body_that_cannot_be_unpacked_is_refused(
    make_api: Callable[..., Api], serve: Serve, sent: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    async with serve(make_api()) as url, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        writer.write(b"POST /v1/instances HTTP/1.1\r\nHost: a\r\n" + sent)
        head = await reader.readuntil(b"\r\n\r\n")
        assert b" 400 " in head.splitlines()[0]
        assert b"application/problem+json" in head
        writer.close()
        await writer.wait_closed()
    assert not [record for record in caplog.records if record.levelno >= logging.WARNING]


_NAMES = st.sampled_from([*LEAST, "id", "ports", "metadata", "ttl", "tags", "status", "ids", "x"])
_VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text()
    | st.sampled_from(["10.0.0.1", "web", "healthy", 80]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(_NAMES | st.text(), inner, max_size=4)
    ),
    max_leaves=10,
)
_BODIES = (
    st.binary(max_size=200)
    | _VALUES.map(lambda value: json.dumps(value).encode())
    | st.dictionaries(_NAMES, _VALUES).map(lambda value: json.dumps({**LEAST, **value}).encode())
    | st.lists(st.dictionaries(_NAMES, _VALUES), max_size=4).map(lambda v: json.dumps(v).encode())
)


@settings(deadline=None, max_examples=150)
@given(way=st.sampled_from(WAYS), body=_BODIES)
async def test_no_body_is_an_error_of_ours(
    make_api: Callable[..., Api], serve: Serve, way: tuple[str, str], body: bytes
) -> None:
    method, path = way
    async with serve(make_api()) as url, ClientSession(url) as client:
        async with client.request(method, path, data=body) as response:
            assert response.status in {200, 201, 400, 404, 422}
            await response.json(content_type=None)
        async with client.get("/v1/instances") as response:
            assert response.status == 200


@settings(deadline=None, max_examples=60)
@given(path=st.binary(max_size=40), query=st.binary(max_size=40))
async def test_no_path_is_an_error_of_ours(
    make_api: Callable[..., Api], serve: Serve, path: bytes, query: bytes
) -> None:
    target = b"/v1/instances/" + path + b"?" + query
    async with serve(make_api()) as url, asyncio.timeout(20):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        head = b" HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        writer.write(b"GET " + target.translate(None, b" \r\n") + head)
        answer = await reader.read()
        writer.close()
        await writer.wait_closed()
    assert answer.split(maxsplit=2)[1] in {b"400", b"404"}
    assert b"application/problem+json" in answer
