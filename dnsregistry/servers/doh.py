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
from dataclasses import dataclass

from aiohttp import web

from dnsregistry.answers.access import Client, Transport
from dnsregistry.answers.protocol import TCP_OCTETS
from dnsregistry.answers.ttl import smallest_ttl
from dnsregistry.api.body import read_body
from dnsregistry.api.problems import INVALID_DNS, OTHER_MEDIA_TYPE, Problem
from dnsregistry.servers.exchange import Exchange

MEDIA_TYPE = "application/dns-message"
PATH = "/dns-query"
PATIENCE = 20.0
"""Seconds of grace for a body: one lost packet and its retransmissions on a bad line."""


class DohFault(Exception):
    """A request that gets no DNS answer: the HTTP status and one sentence."""

    def __init__(self, status: int, reason: str) -> None:
        super().__init__(reason)
        self.status = status
        self.reason = reason


@dataclass(frozen=True, slots=True)
class DohReply:
    """A DNS message, and for how many seconds a cache may keep it."""

    message: bytes
    max_age: int


def read_parameter(text: str | None) -> bytes:
    """Return the message in the parameter `dns` of a GET. Raises DohFault."""
    if text is None:
        raise DohFault(400, "the parameter dns is missing")
    try:
        return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
    except (binascii.Error, ValueError):
        raise DohFault(400, "the parameter dns is no base64url") from None


def check_body(media_type: str, octets: int) -> None:
    """Turn away a POST by its media type, or by the octets that came so far. Raises DohFault."""
    if media_type != MEDIA_TYPE:
        raise DohFault(415, f"the body is to be {MEDIA_TYPE}")
    if octets > TCP_OCTETS:
        raise DohFault(413, f"a DNS message has at most {TCP_OCTETS} octets")


async def answer(exchange: Exchange, message: bytes, address: str) -> DohReply:
    """Return the reply to a message. Raises DohFault where it gets none."""
    client = Client(address, tcp=True, over=Transport.DOH)
    reply = exchange.answer(message, client)
    if isinstance(reply, asyncio.Future):
        await asyncio.wait([reply])
        reply = exchange.take(reply, message, client)
    if reply is None:
        raise DohFault(400, "that is no DNS query")
    return DohReply(reply, smallest_ttl(reply))


class DohServer:
    """The handlers of `/dns-query` over HTTP/1.1, with or without TLS."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def get(self, request: web.Request) -> web.Response:
        """Answer the message in the query parameter `dns`."""
        try:
            message = read_parameter(request.query.get("dns"))
        except DohFault as fault:
            raise _problem(fault) from None
        return await self._answer(message, request)

    async def post(self, request: web.Request) -> web.Response:
        """Answer the message in the body."""
        try:
            check_body(request.content_type, 0)
        except DohFault as fault:
            raise _problem(fault) from None
        message = await read_body(request, limit=TCP_OCTETS, patience=PATIENCE)
        return await self._answer(bytes(message), request)

    async def _answer(self, message: bytes, request: web.Request) -> web.Response:
        try:
            reply = await answer(self._exchange, message, request.remote or "::")
        except DohFault as fault:
            raise _problem(fault) from None
        headers = {"Cache-Control": f"max-age={reply.max_age}"}
        return web.Response(body=reply.message, content_type=MEDIA_TYPE, headers=headers)


def _problem(fault: DohFault) -> Problem:
    return Problem(OTHER_MEDIA_TYPE if fault.status == 415 else INVALID_DNS, fault.reason)
