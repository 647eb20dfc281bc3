"""One message in, at most one out, whatever happens in between."""

import asyncio
from functools import partial
from time import perf_counter

import structlog

from dnsregistry.answers.access import Client, Transport
from dnsregistry.answers.responder import Reply, Responder
from dnsregistry.answers.tally import Path
from dnsregistry.servers.querylog import QueryLog

MOST_LOGGED = 512
"""Octets of a message that go into the log: all of any query that a client sends in earnest."""

log = structlog.get_logger("dnsregistry.servers")


class Exchange:
    """The last line of defence: an error of ours costs its own query a SERVFAIL, no other one."""

    def __init__(self, responder: Responder, queries: QueryLog | None = None) -> None:
        """`queries` hears of every answer from here."""
        self.tally = responder.tally
        self._responder = responder
        self._queries = queries

    def answer(self, message: bytes, client: Client) -> Reply:
        """Return the reply to a message, or a future of it; None where it gets none."""
        self._count(client)
        began = perf_counter()
        try:
            reply = self._responder.respond(message, client)
        except Exception:  # noqa: BLE001 - logged and counted in _fail
            reply = self._fail(message, client)
        if isinstance(reply, bytes):
            self._note(message, client, self._responder.path, began, reply)
        elif reply is not None:
            reply.add_done_callback(partial(self._note_later, message, client, began))
        return reply

    def prepare(self, message: bytes, client: Client) -> None:
        """Have the table hold the answer to a message without options, which nobody waits for."""
        try:
            self._responder.prepare(message, client)
        except Exception:  # noqa: BLE001 - logged and counted in _note_fault
            self._note_fault(message, client)

    def take(self, reply: asyncio.Future[bytes], message: bytes, client: Client) -> bytes | None:
        """Return the reply that came later; None where it was withdrawn."""
        if reply.cancelled():
            return None
        try:
            return reply.result()
        except Exception:  # noqa: BLE001 - logged and counted in _fail
            return self._fail(message, client)

    def _count(self, client: Client) -> None:
        tally = self.tally
        if not client.tcp:
            tally.udp += 1
        elif client.over is Transport.DOT:
            tally.dot += 1
        elif client.over is Transport.DOH:
            tally.doh += 1
        else:
            tally.tcp += 1

    def _note(self, message: bytes, client: Client, path: Path, began: float, reply: bytes) -> None:
        took = perf_counter() - began
        self.tally.times[path].note(took)
        if self._queries is not None:
            self._queries.note(message, reply, client, path, took)

    def _note_later(
        self, message: bytes, client: Client, began: float, reply: asyncio.Future[bytes]
    ) -> None:
        if not reply.cancelled() and reply.exception() is None:
            self._note(message, client, Path.FORWARD, began, reply.result())

    def _fail(self, message: bytes, client: Client) -> bytes | None:
        self._note_fault(message, client)
        return self._responder.fail(message)

    def _note_fault(self, message: bytes, client: Client) -> None:
        self.tally.faults += 1
        log.exception("query failed", client=client.address, message=message[:MOST_LOGGED].hex())
