"""The scanner dialect's port: JSON over TCP, and the same queries by HTTP POST."""

import asyncio
import logging
from time import perf_counter

from aiohttp import web

from dnsregistry.api.body import read_body
from dnsregistry.api.connection import Runner
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.entrance import Entrance, MakeProtocol, opens_http
from dnsregistry.api.dialects.http import SHUTDOWN_SECONDS, build_application, problem_of
from dnsregistry.api.dialects.room import Room
from dnsregistry.api.dialects.scanner.conversation import Conversation
from dnsregistry.api.dialects.scanner.queries import Queries
from dnsregistry.api.problems import INTERNAL_ERROR, Problem
from dnsregistry.api.replies import JSON, encode, reply

_log = logging.getLogger(__name__)


def tell(problem: Problem) -> web.Response:
    """An error over HTTP."""
    return reply(_describe(problem), problem.kind.status, problem.headers)


def write_error(problem: Problem) -> bytes:
    """An error over TCP."""
    return encode(_describe(problem))


class ScannerListener:
    """Serves the dialect on its socket."""

    def __init__(self, context: Context) -> None:
        self._api = context.api
        self._tally = context.tally
        self._queries = Queries(context.api)
        self._room = Room()
        routes = [("POST", "/", self._answer_post)]
        application = build_application(routes, tell, Cors(()), context.tally)
        self._runner = Runner(application, tell=tell, shutdown_timeout=SHUTDOWN_SECONDS)
        self._entrance = Entrance(context.sock, self._choose, self._room)

    async def start(self) -> None:
        """Accept from now on."""
        await self._runner.setup()
        await self._entrance.start()

    async def stop(self) -> None:
        """Take no more, end what is on its way, close."""
        await self._entrance.stop()
        await self._runner.cleanup()

    def _choose(self, octets: bytes) -> MakeProtocol | None:
        speaks_http = opens_http(octets)
        if speaks_http is None:
            return None
        return self._runner.server if speaks_http else self._converse

    def _converse(self) -> asyncio.Protocol:
        return Conversation(self._answer, self._refuse, self._room)

    async def _answer(self, query: bytes) -> bytes:
        """The answer to a query over TCP; whatever goes wrong is an error in it."""
        began = perf_counter()
        try:
            self._tally.queries += 1
            return await self._queries.answer(query)
        except Exception as error:  # noqa: BLE001 - one query must not hurt the next
            problem = problem_of(error)
            if problem.kind is not INTERNAL_ERROR:
                return self._refuse(problem)
            self._tally.internal_errors += 1
            _log.error("a query failed", exc_info=error)
            return write_error(problem)
        finally:
            self._tally.note_time(perf_counter() - began)

    def _refuse(self, problem: Problem) -> bytes:
        self._tally.refused += 1
        return write_error(problem)

    async def _answer_post(self, request: web.Request) -> web.Response:
        api = self._api
        body = await read_body(request, limit=api.body_limit, patience=api.body_patience)
        self._tally.queries += 1
        return web.Response(body=await self._queries.answer(body), headers=JSON)


def _describe(problem: Problem) -> dict[str, object]:
    return {"error": problem.detail or problem.kind.title}
