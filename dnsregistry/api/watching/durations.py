"""How long a read may wait: `30s`, `5m`, `500ms`, or plain seconds. Pure."""

import re

from dnsregistry.api.problems import INVALID_QUERY, Fault, Problem, clip

MOST_WAIT = 600.0
"""Seconds. Longer ones meet the patience of proxies, and a client that asks again costs little."""

_DURATION = re.compile(r"([0-9]{1,9}(?:\.[0-9]{1,9})?)(ms|s|m|h)?", re.ASCII)
_SECONDS = {None: 1.0, "ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0}


def read_duration(name: str, text: str) -> float:
    """Seconds, from 0 to `MOST_WAIT`. Raises Problem that names the parameter."""
    match = _DURATION.fullmatch(text)
    if match is None:
        raise _refuse(name, f"{clip(text)!r} is no duration such as 30s, 5m, 500ms or 30")
    seconds = float(match[1]) * _SECONDS[match[2]]
    if seconds > MOST_WAIT:
        raise _refuse(name, f"{clip(text)!r} is longer than {MOST_WAIT / 60:.0f}m")
    return seconds


def read_revision(name: str, text: str) -> int:
    """A revision. Raises Problem that names the parameter."""
    if not re.fullmatch(r"[0-9]{1,18}", text, re.ASCII):
        raise _refuse(name, f"{clip(text)!r} is no revision")
    return int(text)


def _refuse(name: str, reason: str) -> Problem:
    return Problem(INVALID_QUERY, faults=[Fault(name, reason)])
