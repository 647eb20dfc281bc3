"""Explanations of a program, asked over HTTP."""

from collections.abc import Awaitable, Callable
from typing import Any

import pytest

from tests.program import Program

Explain = Callable[..., Awaitable[dict[str, Any]]]
SERVICE = "user-service.registry.local"
SRV = "_user-service._tcp.registry.local"


async def explain(program: Program, name: str, rtype: str = "A", **given: str) -> dict[str, Any]:
    """One explanation; `class_` is the parameter `class`."""
    parameters = {key.rstrip("_"): text for key, text in given.items()}
    url = "/v1/dns/explain"
    async with program.http.get(url, params={"name": name, "type": rtype, **parameters}) as reply:
        told: dict[str, Any] = await reply.json()
        assert reply.status == 200, told
        return told


def fates(told: dict[str, Any]) -> dict[str, str]:
    """The reasons by id, those of the kept with a plus in front."""
    return {
        one["id"]: f"+ {one['reason']}" if one["kept"] else one["reason"]
        for one in told["candidates"]
    }


@pytest.fixture
def never() -> dict[str, object]:
    """A check that is not made during a test."""
    return {"type": "tcp", "interval": 3600, "delay": 3600, "address": "127.0.0.1:9"}
