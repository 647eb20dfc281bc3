"""What workers are asked for, and for how long that is worth making anew."""

import pytest

from dnsregistry.answers.access import Client
from dnsregistry.servers.workers import demand
from dnsregistry.servers.workers.demand import (
    MOST_FORMS,
    MOST_UNASKED,
    RECENT_SECONDS,
    Demand,
    Wanted,
)

CLIENT = Client("10.0.0.7", tcp=False)
A = Wanted(b"a question", CLIENT)
SRV = Wanted(b"another question", CLIENT)
LATER = RECENT_SECONDS + 1


def test_what_was_asked_for_is_wanted_in_every_form() -> None:
    asked = Demand()
    asked.note(b"web", b"A", A, 0.0)
    asked.note(b"web", b"SRV", SRV, 0.0)
    assert asked.take(b"web", 0.0) == (A, SRV)
    assert asked.take(b"db", 0.0) == ()


def test_what_nobody_asks_for_is_made_anew_a_few_times_and_then_not() -> None:
    asked = Demand()
    asked.note(b"web", b"A", A, 0.0)
    taken = [asked.take(b"web", LATER) for _ in range(MOST_UNASKED + 2)]
    assert taken == [(A,)] * MOST_UNASKED + [()] * 2
    # It would have to be asked for again.
    asked.confirm(b"web", LATER)
    assert asked.take(b"web", LATER) == ()


def test_what_is_given_between_changes_is_made_anew_for_ever() -> None:
    asked = Demand()
    asked.note(b"web", b"A", A, 0.0)
    for number in range(1, 100):
        assert asked.take(b"web", number * LATER) == (A,)
        asked.confirm(b"web", number * LATER)


def test_changes_that_follow_each_other_fast_do_not_end_it() -> None:
    asked = Demand()
    asked.note(b"web", b"A", A, 0.0)
    for _ in range(100):
        assert asked.take(b"web", RECENT_SECONDS - 0.1) == (A,)
    assert asked.take(b"web", RECENT_SECONDS) == ()


def test_a_name_is_wanted_in_a_bounded_number_of_forms() -> None:
    asked = Demand()
    for number in range(MOST_FORMS + 1):
        asked.note(b"web", bytes((number,)), A, 0.0)
    asked.note(b"web", bytes((0,)), SRV, 0.0)
    assert asked.take(b"web", 0.0) == (A,) * MOST_FORMS


def test_beyond_so_many_names_the_first_is_wanted_no_more(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(demand, "MOST_NAMES", 2)
    asked = Demand()
    for name in (b"a", b"b", b"c"):
        asked.note(name, b"A", A, 0.0)
    assert [asked.take(name, 0.0) for name in (b"a", b"b", b"c")] == [(), (A,), (A,)]


def test_what_is_forgotten_is_wanted_no_more() -> None:
    asked = Demand()
    for name in (b"a", b"b"):
        asked.note(name, b"A", A, 0.0)
    asked.forget(b"a")
    assert [asked.take(name, 0.0) for name in (b"a", b"b")] == [(), (A,)]
    asked.clear()
    assert asked.take(b"b", 0.0) == ()
