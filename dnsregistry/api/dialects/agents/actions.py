"""The actions of the agents' document."""

from collections.abc import Callable, Mapping

from dnsregistry.api.awaited import check_loaded
from dnsregistry.api.context import ReadyState
from dnsregistry.api.dialects.agents.agent import AgentRegistration, describe, make_instance
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.listing import walk
from dnsregistry.api.problems import INVALID_FIELD, UNKNOWN_INSTANCE, Fault, Kind, Problem, clip
from dnsregistry.api.registration import read_fields
from dnsregistry.api.replies import write_time
from dnsregistry.registry.lease import Lease
from dnsregistry.turns import take_turns

UNKNOWN_ACTION = Kind("unknown-action", 400, "There is no such action")
STARTING = Kind("starting", 503, "ServiceRegistry is starting")
SUCCESS = {"status": "success"}
_ACTIONS = ("register_agent", "get_agent_endpoint", "list_agents")
_HEALTH = frozenset({"health", "health_check", "ping"})
"""What the clients' own base class sends to every agent, the registry among them."""


class Actions:
    """Does what a request asks for."""

    def __init__(self, context: Context, draw: Callable[[], float]) -> None:
        """`draw` gives numbers from 0 to 1, for choosing between the instances of a service."""
        self._api = context.api
        self._tally = context.tally
        self._draw = draw

    async def perform(self, request: Mapping[str, object]) -> dict[str, object]:
        """The answer to a request. Raises Problem and RegistryError."""
        action = request.get("action")
        if action == "register_agent":
            return await self._register(request)
        self._tally.queries += 1
        if action == "get_agent_endpoint":
            return {**SUCCESS, **describe(self._find(_read_text(request, "agent_name")))}
        if action == "list_agents":
            return {**SUCCESS, "agents": await self._list()}
        if isinstance(action, str) and action in _HEALTH:
            return self.tell_health()
        if action is None:
            raise Problem(INVALID_FIELD, faults=[Fault("action", "is missing")])
        raise Problem(
            UNKNOWN_ACTION, f"Unknown action: {clip(str(action))}; there are {', '.join(_ACTIONS)}"
        )

    def tell_health(self) -> dict[str, object]:
        """How the registry is. Raises Problem while it is starting or stopping."""
        readiness = self._api.readiness()
        if readiness.state is ReadyState.STARTING:
            raise Problem(STARTING)
        message = "ServiceRegistry is healthy"
        if readiness.state is ReadyState.DEGRADED:
            # It answers, which is what is asked here.
            message = f"ServiceRegistry answers from memory: {'; '.join(readiness.reasons)}"
        return {"status": "ok", "message": message, "timestamp": write_time(self._api.now())}

    async def _register(self, request: Mapping[str, object]) -> dict[str, object]:
        # Some clients put what they register one level down.
        said = request.get("registration_data") or request
        agent = read_fields(AgentRegistration, said)
        await self._api.store.grant(make_instance(self._api, agent))
        self._tally.registrations += 1
        return dict(SUCCESS)

    def _find(self, name: str) -> Lease:
        """The instance of this id, else one of the service of this name."""
        check_loaded(self._api)
        now = self._api.now()
        catalogue = self._api.registry.catalogue
        lease = catalogue.find(name)
        if lease is not None and lease.is_answered(now):
            return lease
        answered = [one for one in catalogue.of_service(name.lower()) if one.is_answered(now)]
        if not answered:
            raise Problem(UNKNOWN_INSTANCE, f"Agent {clip(name)} not found")
        return self._choose(answered)

    def _choose(self, leases: list[Lease]) -> Lease:
        """One of the lowest priority, by weight and chance, as RFC 2782 has clients do."""
        lowest = min(lease.instance.priority for lease in leases)
        among = [lease for lease in leases if lease.instance.priority == lowest]
        total = sum(lease.instance.weight for lease in among)
        if not total:
            return among[int(self._draw() * len(among))]
        mark = self._draw() * total
        for lease in among:
            mark -= lease.instance.weight
            if mark < 0:
                return lease
        return among[-1]

    async def _list(self) -> list[str]:
        """The ids of all that may be called."""
        api = self._api
        check_loaded(api)
        return [
            lease.instance.id
            async for _, lease in take_turns(walk(api.registry.catalogue))
            if lease.is_answered(api.now())
        ]


def _read_text(request: Mapping[str, object], name: str) -> str:
    value = request.get(name)
    if not isinstance(value, str) or not value:
        reason = "must be text" if value else "is missing"
        raise Problem(INVALID_FIELD, faults=[Fault(name, reason)])
    return value
