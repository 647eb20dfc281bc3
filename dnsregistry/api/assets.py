"""Files of the package that pages are made of, by their names in one folder.

Rules:
- The folder is listed once: what is not in the list is not found, whatever its name says.
- A file whose name ends in `.gz` goes out as it lies to whoever takes gzip.
- It is kept after its first request, with a tag of its content by which browsers ask again.
"""

import asyncio
import gzip
import hashlib
import re
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path, PurePath

from aiohttp import web

from dnsregistry.api.pagesafety import FILE_HEADERS, PAGE_HEADERS

TYPES: Mapping[str, str] = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".mjs": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
    ".png": "image/png",
    ".txt": "text/plain; charset=utf-8",
}
"""Content types by the end of the name. What ends in another way is not served."""
_NONE = re.compile(r"\s*q\s*=\s*0(\.0*)?\s*")


@dataclass(frozen=True, slots=True)
class _Content:
    octets: bytes
    tag: str


class Assets:
    """The files of one folder that have a known type."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._paths: Mapping[str, Path] | None = None
        self._read: dict[Path, _Content] = {}

    async def reply(self, name: str, request: web.Request) -> web.Response:
        """The file of that name, or 304 to whoever has it. Raises HTTPNotFound."""
        path = await self._find(name)
        content = await self._take(path)
        headers = {**_headers(name), "Cache-Control": "no-cache"}
        octets, tag, is_unpacked = content.octets, content.tag, False
        if path.suffix == ".gz":
            headers["Vary"] = "Accept-Encoding"
            is_unpacked = not _takes_gzip(request)
            if is_unpacked:
                # Other octets are another representation (RFC 9110, 8.8.3).
                tag = f"{tag}-plain"
            else:
                headers["Content-Encoding"] = "gzip"
        headers["ETag"] = f'"{tag}"'
        if any(known.value in (tag, "*") for known in request.if_none_match or ()):
            return web.Response(status=304, headers=headers)
        if is_unpacked:
            octets = await asyncio.to_thread(gzip.decompress, octets)
        return web.Response(body=octets, headers=headers)

    async def _find(self, name: str) -> Path:
        if self._paths is None:
            self._paths = await asyncio.to_thread(_list_files, self._folder)
        path = self._paths.get(name)
        if path is None:
            raise web.HTTPNotFound
        return path

    async def _take(self, path: Path) -> _Content:
        if path not in self._read:
            octets = await asyncio.to_thread(path.read_bytes)
            self._read[path] = _Content(octets, hashlib.sha256(octets).hexdigest()[:32])
        return self._read[path]


def _takes_gzip(request: web.Request) -> bool:
    """Whether it is named, and not with a weight of 0 (RFC 9110, 12.5.3)."""
    codings = request.headers.get("Accept-Encoding", "").lower().split(",")
    parted = (coding.partition(";") for coding in codings)
    weights = [weight for name, _, weight in parted if name.strip() == "gzip"]
    return bool(weights) and not all(map(_NONE.fullmatch, weights))


def _list_files(folder: Path) -> Mapping[str, Path]:
    files = {path.name.removesuffix(".gz"): path for path in folder.iterdir() if path.is_file()}
    return {name: path for name, path in files.items() if PurePath(name).suffix in TYPES}


def _headers(name: str) -> dict[str, str]:
    suffix = PurePath(name).suffix
    return {
        **(PAGE_HEADERS if suffix == ".html" else FILE_HEADERS),
        "Content-Type": TYPES[suffix],
    }
