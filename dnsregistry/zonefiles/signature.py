"""How a change of a file is noticed without reading it."""

import os
import stat
import time
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

COARSEST_CLOCK = 2_000_000_000
"""Nanoseconds. Two writes this close may bear one time, FAT being the coarsest in use."""


class Signature(NamedTuple):
    """What differs after any change that the file system's clock can tell.

    The inode tells a file renamed over another one of the same size and time; the time of the
    inode's own change tells an edit that set the old time again, and a change of permissions.
    """

    device: int
    inode: int
    size: int
    mtime: int
    ctime: int


def sign(path: Path) -> Signature | None:
    """The signature of the file that a path leads to; None where it leads to none."""
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return None
    return Signature(
        status.st_dev, status.st_ino, status.st_size, status.st_mtime_ns, status.st_ctime_ns
    )


def is_settled(signatures: Iterable[Signature | None]) -> bool:
    """Whether a change from now on must show: all files are older than the coarsest clock."""
    now = time.time_ns()
    times = (time for held in signatures if held for time in (held.mtime, held.ctime))
    return all(abs(now - time) > COARSEST_CLOCK for time in times)


def is_regular(descriptor: int) -> bool:
    """Whether an open file is one whose content has an end, and comes without waiting."""
    return stat.S_ISREG(os.fstat(descriptor).st_mode)
