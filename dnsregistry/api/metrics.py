"""`/metrics`, on whichever port."""

from collections.abc import Callable

from aiohttp import web
from aiohttp.typedefs import Handler

PATH = "/metrics"

Render = Callable[[str], tuple[bytes, str]]
"""From an Accept header to the metrics' text and its content type."""


def serve_metrics(render: Render) -> Handler:
    """A handler that tells the metrics."""

    async def get(request: web.Request) -> web.Response:
        text, content_type = render(request.headers.get("Accept", ""))
        return web.Response(body=text, headers={"Content-Type": content_type})

    return get
