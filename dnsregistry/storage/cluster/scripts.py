"""The scripts that decide, each with the prelude before it; their files tell what they take."""

import secrets
from dataclasses import dataclass
from hashlib import sha1
from importlib.resources import files


@dataclass(frozen=True, slots=True)
class Script:
    """A script's text, and its name in the store."""

    name: str
    text: str
    digest: str


@dataclass(frozen=True, slots=True)
class Scripts:
    """All scripts."""

    claim: Script
    drop: Script
    look: Script
    note: Script
    put: Script
    renew: Script
    restore: Script
    revoke: Script
    settle: Script
    status: Script
    tick: Script


def load_scripts() -> Scripts:
    """Read the scripts of the package."""
    folder = files(__package__).joinpath("lua")
    prelude = folder.joinpath("prelude.lua").read_text(encoding="utf-8")

    def load(name: str) -> Script:
        text = prelude + folder.joinpath(f"{name}.lua").read_text(encoding="utf-8")
        # The digest is the store's own name for it, no safeguard.
        return Script(name, text, sha1(text.encode(), usedforsecurity=False).hexdigest())

    return Scripts(**{name: load(name) for name in Scripts.__slots__})


def draw_nonce() -> str:
    """A name for one request, by which scripts know it when it comes again."""
    return secrets.token_hex(6)
