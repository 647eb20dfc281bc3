"""Origins of web pages, as settings have them (RFC 6454, 6.2)."""

import re

ANY = "*"
_ORIGIN = re.compile(r"[a-z][a-z0-9+.-]*://(?:[a-z0-9._-]+|\[[0-9a-f:.]+\])(?::[0-9]{1,5})?")


def parse_origin(text: str) -> str:
    """The origin as browsers write it: lower case, no path. Raises ValueError."""
    origin = text.lower().removesuffix("/")
    if origin != ANY and not _ORIGIN.fullmatch(origin):
        raise ValueError(f"{text!r} is no origin such as http://localhost:3000")
    return origin
