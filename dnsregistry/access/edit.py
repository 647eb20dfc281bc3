"""Changes of a tokens file's text that leave the rest as it is, comments too."""

import fcntl
import os
import stat
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from dnsregistry.access.entries import Entry, TokensFault, parse_entries, read_file
from dnsregistry.access.hashes import Hash
from dnsregistry.access.scopes import Scopes, write_scopes

NEW_MODE = 0o600
KEPT_MODE = 0o660
"""What stays of the mode of a file that is there: others never read it."""
_HEADER = "[[token]]"


def append(text: str, name: str, scopes: Scopes, kept: Hash) -> str:
    """The text with one more token at its end."""
    told = ", ".join(f'"{scope}"' for scope in write_scopes(scopes))
    table = f'{_HEADER}\nname = "{name}"\nhash = "{kept}"\nscopes = [{told}]\n'
    gap = "" if not text else "\n" if text.endswith("\n") else "\n\n"
    return f"{text}{gap}{table}"


def remove(text: str, name: str, path: Path) -> str:
    """The text without a token; comments between the tables stay.

    Raises TokensFault where there is none of the name, or its table is written in a way that
    cannot be cut out line by line.
    """
    entries = parse_entries(text, path)
    rest = tuple(entry for entry in entries if entry.name != name)
    if len(rest) == len(entries):
        raise TokensFault(f"{path} has no token {name!r}")
    place = [entry.name for entry in entries].index(name)
    lines = text.splitlines(keepends=True)
    heads = [n for n, line in enumerate(lines) if line.partition("#")[0].strip() == _HEADER]
    if len(heads) == len(entries):
        start = heads[place]
        end = heads[place + 1] if place + 1 < len(heads) else len(lines)
        # What stands in front of the next table, comments and space, is that one's.
        while end > start + 1 and _is_blank(lines[end - 1]):
            end -= 1
        cut = "".join([*lines[:start], *lines[end:]])
        with suppress(TokensFault):
            if parse_entries(cut, path) == rest:
                return cut
    raise TokensFault(f"{path} is written in a way that needs an editor to take {name!r} out")


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Keep others who change the file waiting. Raises TokensFault."""
    try:
        folder = os.open(path.absolute().parent, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        raise TokensFault(f"cannot change {path}: {error.strerror}") from None
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def replace_file(path: Path, text: str) -> None:
    """Put a file in the place of another, whole, for its owner's eyes. Raises TokensFault."""
    target = path.resolve()
    partial = target.with_name(f".{target.name}.{os.getpid()}")
    try:
        mode, owner = _find_owner(target)
        descriptor = os.open(partial, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as file:
                file.write(text)
                file.flush()
                if owner is not None:
                    os.fchown(file.fileno(), *owner)
                os.fchmod(file.fileno(), mode)
                os.fsync(file.fileno())
            partial.replace(target)
        finally:
            partial.unlink(missing_ok=True)
    except OSError as error:
        raise TokensFault(f"cannot write {path}: {error.strerror}") from None


def _find_owner(target: Path) -> tuple[int, tuple[int, int] | None]:
    """The mode of the new file and, where root writes it, whose it is: as the old one's.

    A first file is its folder's owner's, who is the one that will read it.
    """
    try:
        found = target.stat()
        mode = stat.S_IMODE(found.st_mode) & KEPT_MODE | NEW_MODE
    except FileNotFoundError:
        found, mode = target.parent.stat(), NEW_MODE
    return mode, (found.st_uid, found.st_gid) if os.geteuid() == 0 else None


def read_if_there(path: Path) -> tuple[str, Sequence[Entry]]:
    """The text and its entries; both empty where there is no file. Raises TokensFault."""
    if not path.exists():
        return "", ()
    text = read_file(path)
    return text, parse_entries(text, path)


def _is_blank(line: str) -> bool:
    stripped = line.strip()
    return not stripped or stripped.startswith("#")
