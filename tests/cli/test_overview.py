"""Services kept by changes, and numbers of two readings."""

from collections import Counter
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from dnsregistry.cli.overview.numbers import Reading, queries_a_second
from dnsregistry.cli.overview.services import REMEMBERED_SECONDS, Services
from dnsregistry.cli.overview.view import BACK_SECONDS, View
from dnsregistry.cli.overview.words import duration, write_notices, write_numbers
from dnsregistry.client import Event, Instance

STATES = ("healthy", "degraded", "unhealthy", "draining", "maintenance")


def _instance(id: str, service: str, state: str = "healthy") -> Instance:
    told: dict[str, Any] = {"status": state, "health": state}
    if state in ("degraded", "unhealthy"):
        told["status"] = "healthy"
    return Instance(id, service, ("10.0.0.1",), 80, 0, 1, 30.0, **told, revision=1)


def _reset(*instances: Instance) -> Event:
    return Event("reset", 1, instances=instances)


_instances = st.builds(
    _instance, st.sampled_from("abcdef"), st.sampled_from(("web", "files")), st.sampled_from(STATES)
)
_events = st.one_of(
    st.builds(
        Event,
        st.sampled_from(("registered", "updated", "removed", "expired")),
        st.just(2),
        _instances,
    ),
    st.lists(_instances, max_size=5).map(lambda instances: _reset(*instances)),
)


@given(st.lists(_events, max_size=30))
def test_changes_leave_the_counts_that_counting_anew_gives(events: list[Event]) -> None:
    services, present = Services(), dict[str, Instance]()
    for moment, event in enumerate(events):
        services.take(event, float(moment))
        if event.instance is None:
            present = {instance.id: instance for instance in event.instances}
        elif event.kind in ("removed", "expired"):
            present.pop(event.instance.id, None)
        else:
            present[event.instance.id] = event.instance
    rows, more = services.worst(float(len(events)))
    wanted: dict[str, Counter[str]] = {}
    for instance in present.values():
        wanted.setdefault(instance.service, Counter())[instance.state] += 1
    assert {row.name: dict(row.states) for row in rows if row.instances} == wanted
    serving = sum(instance.is_serving for instance in present.values())
    assert services.totals() == (len(wanted), len(present), serving)
    assert more == 0
    assert services.worst(0.0, 1)[0] == services.worst(0.0)[0][:1]


def test_the_worst_come_first() -> None:
    services = Services()
    services.take(
        _reset(
            _instance("1", "well"),
            _instance("2", "mixed"),
            _instance("3", "mixed", "unhealthy"),
            _instance("4", "down", "unhealthy"),
            _instance("5", "draining", "draining"),
            _instance("6", "put-by", "maintenance"),
            _instance("7", "bereft"),
            _instance("8", "bereft"),
            _instance("9", "gone"),
        ),
        0.0,
    )
    services.take(Event("expired", 2, _instance("8", "bereft")), 1.0)
    services.take(Event("removed", 3, _instance("9", "gone")), 1.0)
    rows, more = services.worst(2.0, 7)
    assert [(row.name, str(row.state)) for row in rows] == [
        ("down", "down"),
        ("gone", "gone"),
        ("mixed", "degraded"),
        ("draining", "draining"),
        ("put-by", "maintenance"),
        ("bereft", "healthy"),
        ("well", "healthy"),
    ]
    assert (rows[2].serving, rows[2].instances, more) == (1, 2, 0)


def test_who_is_gone_is_shown_for_a_minute() -> None:
    services = Services()
    services.take(_reset(_instance("1", "web")), 0.0)
    services.take(Event("expired", 2, _instance("1", "web")), 10.0)
    assert len(services.worst(10.0 + REMEMBERED_SECONDS - 1)[0]) == 1
    assert services.worst(10.0 + REMEMBERED_SECONDS)[0] == []
    assert services.totals() == (0, 0, 0)


def test_queries_a_second_are_of_two_readings_of_one_run() -> None:
    first = Reading.of({"uptime": 5, "dns": {"queries": {"udp": 10, "tcp": 5}}}, 1.0)
    second = Reading.of({"uptime": 7, "dns": {"queries": {"udp": 30, "tcp": 5}}}, 3.0)
    assert queries_a_second(None, first) is None
    assert queries_a_second(first, second) == 10
    assert queries_a_second(second, first) is None
    assert queries_a_second(second, Reading.of({"dns": {"queries": {"udp": 0}}}, 4.0)) is None


@pytest.mark.parametrize(
    "told", [{}, {"dns": 1}, {"dns": {"queries": [1]}}, {"health": {"guards_holding": 3}}]
)
def test_numbers_that_are_not_told_are_none(told: dict[str, Any]) -> None:
    assert Reading.of(told, 1.0) == Reading(1.0)


def test_the_slowest_way_of_answering_is_told_where_the_registry_tells_it() -> None:
    seconds = {
        "table": {"count": 9, "mean": 0.00003},
        "forward": {"count": 1, "mean": 0.0124},
        "ordinary": {"count": 0, "mean": 0.0},
    }
    view = View("http://a")
    view.take_reading(Reading.of({"dns": {"seconds": seconds}, "uptime": 7200}, 1.0), 1.0)
    line = write_numbers(view)
    assert line == "0 services · 0 of 0 instances serving · slowest: forward 12.4 ms · up 2 h"


def test_what_is_out_of_the_ordinary_is_told() -> None:
    view = View("http://a")
    told = {"store": {"away_since": 1.0}, "health": {"guards_holding": ["web"]}}
    view.take_reading(Reading.of(told, 1.0), 1.0)
    assert [text for _, text in write_notices(view, 1.0)] == [
        "the store is away: nothing can be registered or changed",
        "many failed at once, their answers are held: web",
    ]
    view.take_failure("no registry at http://a", 5.0)
    view.take_failure("no registry at http://a", 6.0)
    [(_, text)] = write_notices(view, 8.0)
    assert text == "away for 3 s, what is below is of before: no registry at http://a"
    view.take_reading(Reading(9.0), 9.0)
    [(_, text)] = write_notices(view, 10.0)
    assert text == "the registry is back, 1 s ago; it was away for 4 s"
    view.take_reading(Reading(30.0), 9.0 + BACK_SECONDS + 1)
    assert not list(write_notices(view, 30.0))


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(-1, "0 s"), (119, "119 s"), (120, "2 min"), (7200, "2 h"), (200_000, "2 d")],
)
def test_durations_are_in_the_largest_unit_of_which_there_are_two(
    seconds: float, text: str
) -> None:
    assert duration(seconds) == text
