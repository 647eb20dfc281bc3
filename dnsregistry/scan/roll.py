"""The roll: which instance was found at which target, and what an answer does to its lease.

Rules:
- Only what a sweep found is renewed, replaced or removed: it has the tag `scanned`. An id that
  somebody registered otherwise is theirs, and an answer under it changes nothing.
- An id belongs to the target that it was found at for as long as its lease lives. Another target
  that claims it meanwhile gets nothing; after that it may have it.
- A target that answers under another id than before has become somebody else: the instance that
  it was ends at once.
- The status that somebody gave an instance stays.
"""

from collections.abc import Callable
from contextlib import suppress
from dataclasses import replace
from enum import StrEnum
from typing import Protocol

from dnsregistry.registry.errors import InvalidField, UnknownInstance
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.registry import Grant, Registry
from dnsregistry.scan.identity import SCANNED, Identity, NoIdentity, make_instance
from dnsregistry.scan.ranges import Target


class Writer(Protocol):
    """What the roll asks of the store."""

    async def grant(self, instance: Instance) -> Grant:
        """Register an instance, or replace the one with its id. Raises RegistryError."""

    async def renew(self, instance_id: str) -> Lease:
        """Renew its lease. Raises RegistryError."""

    async def revoke(self, instance_id: str) -> None:
        """End its lease. Raises RegistryError."""


class Entry(StrEnum):
    """What an answer did."""

    REGISTERED = "registered"
    RENEWED = "renewed"
    # Renewed, with something new in its description.
    REPLACED = "replaced"
    CONFLICT = "conflict"
    REJECTED = "rejected"


class Roll:
    """Keeps the leases of what answers."""

    def __init__(
        self, registry: Registry, store: Writer, now: Callable[[], float], ttl: float
    ) -> None:
        """`ttl` is the length, in seconds, of the leases that it has granted."""
        self._registry = registry
        self._store = store
        self._now = now
        self._ttl = ttl
        self._ids: dict[Target, str] = {}
        self._targets: dict[str, Target] = {}
        self._entering: set[str] = set()

    def __len__(self) -> int:
        return len(self._ids)

    def __contains__(self, target: object) -> bool:
        return target in self._ids

    def list_targets(self) -> list[Target]:
        """Where instances were found that may still be registered."""
        return list(self._ids)

    def recall(self, target: Target) -> None:
        """Take in what an earlier run of the program found at a target, where a store kept it."""
        for lease in self._registry.catalogue.reached(target.address):
            instance = lease.instance
            if instance.port == target.port and SCANNED in instance.tags:
                self._file(target, instance.id)

    async def enter(self, target: Target, identity: Identity) -> tuple[Entry, str]:
        """Register or renew what a target says it is; returns what that did, and the id or why.

        Raises RegistryError where the store takes no change; the next answer tries again.
        """
        try:
            instance = make_instance(identity, target, self._ttl)
        except NoIdentity as fault:
            self.miss(target)
            return Entry.REJECTED, str(fault)
        if reason := self._find_conflict(target, instance):
            self.miss(target)
            return Entry.CONFLICT, reason
        key = instance.id.lower()
        # Kept before anything is waited for: two targets may claim one id at the same moment.
        self._entering.add(key)
        try:
            await self._end_other(target, key)
            entry = await self._write(instance)
        except InvalidField as fault:
            self.miss(target)
            return Entry.REJECTED, str(fault)
        finally:
            self._entering.discard(key)
        self._file(target, instance.id)
        return entry, instance.id

    def miss(self, target: Target) -> None:
        """Note that a target identified nobody: forgotten once its instance has gone."""
        known = self._ids.get(target)
        if known is not None and self._find(known) is None:
            self._unfile(target)

    def _find_conflict(self, target: Target, instance: Instance) -> str | None:
        if instance.id.lower() in self._entering:
            return f"{instance.id!r} is claimed by another address at the same moment"
        held = self._find(instance.id)
        if held is None:
            return None
        if SCANNED not in held.tags or held.owner is not None:
            return f"{held.id!r} was registered by somebody else"
        finder = self._targets.get(instance.id.lower(), target)
        if finder != target or target.address not in held.addresses:
            return f"{held.id!r} answers at {held.endpoints[0][0]} port {held.port}"
        return None

    async def _end_other(self, target: Target, key: str) -> None:
        """End the lease of what answered here before, where that was under another id."""
        before = self._ids.get(target)
        if before is None or before.lower() == key:
            return
        held = self._find(before)
        if held is not None and SCANNED in held.tags and target.address in held.addresses:
            with suppress(UnknownInstance):
                await self._store.revoke(before)
        self._unfile(target)

    async def _write(self, instance: Instance) -> Entry:
        held = self._find(instance.id)
        if held is None:
            await self._store.grant(instance)
            return Entry.REGISTERED
        instance = replace(instance, status=held.status)
        if instance != held:
            await self._store.grant(instance)
            return Entry.REPLACED
        try:
            await self._store.renew(instance.id)
        except UnknownInstance:
            # It ended while the store was busy, and has just answered all the same.
            await self._store.grant(instance)
            return Entry.REGISTERED
        return Entry.RENEWED

    def _find(self, instance_id: str) -> Instance | None:
        try:
            return self._registry.find(instance_id, self._now()).instance
        except UnknownInstance:
            return None

    def _file(self, target: Target, instance_id: str) -> None:
        key = instance_id.lower()
        finder = self._targets.get(key)
        if finder is not None and finder != target:
            # Its lease had ended, or it would have been a conflict.
            self._ids.pop(finder, None)
        self._ids[target] = instance_id
        self._targets[key] = target

    def _unfile(self, target: Target) -> None:
        instance_id = self._ids.pop(target, None)
        if instance_id is not None:
            self._targets.pop(instance_id.lower(), None)
