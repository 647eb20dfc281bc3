"""`/openapi.json`, made at the first request, and `/docs`, the page that shows it."""

import asyncio
import hashlib
from collections.abc import Callable
from pathlib import Path

from aiohttp import web

from dnsregistry.api.assets import Assets
from dnsregistry.api.replies import JSON, encode

_HERE = Path(__file__).parent


class Description:
    """Serves the document that `build` makes; it is asked once, in a thread."""

    def __init__(self, build: Callable[[], object]) -> None:
        self._build = build
        self._made: tuple[bytes, str] | None = None
        self._making = asyncio.Lock()
        self._pages = Assets(_HERE / "pages")
        self._assets = Assets(_HERE / "assets")

    async def get_document(self, request: web.Request) -> web.Response:
        """The document, or 304 to whoever has it."""
        body, tag = await self._take()
        headers = {**JSON, "ETag": f'"{tag}"', "Cache-Control": "no-cache"}
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        return web.Response(body=body, headers=headers)

    async def get_page(self, request: web.Request) -> web.Response:
        """The page."""
        return await self._pages.reply("docs.html", request)

    async def get_asset(self, request: web.Request) -> web.Response:
        """A file that the page is made of."""
        return await self._assets.reply(request.match_info["file"], request)

    async def _take(self) -> tuple[bytes, str]:
        async with self._making:
            if self._made is None:
                # A tenth of a second of work, during which DNS is to be answered.
                body = await asyncio.to_thread(lambda: encode(self._build()))
                self._made = body, hashlib.sha256(body).hexdigest()[:32]
        return self._made
