"""The OpenAPI document says what is served: every route, no other, and in valid form."""

import re
from typing import Any

import pytest
from aiohttp import web
from openapi_spec_validator import OpenAPIV31SpecValidator

import dnsregistry.app
from dnsregistry.api.application import build_application
from tests.conftest import Start
from tests.program import Program

Document = dict[str, Any]
_PATTERN = re.compile(r":\[\^/\]\+")


async def read_document(program: Program) -> Document:
    async with program.http.get("/openapi.json") as response:
        assert response.status == 200
        assert response.content_type == "application/json"
        document: Document = await response.json()
        return document


async def test_the_document_is_valid_openapi(program: Program) -> None:
    document = await read_document(program)
    assert document["openapi"].startswith("3.1.")
    OpenAPIV31SpecValidator(document).validate()


async def test_every_route_is_in_the_document_and_no_other(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    built: list[web.Application] = []

    def build(*given: Any, **more: Any) -> web.Application:
        built.append(build_application(*given, **more))
        return built[-1]

    monkeypatch.setattr(dnsregistry.app, "build_application", build)
    document = await read_document(await start())
    [application] = built
    served = {
        (route.method, _PATTERN.sub("", route.resource.canonical))
        for route in application.router.routes()
        if route.resource is not None
    }
    described = {
        (method.upper(), path) for path, methods in document["paths"].items() for method in methods
    }
    described |= {("HEAD", path) for method, path in described if method == "GET"}
    assert served == described


async def test_every_operation_has_an_id_of_its_own_and_a_heading_that_is_explained(
    program: Program,
) -> None:
    document = await read_document(program)
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    ids = [operation["operationId"] for operation in operations]
    assert len(set(ids)) == len(ids)
    headings = {heading["name"] for heading in document["tags"]}
    assert {tag for operation in operations for tag in operation["tags"]} == headings


async def test_the_document_comes_once(program: Program) -> None:
    async with program.http.get("/openapi.json") as response:
        tag = response.headers["ETag"]
    for known in (tag, f'W/{tag}, "x"', "*"):
        headers = {"If-None-Match": known}
        async with program.http.get("/openapi.json", headers=headers) as response:
            assert (response.status, await response.read()) == (304, b"")
            assert response.headers["ETag"] == tag
    async with program.http.get("/openapi.json", headers={"If-None-Match": '"x"'}) as response:
        assert (response.status, response.headers["ETag"]) == (200, tag)
