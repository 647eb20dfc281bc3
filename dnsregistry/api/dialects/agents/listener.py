"""The agents dialect's port, on which ZeroMQ and HTTP are told apart, and its health port."""

import logging
import resource
from random import random
from time import perf_counter

from aiohttp import web

from dnsregistry.api.connection import Runner
from dnsregistry.api.cors import Cors
from dnsregistry.api.dialects.agents.actions import Actions
from dnsregistry.api.dialects.agents.router import Router
from dnsregistry.api.dialects.agents.splice import Budget, Splice
from dnsregistry.api.dialects.dialect import Context
from dnsregistry.api.dialects.entrance import Entrance, MakeProtocol, opens_http
from dnsregistry.api.dialects.http import (
    SHUTDOWN_SECONDS,
    HttpListener,
    Route,
    build_application,
    problem_of,
    read_object,
)
from dnsregistry.api.dialects.room import Room
from dnsregistry.api.jsontext import parse_object
from dnsregistry.api.problems import BODY_TOO_LARGE, INTERNAL_ERROR, Problem
from dnsregistry.api.replies import encode, reply

GREETING = 0xFF
"""The first octet of every ZeroMQ greeting since version 2 (ZMTP 3.1, 2.2)."""
MOST_SPLICED = 4000
"""Agents that stay connected. Each takes three open files, and one too many makes the one that was
silent longest come again."""

_log = logging.getLogger(__name__)


def tell(problem: Problem) -> web.Response:
    """An error over HTTP."""
    return reply(_describe(problem), problem.kind.status, problem.headers)


class AgentsListener:
    """Serves the dialect on its sockets."""

    def __init__(self, context: Context) -> None:
        self._limit = context.api.body_limit
        self._api = context.api
        self._tally = context.tally
        self._actions = Actions(context, random)
        self._router = Router(self._answer)
        self._newcomers = Room()
        self._agents = Room(_count_spliced())
        self._budget = Budget()
        application = self._build([("POST", "/", self._answer_post)])
        self._runner = Runner(application, tell=tell, shutdown_timeout=SHUTDOWN_SECONDS)
        self._entrance = Entrance(context.sock, self._choose, self._newcomers)
        health = self._build([("GET", "/health", self._answer_health)])
        self._health = HttpListener(health, context.others["health"], tell)

    async def start(self) -> None:
        """Accept from now on."""
        self._path = await self._router.start()
        await self._runner.setup()
        await self._entrance.start()
        await self._health.start()

    async def stop(self) -> None:
        """Take no more, end what is on its way, close."""
        await self._health.stop()
        await self._entrance.stop()
        await self._agents.clear()
        await self._runner.cleanup()
        await self._router.stop()

    def _build(self, routes: list[Route]) -> web.Application:
        return build_application(routes, tell, Cors(()), self._tally)

    def _choose(self, octets: bytes) -> MakeProtocol | None:
        if octets[0] == GREETING:
            return lambda: Splice(self._path, self._agents, self._budget)
        if opens_http(octets) is None:
            return None
        # What is neither gets HTTP's answer to what it cannot read.
        return self._runner.server

    async def _answer(self, message: bytes) -> bytes:
        """The answer to a message over ZeroMQ; whatever goes wrong is an error in it."""
        began = perf_counter()
        try:
            if len(message) > self._limit:
                raise Problem(BODY_TOO_LARGE, f"the message is longer than {self._limit} octets")
            return encode(await self._actions.perform(parse_object(message))).rstrip()
        except Exception as error:  # noqa: BLE001 - one message must not hurt the next
            problem = problem_of(error)
            if problem.kind is INTERNAL_ERROR:
                self._tally.internal_errors += 1
                _log.error("a message failed", exc_info=error)
            else:
                self._tally.refused += 1
            return encode(_describe(problem)).rstrip()
        finally:
            self._tally.note_time(perf_counter() - began)

    async def _answer_post(self, request: web.Request) -> web.Response:
        return reply(await self._actions.perform(await read_object(self._api, request)))

    async def _answer_health(self, _request: web.Request) -> web.Response:
        return reply(self._actions.tell_health())


def _describe(problem: Problem) -> dict[str, object]:
    return {"status": "error", "message": problem.detail or problem.kind.title}


def _count_spliced() -> int:
    """How many agents may stay connected, with the open files that may be had."""
    return min(MOST_SPLICED, resource.getrlimit(resource.RLIMIT_NOFILE)[0] // 6)
