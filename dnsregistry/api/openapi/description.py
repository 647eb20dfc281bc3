"""`/openapi.json`: made at the first request, in a thread, and kept."""

import asyncio
import hashlib
from collections.abc import Callable

from aiohttp import web

from dnsregistry.api.replies import JSON, encode


class Description:
    """Serves the document that `build` makes; it is asked once."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._made: tuple[bytes, str] | None = None
        self._making = asyncio.Lock()

    async def get(self, request: web.Request) -> web.Response:
        """The document, or 304 to whoever has it."""
        body, tag = await self._take()
        headers = {**JSON, "ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers={"ETag": headers["ETag"]})
        return web.Response(body=body, headers=headers)

    async def _take(self) -> tuple[bytes, str]:
        async with self._making:
            if self._made is None:
                # A tenth of a second of work, during which DNS is to be answered.
                body = await asyncio.to_thread(lambda: encode(self._build()))
                self._made = body, hashlib.sha256(body).hexdigest()[:32]
        return self._made
