"""The document held against what is said over the wire.

Replies must be documented by status, media type, headers and schema, with no field beside those
that are; a problem must be of a kind that has an example there. A body that was taken must be
one that the document allows.
"""

import json
import re
from collections.abc import Collection, Mapping
from typing import Any

from aiohttp import web
from jsonschema import Draft202012Validator
from referencing import Registry, Resource
from referencing.jsonschema import DRAFT202012

PROBLEM = "application/problem+json"
MOST_READ = 64 * 1024
"""Octets: what is longer is a list of what shorter ones hold too."""
_UNROUTED = {404: "not-found", 405: "method-not-allowed"}

Schema = Mapping[str, Any]


class Contract:
    """Checks replies and bodies; `broken` tells what was not as the document says.

    What is answered at the paths `unread` is none of the program's own.
    """

    def __init__(self, document: Mapping[str, Any], *, unread: Collection[str] = ()) -> None:
        self._unread = unread
        self._document = document
        self._validators: dict[tuple[int, int], Draft202012Validator] = {}
        self.broken: list[str] = []
        self.seen: set[tuple[str, str, int, str]] = set()
        self._paths = {
            re.compile(re.sub(r"\{[a-z]+\}", "[^/]+", path)): (path, methods)
            for path, methods in document["paths"].items()
        }
        self._open = _register(document)
        self._closed = _register(close(document))

    def watch(self, application: web.Application) -> None:
        """Check every reply of an application."""
        application.on_response_prepare.append(self._check)

    def check_body(self, method: str, path: str, body: object) -> None:
        """Check a body that was taken."""
        found = self._find(method, path.partition("?")[0])
        if found is None:
            self.broken.append(f"{method} {path} is no operation")
            return
        where, operation = found
        schema = operation["requestBody"]["content"]["application/json"]["schema"]
        self._validate(f"{where} takes", schema, body, self._open)

    def validate(self, where: str, schema: Schema, value: object) -> None:
        """Check a value that has nothing but what the schema names."""
        self._validate(where, schema, value, self._closed)

    async def _check(self, request: web.Request, response: web.StreamResponse) -> None:
        if request.path in self._unread and response.status == 200:
            return
        method = "GET" if request.method == "HEAD" else request.method
        found = self._find(method, request.rel_url.raw_path)
        if found is None:
            if response.status not in _UNROUTED and response.status != 417:
                self.broken.append(f"{method} {request.path} is no operation: {response.status}")
            return
        where, operation = found
        where = f"{where} {response.status}"
        told = operation["responses"].get(str(response.status))
        if told is None:
            self.broken.append(f"{where} is not documented")
            return
        for name, header in told.get("headers", {}).items():
            if header.get("required") and name not in response.headers:
                self.broken.append(f"{where} comes without {name}")
        self._check_content(where, told.get("content", {}), response)

    def _check_content(self, where: str, content: Schema, response: web.StreamResponse) -> None:
        body = _read(response)
        if not content or response.status == 304:
            if body:
                self.broken.append(f"{where} is said to have no body")
            return
        media = content.get(response.content_type)
        if media is None:
            self.broken.append(f"{where} is not documented as {response.content_type}")
        elif "json" in response.content_type and 0 < len(body) <= MOST_READ:
            value = json.loads(body)
            self._validate(where, media["schema"], value, self._closed)
            kind = value["type"] if response.content_type == PROBLEM else ""
            if kind and kind not in media["examples"]:
                self.broken.append(f"{where} is not documented as {kind}")
            self.seen.add((*where.split(" ")[:2], response.status, kind))  # type: ignore[arg-type]

    def _find(self, method: str, path: str) -> tuple[str, Schema] | None:
        # What is written out goes over what has a part that varies.
        for pattern, (template, methods) in sorted(
            self._paths.items(), key=lambda item: item[1][0].count("{")
        ):
            if pattern.fullmatch(path) and method.lower() in methods:
                return f"{method} {template}", methods[method.lower()]
        return None

    def _validate(self, where: str, schema: Schema, value: object, registry: Registry[Any]) -> None:
        key = (id(schema), id(registry))
        if key not in self._validators:
            self._validators[key] = Draft202012Validator(_point(schema), registry=registry)
        for error in self._validators[key].iter_errors(value):
            self.broken.append(f"{where}: {error.json_path} {error.message[:400]}")


def close(schema: Any) -> Any:
    """The same with objects that have no other properties than those that are named."""
    if isinstance(schema, list):
        return [close(item) for item in schema]
    if not isinstance(schema, dict):
        return schema
    closed = {name: close(value) for name, value in schema.items()}
    if closed.get("type") == "object" and "properties" in closed:
        closed.setdefault("additionalProperties", False)
    return closed


def _register(document: Any) -> Registry[Any]:
    resource = Resource.from_contents(_point(document), default_specification=DRAFT202012)
    empty: Registry[Any] = Registry()
    full: Registry[Any] = empty.with_resource("urn:document", resource)
    return full


def _point(schema: Any) -> Any:
    """The same with references that lead into the document from anywhere."""
    return json.loads(json.dumps(schema).replace('"#/', '"urn:document#/'))


def _read(response: web.StreamResponse) -> bytes:
    body = getattr(response, "body", b"") or b""
    return body if isinstance(body, bytes) else bytes(getattr(body, "_value", b""))
