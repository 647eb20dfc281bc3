"""How forwarding goes, in plain numbers."""

from collections import Counter
from dataclasses import dataclass, field

from dnsregistry.histogram import Histogram


@dataclass(slots=True)
class UpstreamTally:
    """One upstream's counts: inquiries begun, answers that counted, and what else came.

    `silent` are waits that ended without a reply: another one answered after its patience had
    run out, or nobody did. `faults` is by kind; `strangers` are datagrams passed over. `times` are
    seconds from asking to each answer that was taken.
    """

    asked: int = 0
    answered: int = 0
    silent: int = 0
    by_tcp: int = 0
    strangers: int = 0
    faults: Counter[str] = field(default_factory=Counter)
    times: Histogram = field(default_factory=Histogram)


@dataclass(slots=True)
class ForwardTally:
    """Counts since the start.

    A query is a hit, is `refused` since nobody is to be asked, has `failed` since the question
    did a moment ago, is past a bound (`overload`), has `asked` or `joined` those who wait, or is
    answered stale at once. `stale` also counts those who waited and were given stale data.
    `timeouts` and `faults` are questions, not queries: none was heard, or none answered.
    """

    queries: int = 0
    hits: int = 0
    stale: int = 0
    joined: int = 0
    asked: int = 0
    failed: int = 0
    refused: int = 0
    overload: int = 0
    timeouts: int = 0
    faults: int = 0
