"""What is wrong with a master file, and where."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Fault:
    """A reason, with the file and the line that it holds for; lines count from 1."""

    file: str
    line: int
    reason: str

    def __str__(self) -> str:
        return f"{self.file}:{self.line}: {self.reason}"


class ZoneFileError(Exception):
    """A master file is refused. The first of its faults is at hand as file, line and reason."""

    def __init__(self, faults: Sequence[Fault]) -> None:
        """`faults` is not empty."""
        super().__init__("\n".join(map(str, faults)))
        self.faults = tuple(faults)

    @property
    def file(self) -> str:
        """The file of the first fault, which may be an included one."""
        return self.faults[0].file

    @property
    def line(self) -> int:
        """The line of the first fault."""
        return self.faults[0].line

    @property
    def reason(self) -> str:
        """The reason of the first fault."""
        return self.faults[0].reason
