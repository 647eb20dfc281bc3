"""Sending to many at once, without connections."""

import tracemalloc
from typing import Any, cast

from dnsregistry.api.watching.history import History
from dnsregistry.api.watching.sender import Sender
from dnsregistry.api.watching.stream import Stream
from dnsregistry.api.watching.tally import WatchTally
from dnsregistry.registry.admission import admit
from dnsregistry.registry.feed import Change, ChangeKind
from dnsregistry.registry.lease import HeldLease

CHANGES, EVENT = 1000, b"x" * 3700


class _Reader:
    """A transport whose peer takes everything at once."""

    def __init__(self) -> None:
        self.octets = 0

    def get_write_buffer_size(self) -> int:
        return 0

    def is_closing(self) -> bool:
        return False

    def write(self, octets: bytes) -> None:
        self.octets += len(octets)


async def test_readers_from_places_of_their_own_have_no_history_each() -> None:
    instance = admit(id="a", service="web", address="10.0.0.1", port=80)
    lease = HeldLease(instance, 1, 1, 0.0)
    history = History(0, CHANGES)
    for revision in range(1, CHANGES + 1):
        history.add(Change(revision, ChangeKind.UPDATED, instance, instance, lease))
    sender = Sender(history, lambda _: EVENT, lambda: 0.0, 30.0, WatchTally())
    readers = [_Reader() for _ in range(9)]
    for since, reader in enumerate(readers):
        start = history.open(None, since)
        sender.enter(Stream(None, start.run, start.position, cast("Any", reader)))
    tracemalloc.start()
    try:
        await sender.send((None,))
        _, most = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()
    assert all(reader.octets > (CHANGES - 9) * len(EVENT) for reader in readers)
    # A piece each, where the events are all one text; the whole for each were 33 MB.
    assert most < CHANGES * len(EVENT)
