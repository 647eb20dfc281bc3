"""Times as the documents write them."""

from datetime import UTC, datetime


def write_seconds(time: float) -> str:
    """ISO 8601 in UTC to the second, as in `2024-01-15T10:30:00Z`."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")[:-6] + "Z"


def write_microseconds(time: float) -> str:
    """ISO 8601 in UTC without saying so, as in `2025-10-17T02:59:31.123456`."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="microseconds")[:-6]


def write_naive_seconds(time: float) -> str:
    """ISO 8601 in UTC to the second without saying so, as in `2025-11-23T12:30:00`."""
    return datetime.fromtimestamp(time, UTC).isoformat(timespec="seconds")[:-6]
