"""The request that is being answered, as every log line of it names it.

A client may name its request in `X-Request-Id`; whoever sends none, or one that has no business in
a log, gets one of ours. It is sent back with the answer.
"""

import re
import secrets
from contextvars import ContextVar
from itertools import count

HEADER = "X-Request-Id"
MOST_OCTETS = 128

current: ContextVar[str] = ContextVar("request_id", default="")
"""The id of the request that this task answers; empty beside requests."""

_SANE = re.compile(rf"[A-Za-z0-9._:/+=@-]{{1,{MOST_OCTETS}}}", re.ASCII)
_START = secrets.token_hex(5)
_numbers = count(1)


def choose_id(given: str | None) -> str:
    """The id that a request goes by: the one it came with, where that is sane, else a new one."""
    if given is not None and _SANE.fullmatch(given):
        return given
    return f"{_START}-{next(_numbers):x}"
