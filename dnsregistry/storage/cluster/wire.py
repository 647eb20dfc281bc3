"""How an instance stands in the store, and a change in its log.

Rules:
- The body is canonical: what is equal is equal octet for octet, so that a script can compare.
- The state stands beside the body: status, health, a digest of what is checked where, by which a
  script knows whether a verdict still holds, and the seal of the owner's secret. It may change,
  or stay, without the body.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import blake2b
from ipaddress import ip_address

from dnsregistry.registry.check import Health
from dnsregistry.registry.check_admission import admit_checks, keep_checks
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.feed import ChangeKind
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.names import host_label, is_short_host_label
from dnsregistry.registry.warrant import Warrant

OWN_LABEL = "-"
"""Stands for a host label that is the key itself."""

_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode
_decode = json.JSONDecoder().decode
_KINDS = {b"removed": ChangeKind.REMOVED, b"expired": ChangeKind.EXPIRED}


def write_expected(expected: Expected | None) -> str:
    """What is expected of an instance, as scripts read it."""
    if expected is None:
        return ""
    if not expected.present:
        return "-"
    return f",{','.join(map(str, expected.revisions))}," if expected.revisions else "+"


class ForeignContent(Exception):
    """What the store holds there was not written by this program."""


@dataclass(frozen=True, slots=True)
class Held:
    """A value: an instance as the store holds it.

    `revision` is that of its last change, `sequence` that of its registration; `since` is the time
    of that on the store's clock in ms; `nonce` is of the request that changed it last; `was` tells
    the lineage and the revision of what was brought back, and has not changed since.
    """

    revision: int
    sequence: int
    since: int
    nonce: str
    was: tuple[str, int] | None
    instance: Instance


@dataclass(frozen=True, slots=True)
class Put:
    """A change: the key is held so from now on. `prior` is the nonce of the change before it.

    `deadline` is on the store's clock in ms: 0 for none, -1 where it stays as it was.
    """

    revision: int
    nonce: str
    prior: str
    key: str
    held: Held
    deadline: int


@dataclass(frozen=True, slots=True)
class End:
    """A change: the key is held no more. `prior` as in Put."""

    revision: int
    nonce: str
    prior: str
    key: str
    kind: ChangeKind


@dataclass(frozen=True, slots=True)
class Note:
    """A change of nothing that is held; its revision may be any above the last.

    `prior` as in Put.
    """

    revision: int
    nonce: str
    prior: str


Change = Put | End | Note


def key_of(instance_id: str) -> str:
    """The key of an id: ids compare without case."""
    return instance_id.lower()


def label_of(key: str) -> str:
    """The host label of a key as the scripts want it."""
    return OWN_LABEL if is_short_host_label(key) else host_label(key)


def ttl_of(instance: Instance) -> int:
    """The length of an instance's lease in ms, 0 without end."""
    return 0 if instance.ttl is None else max(1, round(instance.ttl * 1000))


def write_state(instance: Instance) -> str:
    """The state, four words with a dot between; without checks, or owner, theirs is a hyphen."""
    probed = "-"
    if instance.checks:
        asked = repr((keep_checks(instance.checks), instance.endpoints)).encode()
        probed = blake2b(asked, digest_size=6).hexdigest()
    owner = instance.owner or "-"
    return f"{instance.status.value}.{instance.health.value}.{probed}.{owner}"


def write_seals(instance_id: str, by: Warrant, given: str | None = None) -> str:
    """What a warrant shows of owners' secrets, with spaces around each; `*` where it needs none."""
    if by.overrides:
        return "*"
    seals = by.seals(instance_id) if given is None else [given, *by.seals(instance_id)]
    return f" {' '.join(seals)} "


def write_body(instance: Instance) -> str:
    """The body: all but the state."""
    body: Mapping[str, object] = {
        "id": instance.id,
        "service": instance.service,
        "protocol": instance.protocol,
        "at": instance.host or [str(address) for address in instance.addresses],
        "port": instance.port,
        "priority": instance.priority,
        "weight": instance.weight,
        "ttl": instance.ttl,
        "ports": instance.ports,
        "tags": instance.tags,
        "capabilities": instance.capabilities,
        "metadata": instance.metadata,
        "version": instance.version,
        "checks": keep_checks(instance.checks) if instance.checks else (),
    }
    return _encode(body)


def read_body(text: str, status: Status, health: Health, owner: str | None = None) -> Instance:
    """The inverse of `write_body`. Raises ForeignContent."""
    try:
        body: Mapping[str, object] = _decode(text)
        return _read_instance(body, status, health, owner)
    except (KeyError, TypeError, ValueError, AttributeError, InvalidField) as error:
        raise ForeignContent(f"a value is no instance: {error}") from None


def read_held(value: bytes) -> Held:
    """Read a value of the hash. Raises ForeignContent."""
    revision, _, tail = value.partition(b" ")
    try:
        return _read_tail(int(revision), tail)
    except ValueError as error:
        raise ForeignContent(f"a value cannot be read: {error}") from None


def read_change(entry_id: bytes, fields: Mapping[bytes, bytes]) -> Change:
    """Read an entry of the log. Raises ForeignContent."""
    try:
        revision = int(entry_id.partition(b"-")[2])
        nonce, prior = fields[b"n"].decode(), fields[b"p"].decode()
        kind = fields[b"k"]
        if kind == b"note":
            return Note(revision, nonce, prior)
        key = fields[b"i"].decode()
        if kind == b"put":
            held = _read_tail(revision, fields[b"v"])
            return Put(revision, nonce, prior, key, held, int(fields[b"d"]))
        return End(revision, nonce, prior, key, _KINDS[kind])
    except (KeyError, ValueError) as error:
        raise ForeignContent(f"the log's {entry_id!r} cannot be read: {error!r}") from None


def _read_tail(revision: int, tail: bytes) -> Held:
    head, _, body = tail.partition(b"\n")
    sequence, since, _, state, nonce, _, was = head.split(b" ")
    status, health, _, owner = state.decode().split(".")
    return Held(
        revision=revision,
        sequence=int(sequence) or revision,
        since=int(since),
        nonce=nonce.decode(),
        was=_read_was(was.decode()),
        instance=read_body(
            body.decode(), Status(status), Health(health), None if owner == "-" else owner
        ),
    )


def _read_was(text: str) -> tuple[str, int] | None:
    lineage, mark, revision = text.partition(":")
    return (lineage, int(revision)) if mark else None


def _read_instance(
    body: Mapping[str, object], status: Status, health: Health, owner: str | None
) -> Instance:
    at = body["at"]
    return Instance(
        id=body["id"],  # type: ignore[arg-type]
        service=body["service"],  # type: ignore[arg-type]
        protocol=body["protocol"],  # type: ignore[arg-type]
        addresses=() if isinstance(at, str) else tuple(map(ip_address, at)),  # type: ignore[call-overload]
        host=at if isinstance(at, str) else None,
        port=body["port"],  # type: ignore[arg-type]
        ports=tuple((name, number) for name, number in body["ports"]),  # type: ignore[attr-defined]
        priority=body["priority"],  # type: ignore[arg-type]
        weight=body["weight"],  # type: ignore[arg-type]
        tags=tuple(body["tags"]),  # type: ignore[arg-type]
        capabilities=tuple(body["capabilities"]),  # type: ignore[arg-type]
        metadata=body["metadata"],  # type: ignore[arg-type]
        version=body["version"],  # type: ignore[arg-type]
        ttl=body["ttl"],  # type: ignore[arg-type]
        status=status,
        checks=admit_checks(body["checks"]) if body["checks"] else (),  # type: ignore[arg-type]
        health=health,
        owner=owner,
    )
