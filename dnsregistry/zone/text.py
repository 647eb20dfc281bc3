"""Metadata as TXT strings (RFC 6763, 6).

Rules:
- One string a pair, `key=value`; `key` alone for true; null and false are absence.
- A key is printable ASCII without "=", its case does not matter and the first one counts (6.4).
- Text stands as it is, in UTF-8; other values as compact JSON.
- What DNS cannot carry is left out, whole: a key that breaks the rule, a string above 255 octets,
  and what exceeds the record's size. HTTP tells all of it.
- No pair at all is one empty string (6.1).
"""

import json
import re
from collections.abc import Iterator

from dnsregistry.registry.instance import Instance

MOST_OCTETS = 1300
"""Of all strings with their lengths: what "should be kept", to fit one packet (RFC 6763, 6.2)."""

_KEY = re.compile(r"[ -<>-~]+\Z")


def write_text(instance: Instance) -> tuple[bytes, ...]:
    """Return the TXT strings of an instance, its version first unless metadata has one."""
    kept: dict[str, bytes] = {}
    size = 0
    for key, string in _write_pairs(instance):
        octets = len(string) + 1
        if key in kept or len(string) > 255 or size + octets > MOST_OCTETS:
            continue
        kept[key] = string
        size += octets
    return tuple(kept.values()) or (b"",)


def _write_pairs(instance: Instance) -> Iterator[tuple[str, bytes]]:
    known = {key.lower() for key in instance.metadata}
    if instance.version is not None and "version" not in known:
        yield "version", f"version={instance.version}".encode()
    for key, value in instance.metadata.items():
        if not _KEY.match(key) or value is None or value is False:
            continue
        if value is True:
            yield key.lower(), key.encode()
        else:
            text = value if isinstance(value, str) else json.dumps(value, separators=(",", ":"))
            yield key.lower(), f"{key}={text}".encode()
