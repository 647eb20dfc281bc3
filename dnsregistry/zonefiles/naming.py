"""File names: what they say about a zone, and how they are shown."""

import os
from pathlib import Path

from dnsregistry.zone.name import Name

SUFFIX = ".zone"


def is_zone_file(name: str) -> bool:
    """Whether a file of the folder is meant as a zone; hidden ones are an editor's."""
    return name.endswith(SUFFIX) and not name.startswith(".")


def read_origin(name: str) -> Name:
    r"""The origin that a file's name gives, such as `0\04725.2.0.192.in-addr.arpa.zone`.

    Raises ValueError with the reason.
    """
    text = name.removesuffix(SUFFIX)
    if text == name or not text:
        raise ValueError(f"the name of a zone file is its origin and {SUFFIX}")
    if not text.isascii():
        raise ValueError("the origin is not ASCII; write its xn-- form")
    return Name.from_text(text)


def show(path: Path) -> str:
    """The path as text that any log and any reply can bear."""
    text = os.fsencode(path).decode("utf-8", "backslashreplace")
    return "".join(
        letter if letter.isprintable() else letter.encode("unicode_escape").decode()
        for letter in text
    )
