"""A C program that sends each question back: how much of a latency is the machine's."""

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from tests.benchmarks.process import running
from tests.benchmarks.tools import require

_SOURCE = Path(__file__).with_name("echo.c")


@contextmanager
def echo(folder: Path, *, cores: str) -> Iterator[int]:
    """Run it until the end of the block; gives its port."""
    program = folder / "echo-program"
    subprocess.run([require("gcc"), "-O2", "-Wall", "-o", program, _SOURCE], check=True)
    with running("echo", [program], cores=cores, folder=folder) as process:
        process.wait_until(lambda: process.log.read_text(encoding="utf-8").endswith("\n"))
        yield int(process.log.read_text(encoding="utf-8"))
