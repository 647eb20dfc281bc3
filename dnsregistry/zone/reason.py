"""Why a name has no data, in a few words for people."""

import math
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from dnsregistry.registry.check import Health
from dnsregistry.registry.departures import Departure
from dnsregistry.registry.instance import Instance, Status
from dnsregistry.registry.lease import Lease

MINUTE = 60

FAILED, DRAINING, MAINTENANCE = "failed checks", "draining", "in maintenance"


@dataclass(frozen=True, slots=True)
class Reason:
    """A sentence without its final dot, and the time from which it is another one."""

    text: str
    until: float = math.inf


def why_not_serving(instance: Instance) -> str:
    """What keeps an instance out of its service's answers; empty where nothing does."""
    if instance.status is Status.MAINTENANCE:
        return MAINTENANCE
    if instance.status is Status.DRAINING:
        return DRAINING
    return FAILED if instance.health is Health.UNHEALTHY else ""


def why_empty(live: Iterable[Lease]) -> Reason:
    """Why none of these leases, which all live, is answered."""
    counts = Counter(why_not_serving(lease.instance) for lease in live)
    told = ", ".join(
        f"{count} of {counts.total()} {why}" if place == 0 else f"{count} {why}"
        for place, (why, count) in enumerate(counts.most_common())
    )
    return Reason(f"no healthy instance: {told}")


def why_gone(last: Departure, now: float) -> Reason:
    """Why a service is not there whose last instance left a short while ago."""
    ago, left = write_ago(last.at, now)
    return Reason(f"last instance {last.kind} {ago}", now + left)


def write_ago(then: float, now: float) -> tuple[str, float]:
    """How long ago something was, in whole seconds or minutes, and for how long that is so."""
    seconds = max(0.0, now - then)
    unit, name = (1, "s") if seconds < MINUTE else (MINUTE, "min")
    whole = int(seconds // unit)
    return f"{whole} {name} ago", (whole + 1) * unit - seconds
