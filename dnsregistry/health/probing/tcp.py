"""TCP: a connection, and with TLS its handshake; then it is closed."""

import asyncio
import ssl
from collections.abc import Sequence

from dnsregistry.health.outcome import ProbeFailed
from dnsregistry.health.probing.connect import Connector, explain_tls, name_server
from dnsregistry.registry.check import Place, TcpProbe


async def probe_tcp(connector: Connector, probe: TcpProbe, places: Sequence[Place]) -> str:
    """Return the reason of a pass. Raises ProbeFailed, Forbidden."""
    sock = await connector.open(places)
    if probe.tls is None:
        sock.close()
        return "connected"
    with sock:
        context = await connector.contexts.get(verify=probe.tls.verify)
        try:
            transport, _ = await asyncio.get_running_loop().create_connection(
                asyncio.Protocol,
                sock=sock,
                ssl=context,
                server_hostname=name_server(probe.tls, places),
            )
        except (ssl.SSLError, OSError) as error:
            raise ProbeFailed(explain_tls(error)) from None
        transport.abort()
        # The transport closes its socket at the next turn, before this one does.
        await asyncio.sleep(0)
    return "connected, TLS"
