"""Web pages of others: what a browser sends in their name changes nothing here.

A page of any site can make its visitor's browser send a POST to an address that only the
visitor reaches; a plain form needs nobody's leave. Browsers tell whose page it is, in `Origin`
(RFC 6454, 7) and `Sec-Fetch-Site`. Other programs send neither.
"""

import re
from collections.abc import Callable
from functools import wraps
from ipaddress import ip_address

from aiohttp import web
from aiohttp.typedefs import Handler

from dnsregistry.api.problems import CROSS_ORIGIN, Problem

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
_OWN_SITES = frozenset({"same-origin", "none"})
_HOST = re.compile(r"(?:\[([0-9a-fA-F:.]+)\]|([^\[\]:]+))(?::[0-9]+)?")


def refuse_pages(
    method: str, handler: Handler, allows: Callable[[str], bool] = lambda _: False
) -> Handler:
    """The handler, closed to pages of another origin where the method may change something.

    `allows` tells the origins whose pages are let in all the same.
    """
    if method in SAFE_METHODS:
        return handler

    @wraps(handler)
    async def answer(request: web.Request) -> web.StreamResponse:
        check_page(request, allows)
        return await handler(request)

    return answer


def check_page(request: web.Request, allows: Callable[[str], bool]) -> None:
    """Raise Problem 403 for what a page of another origin sent, unless `allows` lets it in."""
    headers = request.headers
    origin = headers.get("Origin")
    if origin is None or not allows(origin):
        check_origin(headers.get("Host", ""), origin, headers.get("Sec-Fetch-Site", "none"))


def check_origin(host: str, origin: str | None, site: str = "none") -> None:
    """Raise Problem 403 for what a page of another origin sent.

    A page under a host name is none of ours: a name can be made to lead to our address.
    """
    if site not in _OWN_SITES:
        raise Problem(CROSS_ORIGIN, "Sec-Fetch-Site must be same-origin or none, or left out")
    if origin is None:
        return
    if origin not in (f"http://{host}", f"https://{host}") or not _is_address(host):
        raise Problem(
            CROSS_ORIGIN,
            "Origin must be http:// or https:// and the Host of the request, which must be an IP"
            " address or localhost; or left out",
        )


def _is_address(host: str) -> bool:
    match = _HOST.fullmatch(host)
    if match is None:
        return False
    if match[2] == "localhost":
        return True
    try:
        return ip_address(match[1] or match[2]).version == (6 if match[1] else 4)
    except ValueError:
        return False
