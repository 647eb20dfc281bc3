"""How a worker comes before others on a processor that they share: it answers in microseconds.

Rules:
- It asks for short turns. Linux from 6.12 on lets a program name the slice of time that it works in
  (sched_setattr, for a program of ordinary priority). With a short one it has no more of the
  processor than others, but has it soon. Elsewhere nothing is changed by that.
- It goes first, where the system lets it: as root, or under a limit of niceness that was raised.
  But only where the main process has a processor left to itself: a flood of questions must not keep
  heartbeats out.
"""

import ctypes
import os
import platform
import struct
import sys

SLICE_NANOSECONDS = 100_000
"""The least that Linux takes: the time of some twenty answers."""

STEPS_AHEAD = 10
"""Of niceness: nine times the share of the main process, where both want one processor."""

_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""struct sched_attr: its size, the policy, flags, niceness, priority, runtime, deadline, period."""
_ORDINARY = 0
_CALLS = {"x86_64": 314, "aarch64": 274}
"""The number of sched_setattr; Python and the C library have no name for it."""


def may_go_first(workers: int) -> bool:
    """Whether so many workers leave a processor to the main process."""
    return workers < len(os.sched_getaffinity(0)) if sys.platform == "linux" else False


def ask_for_precedence(*, goes_first: bool) -> bool:
    """Ask for it for this process; returns whether the system took any of it."""
    call = _CALLS.get(platform.machine())
    if sys.platform != "linux" or call is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    library = ctypes.CDLL(None, use_errno=True)
    for wanted in (nice - STEPS_AHEAD, nice) if goes_first else (nice,):
        attributes = _ATTRIBUTES.pack(
            _ATTRIBUTES.size, _ORDINARY, 0, max(-20, wanted), 0, SLICE_NANOSECONDS, 0, 0
        )
        if library.syscall(call, 0, ctypes.c_char_p(attributes), 0) == 0:
            return True
    return False
