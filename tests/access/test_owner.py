"""Owners over HTTP where no token is asked for: their secrets hold all the same, and are hidden."""

import logging
from typing import Any

import pytest
from structlog.testing import capture_logs

from tests.conftest import Start
from tests.program import Program

SECRET = "an-owners-secret-of-the-tests"
OTHER = "another-secret-of-the-tests"
BODY = {"service": "web", "address": "10.0.0.1", "port": 80, "ttl": 30}
BY_OWNER = {"X-Registry-Owner": SECRET}


async def _ask(
    program: Program, method: str, url: str, headers: dict[str, str] | None = None, **given: Any
) -> tuple[int, Any]:
    async with program.http.request(method, url, headers=headers, **given) as response:
        return response.status, await response.json() if response.status != 204 else None


@pytest.mark.parametrize(
    ("body", "headers"),
    [({**BODY, "owner_secret": SECRET}, {}), (BODY, BY_OWNER)],
    ids=["body", "header"],
)
async def test_an_owners_instance_is_the_owners_alone(
    program: Program, body: dict[str, object], headers: dict[str, str]
) -> None:
    one = "/v1/instances/a"
    assert (await _ask(program, "PUT", one, headers, json=body))[0] == 201
    for given in ({}, {"X-Registry-Owner": OTHER}):
        for method, url, content in (
            ("PUT", one, BODY),
            ("PUT", one, {**BODY, "owner_secret": OTHER}),
            ("PUT", f"{one}/status", {"status": "draining"}),
            ("POST", f"{one}/heartbeat", None),
            ("DELETE", "/v1/instances/A", None),
        ):
            status, problem = await _ask(program, method, url, given, json=content)
            assert (status, problem["type"]) == (403, "not-owner"), (method, url)
    assert (await _ask(program, "POST", f"{one}/heartbeat", BY_OWNER))[0] == 200
    assert (await _ask(program, "PUT", one, json={**BODY, "owner_secret": SECRET}))[0] == 200
    new = {**BODY, "owner_secret": OTHER}
    assert (await _ask(program, "PUT", one, BY_OWNER, json=new))[0] == 200
    assert (await _ask(program, "DELETE", one, BY_OWNER))[0] == 403
    assert (await _ask(program, "DELETE", one, {"X-Registry-Owner": OTHER}))[0] == 204


async def test_an_instance_that_was_nobodys_gets_an_owner(program: Program) -> None:
    one = "/v1/instances/a"
    assert (await _ask(program, "PUT", one, json=BODY))[0] == 201
    assert (await _ask(program, "PUT", one, json={**BODY, "owner_secret": SECRET}))[0] == 200
    assert (await _ask(program, "DELETE", one))[0] == 403


async def test_the_id_is_free_when_the_lease_has_ended(program: Program) -> None:
    body = {**BODY, "owner_secret": SECRET}
    assert (await _ask(program, "PUT", "/v1/instances/a", json=body))[0] == 201
    program.clock.advance(30)
    body = {**BODY, "owner_secret": OTHER}
    assert (await _ask(program, "PUT", "/v1/instances/a", json=body))[0] == 201


@pytest.mark.parametrize("secret", ["short", "x" * 129, "with a space in it", "\u00e4" * 20, 7])
async def test_a_secret_that_could_be_guessed_is_refused_and_not_told(
    program: Program, secret: object
) -> None:
    body = {**BODY, "owner_secret": secret}
    status, problem = await _ask(program, "PUT", "/v1/instances/a", json=body)
    assert (status, problem["field"]) == (422, "owner_secret")
    assert str(secret) not in str(problem["reason"])
    status, problem = await _ask(program, "POST", "/v1/instances", json=[BODY, body])
    assert (status, problem["field"]) == (422, "1.owner_secret")


async def test_a_header_that_can_be_no_secret_is_refused(program: Program) -> None:
    assert (await _ask(program, "PUT", "/v1/instances/a", json=BODY))[0] == 201
    given = {"X-Registry-Owner": "short"}
    for method, url in (
        ("POST", "/v1/instances/a/heartbeat"),
        ("DELETE", "/v1/instances/a"),
    ):
        status, problem = await _ask(program, method, url, given)
        assert (status, problem["field"]) == (422, "X-Registry-Owner")


async def test_a_secret_is_in_no_reply_no_log_and_no_number(
    start: Start, caplog: pytest.LogCaptureFixture
) -> None:
    program = await start(audit="all")
    heard = []
    with capture_logs() as logs, caplog.at_level(logging.DEBUG):
        body = {**BODY, "owner_secret": SECRET}
        for method, url, content in (
            ("PUT", "/v1/instances/a", body),
            ("POST", "/v1/instances", [{**body, "id": "b"}]),
            ("PUT", "/v1/instances/a", {**BODY, "owner_secret": SECRET, "port": "x"}),
            ("POST", "/v1/instances", {"owner_secret": SECRET}),
            ("GET", "/v1/instances", None),
            ("GET", "/v1/instances/a", None),
            ("GET", "/v1/stats", None),
            ("DELETE", "/v1/instances/a", None),
        ):
            heard.append(await _ask(program, method, url, BY_OWNER, json=content))
    kept = program.app.registry.find("b", program.clock()).instance.owner
    assert kept is not None
    told = "\n".join(map(str, (*heard, *logs, caplog.text)))
    assert SECRET not in told
    assert kept not in told
    assert heard[-1] == (204, None)


async def test_the_log_tells_who_wrote_what_and_how_it_ended(start: Start) -> None:
    program = await start(audit="writes")
    body = {**BODY, "owner_secret": SECRET}
    with capture_logs() as logs:
        await _ask(program, "PUT", "/v1/instances/a", json=body)
        await _ask(program, "POST", "/v1/instances/a/heartbeat", BY_OWNER)
        await _ask(program, "POST", "/v1/heartbeats", BY_OWNER, json={"ids": ["a"]})
        await _ask(program, "POST", "/v1/instances", json=[{**BODY, "id": "b"}, BODY])
        await _ask(program, "PUT", "/v1/instances/b/status", json={"status": "draining"})
        await _ask(program, "DELETE", "/v1/instances/a")
        await _ask(program, "DELETE", "/v1/instances/a", BY_OWNER)
        await _ask(program, "DELETE", "/v1/instances/a", BY_OWNER)
        await _ask(program, "DELETE", "/v1/instances/b", {"Origin": "https://evil.test"})
    first = next(line["revision"] for line in logs if "revision" in line) - 1
    told = [
        (
            line["event"],
            line["outcome"],
            line.get("id"),
            line.get("service"),
            line["revision"] - first if "revision" in line else None,
        )
        for line in logs
        if "outcome" in line
    ]
    assert told == [
        ("register", "created", "a", "web", 1),
        ("register", "done", None, None, 3),
        ("status", "done", "b", "web", 4),
        ("deregister", "not-owner", "a", "web", None),
        ("deregister", "removed", "a", "web", 5),
        ("deregister", "unknown-instance", "a", None, None),
        ("DELETE", "cross-origin", None, None, None),
    ]
    assert {(line["who"], line["client"]) for line in logs if "outcome" in line} == {
        ("anonymous", "127.0.0.1")
    }


async def test_refusals_do_not_flood_the_log(start: Start) -> None:
    program = await start(audit="all")
    with capture_logs() as logs:
        for number in range(200):
            await _ask(program, "DELETE", f"/v1/instances/x{number}")
        await _ask(program, "PUT", "/v1/instances/a", json=BODY)
    refused = [line for line in logs if line.get("outcome") == "unknown-instance"]
    left_out = sum(line.get("refusals_left_out", 0) for line in logs)
    assert len(refused) < 200
    assert len(refused) + left_out == 200
    assert logs[-1]["outcome"] == "created"
