"""What the screen says, as lines and cells of text."""

from collections.abc import Iterator, Sequence

from dnsregistry.cli.overview.services import Row
from dnsregistry.cli.overview.view import View

COLUMNS = ("service", "state", "serving", "others", "last change")
SPACE = 2
"""Between two columns."""


def write_row(row: Row, now: float) -> tuple[str, ...]:
    """The cells of a service."""
    change = row.change
    last = "" if change is None else f"{change.kind} {change.instance_id}, {age(now - change.at)}"
    return row.name, str(row.state), f"{row.serving}/{row.instances}", write_others(row), last


def share(rows: Sequence[Sequence[str]], width: int) -> tuple[int, ...]:
    """The columns' widths on a screen of this one.

    How a service is and how many serve is always whole. The name gives way to what stands after
    it down to half of the rest, so that a long name takes no other column away.
    """
    name, state, serving, others, last = (
        max(map(len, cells)) for cells in zip(COLUMNS, *rows, strict=True)
    )
    rest = max(0, width - state - serving - SPACE * (len(COLUMNS) - 1))
    name = min(name, max(rest // 2, rest - others - last))
    rest -= name
    others = min(others, max(rest // 2, rest - last))
    return name, state, serving, others, rest - others


def write_others(row: Row) -> str:
    """The instances that are not healthy, by what they are."""
    states = sorted(row.states.items())
    return ", ".join(f"{count} {state}" for state, count in states if state != "healthy")


def write_numbers(view: View) -> str:
    """One line of what there is and how much is asked."""
    services, instances, serving = view.services.totals()
    parts = [
        f"{count(services, 'service')}",
        f"{serving:,} of {count(instances, 'instance')} serving",
    ]
    if view.rate is not None:
        parts.append(f"{view.rate:,.0f} queries a second")
    if view.reading is not None and view.reading.slowest is not None:
        path, seconds = view.reading.slowest
        parts.append(f"slowest: {path} {1000 * seconds:.3g} ms")
    if view.reading is not None and view.reading.uptime is not None:
        parts.append(f"up {duration(view.reading.uptime)}")
    return " · ".join(parts)


def write_notices(view: View, now: float) -> Iterator[tuple[str, str]]:
    """What is out of the ordinary, each with its colour."""
    absence = view.absence
    if absence is not None and absence.until is None:
        past = f"for {duration(now - absence.since)}"
        yield "red", f"away {past}, what is below is of before: {absence.reason}"
    elif absence is not None and absence.until is not None:
        gone = duration(absence.until - absence.since)
        yield "green", f"the registry is back, {age(now - absence.until)}; it was away for {gone}"
    if view.reading is not None and not view.is_away:
        if view.reading.store_away:
            yield "red", "the store is away: nothing can be registered or changed"
        if view.reading.guards:
            held = ", ".join(view.reading.guards)
            yield "yellow", f"many failed at once, their answers are held: {held}"


def count(number: int, noun: str) -> str:
    """The number with its noun: `1 service`, `2,000 services`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def age(seconds: float) -> str:
    """How long ago."""
    return f"{duration(seconds)} ago"


def duration(seconds: float) -> str:
    """Seconds in the largest unit of which there are two."""
    for size, unit in ((86400, "d"), (3600, "h"), (60, "min")):
        if seconds >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{max(seconds, 0):.0f} s"
