"""A real server that is well, ill in many ways, or not there."""

import asyncio
import ssl
from contextlib import suppress
from enum import StrEnum

REDIRECT = "http://169.254.169.254/latest/meta-data/"


class Mood(StrEnum):
    """How it treats the next request."""

    OK = "200"
    MISSING = "404 but for /there"
    ERROR = "500"
    HANGING = "hanging"
    DRIPPING = "dripping"
    REDIRECTING = "redirecting"
    SAME_HOST = "redirecting to itself"
    NOT_HTTP = "no HTTP"
    CLOSING = "closing"


class Backend:
    """Listens on one port of 127.0.0.1, also after it was away; counts what it was asked."""

    def __init__(self, body: bytes = b"all is well", tls: ssl.SSLContext | None = None) -> None:
        self.mood = Mood.OK
        self.body = body
        self.tls = tls
        self.port = 0
        self.asked: list[bytes] = []
        self.most_open = 0
        self._server: asyncio.Server | None = None
        self._open: dict[asyncio.StreamWriter, asyncio.Task[None] | None] = {}

    async def start(self, host: str = "127.0.0.1") -> None:
        self._server = await asyncio.start_server(
            self._serve, host, self.port, ssl=self.tls, reuse_address=True
        )
        self.port = self._server.sockets[0].getsockname()[1]

    async def stop(self) -> None:
        """Refuse from now on, and end what is open."""
        if self._server is None:
            return
        # What was just taken in is made a connection at the next turns, for which asyncio wants
        # the server to be open.
        for sock in self._server.sockets:
            asyncio.get_running_loop().remove_reader(sock.fileno())
        for _ in range(3):
            await asyncio.sleep(0)
        self._server.close()
        while self._open:
            for writer, task in list(self._open.items()):
                writer.transport.abort()
                if task is not None:
                    task.cancel()
            await asyncio.gather(*filter(None, self._open.values()), return_exceptions=True)
            await asyncio.sleep(0)
        self._server = None

    async def feel(self, mood: Mood) -> None:
        """Take another mood, for connections that are kept too."""
        self.mood = mood

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._open[writer] = asyncio.current_task()
        self.most_open = max(self.most_open, len(self._open))
        try:
            while True:
                head = await reader.readuntil(b"\r\n\r\n")
                self.asked.append(head)
                await self._answer(writer, head)
        except (OSError, EOFError, asyncio.IncompleteReadError, asyncio.CancelledError):
            pass
        finally:
            self._open.pop(writer, None)
            writer.transport.abort()
            with suppress(OSError, asyncio.CancelledError):
                await writer.wait_closed()

    async def _answer(self, writer: asyncio.StreamWriter, head: bytes) -> None:
        match self.mood:
            case Mood.OK:
                self._write(writer, "200 OK", self.body)
            case Mood.MISSING if not head.startswith(b"GET /there"):
                self._write(writer, "404 Not Found", b"nothing")
            case Mood.MISSING:
                self._write(writer, "200 OK", self.body)
            case Mood.ERROR:
                self._write(writer, "500 Broken", b"broken")
            case Mood.HANGING:
                await asyncio.Event().wait()
            case Mood.DRIPPING:
                self._write(writer, "200 OK", b"", length=1000)
                while True:
                    writer.write(b".")
                    await writer.drain()
                    await asyncio.sleep(0.01)
            case Mood.REDIRECTING:
                self._write(writer, "302 Found", b"", f"Location: {REDIRECT}\r\n")
            case Mood.SAME_HOST if head.startswith(b"GET /well"):
                self._write(writer, "200 OK", self.body)
            case Mood.SAME_HOST:
                self._write(writer, "301 Moved", b"", "Location: /well\r\n")
            case Mood.NOT_HTTP:
                writer.write(b"220 mail.example.org ESMTP\r\n" * 3)
            case Mood.CLOSING:
                raise EOFError
        await writer.drain()

    @staticmethod
    def _write(
        writer: asyncio.StreamWriter, status: str, body: bytes, more: str = "", length: int = 0
    ) -> None:
        head = f"HTTP/1.1 {status}\r\n{more}Content-Length: {length or len(body)}\r\n\r\n"
        writer.write(head.encode() + body)
