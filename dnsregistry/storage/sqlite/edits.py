"""One change that was asked for: how it is decided, done and answered."""

import asyncio
import math
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dnsregistry.registry.errors import RegistryError
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.registry import Grant, Registry
from dnsregistry.storage.sqlite.plan import Ending, Holding, Plan, Step


@dataclass(slots=True)
class Edit:
    """`answer` is there once the registry holds the change; its asker may be gone by then.

    `promised` has the registry's promise until then. An element of an array has no answer of its
    own; its `grant` is read instead.
    """

    decide: Callable[[Plan], Sequence[Step]]
    answer: "asyncio.Future[Grant | None] | None" = None
    promised: Instance | None = None
    steps: Sequence[Step] = ()
    fault: RegistryError | None = None
    grant: Grant | None = None

    def plan(self, plan: Plan) -> None:
        """Decide what it comes to; a refusal waits for the answers to what was decided before."""
        try:
            self.steps = self.decide(plan)
        except RegistryError as fault:
            self.fault = fault

    def do(self, registry: Registry, now: float) -> None:
        """Have the registry hold what was decided and written."""
        for step in self.steps:
            self.grant = _do(step, registry, now)

    def succeed(self, registry: Registry) -> None:
        """Answer."""
        self._let_go(registry)
        if self.answer is not None and not self.answer.done():
            if self.fault is None:
                self.answer.set_result(self.grant)
            else:
                self.answer.set_exception(self.fault)

    def fail(self, registry: Registry, error: Exception) -> None:
        """Answer that it was not done."""
        self._let_go(registry)
        if self.answer is not None and not self.answer.done():
            self.answer.set_exception(error)

    def _let_go(self, registry: Registry) -> None:
        if self.promised is not None:
            registry.release(self.promised)
            self.promised = None


def find_fault_of_array(edits: Sequence[Edit]) -> RegistryError | None:
    """The first refusal among an array's elements: none of them is done then."""
    return next((edit.fault for edit in edits if edit.fault and edit.answer is None), None)


def _do(step: Step, registry: Registry, now: float) -> Grant | None:
    if isinstance(step, Ending):
        registry.end(step.instance_id, step.kind, step.revision)
        return None
    if not isinstance(step, Holding):
        lease = registry.catalogue.find(step.instance_id)
        if lease is None:
            raise LookupError(f"{step.instance_id!r} went while it was to be kept")
        if step.renewed:
            lease.renew(now)
            # The sweep may have taken it while the commit ran.
            registry.give_back([lease])
        return Grant(lease, created=False)
    entry = step.entry
    held = None if step.renewed else registry.catalogue.find(entry.instance.id)
    if held is None:
        ttl = entry.instance.ttl
        renewed_at, deadline = now, math.inf if ttl is None else now + ttl
    else:
        renewed_at, deadline = held.renewed_at, held.deadline
    lease = registry.hold(entry, renewed_at=renewed_at, deadline=deadline)
    return Grant(lease, step.created)
