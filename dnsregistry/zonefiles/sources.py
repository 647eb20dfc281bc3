"""The files that one zone is read from.

Rules:
- Only regular files are read: a pipe or a device would never end.
- All files of a zone together are bounded in octets and in number.
- $INCLUDE leads to files inside the folder only, after every symbolic link is followed.
- What was read, or looked for in vain, is remembered with its signature and the digest of its
  content, so that a change of any of them is noticed.
"""

import hashlib
import os
from collections.abc import Mapping
from pathlib import Path

from dnsregistry.zonefiles.naming import show
from dnsregistry.zonefiles.signature import Signature, is_regular, sign

LARGEST_ZONE = 4 * 1024 * 1024
"""Octets of all files of a zone: some 150,000 records, ten seconds of reading."""
MOST_INCLUDES = 1000
"""Files included in one zone; a few that include each other could otherwise ask for millions."""
DEEPEST_INCLUDE = 10


class Unreadable(Exception):
    """A file cannot be taken; the text is the reason, `line` where it lies, if in the content."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason)
        self.line = line


class Sources:
    """Reads the files of one zone, each when its turn comes."""

    def __init__(self, folder: Path, largest: int = LARGEST_ZONE) -> None:
        self.signatures: dict[Path, Signature | None] = {}
        self.digests: dict[Path, bytes | None] = {}
        self._folder = folder.resolve()
        self._largest = largest
        self._left = largest
        self._includes = 0

    def read(self, path: Path) -> str:
        """The text of a file, with line feeds alone as ends of lines. Raises Unreadable."""
        # Taken before the content, so that a change in between shows at the next look.
        self.signatures[path] = sign(path)
        self.digests[path] = None
        octets = _read_octets(path, self._left + 1)
        self._left -= len(octets)
        self.digests[path] = _digest(octets)
        if self._left < 0:
            raise Unreadable(f"the zone's files are larger than {self._largest} octets together")
        nul = octets.find(0)
        if nul >= 0:
            raise Unreadable("has a NUL octet: no text file", 1 + octets.count(b"\n", 0, nul))
        try:
            text = octets.decode("utf-8-sig")
        except UnicodeDecodeError as error:
            line = 1 + octets.count(b"\n", 0, error.start)
            raise Unreadable(f"is not UTF-8 at octet {error.start}", line) from None
        return text.replace("\r\n", "\n").replace("\r", "\n")

    def find_include(self, target: str, including: Path, open_files: list[Path]) -> Path:
        """The path that $INCLUDE means, relative to the including file. Raises Unreadable.

        `open_files` are the files around it, from the zone's own to the including one.
        """
        self._includes += 1
        if self._includes > MOST_INCLUDES:
            raise Unreadable(f"the zone includes more than {MOST_INCLUDES} files")
        path = including.parent / target
        try:
            self._check_include(path, target, open_files)
        except Unreadable:
            # A link on the way may come to lead elsewhere.
            self.signatures.setdefault(path, sign(path))
            self.digests.setdefault(path, None)
            raise
        return path

    def _check_include(self, path: Path, target: str, open_files: list[Path]) -> None:
        if len(open_files) > DEEPEST_INCLUDE:
            raise Unreadable(f"files include each other more than {DEEPEST_INCLUDE} deep")
        try:
            resolved = path.resolve()
            around = [file.resolve() for file in open_files]
        except (OSError, RuntimeError, ValueError):
            raise Unreadable(f"{target} leads nowhere") from None
        if not resolved.is_relative_to(self._folder):
            raise Unreadable(f"{target} leads outside the folder {show(self._folder)}")
        if resolved in around:
            raise Unreadable(f"{target} includes itself")


def is_same(digests: Mapping[Path, bytes | None]) -> bool:
    """Whether all of those files could be read, and still have the content that they had."""
    try:
        return bool(digests) and all(
            digest is not None and _digest(_read_octets(path, LARGEST_ZONE + 1)) == digest
            for path, digest in digests.items()
        )
    except Unreadable:
        return False


def _digest(octets: bytes) -> bytes:
    return hashlib.blake2b(octets, digest_size=16).digest()


def _read_octets(path: Path, most: int) -> bytes:
    try:
        # Opening a pipe would otherwise wait for whoever writes to it.
        descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC | os.O_NOCTTY)
        try:
            if not is_regular(descriptor):
                raise Unreadable("is no regular file")
            with open(descriptor, "rb", closefd=False) as file:
                return file.read(most)
        finally:
            os.close(descriptor)
    except OSError as error:
        raise Unreadable(f"cannot be read: {error.strerror}") from None
