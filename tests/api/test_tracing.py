"""The end of tracing, with a receiver that takes spans and never answers."""

import socket
import threading
from contextlib import suppress

from dnsregistry.api.tracing import Tracing

SPANS = 2000
"""Some batches, each of which the library would wait for."""


def test_a_receiver_that_hangs_is_not_waited_for_at_the_end() -> None:
    taken: list[socket.socket] = []
    with socket.create_server(("127.0.0.1", 0)) as listener:

        def take() -> None:
            with suppress(OSError):
                while True:
                    taken.append(listener.accept()[0])

        thread = threading.Thread(target=take)
        thread.start()
        tracing = Tracing(f"http://127.0.0.1:{listener.getsockname()[1]}", {})
        for _ in range(SPANS):
            with tracing.begin("work"):
                pass
        tracing.stop()
        # A second connection would be the next batch, after the first was given up.
        assert len(taken) == 1
        listener.shutdown(socket.SHUT_RDWR)
        thread.join()
    for sock in taken:
        sock.close()
