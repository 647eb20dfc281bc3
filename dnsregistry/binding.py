"""All listening sockets that the settings ask for, bound before anything else is begun."""

import socket
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from typing import TypeVar

from dnsregistry.servers.sockets import ListenError, Pair, bind_pair, listen_tcp
from dnsregistry.settings import Settings

Bound = tuple[str, int]
"""A host in text and the port as it was bound."""
B = TypeVar("B", Pair, socket.socket)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the program listens."""

    dns: Sequence[Bound]
    dot: Sequence[Bound]
    http: Bound
    https: Bound | None


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets by what is to be served on them; HTTPS and DoT only with a certificate."""

    dns: Sequence[Pair]
    dot: Sequence[socket.socket]
    http: socket.socket
    https: socket.socket | None

    @property
    def listening(self) -> Listening:
        """Where that is."""
        return Listening(
            dns=[pair.address for pair in self.dns],
            dot=[_address(sock) for sock in self.dot],
            http=_address(self.http),
            https=_address(self.https) if self.https else None,
        )

    def close(self) -> None:
        """Close those that are still open."""
        for pair in self.dns:
            pair.close()
        for sock in (*self.dot, self.http):
            sock.close()
        if self.https is not None:
            self.https.close()


def bind_all(settings: Settings) -> Sockets:
    """Bind everything. Raises ListenError, which names the settings; nothing is left open then."""
    with ExitStack() as opened:
        dns: list[Pair] = []
        port = settings.dns_port
        for host in settings.dns_host:
            pair = _bind("DNS_HOST, DNS_PORT", bind_pair, host, port)
            opened.callback(pair.close)
            port = pair.address[1]
            dns.append(pair)
        dot: list[socket.socket] = []
        port = settings.dot_port
        for host in settings.dns_host if settings.tls_cert else ():
            sock = _bind("DNS_HOST, DOT_PORT", listen_tcp, host, port)
            opened.callback(sock.close)
            port = _address(sock)[1]
            dot.append(sock)
        http = _bind("HTTP_HOST, HTTP_PORT", listen_tcp, settings.http_host, settings.http_port)
        opened.callback(http.close)
        https = None
        if settings.tls_cert:
            host, port = settings.http_host, settings.https_port
            https = _bind("HTTP_HOST, HTTPS_PORT", listen_tcp, host, port)
        opened.pop_all()
    return Sockets(dns, dot, http, https)


def _bind(settings: str, bind: Callable[[str, int], B], host: str, port: int) -> B:
    """Bind as settings say, and name them where that fails."""
    try:
        return bind(host, port)
    except ListenError as error:
        raise ListenError(f"{settings}: {error}") from error


def _address(sock: socket.socket) -> Bound:
    host, port = sock.getsockname()[:2]
    return host, port
