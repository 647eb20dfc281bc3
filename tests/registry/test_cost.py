"""Nothing scans all instances: an operation costs as much among 50,000 as among 1,000."""

import sys
from collections.abc import Callable, Iterator
from dataclasses import replace
from itertools import islice
from time import perf_counter
from types import FrameType
from typing import Any

import pytest

from dnsregistry.registry.arrivals import BLOCK
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.registry import Registry

Make = Callable[..., Instance]
Operation = Callable[[Registry], object]

FEW, MANY = 1_000, 50_000
NOW = 10.0


@pytest.fixture(scope="module")
def template(make: Make) -> Instance:
    return make(id="new", service="s7", tags=["v1"], capabilities=["greet"], ttl=30)


@pytest.fixture(scope="module")
def registries(template: Instance) -> tuple[Registry, Registry]:
    return _filled(template, FEW), _filled(template, MANY)


def _filled(template: Instance, size: int) -> Registry:
    registry = Registry()
    for number in range(size):
        instance = replace(
            template, id=f"i{number}", service=f"s{number // 10}", port=1 + number % 60_000
        )
        registry.grant(instance, NOW * number / size)
    return registry


def _operations(template: Instance) -> Iterator[tuple[str, Operation]]:
    """Each leaves the registry as it was, but for revisions and deadlines."""
    draining = replace(template, status=Status.DRAINING)
    soon = replace(template, ttl=1.0)

    def register_and_revoke(registry: Registry) -> None:
        registry.grant(template, NOW)
        registry.grant(draining, NOW)
        registry.revoke("new", NOW)

    def register_and_revoke_together(registry: Registry) -> None:
        instances = [replace(template, id=f"new{n}") for n in range(5)]
        for instance in instances:
            registry.promise(instance)
        for instance in instances:
            registry.grant(instance, NOW)
            registry.release(instance)
            registry.revoke(instance.id, NOW)

    def drain_and_heal(registry: Registry) -> None:
        registry.set_status("i75", Status.DRAINING, NOW)
        registry.set_status("i75", Status.HEALTHY, NOW)

    def register_and_expire(registry: Registry) -> None:
        registry.grant(soon, NOW)
        assert registry.expire(NOW + 1, 100) == 1

    def read_pages(registry: Registry) -> None:
        last = len(registry.catalogue) // 2 // BLOCK * BLOCK
        assert len(list(islice(registry.catalogue.after(last), 20))) == 20
        assert len(list(islice(registry.catalogue.before(last or BLOCK), 20))) == 20
        assert len(registry.catalogue.services_after("s50", 20)) == 20
        assert len(registry.catalogue.services_before("s50", 20)) == 20
        assert len(registry.catalogue.ids_after("i50", 20)) == 20
        assert len(registry.catalogue.ids_before("i50", 20)) == 20

    def look_up(registry: Registry) -> None:
        catalogue = registry.catalogue
        assert catalogue.find_host("i75") is catalogue.find("I75")
        assert len(catalogue.of_service("s7")) == len(catalogue.labelled("s7", "v1")) == 10
        assert catalogue.count_healthy("s7") == catalogue.count_healthy_type("s7", "tcp") == 10
        assert catalogue.count_services() == len(catalogue) // 10

    yield "heartbeat", lambda registry: registry.renew("i75", NOW)
    yield "heartbeats", lambda registry: registry.renew_all([f"i{n}" for n in range(20)], NOW)
    yield "registration", register_and_revoke
    yield "registrations", register_and_revoke_together
    yield "status", drain_and_heal
    yield "idle tick", lambda registry: (registry.expire(NOW, 100), registry.next_deadline())
    yield "expiry", register_and_expire
    yield "pages", read_pages
    yield "look-ups", look_up


def _count_steps(operation: Operation, registry: Registry) -> int:
    """How many instructions of the interpreter the operation takes."""
    steps = 0

    def trace(frame: FrameType, event: str, _: Any) -> Callable[..., Any]:
        nonlocal steps
        steps += event == "opcode"
        frame.f_trace_opcodes = True
        return trace

    outer = sys.gettrace()
    sys.settrace(trace)
    try:
        operation(registry)
    finally:
        sys.settrace(outer)
    return steps


def _best_seconds(operation: Operation, registries: tuple[Registry, Registry]) -> list[float]:
    best = [float("inf"), float("inf")]
    for _ in range(200):
        for place, registry in enumerate(registries):
            start = perf_counter()
            operation(registry)
            best[place] = min(best[place], perf_counter() - start)
    return best


def test_no_operation_takes_more_steps_among_more_instances(
    template: Instance, registries: tuple[Registry, Registry]
) -> None:
    few, many = registries
    for name, operation in _operations(template):
        operation(few)
        operation(many)
        among_few, among_many = _count_steps(operation, few), _count_steps(operation, many)
        assert 10 < among_many < 1.5 * among_few, name


def test_no_operation_hides_a_scan_in_one_step(
    template: Instance, registries: tuple[Registry, Registry]
) -> None:
    # One copy of a list of 50,000 takes ten times as long as any of these operations alone.
    for name, operation in _operations(template):
        among_few, among_many = _best_seconds(operation, registries)
        assert among_many < 4 * among_few, name


def test_a_tick_looks_at_no_more_than_it_was_allowed_to(template: Instance) -> None:
    registry = _filled(template, FEW)
    for number in range(FEW):
        registry.renew(f"i{number}", NOW)
    steps = [_count_steps(lambda r: r.expire(NOW + 29.9, 10), registry) for _ in range(5)]
    assert max(steps) < 10 * 200
    assert registry.next_deadline() is not None
    assert len(registry.catalogue) == FEW
