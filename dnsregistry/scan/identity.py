"""What a peer says it is: read from octets that nobody vouches for, pure.

Rules:
- An answer is one JSON object with `service_type`; `service_id` and `metadata` come with it, and
  `ports` (by name) and `weight` may. Other names are let be.
- Its address and port are those at which it answered, never what it says of them: a peer can speak
  for no other machine.
- JSON that two readers would read differently (NaN, numbers beyond a double, lone surrogates) and
  metadata nested deeper than can be written down again are refused.
"""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import NoReturn

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.scan.ranges import Target

SCANNED = "scanned"
"""The tag of what a sweep found: it renews and replaces nothing that lacks it."""
DEEPEST = 32
"""Levels of objects and lists in metadata, as for every other registration."""


class NoIdentity(ValueError):
    """An answer identifies nobody; the text is the reason."""


@dataclass(frozen=True, slots=True)
class Identity:
    """A peer's answer, its shape checked and nothing else. A `service_id` may be missing."""

    service_type: str
    service_id: str | None
    metadata: Mapping[str, object]
    ports: Mapping[str, int]
    weight: int


def read_identity(octets: bytes) -> Identity:
    """Read an answer. Raises NoIdentity."""
    answer = _parse(octets)
    metadata = _read_object(answer, "metadata")
    _check_depth(metadata)
    ports: dict[str, int] = {}
    for name, number in _read_object(answer, "ports").items():
        ports[name] = _read_number(f"ports.{name[:40]}", number)
    return Identity(
        service_type=_read_text(answer, "service_type"),
        service_id=_read_text(answer, "service_id") if answer.get("service_id") else None,
        metadata=metadata,
        ports=ports,
        weight=_read_number("weight", answer.get("weight", 1)),
    )


def make_instance(identity: Identity, target: Target, ttl: float) -> Instance:
    """The instance that answered at a target. Raises NoIdentity where it cannot be registered."""
    service_id = identity.service_id
    if service_id is None:
        # What the clients of this answer make up themselves, and can then ask for.
        service_id = f"{identity.service_type}_{target.address}_{target.port}"
    try:
        return admit(
            id=service_id,
            service=identity.service_type,
            address=str(target.address),
            port=target.port,
            ports=identity.ports,
            weight=identity.weight,
            tags=(SCANNED,),
            metadata=identity.metadata,
            ttl=ttl,
        )
    except InvalidField as fault:
        said = "service_type" if identity.service_id is None else "service_id"
        name = {"id": said, "service": "service_type"}.get(fault.field, fault.field)
        raise NoIdentity(f"{name}: {fault.rule}") from None


def _parse(octets: bytes) -> Mapping[str, object]:
    try:
        answer = json.loads(octets, parse_constant=_refuse, parse_float=_read_float)
        json.dumps(answer, ensure_ascii=False).encode()
    except (ValueError, RecursionError):
        raise NoIdentity("the answer is no JSON that can be read") from None
    if not isinstance(answer, dict):
        raise NoIdentity("the answer is no JSON object")
    return answer


def _refuse(text: str) -> NoReturn:
    raise ValueError(text)


def _read_float(text: str) -> float:
    value = float(text)
    if math.isinf(value):
        raise ValueError(text)
    return value


def _read_text(answer: Mapping[str, object], name: str) -> str:
    value = answer.get(name)
    if not isinstance(value, str):
        raise NoIdentity(f"{name} {'is missing' if value is None else 'must be text'}")
    return value


def _read_object(answer: Mapping[str, object], name: str) -> Mapping[str, object]:
    value = answer.get(name)
    if value is None:
        return {}
    if not isinstance(value, dict):
        raise NoIdentity(f"{name} must be an object")
    return value


def _read_number(name: str, value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise NoIdentity(f"{name} must be a whole number")
    return value


def _check_depth(metadata: Mapping[str, object]) -> None:
    level: list[object] = [metadata]
    for _ in range(DEEPEST + 1):
        level = [
            nested
            for item in level
            for nested in (
                item.values() if isinstance(item, dict) else item if isinstance(item, list) else ()
            )
        ]
        if not level:
            return
    raise NoIdentity(f"metadata is nested deeper than {DEEPEST} levels")
