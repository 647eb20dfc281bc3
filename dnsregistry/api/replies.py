"""Answers: JSON, and how an instance, a time and a duration look in it."""

import json
import math
from collections.abc import Callable, Mapping, Sequence
from datetime import UTC, datetime
from functools import lru_cache

from aiohttp import hdrs, web
from multidict import istr

from dnsregistry.health.desk import Desk
from dnsregistry.registry.lease import Lease

try:
    import orjson
except ImportError:  # the extra `speed`
    _dump: Callable[[object], bytes] | None = None
else:
    _dump = orjson.dumps

SERVER = "dnsregistry"
"""What answers say of the program: its name, and no version."""
JSON: Mapping[str, str] = {hdrs.CONTENT_TYPE: "application/json"}
REVISION = istr("X-Registry-Revision")
"""The header with which every answer tells a revision: all changes up to it are in the answer."""


def encode(value: object) -> bytes:
    """JSON with a final newline."""
    if _dump is not None:
        try:
            return _dump(value) + b"\n"
        except TypeError:
            # Integers beyond 64 bits and broken text, which orjson has no way to write.
            pass
    return _encode_any(value)


def _encode_any(value: object) -> bytes:
    text = json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
    # A path may hold octets that are no UTF-8; told back, they must not become a second error.
    return (text + "\n").encode(errors="replace")


def reply(
    value: object, status: int = 200, headers: Mapping[str, str] | None = None
) -> web.Response:
    """A JSON answer."""
    given = {**headers, **JSON} if headers else JSON
    return web.Response(body=encode(value), status=status, headers=given)


def write_time(time: float) -> str | None:
    """ISO 8601 in UTC with milliseconds, cut and not rounded; None for no end."""
    if time == math.inf:
        return None
    second, fraction = divmod(round(time * 1_000_000), 1_000_000)
    return f"{_write_second(second)}.{fraction // 1000:03d}Z"


@lru_cache(1024)
def _write_second(second: int) -> str:
    # What is told in one answer, or in answers near each other, lies within a few seconds.
    return datetime.fromtimestamp(second, UTC).isoformat()[:-6]


def write_ttl(ttl: float | None) -> float | None:
    """Seconds, without a fraction where there is none; None for no end."""
    return int(ttl) if ttl is not None and ttl.is_integer() else ttl


def describe(lease: Lease, dns_names: Sequence[str], desk: Desk | None = None) -> dict[str, object]:
    """The instance and its lease; its checks as the desk knows them."""
    instance = lease.instance
    addresses = [str(address) for address in instance.addresses]
    registered_at = write_time(lease.granted_at)
    is_new = lease.renewed_at == lease.granted_at
    return {
        "id": instance.id,
        "service": instance.service,
        "protocol": instance.protocol,
        "address": instance.host or (addresses[0] if len(addresses) == 1 else addresses),
        "port": instance.port,
        "ports": dict(instance.ports),
        "priority": instance.priority,
        "weight": instance.weight,
        "tags": instance.tags,
        "capabilities": instance.capabilities,
        "metadata": instance.metadata,
        "version": instance.version,
        "ttl": write_ttl(instance.ttl),
        "status": instance.status,
        **({"health": instance.health} if desk is None else desk.tell(instance)),
        "registered_at": registered_at,
        "last_heartbeat": registered_at if is_new else write_time(lease.renewed_at),
        "expires_at": write_time(lease.deadline),
        "revision": lease.revision,
        "dns": list(dns_names),
    }
