"""Web pages of other origins: which may read and write, and what their browsers are told.

A page of any site can make its visitor's browser send a POST to an address that only the visitor
reaches. So a request that may change something is taken from the pages of the origins that are
configured, from our own address, and from what is no page; from nobody else. Origins that are
configured get the CORS headers (Fetch standard, 3.2) on every answer, errors too.
"""

from collections.abc import Mapping

from aiohttp import web

from dnsregistry.access.origins import ANY
from dnsregistry.api.origin import SAFE_METHODS, check_origin

PREFLIGHT_SECONDS = 600
"""How long a browser may keep a preflight's answer: the least that all browsers allow."""
EXPOSED = "ETag, Link, Location, Retry-After, WWW-Authenticate, X-Registry-Revision"
"""What pages may read beside the few headers that they always may (Fetch standard, 3.2.3)."""


class Cors:
    """The origins whose pages are let in: `http://localhost:3000`, or `*` for all."""

    def __init__(self, origins: tuple[str, ...]) -> None:
        self._origins = frozenset(origins)

    @property
    def is_open(self) -> bool:
        """Whether pages of any origin at all are let in."""
        return bool(self._origins)

    def allows(self, origin: str | None) -> bool:
        """Whether pages of this origin are let in."""
        return origin is not None and (ANY in self._origins or origin.lower() in self._origins)

    def check(self, request: web.Request) -> None:
        """Raise Problem 403 for a write that a page sends which is not let in."""
        headers = request.headers
        origin = headers.get("Origin")
        if request.method not in SAFE_METHODS and not self.allows(origin):
            site = headers.get("Sec-Fetch-Site", "none")
            check_origin(headers.get("Host", ""), origin, site)

    def is_preflight(self, request: web.Request) -> bool:
        """Whether a browser asks what a page may send."""
        return request.method == "OPTIONS" and "Access-Control-Request-Method" in request.headers

    def answer_preflight(self, request: web.Request) -> web.Response:
        """What the page may send: nothing, unless its origin is let in."""
        headers: dict[str, str] = {}
        if self.allows(request.headers.get("Origin")):
            headers = {
                "Access-Control-Allow-Methods": "GET, HEAD, POST, PUT, DELETE",
                "Access-Control-Allow-Headers": request.headers.get(
                    "Access-Control-Request-Headers", "Content-Type"
                ),
                "Access-Control-Max-Age": str(PREFLIGHT_SECONDS),
            }
        return web.Response(status=204, headers=headers)

    async def add_marks(self, request: web.Request, response: web.StreamResponse) -> None:
        """Have an answer carry the headers, before it is sent."""
        response.headers.update(self.mark(request, response.headers))

    def mark(self, request: web.Request, headers: Mapping[str, str]) -> dict[str, str]:
        """The headers that go with the answer, added to what it has."""
        if not self._origins:
            return {}
        marks = {"Vary": f"{headers['Vary']}, Origin" if "Vary" in headers else "Origin"}
        origin = request.headers.get("Origin")
        if origin is not None and self.allows(origin):
            marks["Access-Control-Allow-Origin"] = origin
            marks["Access-Control-Expose-Headers"] = EXPOSED
        return marks


NO_PAGES = Cors(())
"""Lets in none but our own."""
