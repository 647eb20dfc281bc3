"""The one table that a benchmark prints: Markdown that a person can read as it is."""

import json
import os
import platform
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import date
from pathlib import Path

from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure

Cell = str | int | float | Figure


@dataclass(slots=True)
class Table:
    """Rows under columns, and what must be known to read them."""

    name: str
    columns: tuple[str, ...]
    rows: list[tuple[Cell, ...]] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)
    """Why rows are missing."""

    def add(self, *cells: Cell) -> None:
        """Add a row."""
        if len(cells) != len(self.columns):
            raise ValueError(f"{len(cells)} cells under {len(self.columns)} columns")
        self.rows.append(cells)

    def to_markdown(self) -> str:
        """The table, with machine, date and notes under it."""
        rows = [self.columns, *[tuple(map(_write, row)) for row in self.rows]]
        widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
        lines = [_write_row(row, widths) for row in rows]
        lines.insert(1, "|" + "|".join("-" * (width + 2) for width in widths) + "|")
        return "\n".join([*lines, "", *self.notes, f"{describe_machine()}, {_today()}."])

    def to_json(self) -> str:
        """The same for programs; a figure is its median, its spread and its rounds."""
        rows = [dict(zip(self.columns, map(_plain, row), strict=True)) for row in self.rows]
        content = {
            "name": self.name,
            "machine": describe_machine(),
            "date": _today(),
            "rows": rows,
            "notes": self.notes,
        }
        return json.dumps(content, indent=1)

    def put_into(self, path: Path) -> None:
        """Replace what stands between `<!-- table NAME -->` and `<!-- end -->` in the document."""
        text = path.read_text(encoding="utf-8")
        frame = re.compile(rf"(<!-- table {self.name} -->\n).*?(<!-- end -->)", re.DOTALL)
        if not frame.search(text):
            raise BenchmarkError(f"{path} has no place for it: <!-- table {self.name} -->")
        body = self.to_markdown()
        path.write_text(frame.sub(lambda m: f"{m[1]}{body}\n{m[2]}", text), encoding="utf-8")


def describe_machine() -> str:
    """Processor, cores, kernel and Python."""
    try:
        cpuinfo = Path("/proc/cpuinfo").read_text(encoding="utf-8")
    except OSError:
        cpuinfo = ""
    found = re.search(r"^model name\s*: (.+)$", cpuinfo, re.MULTILINE)
    model = found[1].strip() if found else platform.machine()
    kernel = ".".join(platform.release().split(".")[:2])
    python = platform.python_version()
    return f"{model}, {os.cpu_count()} cores, Linux {kernel}, Python {python}"


def _today() -> str:
    return date.today().isoformat()


def _write(cell: Cell) -> str:
    if isinstance(cell, int):
        return f"{cell:,}"
    return str(Figure((cell,))) if isinstance(cell, float) else str(cell)


def _plain(cell: Cell) -> object:
    if isinstance(cell, Figure):
        return {"median": cell.median, "spread": cell.spread, "rounds": cell.values}
    return cell


def _write_row(cells: Sequence[str], widths: Sequence[int]) -> str:
    padded = [cell.ljust(width) for cell, width in zip(cells, widths, strict=True)]
    return "| " + " | ".join(padded) + " |"
