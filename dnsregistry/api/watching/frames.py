"""What goes over a stream: blocks of an event stream (WHATWG HTML, 9.2), and chunks of HTTP/1.1."""

from dataclasses import dataclass

from dnsregistry.api.replies import encode

RETRY_MS = 2000
"""After which a client that lost its stream comes back."""


def write_event(revision: int, kind: str, instance: object) -> bytes:
    """One event; `instance` as JSON has it, None for a reset."""
    data = encode({"revision": revision, "instance": instance})
    # JSON has no line break but the last one.
    return b"id: %d\nevent: %s\ndata: %s\n" % (revision, kind.encode(), data)


def write_reset(revision: int) -> bytes:
    """That changes were missed; who lists now finds all up to this revision or a later one."""
    return write_event(revision, "reset", None)


def write_place(revision: int) -> bytes:
    """Nothing but the place, from which a client goes on whose stream ends here."""
    return b":\nid: %d\n\n" % revision


def write_opening(revision: int, *, is_gap: bool) -> bytes:
    """The first block."""
    retry = b"retry: %d\n" % RETRY_MS
    return retry + (write_reset(revision) if is_gap else b"id: %d\n\n" % revision)


@dataclass(frozen=True, slots=True)
class Piece:
    """Blocks that go out together, as one chunk, and the position behind their last event."""

    chunk: bytes
    events: int
    end: int

    @classmethod
    def of(cls, blocks: bytes, events: int, end: int) -> "Piece":
        """Put them in the frame of a chunk (RFC 9112, 7.1)."""
        return cls(b"%x\r\n%s\r\n" % (len(blocks), blocks), events, end)

    def plain(self) -> bytes:
        """The blocks alone, for a client of HTTP/1.0."""
        start = self.chunk.index(b"\r\n") + 2
        return self.chunk[start:-2]
