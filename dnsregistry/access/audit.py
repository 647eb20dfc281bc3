"""The audit log: a line for each write, on a logger of its own.

Rules:
- What was done, or failed, in the store is told here, whoever did it: HTTP, dialects, scan, checks.
  What was refused before it came so far is told by `refuse`.
- A line names who, from where, what, which instance and service, how it ended, which revision.
  It holds neither tokens nor secrets nor what an instance consists of.
- An array is one line, as is a request of many heartbeats.
- Refusals are bounded, for all together; what was left out is counted in the next line.
"""

from collections.abc import Callable, Sequence
from time import monotonic

import structlog

from dnsregistry.registry.errors import RegistryError, UnknownInstance
from dnsregistry.registry.expected import Expected
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import fold_id
from dnsregistry.registry.registry import Grant, Registry, Renewal
from dnsregistry.registry.warrant import ANYONE, Warrant
from dnsregistry.storage.relay import Relay
from dnsregistry.storage.store import Store

LOGGER = "dnsregistry.audit"
REFUSALS_A_SECOND = 50
MOST_NAMES = 10
"""Services of an array that its line names."""
LONGEST = 200
"""Characters of an id that is told: a path may hold more."""

Now = Callable[[], float]


class AuditLog:
    """Writes the lines."""

    def __init__(self, now: Now = monotonic) -> None:
        self._log = structlog.get_logger(LOGGER)
        self._now = now
        self._second = 0.0
        self._refusals = 0
        self._left_out = 0

    def tell(self, by: Warrant, action: str, outcome: str, **what: object) -> None:
        """One line of something that was tried."""
        if self._left_out:
            what["refusals_left_out"], self._left_out = self._left_out, 0
        self._log.info(action, who=by.name, client=by.client, outcome=outcome, **what)

    def refuse(self, by: Warrant, action: str, outcome: str, **what: object) -> None:
        """The same of something that was not let in."""
        second = self._now() // 1
        if second != self._second:
            self._second, self._refusals = second, 0
        self._refusals += 1
        if self._refusals > REFUSALS_A_SECOND:
            self._left_out += 1
        else:
            self.tell(by, action, outcome, **what)


class Audited(Relay):
    """A store, each of whose changes is told. Heartbeats only where that is asked for."""

    def __init__(
        self, store: Store, registry: Registry, audit: AuditLog, *, heartbeats: bool
    ) -> None:
        super().__init__(store)
        self._registry = registry
        self._audit = audit
        self._heartbeats = heartbeats

    async def grant(
        self, instance: Instance, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> Grant:
        """Register an instance."""
        what = {"id": instance.id, "service": instance.service}
        try:
            grant = await self._store.grant(instance, expected, by=by)
        except RegistryError as fact:
            self._fail(by, "register", fact, **what)
            raise
        outcome = "created" if grant.created else "replaced"
        self._audit.tell(by, "register", outcome, **what, revision=grant.lease.revision)
        return grant

    async def grant_all(
        self, instances: Sequence[Instance], *, by: Warrant = ANYONE
    ) -> list[Lease]:
        """Register all instances."""
        services = sorted({instance.service for instance in instances})
        what = {"instances": len(instances), "services": services[:MOST_NAMES]}
        try:
            leases = await self._store.grant_all(instances, by=by)
        except RegistryError as fact:
            self._fail(by, "register", fact, **what)
            raise
        revision = max((lease.revision for lease in leases), default=0)
        self._audit.tell(by, "register", "done", **what, revision=revision)
        return leases

    async def renew(self, instance_id: str, *, by: Warrant = ANYONE) -> Lease:
        """Renew one lease."""
        try:
            lease = await self._store.renew(instance_id, by=by)
        except RegistryError as fact:
            if self._heartbeats or not isinstance(fact, UnknownInstance):
                self._fail(by, "renew", fact, id=instance_id[:LONGEST])
            raise
        if self._heartbeats:
            self._audit.tell(by, "renew", "renewed", **_name(lease), revision=lease.revision)
        return lease

    async def renew_all(self, instance_ids: Sequence[str], *, by: Warrant = ANYONE) -> Renewal:
        """Renew many leases."""
        renewal = await self._store.renew_all(instance_ids, by=by)
        counts = {"renewed": renewal.renewed, "unknown": len(renewal.unknown)}
        if renewal.forbidden:
            refused = [instance_id[:LONGEST] for instance_id in renewal.forbidden[:MOST_NAMES]]
            self._audit.refuse(by, "renew", "forbidden", ids=refused, **counts)
        elif self._heartbeats:
            self._audit.tell(by, "renew", "renewed", **counts)
        return renewal

    async def set_status(
        self,
        instance_id: str,
        status: Status,
        expected: Expected | None = None,
        *,
        by: Warrant = ANYONE,
    ) -> Lease:
        """Give an instance another status."""
        try:
            lease = await self._store.set_status(instance_id, status, expected, by=by)
        except RegistryError as fact:
            self._fail(by, "status", fact, id=instance_id[:LONGEST], status=status.value)
            raise
        what = {**_name(lease), "status": status.value, "revision": lease.revision}
        self._audit.tell(by, "status", "done", **what)
        return lease

    async def revoke(
        self, instance_id: str, expected: Expected | None = None, *, by: Warrant = ANYONE
    ) -> None:
        """End a lease."""
        held = self._registry.catalogue.find(fold_id(instance_id))
        what = {"id": instance_id[:LONGEST]} if held is None else _name(held)
        try:
            await self._store.revoke(instance_id, expected, by=by)
        except RegistryError as fact:
            self._fail(by, "deregister", fact, **what)
            raise
        revision = self._registry.feed.revision
        self._audit.tell(by, "deregister", "removed", **what, revision=revision)

    def _fail(self, by: Warrant, action: str, fact: RegistryError, **what: object) -> None:
        self._audit.refuse(by, action, _write(fact), **what)


def _name(lease: Lease) -> dict[str, object]:
    return {"id": lease.instance.id, "service": lease.instance.service}


def _write(fact: RegistryError) -> str:
    """The fact's name as a word: `not-owner`."""
    letters = (f"-{one.lower()}" if one.isupper() else one for one in type(fact).__name__)
    return "".join(letters).removeprefix("-")
