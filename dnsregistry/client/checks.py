"""Checks in short: `http:///health` for what a registration says at length."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit


def read_check(text: str | Mapping[str, Any]) -> dict[str, Any]:
    """The check that a text names; a mapping is taken as it is.

    - `http:///health`: that path of the instance itself; with a host, that URL. `https` as well.
    - `tcp://`: the instance's port; `tcp://host:port` another.
    - `grpc://`: the instance's port by gRPC's health protocol.
    - `heartbeat://`: healthy while heartbeats come.

    Raises ValueError with a sentence.
    """
    if not isinstance(text, str):
        return dict(text)
    try:
        parts = urlsplit(text)
    except ValueError as error:
        raise ValueError(f"{text!r} is no check: {error}") from None
    scheme, place, path = parts.scheme, parts.netloc, parts.path
    if scheme in ("http", "https"):
        if place:
            return {"type": scheme, "url": text}
        if path:
            return {"type": scheme, "path": f"{path}?{parts.query}" if parts.query else path}
    elif scheme == "tcp" and not path:
        return {"type": "tcp", "address": place} if place else {"type": "tcp"}
    elif scheme in ("grpc", "heartbeat") and not place and not path:
        return {"type": scheme}
    raise ValueError(
        f"{text!r} is no check; it is one of http:///path, http://host:port/path, tcp://,"
        " tcp://host:port, grpc:// and heartbeat://"
    )
