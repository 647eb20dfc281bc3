"""A worker asks for short turns on the processor, so that it need not wait for long ones of others.

Linux from 6.12 on lets a program name the slice of time that it works in (sched_setattr, for a
program of ordinary priority). With a short one it has no more of the processor than others, but has
it soon: a worker answers in microseconds and then waits. Elsewhere nothing is changed.
"""

import ctypes
import os
import platform
import struct
import sys

SLICE_NANOSECONDS = 100_000
"""The least that Linux takes: the time of some twenty answers."""

_ATTRIBUTES = struct.Struct("=IIQiIQQQ")
"""struct sched_attr: its size, the policy, flags, niceness, priority, runtime, deadline, period."""
_ORDINARY = 0
_CALLS = {"x86_64": 314, "aarch64": 274}
"""The number of sched_setattr; Python and the C library have no name for it."""


def ask_for_short_turns() -> bool:
    """Ask for them for this process; returns whether the system took that."""
    call = _CALLS.get(platform.machine())
    if sys.platform != "linux" or call is None:
        return False
    nice = os.getpriority(os.PRIO_PROCESS, 0)
    attributes = _ATTRIBUTES.pack(_ATTRIBUTES.size, _ORDINARY, 0, nice, 0, SLICE_NANOSECONDS, 0, 0)
    library = ctypes.CDLL(None, use_errno=True)
    return bool(library.syscall(call, 0, ctypes.c_char_p(attributes), 0) == 0)
