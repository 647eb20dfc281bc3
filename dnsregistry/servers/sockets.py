"""Listening sockets: UDP and TCP on one port, one pair an address."""

import errno
import os
import socket
import sys
from contextlib import ExitStack
from dataclasses import dataclass
from ipaddress import IPv4Address, IPv6Address, ip_address

# Python names it from 3.14 on; the number is Linux's.
IP_PKTINFO = 8
RECEIVE_OCTETS = 4 << 20
"""Asked for each UDP socket: a burst waits there while the loop is busy elsewhere for a while."""
PORT_TRIES = 64
"""A free TCP port's UDP twin is taken now and then; so many in a row means something else."""
BACKLOG = 1024


class ListenError(Exception):
    """An address cannot be listened on; the text is one sentence for the person at the start."""


@dataclass(frozen=True, slots=True)
class Pair:
    """The sockets of one address, non-blocking, the TCP one listening.

    `others` are more UDP sockets of the same address: the system spreads clients over all.
    """

    udp: socket.socket
    tcp: socket.socket
    others: tuple[socket.socket, ...] = ()

    @property
    def address(self) -> tuple[str, int]:
        """Where it listens: the host in text and the port."""
        name = self.udp.getsockname()
        return name[0], name[1]

    def close(self) -> None:
        """Close the sockets."""
        for sock in (self.udp, self.tcp, *self.others):
            sock.close()


def bind_pair(host: str, port: int, udp_sockets: int = 1) -> Pair:
    """Bind an address; port 0 takes one that is free for both. Raises ListenError."""
    for _ in range(PORT_TRIES):
        tcp = _bind(socket.SOCK_STREAM, host, port)
        try:
            udp, *others = _bind_all(host, tcp.getsockname()[1], udp_sockets)
        except ListenError:
            tcp.close()
            if port:
                raise
            continue
        tcp.listen(BACKLOG)
        return Pair(udp, tcp, tuple(others))
    raise ListenError(f"cannot listen on {host}: no port is free for both UDP and TCP")


def listen_tcp(host: str, port: int) -> socket.socket:
    """Bind and listen on a TCP address alone. Raises ListenError."""
    tcp = _bind(socket.SOCK_STREAM, host, port)
    tcp.listen(BACKLOG)
    return tcp


def find_reachable(host: str) -> IPv4Address | IPv6Address:
    """The address under which others reach a listener: its own, or for a wildcard the machine's."""
    address = ip_address(host)
    if not address.is_unspecified:
        return address
    v4 = address.version == 4
    with socket.socket(socket.AF_INET if v4 else socket.AF_INET6, socket.SOCK_DGRAM) as probe:
        try:
            # Asks the routing table which source it would take; connecting UDP sends nothing.
            probe.connect(("192.0.2.1" if v4 else "2001:db8::1", 53))
        except OSError:
            return ip_address("127.0.0.1" if v4 else "::1")
        return ip_address(probe.getsockname()[0])


def is_wildcard(sock: socket.socket) -> bool:
    """Whether the socket listens on all addresses of the machine."""
    return sock.getsockname()[0] in ("0.0.0.0", "::")  # noqa: S104


def _bind_all(host: str, port: int, count: int) -> list[socket.socket]:
    """Several UDP sockets of one address. The TCP one, bound before, keeps others out."""
    with ExitStack() as opened:
        bound = []
        for _ in range(count):
            sock = opened.enter_context(_bind(socket.SOCK_DGRAM, host, port, shared=count > 1))
            bound.append(sock)
        opened.pop_all()
    return bound


def _bind(kind: socket.SocketKind, host: str, port: int, *, shared: bool = False) -> socket.socket:
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    # Named, since asyncio sends without Nagle's delay only where the protocol is told.
    protocol = socket.IPPROTO_TCP if kind == socket.SOCK_STREAM else socket.IPPROTO_UDP
    sock = socket.socket(family, kind, protocol)
    try:
        sock.setblocking(False)
        if family == socket.AF_INET6:
            sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 1)
        if kind == socket.SOCK_STREAM:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        else:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, RECEIVE_OCTETS)
        if shared:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEPORT, 1)
        sock.bind((host, port))
        if kind == socket.SOCK_DGRAM and is_wildcard(sock):
            _ask_for_destination(sock)
    except OSError as error:
        sock.close()
        name = "TCP" if kind == socket.SOCK_STREAM else "UDP"
        raise ListenError(
            f"cannot listen on {name} {_join(host, port)}: {_explain(error)}"
        ) from error
    return sock


def _ask_for_destination(sock: socket.socket) -> None:
    """Have each datagram tell which of our addresses it came to: the reply leaves from there."""
    if sock.family == socket.AF_INET6:
        sock.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVPKTINFO, 1)
    elif sys.platform == "linux":
        sock.setsockopt(socket.IPPROTO_IP, IP_PKTINFO, 1)


def _join(host: str, port: int) -> str:
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _explain(error: OSError) -> str:
    match error.errno:
        case errno.EACCES:
            return "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"
        case errno.EADDRINUSE:
            return "another program listens there"
        case errno.EADDRNOTAVAIL:
            return "this machine has no such address"
        case code:
            return os.strerror(code).lower() if code else str(error)
