"""The snippets of docs/resolvers.md, as the page has them."""

import re
from collections.abc import Mapping
from pathlib import Path

PAGE = Path(__file__).parents[2] / "docs" / "resolvers.md"
_BLOCK = re.compile(r"^```(?P<info>[^\n`]+)\n(?P<text>.*?)^```$", re.MULTILINE | re.DOTALL)


def read_snippets() -> Mapping[str, str]:
    """Every fenced block by the second word of its info string, which is its only key."""
    snippets: dict[str, str] = {}
    for block in _BLOCK.finditer(PAGE.read_text(encoding="utf-8")):
        _, key = block["info"].split()
        assert key not in snippets, f"two snippets are called {key}"
        snippets[key] = block["text"]
    return snippets


def read_snippet(key: str) -> str:
    """One snippet."""
    return read_snippets()[key]


def put(text: str, old: str, new: str) -> str:
    """Put a port, path or time of the test where the page has its own; it must be there."""
    assert old in text, f"{old!r} is not in the snippet"
    return text.replace(old, new)
