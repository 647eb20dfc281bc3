"""The file against the registry in memory, whatever is asked at once, over any number of starts."""

import asyncio
import math
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from dnsregistry.registry.admission import admit
from dnsregistry.registry.errors import RegistryError
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Grant, Registry
from dnsregistry.storage.memory import MemoryStore
from dnsregistry.storage.sqlite.store import SqliteStore
from dnsregistry.storage.store import Store
from tests.program import PATIENCE, Clock

ALL = 1000
IDS = st.sampled_from(["a", "A", "b", "c.d", "an-id-of-more-than-sixteen-octets"])
EDITS = st.one_of(
    st.tuples(
        st.just("grant"),
        IDS,
        st.sampled_from([80, 81]),
        st.sampled_from([None, 2.0, 5.0]),
        st.sampled_from(Status),
    ),
    st.tuples(st.just("status"), IDS, st.sampled_from(Status)),
    st.tuples(st.just("revoke"), IDS),
    st.tuples(st.just("expire")),
)
# What changes nothing that is kept is not asked with others at once: it waits for none of them.
STEPS = st.one_of(
    st.lists(EDITS, min_size=1, max_size=6).map(lambda edits: ("at once", edits)),
    st.tuples(st.just("renew"), IDS),
    st.tuples(st.just("advance"), st.sampled_from([0.5, 1.0, 2.0, 5.0])),
    st.just(("restart",)),
)
Held = list[tuple[Any, ...]]


def _hold(registry: Registry) -> Held:
    """All that is held, but for the last heartbeats, which are not kept."""
    return [
        (lease.instance, lease.sequence, lease.revision, lease.granted_at, lease.deadline)
        for lease in registry.catalogue.after(0)
    ]


async def _ask(store: Store, edit: tuple[Any, ...]) -> object:
    """What is answered, in a form that can be compared."""
    try:
        match edit:
            case ("grant", id, port, ttl, status):
                instance = admit(
                    id=id, service="web", address="::1", port=port, ttl=ttl, status=status
                )
                answer: object = await store.grant(instance)
                assert isinstance(answer, Grant)
                return answer.created
            case ("status", id, status):
                # What the lease says by now may be what was asked after this.
                return (await store.set_status(id, status)).instance.id.lower()
            case ("revoke", id):
                await store.revoke(id)
                return None
            case ("renew", id):
                return (await store.renew(id)).deadline
            case _:
                await store.expire(ALL)
                return None
    except RegistryError as fact:
        return str(fact)


async def _live(path: Path, history: Sequence[tuple[Any, ...]]) -> None:
    clock, model = Clock(1000.0), Registry()
    plain = MemoryStore(model, clock)
    registry = Registry()
    store = SqliteStore(path, registry, clock)
    await store.start()
    try:
        for step in history:
            match step:
                case ("advance", seconds):
                    clock.advance(seconds)
                case ("restart",):
                    await store.stop()
                    registry = Registry()
                    store = SqliteStore(path, registry, clock)
                    await store.start()
                    for lease in model.catalogue.after(0):
                        ttl = lease.instance.ttl
                        lease.deadline = math.inf if ttl is None else clock() + ttl
                    model.give_back(list(model.catalogue.after(0)))
                case ("at once", edits):
                    asked = await asyncio.gather(*(_ask(store, edit) for edit in edits))
                    assert asked == [await _ask(plain, edit) for edit in edits]
                case _:
                    assert await _ask(store, step) == await _ask(plain, step)
            assert registry.feed.revision == model.feed.revision
            assert _hold(registry) == _hold(model)
    finally:
        async with asyncio.timeout(PATIENCE):
            await store.stop()


@settings(max_examples=60, deadline=None)
@given(history=st.lists(STEPS, max_size=12))
def test_every_history_ends_as_in_memory(
    tmp_path_factory: pytest.TempPathFactory, history: list[tuple[Any, ...]]
) -> None:
    asyncio.run(_live(tmp_path_factory.mktemp("model") / "registry.db", history))
