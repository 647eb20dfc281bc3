"""What can be said of the log's form and measure."""

from enum import StrEnum


class LogFormat(StrEnum):
    """What a line of the log looks like."""

    CONSOLE = "console"
    JSON = "json"


class LogLevel(StrEnum):
    """The least grave lines that are written."""

    DEBUG = "debug"
    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


class Logged(StrEnum):
    """Of which requests or questions there are lines."""

    OFF = "off"
    ERRORS = "errors"
    ALL = "all"
