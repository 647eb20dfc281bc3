"""The frame in which every list of instances comes, written without holding up the event loop."""

from collections.abc import Mapping, Sequence

from aiohttp import web
from aiohttp.abc import AbstractStreamWriter
from aiohttp.payload import Payload

from dnsregistry.api.context import Api
from dnsregistry.api.replies import JSON, REVISION, describe, encode
from dnsregistry.registry.lease import Lease
from dnsregistry.turns import take_turns

PIECE = 256 * 1024
"""Octets handed to the connection at once: what it cannot send at once it copies."""


class _Pieces(Payload):
    """A long body of known length, sent as fast as the peer takes it."""

    def __init__(self, body: bytearray) -> None:
        super().__init__(body)
        self._size = len(body)

    async def write(self, writer: AbstractStreamWriter) -> None:
        """Send it, letting the event loop turn."""
        octets = memoryview(self._value)
        async for at in take_turns(range(0, len(octets), PIECE)):
            await writer.write(octets[at : at + PIECE])

    def decode(self, encoding: str = "utf-8", errors: str = "strict") -> str:
        """Its text."""
        return bytes(self._value).decode(encoding, errors)


async def reply_instances(
    api: Api,
    leases: Sequence[Lease],
    *,
    next_cursor: str | None,
    revision: int,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    before: Mapping[str, object] | None = None,
) -> web.Response:
    """The leases as a JSON answer, after the members `before`.

    `revision` is that at which the leases were found: each is told as it is when it is written,
    so that whoever follows the changes from there misses none.
    """
    body = bytearray(b"{")
    if before:
        body += _members(before) + b","
    body += b'"instances":['
    mark = b""
    async for lease in take_turns(leases):
        body += mark
        body += encode(describe(lease, api.dns_names(lease.instance), api.desk)).rstrip()
        mark = b","
    body += b"]," + _members({"next_cursor": next_cursor, "revision": revision}) + b"}\n"
    given = {**(headers or {}), **JSON, REVISION: str(revision)}
    return web.Response(body=_Pieces(body), status=status, headers=given)


def _members(value: Mapping[str, object]) -> bytes:
    return encode(value).strip()[1:-1]
