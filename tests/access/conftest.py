"""A program that asks for tokens, and the tokens."""

import hashlib
import secrets
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import pytest

from dnsregistry.access.hashes import Hash, make_token

SCOPES: Mapping[str, Sequence[str]] = {
    "reader": ["read"],
    "other": ["write:other-*"],
    "writer": ["write:user-*"],
    "chief": ["admin"],
}

Write = Callable[[Mapping[str, Sequence[str]]], Mapping[str, str]]


def quick_hash(token: str) -> Hash:
    """What `make_hash` makes, at a sixteenth of the cost."""
    salt = secrets.token_bytes(16)
    digest = hashlib.scrypt(token.encode(), salt=salt, n=1 << 10, r=8, p=1, dklen=32)
    return Hash(10, 8, 1, salt, digest)


def write_table(name: str, scopes: Sequence[str], *, token: str = "", cert: str = "") -> str:
    known = f'cert = "{cert}"' if cert else f'hash = "{quick_hash(token)}"'
    told = ", ".join(f'"{scope}"' for scope in scopes)
    return f'[[token]]\nname = "{name}"\n{known}\nscopes = [{told}]\n'


@pytest.fixture
def tokens_file(tmp_path: Path) -> Path:
    return tmp_path / "tokens.toml"


@pytest.fixture
def tokens(tokens_file: Path) -> Mapping[str, str]:
    """A token of each kind by its name; the file holds them."""
    made = {name: make_token(name) for name in SCOPES}
    tables = [write_table(name, SCOPES[name], token=token) for name, token in made.items()]
    tokens_file.write_text("\n".join(tables))
    return made
