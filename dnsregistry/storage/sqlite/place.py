"""Where the file is, and the lock that keeps a second server from it.

SQLite's own locks let another process write between two of our commits. The lock beside the file
is held for as long as the file is open, and goes with the process however that ends.
"""

import fcntl
import os
from contextlib import suppress
from pathlib import Path

from dnsregistry.storage.errors import StoreError

SCHEME = "sqlite:///"
FOLDER = "dnsregistry"
NAME = "registry.db"


def read_path(url: str) -> Path:
    """The file of a URL: `sqlite:///relative` or `sqlite:////absolute`. Raises ValueError."""
    path = url.removeprefix(SCHEME)
    if path == url or not path or path.endswith("/"):
        raise ValueError(
            "names no file; sqlite:///registry.db is relative, sqlite:////var/lib/registry.db"
            " absolute"
        )
    if "\0" in path:
        raise ValueError("holds a zero octet, which no file's name may")
    return Path(path)


def default_url() -> str:
    """The URL of the file in the user's state directory (XDG Base Directory Specification).

    Raises ValueError for a user who has none.
    """
    state = os.environ.get("XDG_STATE_HOME", "")
    # A relative path there is invalid, and to be ignored.
    folder = state if state.startswith("/") else os.path.expanduser("~/.local/state")
    if not folder.startswith("/"):
        raise ValueError("is needed: this user has no home directory for the default file")
    return f"{SCHEME}{Path(folder, FOLDER, NAME)}"


def make_folder(path: Path) -> None:
    """Make the folder of the default file, where it is that. Raises OSError, or StoreError."""
    folder = path.parent
    with suppress(ValueError):
        if str(path) == default_url().removeprefix(SCHEME):
            folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    if not folder.is_dir():
        raise StoreError(f"the folder {folder} does not exist")


class Lock:
    """The lock beside a file."""

    def __init__(self, path: Path) -> None:
        # Two names that lead to one file have one lock.
        file = path.resolve()
        self._path = file.with_name(f"{file.name}.lock")
        self._descriptor: int | None = None

    def take(self) -> None:
        """Take it. Raises StoreError where another process has it, OSError where there is none."""
        descriptor = os.open(self._path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            holder = os.read(descriptor, 20).decode(errors="replace").strip() or "unknown"
            os.close(descriptor)
            raise StoreError(f"another dnsregistry uses it, process {holder}") from None
        except BaseException:
            os.close(descriptor)
            raise
        os.ftruncate(descriptor, 0)
        os.write(descriptor, f"{os.getpid()}\n".encode())
        self._descriptor = descriptor

    def release(self) -> None:
        """Let go of it. The file of the lock stays: another may be waiting to take it."""
        if self._descriptor is not None:
            os.close(self._descriptor)
            self._descriptor = None
