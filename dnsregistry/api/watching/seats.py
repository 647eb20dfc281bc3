"""How many watch at once: streams and reads that wait, in all and of one client. Pure."""

from collections.abc import Iterator
from contextlib import contextmanager

from dnsregistry.api.problems import Kind, Problem

NO_SEAT = Kind("too-many-watchers", 503, "As many watch as may watch at once")
NO_SEAT_FOR_CLIENT = Kind("too-many-of-client", 429, "This client watches as often as it may")
WATCHED = (NO_SEAT, NO_SEAT_FOR_CLIENT)
"""What a read that waits may be answered with, beside all else."""
_RETRY = {"Retry-After": "5"}


class Seats:
    """A seat is taken for as long as the block lasts."""

    def __init__(self, most: int, most_of_client: int) -> None:
        self.refused = 0
        self._most = most
        self._most_of_client = most_of_client
        self._taken = 0
        self._clients: dict[str, int] = {}

    @property
    def taken(self) -> int:
        """How many are taken."""
        return self._taken

    @contextmanager
    def take(self, client: str) -> Iterator[None]:
        """Raises Problem where there is none."""
        self._check(client)
        self._taken += 1
        self._clients[client] = self._clients.get(client, 0) + 1
        try:
            yield
        finally:
            self._taken -= 1
            self._clients[client] -= 1
            if not self._clients[client]:
                del self._clients[client]

    def _check(self, client: str) -> None:
        if self._taken >= self._most:
            self.refused += 1
            detail = f"there are {self._most} already (WATCH_STREAMS)"
            raise Problem(NO_SEAT, detail, headers=_RETRY)
        if self._clients.get(client, 0) >= self._most_of_client:
            self.refused += 1
            detail = f"there are {self._most_of_client} of it (WATCH_STREAMS_PER_CLIENT)"
            raise Problem(NO_SEAT_FOR_CLIENT, detail, headers=_RETRY)
