"""All listening sockets that the settings ask for, bound before anything else is begun."""

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TypeVar

from dnsregistry.api.dialects.known import DIALECTS
from dnsregistry.servers.sockets import ListenError, Pair, bind_pair, listen_tcp
from dnsregistry.settings import Settings

Bound = tuple[str, int]
"""A host in text and the port as it was bound."""
B = TypeVar("B", Pair, socket.socket)


@dataclass(frozen=True, slots=True)
class Listening:
    """Where the program listens; a dialect's other ports are under `name-label`."""

    dns: Sequence[Bound]
    dot: Sequence[Bound]
    http: Bound
    https: Bound | None
    dialects: Mapping[str, Bound]

    def all(self) -> Sequence[Bound]:
        """All of it."""
        https = [] if self.https is None else [self.https]
        return [*self.dns, *self.dot, self.http, *https, *self.dialects.values()]


@dataclass(frozen=True, slots=True)
class Sockets:
    """The sockets by what is to be served on them; HTTPS and DoT only with a certificate."""

    dns: Sequence[Pair]
    dot: Sequence[socket.socket]
    http: socket.socket
    https: socket.socket | None
    dialects: Mapping[str, socket.socket]

    @property
    def listening(self) -> Listening:
        """Where that is."""
        return Listening(
            dns=[pair.address for pair in self.dns],
            dot=[_address(sock) for sock in self.dot],
            http=_address(self.http),
            https=_address(self.https) if self.https else None,
            dialects={name: _address(sock) for name, sock in self.dialects.items()},
        )

    def close(self) -> None:
        """Close those that are still open."""
        for pair in self.dns:
            pair.close()
        for sock in (*self.dot, self.http, *self.dialects.values()):
            sock.close()
        if self.https is not None:
            self.https.close()


def bind_all(settings: Settings) -> Sockets:
    """Bind everything. Raises ListenError, which names the settings; nothing is left open then."""
    with ExitStack() as opened:
        dns: list[Pair] = []
        port = settings.dns_port
        for host in settings.dns_host:
            bind = partial(bind_pair, udp_sockets=max(1, settings.workers))
            pair = _bind("DNS_HOST, DNS_PORT", bind, host, port)
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
            host, port = settings.https_host or settings.http_host, settings.https_port
            https = _bind("HTTPS_HOST, HTTPS_PORT", listen_tcp, host, port)
            opened.callback(https.close)
        dialects = _bind_dialects(settings, opened)
        opened.pop_all()
    return Sockets(dns, dot, http, https, dialects)


def _bind_dialects(settings: Settings, opened: ExitStack) -> dict[str, socket.socket]:
    sockets: dict[str, socket.socket] = {}
    declared = {dialect.name: dialect for dialect in DIALECTS}
    for place in settings.places:
        dialect = declared[place.dialect]
        host = place.host or settings.http_host
        port = dialect.port if place.port is None else place.port
        wanted = {place.dialect: ("DIALECTS", port)}
        for label, setting in dialect.other_ports.items():
            wanted[f"{place.dialect}-{label}"] = (setting.upper(), getattr(settings, setting))
        for name, (said_in, number) in wanted.items():
            sock = _bind(f"{said_in}, {name}", listen_tcp, host, number)
            opened.callback(sock.close)
            sockets[name] = sock
    return sockets


def _bind(settings: str, bind: Callable[[str, int], B], host: str, port: int) -> B:
    """Bind as settings say, and name them where that fails."""
    try:
        return bind(host, port)
    except ListenError as error:
        raise ListenError(f"{settings}: {error}") from error


def _address(sock: socket.socket) -> Bound:
    host, port = sock.getsockname()[:2]
    return host, port
