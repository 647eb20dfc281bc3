"""Upstreams by the names that they are asked about."""

from collections.abc import Sequence

from dnsregistry.forward.endpoint import Endpoint
from dnsregistry.forward.plan import Plan
from dnsregistry.forward.system import SystemServers
from dnsregistry.forward.upstream import Upstream


class Group:
    """Upstreams that are asked about the same names, and how many questions are with them."""

    def __init__(self, groups: "Groups", endpoints: Sequence[Endpoint], *, system: bool) -> None:
        self.asking = 0
        self._groups = groups
        self._endpoints = tuple(endpoints)
        self._system = system

    def upstreams(self, now: float) -> list[Upstream]:
        """Those that can be asked, as they were named; none that leads back to us."""
        endpoints = self._endpoints
        if self._system:
            endpoints = tuple(dict.fromkeys(endpoints + self._groups.system.current(now)))
        known = (self._groups.know(endpoint) for endpoint in endpoints)
        return [upstream for upstream in known if not upstream.loops]


class Groups:
    """The plan with its upstreams, each of which is known once, whatever routes name it."""

    def __init__(self, plan: Plan, system: SystemServers | None = None) -> None:
        self.system = system or SystemServers()
        self.has_routes = bool(plan.routes)
        self._upstreams: dict[Endpoint, Upstream] = {}
        self._routes = {
            route.suffix.to_wire(): Group(self, route.endpoints, system=False)
            for route in plan.routes
        }
        if plan.endpoints or plan.system:
            # The root's wire name: the suffix of every name.
            self._routes[b"\0"] = Group(self, plan.endpoints, system=plan.system)

    def find(self, name: bytes) -> Group | None:
        """The group for a wire name in lower case, by its longest suffix; None where none is."""
        position = 0
        while True:
            group = self._routes.get(name[position:])
            if group is not None or name[position] == 0:
                return group
            position += 1 + name[position]

    def know(self, endpoint: Endpoint) -> Upstream:
        """The upstream at an endpoint, with what was seen of it so far."""
        upstream = self._upstreams.get(endpoint)
        if upstream is None:
            upstream = self._upstreams[endpoint] = Upstream(endpoint)
        return upstream

    def all_upstreams(self, now: float) -> list[Upstream]:
        """Every upstream that can be asked now, each once."""
        found = (upstream for group in self._routes.values() for upstream in group.upstreams(now))
        return list(dict.fromkeys(found))
