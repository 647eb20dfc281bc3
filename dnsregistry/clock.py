"""The registry's clock."""

import time
from collections.abc import Callable


def start_clock() -> Callable[[], float]:
    """Return a clock that tells unix time as it was at the start plus what has passed since.

    Leases live by it: unlike the wall clock it never jumps, neither back nor ahead, so setting
    the machine's time ends no lease and prolongs none.
    """
    offset = time.time() - time.monotonic()
    return lambda: time.monotonic() + offset
