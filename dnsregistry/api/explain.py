"""Why DNS answers as it does."""

from collections.abc import Awaitable, Callable, Mapping

from aiohttp import web

from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem
from dnsregistry.api.query import read_query
from dnsregistry.api.replies import reply
from dnsregistry.registry.errors import InvalidField

PATH = "/v1/dns/explain"
LOOPBACK = "127.0.0.1"

Explain = Callable[[Mapping[str, str], str], Awaitable[Mapping[str, object]]]
"""Explains the question that parameters in text make, for the address that asks. Raises
InvalidField, which names one of them."""


class Explanations:
    """The handler of /v1/dns/explain; `parameters` are those that `explain` knows."""

    def __init__(self, explain: Explain, parameters: tuple[str, ...]) -> None:
        self._explain = explain
        self._parameters = parameters

    async def get(self, request: web.Request) -> web.Response:
        """One question, its answer and the way to it."""
        given = read_query(request, *self._parameters)
        try:
            return reply(await self._explain(given, request.remote or LOOPBACK))
        except InvalidField as error:
            fault = Fault(error.field, error.rule)
            raise Problem(INVALID_QUERY, faults=[fault]) from None
