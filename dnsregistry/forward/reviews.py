"""Upstreams that others were put in front of, asked now and then to see how they do.

A demoted upstream gets a copy of a question that is being asked anyway; the client waits for
nobody more. So one that is back from the dead is noticed, and an idle house asks nothing.
"""

from collections.abc import Iterable

from dnsregistry.forward.inquiry import Fault, Inquiry
from dnsregistry.forward.means import Means
from dnsregistry.forward.question import Asked
from dnsregistry.forward.reply import Reply
from dnsregistry.forward.upstream import Upstream

REVIEW_SECONDS = 2.0
"""Between two looks at one upstream, and how long one waits: half a question a second."""


class Reviews:
    """At most one look at each upstream at a time."""

    def __init__(self, means: Means) -> None:
        self._means = means
        self._running: dict[Upstream, Inquiry] = {}
        self._next_at: dict[Upstream, float] = {}

    def consider(self, upstreams: Iterable[Upstream], asked: Asked) -> None:
        """Ask those whose time has come."""
        time = self._means.loop.time()
        for upstream in upstreams:
            due = time >= self._next_at.get(upstream, time)
            if due and upstream not in self._running and not self._means.is_exhausted:
                self._begin(upstream, asked)

    def close(self) -> None:
        """Close what is open."""
        for inquiry in self._running.values():
            inquiry.close()
        self._running.clear()

    def _begin(self, upstream: Upstream, asked: Asked) -> None:
        inquiry = Inquiry(upstream, asked, self._means, self._take)
        self._running[upstream] = inquiry
        self._next_at[upstream] = self._means.loop.time() + REVIEW_SECONDS
        self._means.loop.call_later(REVIEW_SECONDS, self._give_up, inquiry)
        inquiry.start()

    def _take(self, inquiry: Inquiry, outcome: Reply | Fault) -> None:
        del self._running[inquiry.upstream]
        if isinstance(outcome, Reply):
            inquiry.upstream.health.hit(inquiry.age)
        elif outcome is not Fault.EXHAUSTED:
            inquiry.upstream.health.miss()

    def _give_up(self, inquiry: Inquiry) -> None:
        if self._running.get(inquiry.upstream) is inquiry:
            del self._running[inquiry.upstream]
            inquiry.close()
            inquiry.upstream.health.miss()
            inquiry.upstream.tally.silent += 1
