"""What an examination finds."""

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    OK = "ok"
    # Works, but slower or later than it could.
    WARNING = "warning"
    # Names are not found, or not always.
    PROBLEM = "problem"


@dataclass(frozen=True, slots=True)
class Finding:
    """One sentence about one subject; `change` is what to write where, empty where all is well."""

    level: Level
    subject: str
    text: str
    change: str = ""


def well(subject: str, text: str) -> Finding:
    """Nothing to do."""
    return Finding(Level.OK, subject, text)
