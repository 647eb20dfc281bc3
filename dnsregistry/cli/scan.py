"""`dnsregistry scan`: ask the addresses of a range what they are, and register nothing."""

import asyncio
import json
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from random import random
from time import monotonic, time
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.table import plain, print_rows
from dnsregistry.scan.ranges import RangeError, Ranges, Target, parse_networks

if TYPE_CHECKING:
    from dnsregistry.registry.instance import Instance
    from dnsregistry.scan.peer import Answer

Step = Callable[[], None]
_COLUMNS = ("address", "type", "id", "ports", "weight", "metadata")


@dataclass(slots=True)
class Findings:
    """What came of a scan."""

    found: dict[Target, "Instance"] = field(default_factory=dict)
    problems: dict[Target, str] = field(default_factory=dict)
    counts: Counter[str] = field(default_factory=Counter)

    def rows(self) -> Iterator[tuple[str, ...]]:
        """The instances in the order of their addresses, as `_COLUMNS`."""
        ordered = sorted(self.found, key=lambda t: (t.address.version, int(t.address), t.port))
        for target in ordered:
            instance = self.found[target]
            ports = ",".join(f"{name}={number}" for name, number in instance.ports)
            metadata = json.dumps(dict(instance.metadata)) if instance.metadata else ""
            yield (
                *(str(target), instance.service, instance.id),
                *(ports, str(instance.weight), metadata),
            )


@click.command()
@click.argument("ranges", metavar="RANGE...", nargs=-1, required=True)
@click.option(
    "--port",
    "ports",
    type=click.IntRange(1, 65535),
    multiple=True,
    default=(8080,),
    show_default=True,
    help="Port that is asked; may be given several times.",
)
@click.option(
    "--rate",
    type=click.FloatRange(1, 10_000),
    default=250,
    show_default=True,
    help="Connections a second.",
)
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object a line.")
def scan(ranges: tuple[str, ...], ports: tuple[int, ...], rate: float, as_json: bool) -> None:
    """Ask every address of RANGE what it is, and show what answers.

    This tells what `serve --scan-ranges` would register, and registers nothing. Scan only
    networks that are yours.
    """
    try:
        networks = parse_networks(ranges)
    except RangeError as error:
        raise click.BadParameter(str(error), param_hint="RANGE") from None
    targets = Ranges(networks, dict.fromkeys(ports))
    with _progress(len(targets)) as step:
        findings = asyncio.run(_scan(targets, rate, step))
    if as_json:
        for target, instance in findings.found.items():
            click.echo(_write_json(target, instance))
    else:
        print_rows(_COLUMNS, findings.rows())
    for target, reason in findings.problems.items():
        click.echo(f"{target}: {plain(reason)}", err=True)
    told = ", ".join(f"{count} {name}" for name, count in sorted(findings.counts.items()))
    click.echo(f"{len(targets)} asked: {told or 'nobody there'}", err=True)


async def _scan(targets: Ranges, rate: float, step: Step) -> Findings:
    # Costs half a second to import, which no other command and no help text should pay.
    from dnsregistry.scan.build import write_time
    from dnsregistry.scan.identity import Identity, NoIdentity, make_instance
    from dnsregistry.scan.pace import Pace
    from dnsregistry.scan.peer import Asker, Limits
    from dnsregistry.scan.survey import Surveyor

    findings = Findings()
    asker = Asker(Limits(), lambda: write_time(time()))

    async def note(target: Target, answer: "Answer") -> None:
        if isinstance(answer, Identity):
            try:
                findings.found[target] = make_instance(answer, target, 60)
                findings.counts["identified"] += 1
            except NoIdentity as error:
                findings.problems[target] = str(error)
                findings.counts["unreadable"] += 1
        else:
            findings.counts[answer.failure] += 1
        step()

    try:
        surveyor = Surveyor(asker.ask, Pace(rate, random), monotonic)
        await surveyor.survey(targets.shuffle(random), note)
    finally:
        await asker.close()
    return findings


def _write_json(target: Target, instance: "Instance") -> str:
    return json.dumps(
        {
            "service_id": instance.id,
            "type": instance.service,
            "ip": str(target.address),
            "port": target.port,
            "ports": dict(instance.ports),
            "weight": instance.weight,
            "metadata": instance.metadata,
        }
    )


@contextmanager
def _progress(size: int) -> Iterator[Step]:
    """A progress bar on standard error, where that is a terminal and rich is installed."""
    if not sys.stderr.isatty():
        yield lambda: None
        return
    try:
        from rich.console import Console
        from rich.progress import Progress
    except ImportError:
        yield lambda: None
        return
    with Progress(console=Console(stderr=True), transient=True) as progress:
        task = progress.add_task("asking", total=size)
        yield lambda: progress.advance(task)
