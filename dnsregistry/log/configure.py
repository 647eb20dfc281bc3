"""One form for all lines: structlog's own and those of the libraries, each with its request."""

import logging
import os
from collections.abc import Callable, Sequence

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from dnsregistry.log.form import LogFormat, LogLevel
from dnsregistry.log.request import current
from dnsregistry.log.writer import LogWriter

OURS = "dnsregistry"
STANDARD_ERROR = 2
TROUBLES = ("warning", "error", "critical")
LOST = "lines of the log were dropped: nobody takes them as fast as they come"

Emit = Callable[[EventDict], None]
"""Writes what happened as a line, whatever the least level is."""


class Log:
    """The process's log, set up; `emit` is the short way for what is logged very often.

    `troubles` counts the lines of each level from warnings on, those without room too.
    """

    def __init__(self, format: LogFormat, level: LogLevel, descriptor: int, *, color: bool) -> None:
        self._render = _make_renderer(format, color=color)
        self.troubles = dict.fromkeys(TROUBLES, 0)
        self.writer = LogWriter(descriptor, self._tell_lost)
        number = logging.getLevelNamesMapping()[level.upper()]
        before = [*_list_processors(), self._count]
        structlog.configure(
            processors=[*before, *self._render],
            wrapper_class=structlog.make_filtering_bound_logger(number),
            logger_factory=lambda *names: _Lines(self.writer, *names),
            cache_logger_on_first_use=True,
        )
        self._take_over_libraries(before, number)

    def emit(self, event: EventDict) -> None:
        """Write a line of what happened; `event` is the log's to change."""
        self.writer.write(self._write(event))

    def close(self) -> None:
        """Write what waits; nothing can be logged after that."""
        self.writer.close()

    def _write(self, event: EventDict) -> str:
        event.setdefault("level", "info")
        rendered: object = _stamp(None, "info", event)
        for processor in self._render:
            rendered = processor(None, "info", rendered)  # type: ignore[arg-type]
        return str(rendered)

    def _count(self, _logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
        if (level := event["level"]) in self.troubles:
            self.troubles[level] += 1
        return event

    def _tell_lost(self, lines: int) -> str:
        return self._write({"event": LOST, "level": "warning", "logger": OURS, "lines": lines})

    def _take_over_libraries(self, before: Sequence[Processor], level: int) -> None:
        """What goes through Python's logging; of others' libraries from warnings on."""
        formatter = structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=before,
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *self._render],
        )
        handler = _Handler(self.writer)
        handler.setFormatter(formatter)
        root = logging.getLogger()
        for held in root.handlers[:]:
            root.removeHandler(held)
        root.addHandler(handler)
        root.setLevel(max(level, logging.WARNING))
        logging.getLogger(OURS).setLevel(level)


def configure(format: LogFormat = LogFormat.CONSOLE, level: LogLevel = LogLevel.INFO) -> Log:
    """Send all lines to standard error, coloured where that is a terminal."""
    return Log(format, level, STANDARD_ERROR, color=os.isatty(STANDARD_ERROR))


class _Lines:
    """What structlog gives finished lines to."""

    def __init__(self, writer: LogWriter, name: str = OURS) -> None:
        self.name = name
        self._writer = writer

    def msg(self, line: str) -> None:
        self._writer.write(line)

    debug = info = warning = error = critical = exception = fatal = failure = err = log = msg


class _Handler(logging.Handler):
    """What Python's logging gives its records to."""

    def __init__(self, writer: LogWriter) -> None:
        super().__init__()
        self._writer = writer

    def emit(self, record: logging.LogRecord) -> None:
        try:
            self._writer.write(self.format(record))
        except Exception:  # noqa: BLE001 - a line that cannot be written must not end its cause
            self.handleError(record)


def _list_processors() -> list[Processor]:
    return [_name_request, _name_logger, structlog.processors.add_log_level, _stamp]


_stamp = structlog.processors.TimeStamper(fmt="iso", utc=True)


def _make_renderer(format: LogFormat, *, color: bool) -> list[Processor]:
    if format is LogFormat.JSON:
        return [
            structlog.processors.format_exc_info,
            structlog.processors.JSONRenderer(default=str, ensure_ascii=False),
        ]
    # Of an error the lines alone: values of variables may be secrets.
    plain = structlog.dev.plain_traceback
    renderer = structlog.dev.ConsoleRenderer(colors=color, exception_formatter=plain)
    return [_drop_logger, _escape, renderer]


def _name_request(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    if request_id := current.get():
        event.setdefault("request_id", request_id)
    return event


def _name_logger(logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    record = event.get("_record")
    event.setdefault("logger", getattr(logger, "name", OURS) if record is None else record.name)
    return event


def _drop_logger(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """People read the words; which module said them is for machines."""
    event.pop("logger", None)
    return event


def _escape(_logger: WrappedLogger, _method: str, event: EventDict) -> EventDict:
    """What a client made up must not end a line, nor speak to the terminal."""
    for name, value in event.items():
        if isinstance(value, str) and not value.isprintable() and name != "exception":
            event[name] = value.encode("unicode_escape").decode()
    return event
