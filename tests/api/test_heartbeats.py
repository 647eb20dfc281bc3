"""Heartbeats, one and many."""

from collections.abc import Awaitable, Callable
from types import SimpleNamespace
from typing import Any

import pytest

Ask = Callable[..., Awaitable[tuple[int, Any]]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}


async def test_a_heartbeat_moves_the_deadline_and_nothing_else(
    ask: Ask, clock: SimpleNamespace
) -> None:
    _, before = await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 20.25
    assert await ask("POST", "/v1/instances/A/heartbeat") == (
        200,
        {"expires_at": "2023-11-14T22:14:10.250Z", "ttl": 30},
    )
    _, after = await ask("GET", "/v1/instances/a")
    assert after == {
        **before,
        "last_heartbeat": "2023-11-14T22:13:40.250Z",
        "expires_at": "2023-11-14T22:14:10.250Z",
    }


async def test_a_heartbeat_of_a_lease_without_end_has_no_deadline(ask: Ask) -> None:
    await ask("PUT", "/v1/instances/a", {**LEAST, "ttl": None})
    assert await ask("POST", "/v1/instances/a/heartbeat") == (
        200,
        {"expires_at": None, "ttl": None},
    )


async def test_a_heartbeat_of_an_unknown_instance_says_to_register_again(ask: Ask) -> None:
    status, body = await ask("POST", "/v1/instances/nobody/heartbeat", {"ignored": True})
    assert (status, body["type"]) == (404, "unknown-instance")
    assert "'nobody'" in body["detail"]


async def test_many_heartbeats_renew_what_is_live_and_name_the_rest(
    ask: Ask, clock: SimpleNamespace
) -> None:
    for name, ttl in (("a", 10), ("b", 30), ("c", 30)):
        await ask("PUT", f"/v1/instances/{name}", {**LEAST, "ttl": ttl})
    clock.now += 10
    status, body = await ask("POST", "/v1/heartbeats", {"ids": ["a", "B", "c", "ü"]})
    assert (status, body) == (200, {"renewed": 2, "unknown": ["a", "ü"]})
    clock.now += 29
    assert (await ask("GET", "/v1/instances/b"))[0] == 200


async def test_no_heartbeats_are_none_renewed(ask: Ask) -> None:
    assert await ask("POST", "/v1/heartbeats", {"ids": []}) == (200, {"renewed": 0, "unknown": []})


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({}, "ids"),
        ({"ids": "a"}, "ids"),
        ({"ids": None}, "ids"),
        ({"ids": ["a", 1]}, "ids.1"),
        ({"ids": [["a"]]}, "ids.0"),
        ({"ids": ["a"], "id": "a"}, "id"),
        (["a"], "body"),
    ],
)
async def test_heartbeats_of_another_shape_renew_nothing(
    ask: Ask, clock: SimpleNamespace, body: object, field: str
) -> None:
    await ask("PUT", "/v1/instances/a", LEAST)
    clock.now += 1
    status, answer = await ask("POST", "/v1/heartbeats", body)
    assert (status, answer["type"], answer["field"]) == (422, "invalid-field", field)
    _, instance = await ask("GET", "/v1/instances/a")
    assert instance["last_heartbeat"] == instance["registered_at"]
