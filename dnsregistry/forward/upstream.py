"""One upstream: where it is, how it does, and what it does not bear.

An upstream that refuses EDNS, or does not give the question back in the case that it was asked
in, is asked without from then on. After `FORGET_SECONDS` the old way is tried again, since
servers are replaced. Times are those of the loop, in seconds.
"""

import math

from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.health import Health
from dnsregistry.forward.tally import UpstreamTally

FORGET_SECONDS = 3600.0
STRIKES = 3
"""Replies in another case, in a row, until it is believed that the upstream sent them: who
forges a reply guesses an id and a port each time."""


class Upstream:
    """What is known of one endpoint; shared by all routes that name it."""

    def __init__(self, endpoint: Endpoint) -> None:
        self.endpoint = endpoint
        self.health = Health()
        self.tally = UpstreamTally()
        self.loops = False
        self._plain_until = -math.inf
        self._lower_until = -math.inf
        self._strikes = 0

    def takes_edns(self, time: float) -> bool:
        """Whether to send it an OPT record."""
        return time >= self._plain_until

    def keeps_case(self, time: float) -> bool:
        """Whether to ask it in mixed case."""
        return time >= self._lower_until

    def note_without_edns(self, time: float) -> None:
        """It answered without EDNS what it had refused with EDNS."""
        self._plain_until = time + FORGET_SECONDS

    def note_case_kept(self) -> None:
        """A reply gave the mixed case back."""
        self._strikes = 0

    def note_case_lost(self, time: float, *, certain: bool) -> None:
        """A reply had another case; certain where it came over a connection."""
        self._strikes += 1
        if certain or self._strikes >= STRIKES:
            self._strikes = 0
            self._lower_until = time + FORGET_SECONDS
