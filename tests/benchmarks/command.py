"""What all benchmarks share on the command line."""

import argparse
import os
import signal
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.table import Table


@dataclass(frozen=True, slots=True)
class Options:
    """How it is to be run."""

    rounds: int
    seconds: float
    """Of load, for each measurement that is bounded by time."""
    server_core: str
    load_core: str
    folder: Path
    """For files of this run; gone at its end."""
    extra: argparse.Namespace
    """What the benchmark added itself."""
    began: float = field(default_factory=time.monotonic)

    def say(self, text: str) -> None:
        """Tell how far it is, beside the table."""
        print(f"{time.monotonic() - self.began:6.1f} s  {text}", file=sys.stderr, flush=True)


def run(
    description: str,
    measure: Callable[[Options], Table],
    add_arguments: Callable[[argparse.ArgumentParser], None] | None = None,
    *,
    rounds: int = 5,
    seconds: float = 3.0,
) -> NoReturn:
    """Measure as the command line says, print the table, and exit.

    A BenchmarkError is one sentence and a non-zero exit.
    """
    parser = argparse.ArgumentParser(description=description)
    parser.add_argument("--rounds", type=int, default=rounds, help=f"default {rounds}")
    parser.add_argument("--seconds", type=float, default=seconds, help=f"default {seconds:g}")
    cores = sorted(os.sched_getaffinity(0))
    parser.add_argument(
        "--server-core", type=int, default=cores[0], help="where what is measured runs"
    )
    parser.add_argument(
        "--load-core", type=int, default=cores[-1], help="where the load comes from"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the table as JSON too")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="write it as Markdown too")
    parser.add_argument("--into", type=Path, metavar="FILE", help="replace it in that document")
    if add_arguments is not None:
        add_arguments(parser)
    given = parser.parse_args()
    if given.rounds < 1 or given.seconds <= 0:
        parser.error("--rounds and --seconds are greater than zero")
    for path in (given.json, given.markdown, given.into):
        if path is not None and not path.parent.is_dir():
            parser.error(f"there is no folder {path.parent}")
    if given.into and not given.into.is_file():
        parser.error(f"there is no document {given.into}")
    for core in (given.server_core, given.load_core):
        if core not in cores:
            parser.error(f"there is no core {core} here, only {', '.join(map(str, cores))}")
    # What is done here between two loads shall not disturb the servers either.
    os.sched_setaffinity(0, {given.load_core})
    # So that the servers are stopped then too.
    signal.signal(signal.SIGTERM, lambda *_: sys.exit("stopped"))
    with tempfile.TemporaryDirectory(prefix="dnsregistry-benchmark-") as folder:
        options = Options(
            given.rounds,
            given.seconds,
            str(given.server_core),
            str(given.load_core),
            Path(folder),
            given,
        )
        try:
            table = measure(options)
            print(table.to_markdown())
            if table.faults:
                raise BenchmarkError("; ".join(table.faults))
            if given.json:
                given.json.write_text(table.to_json() + "\n", encoding="utf-8")
            if given.markdown:
                given.markdown.write_text(table.to_markdown() + "\n", encoding="utf-8")
            if given.into:
                table.put_into(given.into)
        except BenchmarkError as error:
            sys.exit(f"Error: {error}")
        except KeyboardInterrupt:
            sys.exit("stopped")
    sys.exit(0)
