"""A program to be run: `child.py MODE PORT`. It does what is written to its port.

Modes: serve, deaf (ignores SIGTERM), closed (never opens the port), parent (a process between),
polite (ends at SIGTERM with code 7).
"""

import os
import signal
import socket
import subprocess
import sys
import time


def main() -> None:
    mode, port = sys.argv[1], int(sys.argv[2])
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    if mode == "deaf":
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    if mode == "polite":
        signal.signal(signal.SIGTERM, lambda *_: os._exit(7))
    for number in (signal.SIGHUP, signal.SIGUSR1):
        signal.signal(number, lambda got, _: print(f"got {got}", flush=True))
    if mode == "parent":
        with subprocess.Popen([sys.executable, __file__, "serve", str(port)]) as inner:
            sys.exit(inner.wait())
    print(f"pid {os.getpid()}", flush=True)
    if mode == "closed":
        while True:
            time.sleep(60)
    with socket.create_server(("127.0.0.1", port)) as server:
        while True:
            connection, _ = server.accept()
            with connection:
                obey(connection.recv(100).decode().split())


def obey(order: list[str]) -> None:
    match order:
        case ["exit", code]:
            os._exit(int(code))
        case ["abort"]:
            os.abort()
        case ["fork"]:
            if os.fork() == 0:
                signal.signal(signal.SIGTERM, signal.SIG_IGN)
                print(f"left {os.getpid()}", flush=True)
                time.sleep(3600)
            time.sleep(0.1)
            os._exit(0)
        case ["orphan"]:
            if os.fork() == 0:
                if os.fork() == 0:
                    print(f"orphan {os.getpid()} of {os.getppid()}", flush=True)
                os._exit(0)


if __name__ == "__main__":
    main()
