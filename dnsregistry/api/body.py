"""A request's body, read no further than it is allowed to go.

Rules:
- The limit holds while reading, for what comes out of a Content-Encoding too.
- The first octet that is not space tells an array from all else; only arrays get the larger
  limit.
- A sender has a grace period and then must have kept up a least rate: a trickle of octets
  holds a connection for a bounded time.
"""

import asyncio
import re

from aiohttp import web

from dnsregistry.api.problems import BODY_TOO_LARGE, BODY_TOO_SLOW, INVALID_BODY, Problem

LEAST_RATE = 16 * 1024
"""Octets a second: the slowest of mobile links does better."""

_SPACE = b" \t\r\n"
_ARRAY = re.compile(rb"[ \t\r\n]*\[")


def opens_array(body: bytes | bytearray) -> bool:
    """Whether JSON text that begins like this is an array."""
    return _ARRAY.match(body) is not None


async def read_body(
    request: web.Request, *, limit: int, patience: float, array_limit: int | None = None
) -> bytearray:
    """Read it all. Without an `array_limit` arrays have no limit of their own.

    Raises Problem: 413 beyond the limit, 408 for a slow sender, 400 for a body that breaks off.
    """
    if request.content.is_eof() and request.content.exception() is None:
        return _take_whole(request, limit, array_limit)
    body = bytearray()
    bound = limit
    opened = False
    _check_length(request.content_length or 0, max(limit, array_limit or 0))
    try:
        async with asyncio.timeout(patience) as deadline:
            start = asyncio.get_running_loop().time()
            while chunk := await request.content.readany():
                body += chunk
                if array_limit is not None and not opened and (text := chunk.lstrip(_SPACE)):
                    opened = True
                    bound = array_limit if opens_array(text) else limit
                    _check_length(request.content_length or 0, bound)
                _check_length(len(body), bound)
                deadline.reschedule(start + patience + len(body) / LEAST_RATE)
    except TimeoutError:
        raise Problem(
            BODY_TOO_SLOW,
            f"after {len(body)} octets the sender fell behind {LEAST_RATE} octets a second",
        ) from None
    except (web.RequestPayloadError, OSError) as error:
        raise Problem(INVALID_BODY, f"the body breaks off after {len(body)} octets") from error
    return body


def _take_whole(request: web.Request, limit: int, array_limit: int | None) -> bytearray:
    """A body that came with the request's head: there is nobody to be patient with."""
    body = bytearray(request.content.read_nowait())
    is_array = array_limit is not None and opens_array(body)
    _check_length(len(body), array_limit if is_array and array_limit is not None else limit)
    return body


def _check_length(length: int, bound: int) -> None:
    if length > bound:
        raise Problem(BODY_TOO_LARGE, f"the body is longer than {bound} octets")
