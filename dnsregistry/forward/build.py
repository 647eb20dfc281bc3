"""The forwarder, built from where questions are to be forwarded."""

import secrets
from collections.abc import Callable, Sequence

from dnsregistry.forward.endpoint import is_ours
from dnsregistry.forward.forwarder import Bounds, Forwarder
from dnsregistry.forward.groups import Groups
from dnsregistry.forward.plan import parse_upstreams
from dnsregistry.forward.system import SystemServers
from dnsregistry.zone.authority import Authority, Source
from dnsregistry.zone.locals import local_zones


class AsksItself(Exception):
    """An upstream is this server itself; the text is one sentence."""


def build_forwarder(
    upstreams: Sequence[str],
    authority: Authority,
    listening: Sequence[tuple[str, int]],
    now: Callable[[], float],
) -> Forwarder | None:
    """Build it, None without upstreams; zones that nobody else has are put below ours.

    `listening` are hosts and ports of our own. Raises AsksItself.
    """
    if not upstreams:
        return None
    plan = parse_upstreams(upstreams)
    for endpoint in plan.all_endpoints():
        if is_ours(endpoint, listening):
            raise AsksItself(f"UPSTREAMS: {endpoint} is this server itself")
    for zone in local_zones([route.suffix for route in plan.routes]):
        authority.put(zone, Source.EMPTY)
    system = SystemServers(leave_out=lambda endpoint: is_ours(endpoint, listening))
    return Forwarder(Groups(plan, system), Bounds(), now, secrets.randbits)
