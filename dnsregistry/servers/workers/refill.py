"""Answers that workers are asked for, made anew where a change has them forgotten.

Else the next question for each would wait for the main process, behind all that waits there.
"""

from collections.abc import Iterable
from ipaddress import ip_address

from dnsregistry.answers.copies import Copy
from dnsregistry.answers.responder import Responder
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.workers.demand import Demand, Wanted
from dnsregistry.servers.workers.frames import pack_refill

MOST_REFILLED = 128
"""Answers that the changes of one turn have made anew: some 20 ms of work. What is forgotten beyond
that is made at its next question."""


class Refill:
    """What takes the place of what workers are to forget."""

    def __init__(self, exchange: Exchange, responder: Responder) -> None:
        self._exchange = exchange
        self._responder = responder
        self._demand = Demand()

    def note(self, copy: Copy, wanted: Wanted) -> None:
        """Note that a worker was sent this copy for this question."""
        if _is_shared(copy):
            self._demand.note(copy.name, copy.form, wanted, self._responder.now())

    def confirm(self, names: Iterable[bytes]) -> None:
        """Note that a worker gave answers for these names before their last change."""
        now = self._responder.now()
        for name in names:
            self._demand.confirm(name, now)

    def make(self, names: Iterable[bytes]) -> tuple[list[bytes], list[bytes]]:
        """Return REFILL frames for these names, and those that are to be forgotten instead."""
        frames: list[bytes] = []
        forgotten = []
        made = 0
        now = self._responder.now()
        for name in names:
            copies = self._make_copies(name, now) if made < MOST_REFILLED else []
            if copies:
                made += len(copies)
                frames.append(pack_refill(name, copies))
            else:
                self._demand.forget(name)
                forgotten.append(name)
        return frames, forgotten

    def clear(self) -> None:
        """Refill nothing of what was asked for until now."""
        self._demand.clear()

    def _make_copies(self, name: bytes, now: float) -> list[Copy]:
        copies = []
        for wanted in self._demand.take(name, now):
            self._exchange.prepare(wanted.message, wanted.client)
            copy = export(self._responder, wanted)
            if copy is not None and _is_shared(copy):
                copies.append(copy)
        return copies


def _is_shared(copy: Copy) -> bool:
    """Whether it is held under its name, and for all clients."""
    return copy.key == copy.form


def export(responder: Responder, wanted: Wanted) -> Copy | None:
    """Return a copy of what the table holds for a question; None where that is nothing."""
    peer = ip_address(wanted.client.address.partition("%")[0]).packed
    return responder.table.export(wanted.message[2:], peer, responder.now())
