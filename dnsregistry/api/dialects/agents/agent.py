"""An agent as the document has it, as an instance and back.

Rules:
- An agent is an instance and a service of its id, in whatever case; its type is a tag, its health
  port the named port `health`. It has no lease end.
- What DNS cannot carry as a label (a type or capability with spaces, say) is in no owner name, and
  what is kept in another form (`localhost`) is told as it was said: both stand in the metadata
  under `agent_said`, where there is any of it.
"""

from collections.abc import Mapping
from typing import Annotated

from pydantic import BaseModel, BeforeValidator, ConfigDict

from dnsregistry.api.context import Api
from dnsregistry.api.dialects.admission import admit_as
from dnsregistry.api.dialects.location import resolve_localhost, write_host
from dnsregistry.api.registration import Metadata
from dnsregistry.api.replies import write_time
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance
from dnsregistry.registry.lease import Lease
from dnsregistry.registry.names import (
    LABEL_OCTETS,
    UNDERSCORED_OCTETS,
    check_label,
    parse_address,
)

HEALTH = "health"
SAID = "agent_said"
USUAL_TYPE = "service"
"""What an agent is told to be that was registered without a type, or through another API."""

_NAMES = {
    "id": "agent_id",
    "service": "agent_id",
    "address": "host",
    f"ports.{HEALTH}": "health_check_port",
    "tags": "capabilities",
}


def _read_digits(value: object) -> object:
    """A number that came as text, as environment variables are."""
    digits = isinstance(value, str) and value.isascii() and value.isdecimal() and len(value) < 6
    return int(str(value)) if digits else value


_Port = Annotated[int, BeforeValidator(_read_digits)]


class AgentRegistration(BaseModel):
    """The members of `register_agent`; further ones are left alone."""

    model_config = ConfigDict(extra="ignore", strict=True, frozen=True)

    agent_id: str
    host: str
    port: _Port
    health_check_port: _Port | None = None
    agent_type: str | None = None
    capabilities: list[str] | None = None
    metadata: Metadata | None = None


def make_instance(api: Api, agent: AgentRegistration) -> Instance:
    """The instance that an agent is. Raises InvalidField, which names the document's member."""
    metadata = agent.metadata or {}
    if SAID in metadata:
        raise InvalidField(f"metadata.{SAID}", "is a name of the registry's own")
    capabilities = agent.capabilities or []
    labels = [text for text in capabilities if _is_label(text, UNDERSCORED_OCTETS)]
    kind = agent.agent_type
    types = [kind] if kind and _is_label(kind, LABEL_OCTETS) else []
    said: dict[str, object] = {}
    if agent.host != _write_kept(agent.host):
        said["host"] = agent.host
    if kind and not types:
        said["agent_type"] = kind
    if len({label.lower() for label in labels}) < len(capabilities):
        said["capabilities"] = capabilities
    health = agent.health_check_port
    return admit_as(
        api,
        _NAMES,
        id=agent.agent_id,
        service=agent.agent_id,
        address=resolve_localhost(agent.host),
        port=agent.port,
        ports=None if health is None else {HEALTH: health},
        tags=types,
        capabilities=labels,
        metadata={**metadata, SAID: said} if said else metadata,
        ttl=None,
    )


def describe(lease: Lease) -> dict[str, object]:
    """An instance as the document's answer has it, whoever registered it."""
    instance = lease.instance
    metadata = dict(instance.metadata)
    said = _read_said(metadata.pop(SAID, None))
    return {
        "host": said.get("host", write_host(instance)),
        "port": instance.port,
        # Who has none is asked at its only port, as clients do themselves where this is missing.
        "health_check_port": dict(instance.ports).get(HEALTH, instance.port),
        "agent_type": said.get("agent_type", next(iter(instance.tags), USUAL_TYPE)),
        "capabilities": said.get("capabilities", list(instance.capabilities)),
        "metadata": metadata,
        "last_registered": write_time(lease.renewed_at),
    }


def _read_said(kept: object) -> Mapping[str, object]:
    """What was kept as it was said; metadata of other APIs may have anything there."""
    if not isinstance(kept, dict):
        return {}
    said = {name: kept[name] for name in ("host", "agent_type") if isinstance(kept.get(name), str)}
    texts = kept.get("capabilities")
    if isinstance(texts, list) and all(isinstance(text, str) for text in texts):
        said["capabilities"] = texts
    return said


def _is_label(text: str, most: int) -> bool:
    try:
        check_label("label", text, most)
    except InvalidField:
        return False
    return True


def _write_kept(host: str) -> str | None:
    """A host as the registry would tell it; None for one that it will not take."""
    try:
        return str(parse_address("host", resolve_localhost(host)))
    except InvalidField:
        return None
