"""The certificate of DNS over TLS and HTTPS, renewed without a restart."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import structlog

from dnsregistry.servers.sockets import ListenError

_PEM_BEGIN, _PEM_END = "-----BEGIN CERTIFICATE-----", "-----END CERTIFICATE-----"
_UTC_TIME, _VERSION = 0x17, 0xA0
POLL_SECONDS = 1.0
"""Between looks at the files: certificates are renewed by the month, and at once is soon enough."""

log = structlog.get_logger("dnsregistry.servers")
_Stamp = tuple[tuple[int, int, int], ...]


@dataclass(frozen=True, slots=True)
class ClientCa:
    """Who signs client certificates, and whether each client must have one."""

    path: Path
    required: bool

    def apply(self, context: ssl.SSLContext) -> None:
        """Have a context ask for certificates. Raises OSError and ssl.SSLError."""
        context.load_verify_locations(self.path)
        context.verify_mode = ssl.CERT_REQUIRED if self.required else ssl.CERT_OPTIONAL
        # A session that is taken up again would bring a certificate that nobody looks at. Without
        # tickets there is none in TLS 1.3; in what was before it, it cannot be kept away.
        context.minimum_version = ssl.TLSVersion.TLSv1_3
        context.num_tickets = 0

    def look(self) -> _Stamp:
        """What changes when the file does. Raises OSError."""
        stat = self.path.stat()
        return ((stat.st_mtime_ns, stat.st_size, stat.st_ino),)


@dataclass(slots=True)
class _Asking:
    """A context that asks for certificates, and the one that handshakes go on with."""

    context: ssl.SSLContext
    current: ssl.SSLContext
    alpn: Sequence[str]
    clients: ClientCa
    stamp: _Stamp

    def swap(self, connection: ssl.SSLSocket | ssl.SSLObject, *_: object) -> None:
        connection.context = self.current


class Certificate:
    """The files, and the TLS contexts that are loaded from them."""

    def __init__(self, cert: Path, key: Path | None) -> None:
        """Load the files. Raises ListenError."""
        self._cert = cert
        self._key = key
        self._contexts: list[ssl.SSLContext] = []
        self.expires_at = 0.0
        """Unix time at which the first certificate of the file ends."""
        self._asking: list[_Asking] = []
        self._seen: list[_Stamp] = []
        try:
            self._stamp = self._look()
            self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
            self.expires_at = read_end(self._cert)
        except (OSError, ssl.SSLError) as error:
            names = f"TLS_CERT={cert}" if key is None else f"TLS_CERT={cert}, TLS_KEY={key}"
            raise ListenError(f"cannot use {names}: {error}") from None

    def make_context(self, alpn: Sequence[str], clients: ClientCa | None = None) -> ssl.SSLContext:
        """Return a context that offers these protocols and follows the files.

        It asks clients for certificates that `clients` tells. Raises ListenError.
        """
        context = self._make(alpn)
        if clients is None:
            self._contexts.append(context)
            return context
        try:
            stamp = clients.look()
            clients.apply(context)
        except (OSError, ssl.SSLError) as error:
            raise ListenError(f"cannot use TLS_CLIENT_CA={clients.path}: {error}") from None
        asking = _Asking(context, context, alpn, clients, stamp)
        # What a context trusts can only grow; each handshake goes on with the newest context.
        context.sni_callback = asking.swap
        self._asking.append(asking)
        return context

    async def follow(self) -> None:
        """Load the files again when they change, until cancelled; a broken one changes nothing."""
        complaint = ""
        while True:
            await asyncio.sleep(POLL_SECONDS)
            try:
                if self.reload():
                    log.info("certificate reloaded", file=str(self._cert))
                    complaint = ""
            except (OSError, ssl.SSLError) as error:
                if str(error) != complaint:
                    complaint = str(error)
                    log.error("certificate not reloaded", file=str(self._cert), error=complaint)

    def reload(self) -> bool:
        """Load the files where they have changed and kept still since the look before.

        Returns whether they were loaded. Raises OSError and ssl.SSLError; nothing is changed then.
        """
        stamp = self._look()
        stamps = [asking.clients.look() for asking in self._asking]
        seen, self._seen = self._seen, [stamp, *stamps]
        if stamp == self._stamp and stamps == [asking.stamp for asking in self._asking]:
            return False
        # Half a chain would be served, and half a list of authorities would turn clients away.
        if self._seen != seen:
            return False
        self._stamp = stamp
        for asking, looked in zip(self._asking, stamps, strict=True):
            asking.stamp = looked
        # Tried apart first: a context that failed halfway would serve neither.
        self._load(ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER))
        fresh = [self._make(asking.alpn) for asking in self._asking]
        for asking, context in zip(self._asking, fresh, strict=True):
            asking.clients.apply(context)
        for context in self._contexts:
            self._load(context)
        self.expires_at = read_end(self._cert)
        for asking, context in zip(self._asking, fresh, strict=True):
            asking.current = context
        return True

    def _make(self, alpn: Sequence[str]) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.set_alpn_protocols(list(alpn))
        self._load(context)
        return context

    def _load(self, context: ssl.SSLContext) -> None:
        # Without a password of ours OpenSSL would ask the terminal for one, and wait.
        context.load_cert_chain(self._cert, self._key, password="")

    def _look(self) -> _Stamp:
        stats = (path.stat() for path in (self._cert, self._key) if path is not None)
        return tuple((stat.st_mtime_ns, stat.st_size, stat.st_ino) for stat in stats)


def read_end(path: Path) -> float:
    """When the first certificate of a PEM file ends, in unix time; 0 where that cannot be read.

    Python tells it of a peer's certificate alone, so it is read here: the second time in
    TBSCertificate.validity (RFC 5280, 4.1).
    """
    text = path.read_text(encoding="ascii", errors="replace")
    begin = text.find(_PEM_BEGIN)
    end = text.find(_PEM_END, begin)
    try:
        der = ssl.PEM_cert_to_DER_cert(text[begin : end + len(_PEM_END)])
        _, certificate = _take(der)[:2]
        _, fields = _take(certificate)[:2]
        tag, _, rest = _take(fields)
        skipped = 3 if tag == _VERSION else 2
        for _ in range(skipped):
            _, validity, rest = _take(rest)
        _, validity, _ = _take(rest)
        _, _, validity = _take(validity)
        tag, time, _ = _take(validity)
        # A year of two digits lies between 1950 and 2049; Python's own cut is at 1969.
        century = "" if tag != _UTC_TIME else "20" if time < b"5" else "19"
        moment = datetime.strptime(f"{century}{time.decode()}", "%Y%m%d%H%M%SZ")
        return moment.replace(tzinfo=UTC).timestamp()
    except (ValueError, IndexError):
        return 0.0


def _take(der: bytes) -> tuple[int, bytes, bytes]:
    """The tag and content of the first element, and what stands behind it."""
    tag, length, start = der[0], der[1], 2
    if length & 0x80:
        start += length & 0x7F
        length = int.from_bytes(der[2:start])
    if len(der) < start + length:
        raise ValueError("cut short")
    return tag, der[start : start + length], der[start + length :]
