"""The query log: a line a question, of some or of all, where a setting asks for it.

Rules:
- What is logged is drawn by chance, one in so many: a fixed step would follow whoever asks
  at a fixed pace.
- Names are written as in master files, so that nothing which a client made up reaches a terminal.
- A line tells of one answer that was sent. What got none is counted elsewhere.
"""

from collections.abc import Callable
from random import random

from dnsregistry.answers.access import Client
from dnsregistry.answers.protocol import HEADER_OCTETS, Rcode
from dnsregistry.answers.tally import TYPES, Path, name_rcode
from dnsregistry.zone.name import Name

MOST_LABELS = 127
_HARMLESS = (Rcode.NOERROR, Rcode.NXDOMAIN)
_RCODE_BITS = 0x0F

Emit = Callable[[dict[str, object]], None]
"""Writes what happened as a line of the log."""
Source = Callable[[Name], str]
"""Tells from which kind of zone a name is answered."""


class QueryLog:
    """Draws what is logged and writes it.

    With `only_errors`, what is NOERROR or NXDOMAIN is passed over before anything is drawn.
    `source` tells what stands for the ordinary path in the line.
    """

    def __init__(
        self,
        emit: Emit,
        sample: int,
        *,
        only_errors: bool = False,
        source: Source = lambda _: Path.ORDINARY,
        chance: Callable[[], float] = random,
    ) -> None:
        self.only_errors = only_errors
        self._emit = emit
        self._sample = sample
        self._source = source
        self._chance = chance

    def draw(self) -> bool:
        """Whether the next one is to be logged."""
        return self._sample == 1 or self._chance() * self._sample < 1

    def note(
        self, message: bytes, reply: bytes, client: Client, path: Path, seconds: float
    ) -> None:
        """Log the answer to a message, if it is to be."""
        if self.only_errors and reply[3] & _RCODE_BITS in _HARMLESS:
            return
        if self.draw():
            self.write(message, reply[:HEADER_OCTETS], len(reply), client, path, seconds)

    def write(
        self,
        message: bytes,
        head: bytes,
        octets: int,
        client: Client,
        path: Path,
        seconds: float,
    ) -> None:
        """Log the answer to a message; `head` is the header of the reply, `octets` its length."""
        name, rtype = _read_question(message)
        self._emit(
            {
                "event": "query",
                "logger": "dnsregistry.queries",
                "client": client.address,
                "transport": str(client.transport),
                "name": "" if name is None else str(name),
                "type": "" if rtype is None else TYPES.get(rtype, f"TYPE{rtype}"),
                "rcode": name_rcode(head[3] & _RCODE_BITS),
                "octets": octets,
                "seconds": round(seconds, 6),
                "path": self._tell_path(path, name),
            }
        )

    def _tell_path(self, path: Path, name: Name | None) -> str:
        if path is not Path.ORDINARY or name is None:
            return str(path)
        return self._source(Name(tuple(label.lower() for label in name.labels)))


def _read_question(message: bytes) -> tuple[Name | None, int | None]:
    """The name and type that were asked for; None where there is no whole question."""
    labels: list[bytes] = []
    position = HEADER_OCTETS
    while position < len(message) and 0 < message[position] <= 63 and len(labels) < MOST_LABELS:
        end = position + 1 + message[position]
        labels.append(message[position + 1 : end])
        position = end
    if message[position : position + 1] != b"\0" or len(message) < position + 5:
        return None, None
    return Name(tuple(labels)), int.from_bytes(message[position + 1 : position + 3])
