"""A lease as a line of JSON, and back.

Members that say nothing are left out: no tags, no metadata, a priority of 0, the protocol tcp.
"""

import json
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from ipaddress import ip_address
from typing import Any, cast

from dnsregistry.registry.admission import admit
from dnsregistry.registry.check import Health
from dnsregistry.registry.check_admission import admit_checks, keep_checks
from dnsregistry.registry.entry import Entry
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.sharing import share

try:
    import orjson
except ImportError:  # the extra `speed`
    _dump: Callable[[object], bytes] | None = None
else:
    _dump = orjson.dumps

# Text that is pure ASCII holds whatever Python's strings do, half a surrogate pair too.
_ENCODER = json.JSONEncoder(separators=(",", ":"), allow_nan=False)
_YEAR_10000 = 253_402_300_800
"""The unix time from which on ISO 8601 has no way to write a time."""
_SEAL = re.compile("[0-9a-f]{32}")
_NO_METADATA: Mapping[str, object] = {}
KEPT = {
    *("id", "service", "protocol", "addresses", "host", "port", "ports", "priority", "weight"),
    *("tags", "capabilities", "metadata", "version", "ttl", "status"),
    *("checks", "health", "owner"),
}


@dataclass(frozen=True, slots=True)
class Row:
    """An entry, and when its lease was last known to be renewed."""

    entry: Entry
    renewed_at: float


def write_instance(instance: Instance) -> str:
    """The instance as a JSON object. Raises InvalidField for metadata that is no JSON."""
    kept: dict[str, object] = {
        "id": instance.id,
        "service": instance.service,
        "port": instance.port,
        "ttl": instance.ttl,
    }
    if instance.host is None:
        kept["addresses"] = [str(address) for address in instance.addresses]
    else:
        kept["host"] = instance.host
    if instance.protocol != "tcp":
        kept["protocol"] = instance.protocol
    if instance.ports:
        kept["ports"] = dict(instance.ports)
    if instance.priority:
        kept["priority"] = instance.priority
    if instance.weight != 1:
        kept["weight"] = instance.weight
    if instance.tags:
        kept["tags"] = instance.tags
    if instance.capabilities:
        kept["capabilities"] = instance.capabilities
    if instance.version is not None:
        kept["version"] = instance.version
    if instance.status is not Status.HEALTHY:
        kept["status"] = instance.status.value
    if instance.checks:
        kept["checks"] = keep_checks(instance.checks)
    if instance.health is not Health.HEALTHY:
        kept["health"] = instance.health.value
    if instance.owner is not None:
        kept["owner"] = instance.owner
    # What orjson cannot write, or writes as something else, can only be in the metadata.
    if _dump is not None and not instance.metadata:
        return _dump(kept).decode()
    if instance.metadata:
        kept["metadata"] = instance.metadata
    try:
        return _ENCODER.encode(kept)
    except (TypeError, ValueError) as error:
        raise InvalidField("metadata", f"cannot be written as JSON: {error}") from None


def write_row(instance: str, revision: int, granted_at: float, renewed_at: float) -> str:
    """The row of an instance that `write_instance` wrote."""
    renewed = "" if renewed_at == granted_at else f',"renewed_at":{renewed_at!r}'
    head = f'{{"revision":{revision},"granted_at":{granted_at!r}{renewed}'
    return f'{head},"instance":{instance}}}'


def read_row(sequence: int, text: str) -> Row:
    """The inverse of `write_row`, for rows that were written here.

    Raises ValueError where the text is no such row. What an instance may hold is not looked at
    again; `check_row` does.
    """
    try:
        row = json.loads(text)
        granted_at = row["granted_at"]
        entry = Entry(_read_instance(row["instance"]), sequence, row["revision"], granted_at)
        return Row(entry, row.get("renewed_at", granted_at))
    except InvalidField as error:
        raise ValueError(str(error)) from None
    except (LookupError, TypeError, AttributeError, RecursionError) as error:
        raise ValueError(f"{type(error).__name__}: {error}") from None


def check_row(row: Row) -> None:
    """Raise ValueError, or InvalidField, for what no registration could have come to."""
    entry = row.entry
    if not (_is_time(entry.granted_at) and _is_time(row.renewed_at)):
        raise ValueError("granted_at and renewed_at must be unix times before the year 10000")
    if not is_count(entry.revision) or not entry.revision:
        raise ValueError("revision must be a whole number above 0")
    _check_types(entry.instance)
    instance = entry.instance
    again = replace(admit_again(instance), health=instance.health, owner=instance.owner)
    if again != instance:
        raise ValueError("the instance is not in canonical form")


def admit_again(instance: Instance) -> Instance:
    """The instance through the door once more. Raises InvalidField, TypeError, ValueError."""
    return admit(
        id=instance.id,
        service=instance.service,
        address=instance.host or [str(address) for address in instance.addresses],
        port=instance.port,
        protocol=instance.protocol,
        ports=dict(instance.ports),
        priority=instance.priority,
        weight=instance.weight,
        tags=instance.tags,
        capabilities=instance.capabilities,
        metadata=instance.metadata,
        version=instance.version,
        ttl=instance.ttl,
        status=instance.status,
        checks=admit_checks(keep_checks(instance.checks)),
    )


def _read_instance(kept: dict[str, Any]) -> Instance:
    if not kept.keys() <= KEPT:
        raise ValueError(f"unknown members: {', '.join(sorted(kept.keys() - KEPT))}")
    ttl = kept["ttl"]
    return Instance(
        id=kept["id"],
        service=share(kept["service"]),
        protocol=kept.get("protocol", "tcp"),
        addresses=tuple(map(ip_address, kept.get("addresses", ()))),
        host=kept.get("host"),
        port=share(kept["port"]),
        ports=share(tuple(kept["ports"].items())) if "ports" in kept else (),
        priority=kept.get("priority", 0),
        weight=kept.get("weight", 1),
        tags=share(tuple(kept.get("tags", ()))),
        capabilities=share(tuple(kept.get("capabilities", ()))),
        metadata=kept.get("metadata", _NO_METADATA),
        version=share(kept["version"]) if "version" in kept else None,
        ttl=None if ttl is None else share(float(ttl)),
        status=Status(kept["status"]) if "status" in kept else Status.HEALTHY,
        checks=share(admit_checks(kept["checks"])) if "checks" in kept else (),
        health=Health(kept["health"]) if "health" in kept else Health.HEALTHY,
        owner=kept.get("owner"),
    )


def is_count(value: object) -> bool:
    """Whether it is a whole number, and one that leaves room for as many more in the file."""
    return type(value) is int and 0 <= value < 1 << 62


def _is_time(value: object) -> bool:
    return type(value) in (int, float) and 0 <= cast("float", value) < _YEAR_10000


def _check_types(instance: Instance) -> None:
    """Raise ValueError for what JSON can hold and a request's body may not."""
    numbers = (instance.port, instance.priority, instance.weight, *dict(instance.ports).values())
    if any(type(number) is not int for number in numbers):
        raise ValueError("port, ports, priority and weight must be whole numbers")
    if instance.version is not None and type(instance.version) is not str:
        raise ValueError("version must be text")
    if instance.owner is not None and not _is_seal(instance.owner):
        raise ValueError("owner must be 32 hexadecimal digits")


def _is_seal(value: object) -> bool:
    return isinstance(value, str) and _SEAL.fullmatch(value) is not None
