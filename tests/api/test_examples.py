"""The examples of the document are true: what they ask for is done, and answered like that."""

from collections.abc import Iterator, Mapping
from typing import Any

import pytest

from dnsregistry.api import problems
from dnsregistry.api.openapi.refusals import EXAMPLES
from dnsregistry.api.problems import Kind
from dnsregistry.api.routes.instances import LEAST
from tests.api.contract import Contract
from tests.api.test_document import read_document
from tests.conftest import Start
from tests.program import Program

Document = Mapping[str, Any]

# Operation, path, name of the body's example, status, name of the reply's example. Before all but
# those marked with a plus, web-1 is registered.
SCENES = (
    ("registerInstances+", "/v1/instances", "least", 201, "least"),
    ("registerInstances+", "/v1/instances", "many", 201, "many"),
    ("registerInstances", "/v1/instances", "least", 200, "instance"),
    ("putInstance+", "/v1/instances/web-1", "least", 201, "instance"),
    ("putInstance", "/v1/instances/web-1", "least", 200, "instance"),
    ("getInstance", "/v1/instances/web-1", None, 200, "instance"),
    ("listInstances", "/v1/instances", None, 200, "one"),
    ("renewInstance", "/v1/instances/web-1/heartbeat", None, 200, "renewed"),
    ("renewInstances", "/v1/heartbeats", "two", 200, "two"),
    ("setInstanceStatus", "/v1/instances/web-1/status", "draining", 200, "draining"),
    ("listServices", "/v1/services", None, 200, "one"),
    ("getService", "/v1/services/user-service", None, 200, "one"),
    ("liftServiceGuard", "/v1/services/user-service/guard", None, 200, "none"),
    ("getHealth", "/health", None, 200, "alive"),
    ("getReady", "/ready", None, 200, "ready"),
)
# What depends on what was measured, or on what is not as it should be, is held to its form alone.
FORMS = {
    ("getReady", 200, "degraded"),
    ("getReady", 503, "starting"),
    ("getStats", 200, "numbers"),
    ("getInstanceChecks", 200, "one"),
    ("getServiceHealth", 200, "well"),
    ("explainDns", 200, "one of two"),
}


def _operations(document: Document) -> Iterator[tuple[str, str, Document]]:
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            yield method, path, operation


def _media(document: Document) -> Iterator[tuple[str, int, str, Document]]:
    """Operation, status (0 for a request), media type and what is said of it."""
    for _, _, operation in _operations(document):
        called = operation["operationId"]
        for kind, media in operation.get("requestBody", {}).get("content", {}).items():
            yield called, 0, kind, media
        for status, response in operation["responses"].items():
            for kind, media in response.get("content", {}).items():
                yield called, int(status), kind, media


async def test_every_json_body_has_an_example_that_is_as_its_schema_says(
    program: Program,
) -> None:
    document = await read_document(program)
    contract = Contract(document)
    for called, status, kind, media in _media(document):
        if "json" not in kind or called == "getOpenApi":
            continue
        assert media["examples"], (called, status, kind)
        for name, example in media["examples"].items():
            contract.validate(f"{called} {status} {name}", media["schema"], example["value"])
    assert contract.broken == []


@pytest.mark.parametrize(
    ("called", "path", "asked", "status", "answered"), SCENES, ids=lambda value: str(value)
)
async def test_an_example_is_what_the_program_answers(
    program: Program, called: str, path: str, asked: str | None, status: int, answered: str
) -> None:
    document = await read_document(program)
    if not called.endswith("+"):
        await program.register("web-1", **LEAST)
    [(method, operation)] = [
        (method, operation)
        for method, _, operation in _operations(document)
        if operation["operationId"] == called.removesuffix("+")
    ]
    body = None
    if asked is not None:
        content = operation["requestBody"]["content"]["application/json"]
        body = content["examples"][asked]["value"]
    async with program.http.request(method, path, json=body) as response:
        assert response.status == status
        reply = await response.json()
    examples = operation["responses"][str(status)]["content"]["application/json"]["examples"]
    assert reply == examples[answered]["value"]


async def test_every_example_of_a_reply_is_among_the_scenes_or_held_to_its_form(
    program: Program,
) -> None:
    told = {
        (called, status, name)
        for called, status, kind, media in _media(await read_document(program))
        for name in media.get("examples", ())
        if status and kind == "application/json"
    }
    shown = {(called.removesuffix("+"), status, name) for called, _, _, status, name in SCENES}
    assert told == shown | FORMS


async def test_every_example_of_a_registration_registers(start: Start) -> None:
    document = await read_document(await start())
    bodies = document["paths"]["/v1/instances"]["post"]["requestBody"]["content"]
    for example in bodies["application/json"]["examples"].values():
        program = await start()
        async with program.http.post("/v1/instances", json=example["value"]) as response:
            assert response.status == 201, await response.text()
    bodies = document["paths"]["/v1/instances/{id}"]["put"]["requestBody"]["content"]
    for example in bodies["application/json"]["examples"].values():
        async with program.http.put("/v1/instances/web-1", json=example["value"]) as response:
            assert response.status in (200, 201), await response.text()


async def test_every_kind_of_problem_is_documented_with_an_example_of_its_own(
    program: Program,
) -> None:
    kinds = {kind.type: kind for kind in vars(problems).values() if isinstance(kind, Kind)}
    assert set(EXAMPLES) >= set(kinds)
    documented = {
        (name, status): example["value"]
        for _, status, kind, media in _media(await read_document(program))
        if kind == "application/problem+json"
        for name, example in media["examples"].items()
    }
    for kind in kinds.values():
        example = documented[kind.type, kind.status]
        assert (example["title"], example["detail"]) != ("", kind.title)
