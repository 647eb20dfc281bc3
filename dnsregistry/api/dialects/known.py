"""All dialects there are; a new one is its line here."""

from collections.abc import Mapping

from dnsregistry.api.dialects.agents.declaration import AGENTS
from dnsregistry.api.dialects.base_url.declaration import BASE_URL
from dnsregistry.api.dialects.dialect import Dialect
from dnsregistry.api.dialects.ip_port.declaration import IP_PORT
from dnsregistry.api.dialects.modularity.declaration import MODULARITY
from dnsregistry.api.dialects.scanner.declaration import SCANNER

DIALECTS: tuple[Dialect, ...] = (
    SCANNER,
    MODULARITY,
    AGENTS,
    IP_PORT,
    BASE_URL,
)

USUAL_PORTS: Mapping[str, int] = {dialect.name: dialect.port for dialect in DIALECTS}
