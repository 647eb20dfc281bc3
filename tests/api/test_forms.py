"""What the door takes, the document allows: no client is told that it may not say what it may."""

from collections.abc import Mapping
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import TypeAdapter

from dnsregistry.api.door import check_secret
from dnsregistry.api.models.check_reports import CheckReport
from dnsregistry.api.models.checks import Check
from dnsregistry.api.openapi.schemas import Schemas
from dnsregistry.api.problems import Problem
from dnsregistry.api.registration import Registration, read_fields
from dnsregistry.registry.admission import admit
from dnsregistry.registry.check_admission import (
    METHODS,
    PORTS,
    QTYPES,
    TYPES,
    admit_checks,
)
from dnsregistry.registry.check_description import describe_check
from dnsregistry.registry.errors import InvalidField
from tests.api.contract import Contract

_SCHEMAS = Schemas([Registration, Check], [CheckReport])
_CONTRACT = Contract({"paths": {}, "components": {"schemas": _SCHEMAS.components}})
_REGISTRATION, _CHECK = _SCHEMAS.of(Registration, "validation"), _SCHEMAS.of(Check, "validation")
_REPORT = _SCHEMAS.of(CheckReport, "serialization")


def _hold(schema: Mapping[str, Any], value: object) -> None:
    _CONTRACT.broken.clear()
    _CONTRACT.validate("taken", schema, value)
    assert _CONTRACT.broken == []


def _some(**fields: st.SearchStrategy[object]) -> st.SearchStrategy[dict[str, object]]:
    """Objects with any of these fields, which may be null too."""
    return st.fixed_dictionaries({}, optional={n: st.none() | s for n, s in fields.items()})


def _few(
    objects: st.SearchStrategy[dict[str, object]], *always: str
) -> st.SearchStrategy[dict[str, object]]:
    """The same with two of the other fields at most: of many, one is always wrong."""

    def keep(value: dict[str, object], places: list[int]) -> dict[str, object]:
        names = [name for name in value if name not in always]
        kept = {*always, *(names[place % len(names)] for place in places if names)}
        return {name: field for name, field in value.items() if name in kept}

    return st.builds(keep, objects, st.lists(st.integers(0, 30), max_size=2))


_PORTS = st.sampled_from([1, 80, 65535, 0, 65536])
_NUMBERS = st.sampled_from([0, 0.05, 0.1, 0.5, 1, 2, 3.5, 60, 100, 86_400, 31_536_000, 10**9])
_LABELS = st.from_regex(r"[A-Za-z0-9_.-]{1,4}", fullmatch=True) | st.sampled_from(
    ["ns1", "I", "a" * 62, "a" * 63, "a" * 64, "é", ""]
)
_HOSTS = st.sampled_from(
    ["10.0.0.1", "::1", "fd00::A", "::ffff:10.0.0.1", "a.example.", "A_b.example", "x" * 63, "1.2"]
)
_CHECKS = _some(
    type=st.sampled_from([*TYPES, "ftp"]),
    interval=_NUMBERS,
    timeout=_NUMBERS,
    jitter=_NUMBERS,
    success_before_healthy=_NUMBERS,
    failures_before_unhealthy=_NUMBERS,
    initial=st.sampled_from(["healthy", "unhealthy", "degraded"]),
    delay=_NUMBERS,
    deregister_after=_NUMBERS,
    tls=st.booleans(),
    verify_tls=st.booleans(),
    server_name=_HOSTS,
    url=st.sampled_from([*(f"{scheme}://a.example/x?y" for scheme in PORTS), "ftp://a", "http://"]),
    path=st.sampled_from(["/", "", "/a?b=c", '/~!"$', "/#", "a"]),
    port=st.sampled_from([0, 1, 65535, 65536]),
    method=st.sampled_from([*METHODS, "PUT"]),
    expect_status=st.sampled_from([100, 599, 99, "200", "0200-0299", "200-", "200-399", "1000"]),
    body_pattern=st.sampled_from(["", "ok", "a" * 256, "a" * 257]),
    headers=st.dictionaries(st.sampled_from(["A", "b-c", "Connection"]), st.text(max_size=3)),
    follow_redirects=st.booleans(),
    fallback_path=st.sampled_from(["", "/", "/old", "old"]),
    address=st.sampled_from(["10.0.0.1:53", "[::1]:53", "a.example:80", "a", "a:0"]),
    service=st.sampled_from(["", "a.B/c_d-e", "a b"]),
    name=_HOSTS,
    qtype=st.sampled_from([*QTYPES, "ANY"]),
)
_FEW = _few(_CHECKS, "type", "name")
_REGISTRATIONS = _few(
    _some(
        id=st.text(st.characters(codec="ascii"), max_size=3) | _LABELS,
        protocol=st.sampled_from(["tcp", "udp", "sctp"]),
        ports=st.dictionaries(_LABELS, _PORTS, max_size=1),
        priority=_PORTS,
        tags=st.lists(_LABELS, max_size=1) | st.just(["a"] * 100),
        metadata=st.dictionaries(st.text(max_size=2), st.none() | st.floats(), max_size=2),
        version=st.text(max_size=3),
        ttl=_NUMBERS,
        status=st.sampled_from(["healthy", "draining", "up"]),
    )
)
_LEAST = st.fixed_dictionaries(
    {
        "service": st.just("A-b") | _LABELS,
        "address": _HOSTS | st.lists(_HOSTS, max_size=2),
        "port": _PORTS,
    }
)


@settings(max_examples=300, deadline=None)
@given(check=_FEW)
def test_a_check_that_is_taken_is_as_documented_and_so_is_what_is_told_of_it(
    check: dict[str, object],
) -> None:
    if check.get("type") != "dns":
        check.pop("name", None)
    try:
        [admitted] = admit_checks([check])
    except InvalidField:
        return
    _hold(_CHECK, check)
    _hold(_REPORT, describe_check(admitted))
    # What is told may be sent again.
    _hold(_CHECK, describe_check(admitted))


@settings(max_examples=300, deadline=None)
@given(least=_LEAST, more=_REGISTRATIONS)
def test_a_registration_that_is_taken_is_as_documented(
    least: dict[str, Any], more: dict[str, Any]
) -> None:
    body = {**least, **more}
    try:
        registration = read_fields(Registration, body)
        fields = registration.model_dump(exclude={"id", "checks", "owner_secret"})
        if registration.owner_secret is not None:
            check_secret(registration.owner_secret, "owner_secret")
        admit(**fields, id="i" if registration.id is None else registration.id)
    except (InvalidField, Problem):
        return
    _hold(_REGISTRATION, body)


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_of_check_is_documented(kind: str) -> None:
    least = {"type": kind, **({"name": "a.example"} if kind == "dns" else {})}
    _hold(_CHECK, least)
    assert TypeAdapter(Check).validate_python(least).type == kind
    for more in ({"colour": "red"}, {"interval": 0.01}, {"jitter": 1}):
        _CONTRACT.broken.clear()
        _CONTRACT.validate("refused", _CHECK, {**least, **more})
        assert _CONTRACT.broken
