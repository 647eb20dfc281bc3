"""One question put to several upstreams: the first answer that counts wins.

Rules:
- The upstream that ranks first is asked. When its patience runs out the next one is asked too;
  nobody is given up before the end. After the last one those that are silent are asked again,
  with twice the patience.
- A fault moves on to the next upstream at once. When all have one, the race is lost.
- An upstream was missed where another one answered for it, where nobody is there, and where it
  stayed silent to the end. What all fail at alike is the question's fault.
"""

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from dataclasses import dataclass

from dnsregistry.forward.inquiry import Fault, Inquiry
from dnsregistry.forward.means import Means
from dnsregistry.forward.question import Asked
from dnsregistry.forward.reply import Reply
from dnsregistry.forward.upstream import Upstream

RACE_SECONDS = 4.5
"""A stub waits for 5 (resolv.conf(5)); an answer after that is one to nobody."""
MOST_INQUIRIES = 8
"""In one race, with patience doubling: three rounds of two upstreams, and a bound for many."""


@dataclass(frozen=True, slots=True)
class Lost:
    """Nobody answered; `heard` says whether somebody replied at all."""

    heard: bool


class Race:
    """Calls `ended` once with the outcome, never from within `start`."""

    def __init__(
        self,
        asked: Asked,
        upstreams: Sequence[Upstream],
        means: Means,
        ended: Callable[[Reply | Lost], None],
    ) -> None:
        self._asked = asked
        self._upstreams = upstreams
        self._means = means
        self._ended = ended
        self._running: list[Inquiry] = []
        self._faults: dict[Upstream, Fault] = {}
        self._tries: Counter[Upstream] = Counter()
        self._hurry: asyncio.TimerHandle | None = None
        self._end_timer: asyncio.TimerHandle | None = None

    def start(self) -> None:
        """Ask the first upstream; there is at least one."""
        self._end_timer = self._means.loop.call_later(RACE_SECONDS, self._run_out)
        self._ask_next()

    def close(self) -> None:
        """Ask no more, and close what is open. Does not call `ended`."""
        for timer in (self._hurry, self._end_timer):
            if timer is not None:
                timer.cancel()
        for inquiry in self._running:
            inquiry.close()
        self._running.clear()

    def _ask_next(self) -> None:
        upstream = self._choose()
        if upstream is None:
            return
        # While sockets are scarce a race has two: a dead route then leaves some to the others.
        while self._means.is_scarce and len(self._running) > 1:
            self._running.pop(0).close()
        patience = upstream.health.patience * 2 ** self._tries[upstream]
        self._tries[upstream] += 1
        inquiry = Inquiry(upstream, self._asked, self._means, self._take)
        self._running.append(inquiry)
        self._hurry = self._means.loop.call_later(patience, self._ask_next)
        inquiry.start()

    def _choose(self) -> Upstream | None:
        """The upstream asked least often of those without a fault; None where no more may be."""
        left = [upstream for upstream in self._upstreams if upstream not in self._faults]
        if not left or self._tries.total() >= MOST_INQUIRIES:
            return None
        return min(left, key=self._tries.__getitem__)

    def _take(self, inquiry: Inquiry, outcome: Reply | Fault) -> None:
        self._running.remove(inquiry)
        if isinstance(outcome, Reply):
            self._win(inquiry, outcome)
            return
        self._faults[inquiry.upstream] = outcome
        if outcome is Fault.UNREACHABLE:
            inquiry.upstream.health.miss()
        if any(upstream not in self._tries for upstream in self._upstreams):
            if self._hurry is not None:
                self._hurry.cancel()
            self._ask_next()
        elif all(upstream in self._faults for upstream in self._upstreams):
            self._finish(Lost(heard=self._was_heard()))

    def _win(self, winner: Inquiry, reply: Reply) -> None:
        winner.upstream.health.hit(winner.age)
        winner.upstream.tally.times.note(winner.age)
        silent = {
            inquiry.upstream
            for inquiry in self._running
            if inquiry.age >= inquiry.upstream.health.patience
        } - {winner.upstream}
        at_fault = {
            upstream
            for upstream, fault in self._faults.items()
            if fault not in (Fault.UNREACHABLE, Fault.EXHAUSTED)
        }
        for upstream in silent:
            upstream.tally.silent += 1
        for upstream in silent | at_fault:
            upstream.health.miss()
        self._finish(reply)

    def _run_out(self) -> None:
        for upstream in {inquiry.upstream for inquiry in self._running}:
            upstream.health.miss()
            upstream.tally.silent += 1
        self._finish(Lost(heard=self._was_heard()))

    def _was_heard(self) -> bool:
        return any(
            fault not in (Fault.UNREACHABLE, Fault.EXHAUSTED) for fault in self._faults.values()
        )

    def _finish(self, outcome: Reply | Lost) -> None:
        self.close()
        self._ended(outcome)
