"""What was asked and how it went, in plain numbers: the hot path only adds one."""

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field

from dnsregistry.answers.protocol import Rcode


@dataclass(slots=True)
class Tally:
    """Counts since the start.

    `faults` are errors of ours, `dropped` replies that the kernel did not take, `overflowed`
    datagrams given up unanswered under overload, `limited` those
    that the rate limit held back.
    """

    udp: int = 0
    tcp: int = 0
    silent: int = 0
    faults: int = 0
    dropped: int = 0
    overflowed: int = 0
    limited: int = 0
    forwarded: int = 0
    refused_connections: int = 0
    rcodes: Counter[int] = field(default_factory=Counter)

    def tell(self) -> Mapping[str, object]:
        """The counts for people, rcodes by name."""
        return {
            "queries": {"udp": self.udp, "tcp": self.tcp},
            "rcodes": {Rcode(code).name: count for code, count in self.rcodes.items()},
            "silent": self.silent,
            "faults": self.faults,
            "dropped": self.dropped,
            "overflowed": self.overflowed,
            "limited": self.limited,
            "forwarded": self.forwarded,
            "refused_connections": self.refused_connections,
        }
