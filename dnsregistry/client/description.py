"""What is registered: the fields of an instance as its owner gives them."""

import base64
import secrets
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, TypedDict

from dnsregistry.client.checks import read_check
from dnsregistry.client.secret import check_secret

_ID_OCTETS = 7
_ID_LETTERS = 10
"""50 random bits: a second instance of the same id would replace the first. Short enough to be
the instance's host label."""


class Fields(TypedDict, total=False):
    """What may be given of an instance beside its service and port.

    address: an IPv4 or IPv6 address, a host name, or a list of addresses; without it, the local
        address from which the registry is reached.
    id: unique in the registry; without it one is made up.
    ttl: seconds without a heartbeat until the lease ends; None for no end; without it the
        registry's own.
    checks: what the registry is to ask: texts such as `http:///health` (`checks.read_check`) or
        objects as docs/health.md has them.
    owner_secret: who changes the instance must know it; of registries that support it.
    The others are those of `POST /v1/instances`.
    """

    address: str | Sequence[str] | None
    id: str | None
    ttl: float | None
    checks: Sequence[str | Mapping[str, Any]]
    tags: Sequence[str]
    capabilities: Sequence[str]
    metadata: Mapping[str, Any]
    ports: Mapping[str, int]
    protocol: str
    priority: int
    weight: int
    version: str
    owner_secret: str


@dataclass(frozen=True, slots=True)
class Description:
    """An instance to register. `address` is None where the local one is to be found."""

    id: str
    service: str
    port: int
    address: str | Sequence[str] | None
    owner_secret: str | None = field(default=None, repr=False)
    others: Mapping[str, Any] = field(default_factory=dict)

    @classmethod
    def make(cls, service: str, port: int, fields: Fields) -> "Description":
        """The description of these fields. Raises ValueError for a wrong list, check or secret."""
        others: dict[str, Any] = dict(fields)
        for name in ("tags", "capabilities", "checks"):
            if isinstance(others.get(name), str):
                # A text is a sequence too, of its letters.
                raise ValueError(f"{name} are a list, such as [{others[name]!r}]")
        instance_id = others.pop("id", None) or _make_id()
        address = others.pop("address", None)
        secret = others.pop("owner_secret", None)
        check_secret("owner_secret", secret or "")
        for name in ("tags", "capabilities"):
            if name in others:
                others[name] = list(others[name])
        for name in ("metadata", "ports"):
            if name in others:
                others[name] = dict(others[name])
        if "checks" in others:
            others["checks"] = [read_check(check) for check in others["checks"]]
        return cls(instance_id, service, port, address, secret, others)

    def body(self, local_address: str, *, draining: bool) -> dict[str, Any]:
        """The JSON of its registration, from a machine with this address."""
        address = self.address if self.address is not None else local_address
        body = {
            "service": self.service,
            "address": address if isinstance(address, str) else list(address),
            "port": self.port,
            **self.others,
        }
        if self.owner_secret is not None:
            body["owner_secret"] = self.owner_secret
        if draining:
            body["status"] = "draining"
        return body


def _make_id() -> str:
    return base64.b32encode(secrets.token_bytes(_ID_OCTETS)).decode().lower()[:_ID_LETTERS]
