"""Every operation is sent what may go wrong, and refuses it as documented: no more, no less.

New operations take part by being in the document.
"""

import asyncio
import json
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any

import pytest
from aiohttp import web
from yarl import URL

import dnsregistry.app
from dnsregistry.api.application import build_application
from dnsregistry.api.routes.instances import LEAST
from dnsregistry.registry.check import Health
from dnsregistry.registry.errors import UnknownInstance
from dnsregistry.storage.errors import StoreAway
from dnsregistry.storage.memory import MemoryStore
from tests.api.contract import Contract
from tests.api.test_document import read_document
from tests.conftest import Start
from tests.program import PATIENCE, Program

CHANGES = ("grant", "grant_all", "renew", "renew_all", "set_status", "set_health", "revoke")
# Parts of paths: one that is there, one that is not.
PARTS = {
    "{id}": ("web-1", "nobody"),
    "{name}": ("user-service", "nobody"),
    "{file}": ("docs.js", "nothing.js"),
}
# What takes another kind of fault, and is tested of all that is served, or of a body's reading.
ELSEWHERE = {"invalid-http", "internal-error", "body-too-slow", "too-many-requests"}
# What callers are told is tested of every route in tests/access.
ELSEWHERE |= {"unauthenticated", "missing-scope", "not-owner", "too-many-attempts"}
HUGE = b'{"' + b"a" * 2 * 1024 * 1024

Operation = Mapping[str, Any]


async def test_every_operation_refuses_what_is_documented_and_nothing_else(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    document = await read_document(await start())
    contract = Contract(document)

    def build(*given: Any, **more: Any) -> web.Application:
        application = build_application(*given, **more)
        contract.watch(application)
        return application

    monkeypatch.setattr(dnsregistry.app, "build_application", build)
    program = await start()
    for template, methods in document["paths"].items():
        for method, operation in methods.items():
            await _try_all(program, monkeypatch, method.upper(), template, operation)
    assert contract.broken == []
    told = {
        (method.upper(), path, int(status), kind)
        for path, methods in document["paths"].items()
        for method, operation in methods.items()
        for status, response in operation["responses"].items()
        for kind in response.get("content", {})
        .get("application/problem+json", {})
        .get("examples", ())
        if kind not in ELSEWHERE
    }
    assert told == {one for one in contract.seen if one[3]}


async def _try_all(
    program: Program,
    monkeypatch: pytest.MonkeyPatch,
    method: str,
    template: str,
    operation: Operation,
) -> None:
    media = next(iter(operation.get("requestBody", {}).get("content", {"": {}})))
    valid = _valid_body(operation)
    plain = {"Content-Type": media} if media else {}
    there, *_ = paths = list(_fill(template))
    for path in paths:
        for query in ("", "?colour=red"):
            await _send(program, method, path + query, plain, valid)
    waiting = "?wait=1ms" if _takes(operation, "wait") else ""
    for bound in ("_most", "_most_of_client"):
        with monkeypatch.context() as patch:
            patch.setattr(program.app.watching.seats, bound, 0)
            await _send(program, method, there + waiting, plain, valid)
    for headers in (
        *({"If-Match": "7"}, {"If-None-Match": "7"}, {"If-Match": '"0"'}),
        *({"Expect": "wonders"}, {"Sec-Fetch-Site": "cross-site"}),
        {"X-Registry-Owner": "short"},
    ):
        await _send(program, method, there, {**plain, **headers}, valid)
    if media:
        for body in (b"", b"{", b"7", b'{"colour": 1}', HUGE):
            await _send(program, method, there, plain, body)
        await _send(program, method, there, {"Content-Type": "text/plain"}, b"7")
        await _send(program, method, there, {**plain, "Content-Length": "9"}, b"{")
    with monkeypatch.context() as patch:
        for name in CHANGES:
            patch.setattr(MemoryStore, name, _fail)
        # A node of a cluster that has not heard yet what there is.
        patch.setattr(program.app, "_cluster", SimpleNamespace(is_loaded=False))
        await _talk(program, method, there, plain, valid)


async def _send(
    program: Program, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> None:
    await program.register("web-1", **LEAST)
    await program.app.store.set_health("web-1", Health.DEGRADED)
    with suppress(UnknownInstance):
        await program.app.store.revoke("nobody")
    await _talk(program, method, path, headers, body)


async def _talk(
    program: Program, method: str, path: str, headers: Mapping[str, str], body: bytes
) -> None:
    """Send a request whose body may break off; the reply is read by the server's own hook."""
    told = {"Host": "a", "Content-Length": str(len(body)), **headers}
    lines = [f"{method} {path} HTTP/1.1", *(f"{name}: {text}" for name, text in told.items())]
    url = URL(program.url)
    async with asyncio.timeout(PATIENCE):
        reader, writer = await asyncio.open_connection(url.host, url.port)
        # Who is refused in mid-body may find the connection gone.
        with suppress(ConnectionError, EOFError):
            writer.write("\r\n".join((*lines, "", "")).encode() + body)
            if int(told["Content-Length"]) != len(body):
                writer.write_eof()
            # A stream of events has no end.
            await reader.readuntil(b"\r\n\r\n")
        writer.close()
        with suppress(ConnectionError):
            await writer.wait_closed()


def _takes(operation: Operation, name: str) -> bool:
    return any(parameter["name"] == name for parameter in operation.get("parameters", ()))


def _valid_body(operation: Operation) -> bytes:
    content = operation.get("requestBody", {}).get("content", {})
    for example in content.get("application/json", {}).get("examples", {}).values():
        return json.dumps(example["value"]).encode()
    return b""


def _fill(template: str) -> Iterator[str]:
    for place in range(2):
        path = template
        for part, values in PARTS.items():
            path = path.replace(part, values[place])
        assert "{" not in path, f"{template} has a part that this test has no values for"
        yield path


async def _fail(*_: object, **__: object) -> None:
    raise StoreAway("its disk is full")
