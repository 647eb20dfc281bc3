"""A page as one shell session: its blocks in order, and what it says is seen.

In a page with the line `<!-- session -->` every block of `sh` is run, all in one bash. A block of
`text` after it is what the page says is seen: line for line, in any order, `…` standing for
anything, as a line of its own for any lines. A block that has one is run again until that is
seen, as a reader looks again. Blocks after `<!-- by hand -->` are not run.
"""

import os
import re
import subprocess
import time
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from signal import SIGKILL
from typing import Self

ANYTHING = "…"
MARK = "<!-- session -->"
SECONDS_BETWEEN = 0.2
_BLOCK = re.compile(
    r"(?P<by_hand><!-- by hand -->\n)?```sh\n(?P<command>.*?)```\n"
    r"(?:\n```text\n(?P<seen>.*?)```\n)?",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True)
class Block:
    """Commands, and the lines that are seen; None where the page does not say."""

    command: str
    seen: tuple[str, ...] | None


def read_blocks(page: str, replaced: Mapping[str, str]) -> Iterator[Block]:
    """The blocks of a page that are run, with other ports than those it speaks of."""
    for found in _BLOCK.finditer(page):
        if not found["by_hand"]:
            seen = found["seen"]
            yield Block(
                _replace(found["command"], replaced),
                None if seen is None else tuple(_replace(seen, replaced).splitlines()),
            )


def fits(output: str, seen: tuple[str, ...]) -> bool:
    """Whether the output is what the page says."""
    lines = output.splitlines()
    for wanted in seen:
        if wanted != ANYTHING:
            pattern = ".*".join(map(re.escape, wanted.rstrip().split(ANYTHING)))
            line = next((each for each in lines if re.fullmatch(pattern, each.rstrip())), None)
            if line is None:
                return False
            lines.remove(line)
    return not lines or ANYTHING in seen


class Session:
    """A bash in a folder, in a session of its own; at the end nothing of it is left."""

    def __init__(self, folder: Path, environment: Mapping[str, str], seconds: float) -> None:
        self._folder = folder
        self._deadline = time.monotonic() + seconds
        self._number = 0
        self._bash = subprocess.Popen(
            ["bash", "--noprofile", "--norc"],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            cwd=folder,
            env=environment,
            start_new_session=True,
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        for pid in [*self._others(), self._bash.pid]:
            with suppress(ProcessLookupError):
                os.kill(pid, SIGKILL)
        assert self._bash.stdin is not None
        self._bash.stdin.close()
        self._bash.wait()

    def play(self, block: Block) -> None:
        """Run it, until that is seen which the page says."""
        while True:
            code, output = self._run(block.command)
            told = f"{block.command}\n{output}"
            if block.seen is None:
                assert code == 0, told
                return
            if code == 0 and fits(output, block.seen):
                return
            assert time.monotonic() < self._deadline, told
            time.sleep(SECONDS_BETWEEN)

    def left(self) -> list[int]:
        """The processes that the page has not ended, once they have had time to."""
        while (others := self._others()) and time.monotonic() < self._deadline:
            time.sleep(SECONDS_BETWEEN)
        return others

    def _run(self, command: str) -> tuple[int, str]:
        self._number += 1
        place = self._folder / f"block-{self._number}"
        for end in ("sh", "out", "code"):
            assert not place.with_suffix(f".{end}").exists()
        place.with_suffix(".sh").write_text(command)
        assert self._bash.stdin is not None
        name = place.name
        line = f". ./{name}.sh > {name}.out 2>&1; echo $? > {name}.new; mv {name}.new {name}.code\n"
        self._bash.stdin.write(line.encode())
        self._bash.stdin.flush()
        while not place.with_suffix(".code").exists():
            assert time.monotonic() < self._deadline, f"still at {command}"
            time.sleep(0.01)
        return int(place.with_suffix(".code").read_text()), place.with_suffix(".out").read_text()

    def _others(self) -> list[int]:
        """The processes of the session, the shell aside."""
        found = []
        for folder in Path("/proc").iterdir():
            if folder.name.isdigit() and int(folder.name) != self._bash.pid:
                with suppress(OSError, ValueError, IndexError):
                    # proc_pid_stat(5): after the name in brackets, state, parent, group, session.
                    rest = (folder / "stat").read_text().rpartition(")")[2].split()
                    if int(rest[3]) == self._bash.pid and rest[0] != "Z":
                        found.append(int(folder.name))
        return found


def _replace(text: str, replaced: Mapping[str, str]) -> str:
    pattern = "|".join(rf"\b{re.escape(usual)}\b" for usual in replaced)
    return re.sub(pattern, lambda found: replaced[found[0]], text)
