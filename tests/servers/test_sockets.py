"""Binding: pairs of sockets, and what is said where it cannot be done."""

import errno
import socket
from collections.abc import Iterator

import pytest

from dnsregistry.servers.sockets import ListenError, Pair, bind_pair, listen_tcp
from dnsregistry.servers.tcp import TcpServer
from tests.conftest import Start


@pytest.fixture
def pair() -> Iterator[Pair]:
    """A pair on a port that was free."""
    bound = bind_pair("127.0.0.1", 0)
    yield bound
    bound.close()


def test_port_0_takes_one_port_for_both() -> None:
    pairs = [bind_pair("127.0.0.1", 0) for _ in range(20)]
    for bound in pairs:
        assert bound.udp.getsockname() == bound.tcp.getsockname() == bound.address
        assert bound.address[1] != 0
        bound.close()


def test_a_taken_udp_twin_means_another_port(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind
    refused: list[int] = []

    def refuse_some(sock: socket.socket, address: tuple[str, int]) -> None:
        if sock.type == socket.SOCK_DGRAM and len(refused) < 3:
            refused.append(address[1])
            raise OSError(errno.EADDRINUSE, "taken")
        bind(sock, address)

    monkeypatch.setattr(socket.socket, "bind", refuse_some)
    bound = bind_pair("127.0.0.1", 0)
    assert len(refused) == 3
    assert bound.udp.getsockname() == bound.tcp.getsockname()
    bound.close()


def test_no_port_at_all_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    bind = socket.socket.bind

    def refuse(sock: socket.socket, address: tuple[str, int]) -> None:
        if sock.type == socket.SOCK_DGRAM:
            raise OSError(errno.EADDRINUSE, "taken")
        bind(sock, address)

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ListenError, match="no port is free for both UDP and TCP"):
        bind_pair("127.0.0.1", 0)


@pytest.mark.parametrize("kind", [socket.SOCK_DGRAM, socket.SOCK_STREAM])
def test_a_port_that_another_has_is_told(kind: socket.SocketKind) -> None:
    with socket.socket(socket.AF_INET, kind) as other:
        other.bind(("127.0.0.1", 0))
        if kind == socket.SOCK_STREAM:
            other.listen()
        port = other.getsockname()[1]
        name = "UDP" if kind == socket.SOCK_DGRAM else "TCP"
        with pytest.raises(ListenError) as caught:
            bind_pair("127.0.0.1", port)
    assert str(caught.value) == (
        f"cannot listen on {name} 127.0.0.1:{port}: another program listens there"
    )


def test_an_address_of_no_interface_is_told() -> None:
    with pytest.raises(ListenError) as caught:
        bind_pair("192.0.2.1", 5300)
    assert str(caught.value) == (
        "cannot listen on TCP 192.0.2.1:5300: this machine has no such address"
    )


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (errno.EACCES, "ports below 1024 need root or the capability CAP_NET_BIND_SERVICE"),
        (errno.ENOBUFS, "no buffer space available"),
    ],
)
def test_the_systems_reason_is_told_in_words(
    monkeypatch: pytest.MonkeyPatch, number: int, text: str
) -> None:
    def refuse(*_: object) -> None:
        raise OSError(number, "the system's own words")

    monkeypatch.setattr(socket.socket, "bind", refuse)
    with pytest.raises(ListenError) as caught:
        listen_tcp("::1", 53)
    assert str(caught.value) == f"cannot listen on TCP [::1]:53: {text}"


def test_a_listener_starts_again_while_old_connections_linger(pair: Pair) -> None:
    host, port = pair.address
    with socket.create_connection((host, port)) as client:
        served, _ = pair.tcp.accept()
        served.close()
        client.recv(1)
    pair.close()
    listen_tcp(host, port).close()


def test_ipv6_is_bound_without_ipv4(ipv6: str) -> None:
    bound = bind_pair("::", 0)
    other = bind_pair("0.0.0.0", bound.address[1])
    bound.close()
    other.close()


async def test_a_start_that_fails_leaves_nothing_open(start: Start, pair: Pair) -> None:
    with pytest.raises(ListenError):
        await start(http_port=pair.address[1])


async def test_a_start_that_fails_late_leaves_nothing_open(
    start: Start, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fail(_: TcpServer) -> None:
        raise RuntimeError("a fault that was put in")

    monkeypatch.setattr(TcpServer, "start", fail)
    with pytest.raises(RuntimeError):
        await start()


async def test_all_hosts_listen_on_one_port(start: Start, ipv6: str) -> None:
    program = await start(dns_host=f"127.0.0.1,127.0.0.2,{ipv6}")
    for host in ("127.0.0.1", "127.0.0.2", ipv6):
        for tcp in (False, True):
            reply = await program.ask("nobody.registry.local", host=host, tcp=tcp)
            assert reply.rcode == "NXDOMAIN"
