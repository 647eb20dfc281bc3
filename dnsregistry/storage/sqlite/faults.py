"""What SQLite's errors mean, in words for whoever runs the program."""

import sqlite3

_REASONS = {
    sqlite3.SQLITE_FULL: "the disk is full",
    sqlite3.SQLITE_READONLY: "it can be read but not written",
    sqlite3.SQLITE_IOERR: "the disk fails to read or write",
    sqlite3.SQLITE_BUSY: "another program has locked it",
    sqlite3.SQLITE_LOCKED: "another program has locked it",
    sqlite3.SQLITE_CORRUPT: "it is damaged",
    sqlite3.SQLITE_NOTADB: "it is no SQLite database",
    sqlite3.SQLITE_CANTOPEN: "it cannot be opened",
    sqlite3.SQLITE_PERM: "access is denied",
    sqlite3.SQLITE_AUTH: "access is denied",
}
_PRIMARY = 0xFF
"""What of an extended result code is the error's class."""


def explain(error: Exception) -> str:
    """The reason in a few words, with SQLite's own where they tell more."""
    if isinstance(error, OSError):
        return error.strerror or str(error)
    code = getattr(error, "sqlite_errorcode", None)
    reason = None if code is None else _REASONS.get(code & _PRIMARY)
    return str(error) if reason is None else f"{reason} ({error})"
