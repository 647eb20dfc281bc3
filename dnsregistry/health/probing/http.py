"""HTTP: one request, its status, and where it is asked for a pattern in its body.

Rules:
- A redirect is followed on the same host and nowhere else.
- The whole answer must have come within the check's timeout: who drips is not well. What is read
  of it is bounded, and so is what may come before it.
- No proxy, no cookies, no compressed bodies; connections are kept, those to names excepted: a
  name is resolved and judged for each check.
"""

import asyncio
import socket
from collections import OrderedDict
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from ipaddress import ip_address
from typing import Any

from aiohttp import (
    ClientConnectorCertificateError,
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    DummyCookieJar,
    TCPConnector,
)
from aiohttp.abc import AbstractResolver, ResolveResult
from yarl import URL

from dnsregistry import __version__
from dnsregistry.health.outcome import Forbidden, ProbeFailed
from dnsregistry.health.probing.connect import Connector, explain_tls, is_our_lack
from dnsregistry.health.probing.pattern import SECONDS, InvalidPattern, search
from dnsregistry.httpreplies import bound_replies
from dnsregistry.registry.check import HttpProbe, Place
from dnsregistry.registry.check_description import write_place

BODY_OCTETS = 64 * 1024
"""Looked at for a pattern: a health page has fewer."""
MOST_REDIRECTS = 5
MOST_REASON = 200
"""Characters of somebody else's words that are told on."""
MOST_KEPT = 1000
"""Targets whose connections are kept: each is an open file."""
KEEP_ALIVE = 30.0
"""Seconds that a connection waits for the next check."""
PATTERN_THREADS = 2
MISSING = 404
REDIRECTS = frozenset({301, 302, 303, 307, 308})
SCHEMES = ("http", "https")


class HttpProber:
    """Makes http checks, in a session that keeps connections and one that does not."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector
        self._threads = ThreadPoolExecutor(PATTERN_THREADS, thread_name_prefix="probe-pattern")
        self._sessions: dict[bool, ClientSession] = {}
        self._kept: OrderedDict[str, float] = OrderedDict()

    async def probe(self, probe: HttpProbe, places: Sequence[Place]) -> str:
        """Return the reason of a pass. Raises ProbeFailed, Forbidden."""
        failure: ProbeFailed | None = None
        for place in places:
            try:
                return await self._ask(probe, place)
            except _Unreached as error:
                failure = ProbeFailed(str(error))
        raise failure or ProbeFailed("there is no address")

    async def close(self) -> None:
        """Close what is open."""
        self._threads.shutdown(wait=False, cancel_futures=True)
        for session in self._sessions.values():
            await session.close()

    async def _ask(self, probe: HttpProbe, place: Place) -> str:
        origin = f"{'https' if probe.tls else 'http'}://{write_place(place)}"
        try:
            return await self._ask_url(probe, URL(origin + probe.path, encoded=True))
        except _Missing:
            if probe.fallback_path is None:
                raise
        return await self._ask_url(probe, URL(origin + probe.fallback_path, encoded=True))

    async def _ask_url(self, probe: HttpProbe, url: URL) -> str:
        method = probe.method
        for _ in range(MOST_REDIRECTS + 1):
            async with await self._send(probe, method, url) as response:
                if not probe.follow_redirects or response.status not in REDIRECTS:
                    return await self._judge(probe, response)
                location = response.headers.get("Location")
                if location is None:
                    return await self._judge(probe, response)
                url = _follow(url, location)
                method = "GET" if method == "POST" and response.status == 303 else method
        raise ProbeFailed(f"redirects more than {MOST_REDIRECTS} times")

    async def _send(self, probe: HttpProbe, method: str, url: URL) -> ClientResponse:
        session = self._session(keep=self._keeps(url))
        options: dict[str, Any] = {}
        if url.scheme == "https":
            verify = probe.tls is None or probe.tls.verify
            options["ssl"] = await self._connector.contexts.get(verify=verify)
            if probe.tls is not None and probe.tls.server_name:
                options["server_hostname"] = probe.tls.server_name
        try:
            return await session.request(
                method, url, headers=dict(probe.headers), allow_redirects=False, **options
            )
        except ClientConnectorCertificateError as error:
            raise ProbeFailed(explain_tls(error.certificate_error)) from None
        except ClientConnectorError as error:
            raise _explain(error) from None
        except (ClientError, OSError, ValueError) as error:
            raise ProbeFailed(_word(error)) from None

    async def _judge(self, probe: HttpProbe, response: ClientResponse) -> str:
        body = bytearray()
        try:
            while len(body) < BODY_OCTETS:
                chunk = await response.content.read(BODY_OCTETS - len(body))
                if not chunk:
                    break
                body += chunk
        except (ClientError, OSError) as error:
            raise ProbeFailed(_word(error)) from None
        low, high = probe.statuses
        if not low <= response.status <= high:
            reason = f"answered {response.status}, not {low}-{high}"
            raise _Missing(reason) if response.status == MISSING else ProbeFailed(reason)
        if probe.pattern is not None:
            await self._look_for(probe.pattern, bytes(body))
        return f"answered {response.status}"

    async def _look_for(self, pattern: str, body: bytes) -> None:
        loop = asyncio.get_running_loop()
        try:
            found = await loop.run_in_executor(self._threads, search, pattern, body)
        except TimeoutError:
            raise ProbeFailed(f"body_pattern took longer than {SECONDS} s") from None
        except InvalidPattern as error:
            # A registration from before a rule may be in the store.
            raise ProbeFailed(f"body_pattern {error}") from None
        if not found:
            raise ProbeFailed("the body does not hold body_pattern")

    def _keeps(self, url: URL) -> bool:
        """Whether the connection is kept for the next check: to an address, and not to all."""
        if not _is_address(url.raw_host or ""):
            return False
        now, kept, origin = asyncio.get_running_loop().time(), self._kept, str(url.origin())
        if origin not in kept and len(kept) >= MOST_KEPT:
            oldest = next(iter(kept))
            if now - kept[oldest] < KEEP_ALIVE:
                return False
            del kept[oldest]
        kept[origin] = now
        kept.move_to_end(origin)
        return True

    def _session(self, *, keep: bool) -> ClientSession:
        session = self._sessions.get(keep)
        if session is None:
            judge = self._connector.judge

            def make_socket(info: Any) -> socket.socket:
                family, kind, protocol, _, place = info
                judge(ip_address(place[0]), place[1])
                return socket.socket(family, kind, protocol)

            connector = TCPConnector(
                resolver=_JudgingResolver(self._connector),
                socket_factory=make_socket,
                use_dns_cache=False,
                limit=0,
                force_close=not keep,
                keepalive_timeout=KEEP_ALIVE if keep else None,
            )
            bound_replies(connector)
            session = self._sessions[keep] = ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=None, sock_connect=None),
                trust_env=False,
                auto_decompress=False,
                headers={
                    "User-Agent": f"dnsregistry/{__version__} (health check)",
                    "Accept-Encoding": "identity",
                },
            )
        return session


class _Missing(ProbeFailed):
    """There is nothing at the path."""


class _Unreached(ProbeFailed):
    """No connection came about; another address may take one."""


class _JudgingResolver(AbstractResolver):
    """Names for aiohttp, every address of which was judged."""

    def __init__(self, connector: Connector) -> None:
        self._connector = connector

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> list[ResolveResult]:
        try:
            found = await self._connector.find([(host, port)])
        except ProbeFailed as error:
            raise OSError(None, str(error)) from None
        return [
            ResolveResult(
                hostname=host,
                host=str(address),
                port=port,
                family=socket.AF_INET if address.version == 4 else socket.AF_INET6,
                proto=0,
                flags=socket.AI_NUMERICHOST,
            )
            for address, port in found
            if family in (socket.AF_UNSPEC, _family(address.version))
        ]

    async def close(self) -> None:
        """Nothing is open."""


def _is_address(host: str) -> bool:
    try:
        ip_address(host)
    except ValueError:
        return False
    return True


def _follow(url: URL, location: str) -> URL:
    """Where a redirect leads, on the same host. Raises ProbeFailed for anywhere else."""
    try:
        target = url.join(URL(location))
        host = target.raw_host
    except ValueError:
        raise ProbeFailed("redirects to what is no URL") from None
    if target.scheme not in SCHEMES:
        raise ProbeFailed(f"redirects to {target.scheme}:, which is not http or https")
    if target.raw_user is not None or target.raw_password is not None:
        raise ProbeFailed("redirects to a URL with a user, which is not followed")
    if host != url.raw_host:
        raise ProbeFailed(f"redirects to another host, {str(host)[:100]}, which is not followed")
    return target.with_fragment(None)


def _explain(error: ClientConnectorError) -> ProbeFailed | OSError:
    cause = error.os_error
    if isinstance(cause, Forbidden) or is_our_lack(cause):
        return cause
    for inner in getattr(cause, "exceptions", ()):
        if isinstance(inner, Forbidden):
            return inner
    if (cause.errno or 0) > 0:
        return _Unreached(_word(cause))
    return ProbeFailed(_word(cause))


def _word(error: BaseException) -> str:
    text = error.strerror if isinstance(error, OSError) else str(error)
    words = (text or str(error) or type(error).__name__).split()
    return " ".join(words)[:MOST_REASON]


def _family(version: int) -> socket.AddressFamily:
    return socket.AF_INET if version == 4 else socket.AF_INET6
