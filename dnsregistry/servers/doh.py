"""DNS over HTTPS (RFC 8484): the same messages in HTTP.

Rules:
- GET with `?dns=` in base64url without padding, POST with the message as the body.
- An answer of any rcode is a 200; its max-age is its smallest TTL (5.1).
- What is no DNS message is a 400, one too long a 413, another media type a 415.
- There is no limit but that of a message: over HTTP as over TCP.
"""

import asyncio
import base64
import binascii

from aiohttp import web

from dnsregistry.answers.access import Client
from dnsregistry.answers.protocol import TCP_OCTETS
from dnsregistry.answers.ttl import smallest_ttl
from dnsregistry.servers.exchange import Exchange

MEDIA_TYPE = "application/dns-message"
PATH = "/dns-query"


class DohServer:
    """The handlers of `/dns-query`."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def get(self, request: web.Request) -> web.Response:
        """Answer the message in the query parameter `dns`."""
        text = request.query.get("dns")
        if text is None:
            raise web.HTTPBadRequest(text="the parameter dns is missing")
        try:
            message = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        except (binascii.Error, ValueError):
            raise web.HTTPBadRequest(text="the parameter dns is no base64url") from None
        return await self._answer(message, request)

    async def post(self, request: web.Request) -> web.Response:
        """Answer the message in the body."""
        if request.content_type != MEDIA_TYPE:
            raise web.HTTPUnsupportedMediaType(text=f"the body is to be {MEDIA_TYPE}")
        if (request.content_length or 0) > TCP_OCTETS:
            raise web.HTTPRequestEntityTooLarge(TCP_OCTETS, request.content_length or 0)
        message = bytearray()
        async for chunk in request.content.iter_any():
            message += chunk
            if len(message) > TCP_OCTETS:
                raise web.HTTPRequestEntityTooLarge(TCP_OCTETS, len(message))
        return await self._answer(bytes(message), request)

    async def _answer(self, message: bytes, request: web.Request) -> web.Response:
        client = Client(request.remote or "::", tcp=True)
        reply = self._exchange.answer(message, client)
        if isinstance(reply, asyncio.Future):
            await asyncio.wait([reply])
            reply = self._exchange.take(reply, message, client)
        if reply is None:
            raise web.HTTPBadRequest(text="that is no DNS query")
        headers = {"Cache-Control": f"max-age={smallest_ttl(reply)}"}
        return web.Response(body=reply, content_type=MEDIA_TYPE, headers=headers)
