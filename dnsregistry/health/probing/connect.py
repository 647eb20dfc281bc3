"""The way to a target: names resolved, every address judged, then connected to.

Rules:
- What is judged is the address that is connected to. A name is resolved for each connection, and
  where one of its addresses may not be probed the whole name is refused.
- Nothing is looked up twice: what was judged is what the socket gets.
"""

import asyncio
import errno
import os
import socket
import ssl
import struct
from collections.abc import Sequence
from contextlib import suppress
from ipaddress import IPv6Address, ip_address
from threading import Thread
from typing import Protocol, TypeAlias

from dnsregistry.health.outcome import Forbidden, ProbeFailed
from dnsregistry.health.targets import TargetPolicy
from dnsregistry.registry.check import Place, Tls
from dnsregistry.registry.check_description import write_place
from dnsregistry.registry.names import Address

THREADS = 256
"""Names that are looked up at once: many that hang must not hold up all others."""
MOST_ADDRESSES = 256
"""Of one name. A reply holds thousands, all of which would be judged and tried at each check."""
_OURS = (errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
_Found: TypeAlias = Sequence[Address] | Exception
_RESET = struct.pack("ii", 1, 0)
"""SO_LINGER that ends a connection at once: thousands a second in TIME_WAIT would use up the
ports of a machine."""


class Resolver(Protocol):
    """Finds the addresses of a host name; none where it has none. Raises OSError."""

    async def resolve(self, host: str) -> Sequence[Address]:
        """All its addresses, in the order in which they are to be tried."""
        ...

    def close(self) -> None:
        """Let go of what it holds."""
        ...


class SystemResolver:
    """The machine's own resolver, which blocks: each name under way has a thread of its own.

    A name is asked for once at a time, so that one whose servers hang takes one thread, however
    many checks want it. Nobody waits for a thread, the end of the program neither.
    """

    def __init__(self) -> None:
        self._free = asyncio.Semaphore(THREADS)
        self._under_way: dict[str, asyncio.Future[_Found]] = {}

    async def resolve(self, host: str) -> Sequence[Address]:
        """What getaddrinfo says."""
        lookup = self._under_way.get(host)
        if lookup is None:
            await self._free.acquire()
            # Somebody else may have asked while this one waited.
            lookup = self._under_way.get(host)
            if lookup is None:
                lookup = self._begin(host)
            else:
                self._free.release()
        found = await asyncio.shield(lookup)
        if isinstance(found, Exception):
            raise found
        return found

    def close(self) -> None:
        """There is nothing to let go of: threads end by themselves, and hold up nobody."""

    def _begin(self, host: str) -> "asyncio.Future[_Found]":
        loop = asyncio.get_running_loop()
        lookup: asyncio.Future[_Found] = loop.create_future()

        def finish(found: _Found) -> None:
            del self._under_way[host]
            self._free.release()
            lookup.set_result(found)

        def look_up() -> None:
            found = _look_up(host)
            # The program may have ended meanwhile.
            with suppress(RuntimeError):
                loop.call_soon_threadsafe(finish, found)

        self._under_way[host] = lookup
        try:
            Thread(target=look_up, name="probe-resolver", daemon=True).start()
        except RuntimeError as error:
            finish(OSError(str(error)))
        return lookup


class Contexts:
    """TLS for probes, made at first use: the system's authorities take a while to read."""

    def __init__(self) -> None:
        self._made: dict[tuple[bool, str | None], ssl.SSLContext] = {}

    async def get(self, *, verify: bool, protocol: str | None = None) -> ssl.SSLContext:
        """The context that verifies certificates, or the one that takes any.

        `protocol` is what is asked for by ALPN (RFC 7301).
        """
        context = self._made.get((verify, protocol))
        if context is None:
            context = await asyncio.to_thread(self._make, verify, protocol)
        return context

    def _make(self, verify: bool, protocol: str | None) -> ssl.SSLContext:
        context = _make_context(verify)
        if protocol is not None:
            context.set_alpn_protocols([protocol])
        # A probe whose time is up meanwhile leaves it for the next one.
        self._made[verify, protocol] = context
        return context


class Connector:
    """Opens connections to places that may be probed."""

    def __init__(self, policy: TargetPolicy, resolver: Resolver) -> None:
        self.contexts = Contexts()
        self._policy = policy
        self._resolver = resolver

    async def find(self, places: Sequence[Place]) -> Sequence[tuple[Address, int]]:
        """The addresses behind the places, all of them judged.

        Raises Forbidden, or ProbeFailed where a name has none.
        """
        found: list[tuple[Address, int]] = []
        for host, port in places:
            addresses = await self.resolve(host) if isinstance(host, str) else (host,)
            for address in addresses:
                self.judge(address, port)
                found.append((address, port))
        return found

    async def resolve(self, host: str) -> Sequence[Address]:
        """The addresses of a name, not yet judged. Raises ProbeFailed."""
        try:
            addresses = await self._resolver.resolve(host)
        except (OSError, UnicodeError) as error:
            if isinstance(error, OSError) and is_our_lack(error):
                raise
            raise ProbeFailed(f"{host} does not resolve: {_explain(error)}") from None
        if not addresses:
            raise ProbeFailed(f"{host} has no address")
        if len(addresses) > MOST_ADDRESSES:
            raise ProbeFailed(f"{host} has more than {MOST_ADDRESSES} addresses")
        return addresses

    def judge(self, address: Address, port: int) -> None:
        """Raise Forbidden for an address that may not be probed."""
        reason = self._policy.refuse(address, port)
        if reason is not None:
            raise Forbidden(reason)

    def close(self) -> None:
        """Let go of the resolver."""
        self._resolver.close()

    async def open(self, places: Sequence[Place]) -> socket.socket:
        """A connection to the first address that takes one. Raises ProbeFailed, Forbidden."""
        failure = ProbeFailed("there is no address")
        for address, port in await self.find(places):
            sock = open_socket(address, socket.SOCK_STREAM)
            try:
                await asyncio.get_running_loop().sock_connect(sock, (str(address), port))
            except OSError as error:
                sock.close()
                failure = ProbeFailed(f"{write_place((address, port))}: {_explain(error)}")
            except BaseException:
                sock.close()
                raise
            else:
                return sock
        raise failure


def _look_up(host: str) -> _Found:
    try:
        found = socket.getaddrinfo(host, None, 0, socket.SOCK_STREAM)
        return list(dict.fromkeys(ip_address(str(item[4][0])) for item in found))
    except Exception as error:  # noqa: BLE001 - told to whoever asked
        return error


def open_socket(address: Address, kind: socket.SocketKind) -> socket.socket:
    """A socket that does not block, for an address of this family; TCP ends at once when closed."""
    family = socket.AF_INET6 if isinstance(address, IPv6Address) else socket.AF_INET
    sock = socket.socket(family, kind | socket.SOCK_NONBLOCK)
    if kind is socket.SOCK_STREAM:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    return sock


def is_our_lack(error: OSError) -> bool:
    """Whether a socket failed for want of something here, which tells nothing of the target."""
    return error.errno in _OURS


def name_server(tls: Tls, places: Sequence[Place]) -> str:
    """The name that a certificate must be for."""
    return tls.server_name or str(places[0][0])


def explain_tls(error: Exception) -> str:
    """What is wrong with the other side's TLS, for people."""
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not valid: {error.verify_message}"
    return f"TLS failed: {getattr(error, 'reason', None) or str(error) or type(error).__name__}"


def _make_context(verify: bool) -> ssl.SSLContext:
    context = ssl.create_default_context()
    if not verify:
        context.check_hostname = False
        context.verify_mode = ssl.CERT_NONE
    return context


def _explain(error: Exception) -> str:
    number = error.errno if isinstance(error, OSError) else None
    # What asyncio adds to the system's words names the address once more.
    text = os.strerror(number) if number and number > 0 else str(error)
    return (text or type(error).__name__).lower()
