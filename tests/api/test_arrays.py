"""Many registrations in one request."""

import json
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from aiohttp import ClientSession
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.api import jsontext
from dnsregistry.api.jsontext import parse_elements
from dnsregistry.api.problems import Problem
from dnsregistry.registry.names import host_label
from dnsregistry.registry.registry import Registry

Ask = Callable[..., Awaitable[tuple[int, Any]]]

LEAST = {"service": "web", "address": "10.0.0.1", "port": 80}
LONG_ID = "an-id-of-more-than-sixteen-octets"


async def test_an_array_is_registered_whole_in_its_order(ask: Ask) -> None:
    body = [{**LEAST, "id": "b"}, {**LEAST, "id": "a", "port": 81}]
    status, answer = await ask("POST", "/v1/instances", body)
    assert status == 201
    assert [instance["id"] for instance in answer["instances"]] == ["b", "a"]
    assert await ask("GET", "/v1/instances?sort=registered_at") == (200, answer)


async def test_an_empty_array_registers_nothing(ask: Ask) -> None:
    assert await ask("POST", "/v1/instances", []) == (
        201,
        {"instances": [], "next_cursor": None, "revision": 0},
    )


async def test_new_ids_are_not_those_of_other_elements(ask: Ask) -> None:
    body = [LEAST, {**LEAST, "id": "NEW-1"}, LEAST]
    _, answer = await ask("POST", "/v1/instances", body)
    ids = [instance["id"] for instance in answer["instances"]]
    assert ids == ["new-2", "NEW-1", "new-3"]


@pytest.mark.parametrize(
    ("elements", "field"),
    [
        ([{**LEAST, "port": "80"}], "1.port"),
        ([{**LEAST, "port": 0}], "1.port"),
        ([{**LEAST, "id": "OK"}], "1.id"),
        ([LEAST, {**LEAST, "ports": {"http": True}}], "2.ports.http"),
        ([LEAST, {"service": "a"}], "2.address"),
        ([7], "1"),
        ([LEAST, "text"], "2"),
        ([[]], "1"),
        ([None], "1"),
    ],
)
async def test_one_fault_in_an_array_registers_none(
    ask: Ask, registry: Registry, elements: list[object], field: str
) -> None:
    status, body = await ask("POST", "/v1/instances", [{**LEAST, "id": "ok"}, *elements])
    assert (status, body["type"], body["field"]) == (422, "invalid-field", field)
    assert len(registry.catalogue) == 0


@pytest.mark.parametrize(
    "body",
    [
        b"[",
        b"[}",
        b"[%b",
        b"[%b,]",
        b"[,{}]",
        b"[%b %b]",
        b"[%b}",
        b"[%b] x",
        b"[%b][",
        b'[{"a": 1, "a": 1}]',
        b'[{"a": NaN}]',
        b'[{"a": "\\ud800"}]',
        b'[{"a": "\xff"}]',
        b"[" * 100_000,
        b'[{"a": ' + b"[" * 100_000,
        b"[x]",
    ],
)
async def test_an_array_that_is_no_json_is_refused(
    client: ClientSession, registry: Registry, body: bytes
) -> None:
    body = body.replace(b"%b", json.dumps(LEAST).encode())
    async with client.post("/v1/instances", data=body) as response:
        answer = await response.json(content_type=None)
    if body.startswith(b"[["):
        assert (response.status, answer["field"]) == (422, "0")
    else:
        assert (response.status, answer["type"]) == (400, "invalid-json")
    assert len(registry.catalogue) == 0


@pytest.mark.parametrize(
    ("twin", "rule"),
    [
        (LONG_ID, f"{LONG_ID!r} is given twice"),
        (LONG_ID.upper(), f"{LONG_ID.upper()!r} is given twice"),
        (
            host_label(LONG_ID),
            f"{host_label(LONG_ID)!r} would share the host name of the instance {LONG_ID!r};"
            " choose another id",
        ),
    ],
)
async def test_an_array_with_twins_registers_none(
    ask: Ask, registry: Registry, twin: str, rule: str
) -> None:
    ids = [LONG_ID, "b", twin]
    status, body = await ask("POST", "/v1/instances", [{**LEAST, "id": name} for name in ids])
    assert (status, body["field"], body["reason"]) == (422, "2.id", rule)
    assert registry.feed.revision == len(registry.catalogue) == 0
    assert registry.next_deadline() is None
    assert (await ask("PUT", f"/v1/instances/{twin}", LEAST))[0] == 201


async def test_an_array_registers_and_replaces(ask: Ask, registry: Registry) -> None:
    await ask("PUT", "/v1/instances/b", {**LEAST, "port": 1})
    status, body = await ask(
        "POST", "/v1/instances", [{**LEAST, "id": name} for name in ("c", "B", "a")]
    )
    assert (status, body["revision"]) == (201, 4)
    assert [instance["revision"] for instance in body["instances"]] == [2, 3, 4]
    assert [lease.instance.id for lease in registry.catalogue.after(0)] == ["B", "c", "a"]


def test_an_element_has_a_largest_size(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(jsontext, "WINDOW", 16)
    body = json.dumps([{"a": "x" * 30}, {"a": "x" * 1000}, {}]).encode()
    elements = parse_elements(body, 100)
    assert next(elements) == {"a": "x" * 30}
    with pytest.raises(Problem, match="element 1 is no object of at most 100 characters"):
        next(elements)


_JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(st.characters(codec="utf-8")),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.text(st.characters(codec="utf-8")), inner, max_size=3)
    ),
    max_leaves=6,
)


@given(
    elements=st.lists(st.dictionaries(st.text(st.characters(codec="utf-8")), _JSON, max_size=3)),
    ascii_only=st.booleans(),
    indent=st.sampled_from([None, 2]),
    window=st.integers(1, 40),
)
def test_elements_are_the_same_through_any_window(
    elements: list[object], *, ascii_only: bool, indent: int | None, window: int
) -> None:
    body = json.dumps(elements, ensure_ascii=ascii_only, indent=indent).encode()
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(jsontext, "WINDOW", window)
        assert list(parse_elements(body, len(body))) == elements
