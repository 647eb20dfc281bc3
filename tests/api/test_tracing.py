"""The end of tracing, with a receiver that takes spans and never answers."""

import socket
import subprocess
import sys
import threading
from contextlib import suppress

from tests.program import LOOPBACK, PATIENCE

# Some batches, each of which the library would wait for. Its threads go on for a while after the
# end, so this is a process of its own.
TRACED = """
import sys
from dnsregistry.api.tracing import Tracing

tracing = Tracing(sys.argv[1], {})
for _ in range(2000):
    with tracing.begin("work"):
        pass
tracing.stop()
"""


def test_a_receiver_that_hangs_is_not_waited_for_at_the_end() -> None:
    taken: list[socket.socket] = []
    with socket.create_server((LOOPBACK, 0)) as listener:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        receiver = f"http://{LOOPBACK}:{listener.getsockname()[1]}"
        try:
            subprocess.run([sys.executable, "-c", TRACED, receiver], check=True, timeout=PATIENCE)
        finally:
            listener.shutdown(socket.SHUT_RDWR)
            thread.join()
    # A second connection would be the next batch, after the first was given up.
    assert len(taken) == 1
    for sock in taken:
        sock.close()
