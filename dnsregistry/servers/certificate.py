"""The certificate of DNS over TLS and HTTPS, renewed without a restart."""

import asyncio
import ssl
from collections.abc import Sequence
from pathlib import Path

import structlog

from dnsregistry.servers.sockets import ListenError

POLL_SECONDS = 1.0
"""Between looks at the files: certificates are renewed by the month, and at once is soon enough."""

log = structlog.get_logger("dnsregistry.servers")
_Stamp = tuple[tuple[int, int, int], ...]


class Certificate:
    """The files, and the TLS contexts that are loaded from them."""

    def __init__(self, cert: Path, key: Path | None) -> None:
        """Load the files. Raises ListenError."""
        self._cert = cert
        self._key = key
        self._contexts: list[ssl.SSLContext] = []
        try:
            self._stamp = self._look()
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        except (OSError, ssl.SSLError) as error:
            names = f"TLS_CERT={cert}" if key is None else f"TLS_CERT={cert}, TLS_KEY={key}"
            raise ListenError(f"cannot use {names}: {error}") from None

    def make_context(self, alpn: Sequence[str]) -> ssl.SSLContext:
        """Return a context that offers these protocols and follows the files."""
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(alpn))
        self._load(context)
        self._contexts.append(context)
        return context

    async def follow(self) -> None:
        """Load the files again when they change, until cancelled; a broken one changes nothing."""
        complaint = ""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                if self._reload():
                    log.info("certificate reloaded", file=str(self._cert))
                    complaint = ""
            except (OSError, ssl.SSLError) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    log.error("certificate not reloaded", file=str(self._cert), error=complaint)

    def _reload(self) -> bool:
        stamp = self._look()
        if stamp == self._stamp:
            return False
        self._stamp = stamp
        # Tried apart first: a context that failed halfway would serve neither.
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        for context in self._contexts:
            self._load(context)
        return True

    def _load(self, context: ssl.SSLContext) -> None:
        # Without a password of ours OpenSSL would ask the terminal for one, and wait.
        context.load_cert_chain(self._cert, self._key, password="")

    def _look(self) -> _Stamp:
        stats = (path.stat() for path in (self._cert, self._key) if path is not None)
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)
