"""What the agents dialect is called, where it listens, and which variables its document has."""

from importlib.util import find_spec

from dnsregistry.api.dialects.dialect import (
    PORT,
    CannotServe,
    Context,
    Dialect,
    Environment,
    Flag,
    Listener,
    Variable,
)

BACKEND = "SERVICE_REGISTRY_BACKEND"
REDIS_URL = "SERVICE_REGISTRY_REDIS_URL"
REDIS_PREFIX = "SERVICE_REGISTRY_REDIS_PREFIX"
USUAL_REDIS = "redis://localhost:6379/0"


def read_store(environment: Environment) -> str:
    """The store that the document's backend is. Raises ValueError."""
    backend = environment[BACKEND].lower()
    if backend == "memory":
        return "memory://"
    if backend == "redis":
        return environment.get(REDIS_URL) or USUAL_REDIS
    raise ValueError("is neither memory nor redis")


def _build(context: Context) -> Listener:
    if find_spec("zmq") is None:
        raise CannotServe(
            "the dialect agents needs pyzmq, which is not installed: pip install 'dnsregistry[zmq]'"
        )
    from dnsregistry.api.dialects.agents.listener import AgentsListener

    return AgentsListener(context)


AGENTS = Dialect(
    name="agents",
    port=7100,
    variables=(
        Variable("SERVICE_REGISTRY_PORT", PORT),
        Variable("SERVICE_REGISTRY_HEALTH_PORT", "agents_health_port"),
        Variable(BACKEND, "store", read_store, Flag("backend")),
        Variable(REDIS_URL, None, flag=Flag("redis-url")),
        Variable(REDIS_PREFIX, "store_prefix"),
    ),
    build=_build,
    other_ports={"health": "agents_health_port"},
)
