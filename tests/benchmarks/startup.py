"""From exec until all listeners accept: `python -m tests.benchmarks.startup`.

Empty, and with a store full of instances that an earlier run has left.
"""

import argparse

from tests.benchmarks import house
from tests.benchmarks.command import Options, run
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.ours import ours
from tests.benchmarks.table import Table


def main() -> None:
    """Measure as the command line says."""
    run(__doc__.splitlines()[0], measure, _add_arguments)


def measure(options: Options) -> Table:
    """Start it again and again: once empty and once full a round."""
    instances = options.extra.instances
    table = Table(
        "startup",
        ("store", "seconds until ready", "MB then"),
        notes=[f"Medians of {options.rounds} starts (least to most), on one core."],
    )
    options.say(f"registering {instances:,} …")
    kept = _fill(options, instances)
    stores = {"empty": 0, f"{instances:,} instances": instances} if kept else {"empty": 0}
    seconds: dict[str, list[float]] = {name: [] for name in stores}
    memory: dict[str, list[float]] = {name: [] for name in stores}
    for number in range(options.rounds):
        for name, count in stores.items():
            options.say(f"{name}, round {number + 1} …")
            home = "full" if count else f"empty-{number}"
            with ours(options.folder, cores=options.server_core, name=home) as server:
                found = _count(server.request("GET", "/v1/stats"))
                if found != count:
                    raise BenchmarkError(f"it is ready with {found} of {count} instances")
                seconds[name].append(server.start_seconds)
                memory[name].append(server.process.memory().proportional / 1e6)
    for name in stores:
        table.add(name, Figure.of(seconds[name]), Figure.of(memory[name]))
    if not kept:
        table.notes.append("This version keeps nothing over a restart.")
    return table


def _add_arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--instances", type=int, default=100_000)


def _fill(options: Options, instances: int) -> bool:
    """Fill the store; tell whether it is still there after a restart."""
    services = max(1, instances // house.INSTANCES)
    with ours(options.folder, cores=options.server_core, name="full") as server:
        server.register_all(house.make_instances(services))
    with ours(options.folder, cores=options.server_core, name="full") as server:
        return _count(server.request("GET", "/v1/stats")) > 0


def _count(told: object) -> int:
    return int(told["registry"]["instances"]) if isinstance(told, dict) else 0


if __name__ == "__main__":
    main()
