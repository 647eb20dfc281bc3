"""Asks one address what it is.

Rules:
- `identify` goes out as a line of JSON over TCP. A peer that answers in HTTP, hangs up, or has
  said nothing for a while is asked by POST on another connection: some programs speak only that.
- Whatever it does, a peer costs `Limits.connect` and `Limits.answer` seconds and
  `Limits.octets` octets at most: silence, dripping and endless answers end there.
- A whole JSON object is an answer, with or without a newline or an end of the connection.
"""

import asyncio
import json
import socket
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from dnsregistry.httpreplies import bound_replies
from dnsregistry.jsonframe import NotAnObject, ObjectStream, ObjectTooLong
from dnsregistry.scan.identity import Identity, NoIdentity, read_identity
from dnsregistry.scan.ranges import Target

PATHS = ("/", "/identify")
"""Where the POST goes: to the second where the first is not found or takes none."""
HTTP_AFTER = 0.5
"""Seconds of silence until a peer is asked over HTTP too: some servers wait for a header's end."""
_CHUNK = 16 * 1024
_NOT_HERE = frozenset({404, 405, 501})


@dataclass(frozen=True, slots=True)
class Limits:
    """What one peer may cost, in seconds and octets."""

    connect: float = 1.0
    answer: float = 2.0
    octets: int = 64 * 1024


class Failure(StrEnum):
    """Why there is no identity."""

    REFUSED = "refused"
    # Nobody there, or nothing said in time.
    SILENT = "silent"
    # Something was said that identifies nobody.
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class Unidentified:
    """A peer that did not tell what it is."""

    failure: Failure
    reason: str


Answer = Identity | Unidentified


class Asker:
    """Asks peers; close it at the end. `tell_time` is the timestamp that they are told."""

    def __init__(self, limits: Limits, tell_time: Callable[[], str]) -> None:
        self._limits = limits
        self._tell_time = tell_time
        self._session: ClientSession | None = None

    async def close(self) -> None:
        """Let go of what HTTP keeps."""
        if self._session is not None:
            await self._session.close()
            self._session = None

    async def ask(self, target: Target) -> Answer:
        """What a target says it is. Raises nothing that a peer could cause."""
        family = socket.AF_INET6 if target.address.version == 6 else socket.AF_INET
        with socket.socket(family, socket.SOCK_STREAM) as sock:
            sock.setblocking(False)
            try:
                async with asyncio.timeout(self._limits.connect):
                    address = (str(target.address), target.port)
                    await asyncio.get_running_loop().sock_connect(sock, address)
            except TimeoutError:
                return Unidentified(Failure.SILENT, "nobody answers")
            except OSError as error:
                return _name_failure(error)
            return await self._ask_both_ways(sock, target)

    async def _ask_both_ways(self, sock: socket.socket, target: Target) -> Answer:
        """As JSON over the connection, and over HTTP where that leads to nothing."""
        line = asyncio.create_task(self._ask_by_line(sock))
        post: asyncio.Task[Answer] | None = None
        try:
            async with asyncio.timeout(self._limits.answer):
                await asyncio.wait([line], timeout=HTTP_AFTER)
                if line.done() and not _may_speak_http(line.result()):
                    return line.result()
                post = asyncio.create_task(self._ask_by_post(target))
                return await _first_identity(line, post)
        except TimeoutError:
            return Unidentified(Failure.SILENT, "says nothing whole in time")
        finally:
            tasks = [task for task in (line, post) if task is not None]
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)

    async def _ask_by_line(self, sock: socket.socket) -> Answer:
        loop = asyncio.get_running_loop()
        stream = ObjectStream(self._limits.octets)
        said = 0
        try:
            await loop.sock_sendall(sock, self._write_question() + b"\n")
            while (octets := stream.take()) is None:
                chunk = await loop.sock_recv(sock, _CHUNK)
                if not chunk:
                    return Unidentified(Failure.UNREADABLE, "hangs up without an answer")
                said += len(chunk)
                if said > self._limits.octets:
                    # Space before an object has no end of its own, and what comes faster than
                    # it is read is read without the loop turning.
                    raise ObjectTooLong(f"says more than {self._limits.octets} octets")
                stream.feed(chunk)
            return read_identity(octets)
        except OSError:
            return Unidentified(Failure.UNREADABLE, "hangs up without an answer")
        except NotAnObject:
            return Unidentified(Failure.UNREADABLE, "the answer is no JSON object")
        except (ObjectTooLong, NoIdentity) as error:
            return Unidentified(Failure.UNREADABLE, str(error))

    async def _ask_by_post(self, target: Target) -> Answer:
        session = self._open_session()
        try:
            for path in PATHS:
                async with session.post(
                    f"http://{target}{path}", data=self._write_question(), allow_redirects=False
                ) as response:
                    if response.status in _NOT_HERE:
                        continue
                    if response.status != 200:
                        reason = f"answers HTTP {response.status}"
                        return Unidentified(Failure.UNREADABLE, reason)
                    body = bytearray()
                    async for chunk in response.content.iter_chunked(_CHUNK):
                        body += chunk
                        if len(body) > self._limits.octets:
                            raise ObjectTooLong(f"says more than {self._limits.octets} octets")
                    return read_identity(bytes(body))
        except (ObjectTooLong, NoIdentity) as error:
            return Unidentified(Failure.UNREADABLE, str(error))
        except (ClientError, OSError, ValueError, TimeoutError):
            return Unidentified(Failure.UNREADABLE, "speaks neither JSON nor HTTP")
        return Unidentified(Failure.UNREADABLE, "speaks HTTP and takes no identify")

    def _open_session(self) -> ClientSession:
        if self._session is None:
            limits = self._limits
            connector = TCPConnector(limit=0, force_close=True)
            bound_replies(connector)
            self._session = ClientSession(
                connector=connector,
                cookie_jar=DummyCookieJar(),
                timeout=ClientTimeout(total=limits.answer, sock_connect=limits.connect),
                headers={"Content-Type": "application/json"},
                trust_env=False,
            )
        return self._session

    def _write_question(self) -> bytes:
        return json.dumps({"type": "identify", "timestamp": self._tell_time()}).encode()


async def _first_identity(*tasks: asyncio.Task[Answer]) -> Answer:
    """The first identity that one of them has; where none has any, what the first one told."""
    pending = set(tasks)
    while pending:
        done, pending = await asyncio.wait(pending, return_when=asyncio.FIRST_COMPLETED)
        for task in done:
            if isinstance(task.result(), Identity):
                return task.result()
    return tasks[-1].result()


def _may_speak_http(answer: Answer) -> bool:
    """Whether what a line got for an answer leaves hope for a POST."""
    return isinstance(answer, Unidentified)


def _name_failure(error: OSError) -> Unidentified:
    if isinstance(error, ConnectionRefusedError):
        return Unidentified(Failure.REFUSED, "the port is closed")
    return Unidentified(Failure.SILENT, "nobody answers")
