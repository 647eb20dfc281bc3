"""One message in, at most one out, whatever happens in between."""

import asyncio

import structlog

from dnsregistry.answers.access import Client
from dnsregistry.answers.responder import Reply, Responder

MOST_LOGGED = 512
"""Octets of a message that go into the log: all of any query that a client sends in earnest."""

log = structlog.get_logger("dnsregistry.servers")


class Exchange:
    """The last line of defence: an error of ours costs its own query a SERVFAIL, no other one."""

    def __init__(self, responder: Responder) -> None:
        self.tally = responder.tally
        self._responder = responder

    def answer(self, message: bytes, client: Client) -> Reply:
        """Return the reply to a message, or a future of it; None where it gets none."""
        if client.tcp:
            self.tally.tcp += 1
        else:
            self.tally.udp += 1
        try:
            return self._responder.respond(message, client)
        except Exception:  # noqa: BLE001 - logged and counted in _fail
            return self._fail(message, client)

    def take(self, reply: asyncio.Future[bytes], message: bytes, client: Client) -> bytes | None:
        """Return the reply that came later; None where it was withdrawn."""
        if reply.cancelled():
            return None
        try:
            return reply.result()
        except Exception:  # noqa: BLE001 - logged and counted in _fail
            return self._fail(message, client)

    def _fail(self, message: bytes, client: Client) -> bytes | None:
        self.tally.faults += 1
        log.exception("query failed", client=client.address, message=message[:MOST_LOGGED].hex())
        return self._responder.fail(message)
