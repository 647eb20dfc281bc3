"""What workers are asked for is made anew with the change that would have it forgotten."""

import pytest
from structlog.testing import capture_logs

from dnsregistry.answers.responder import Responder
from dnsregistry.servers.exchange import Exchange
from dnsregistry.servers.workers import refill
from dnsregistry.servers.workers.demand import MOST_FORMS, Wanted
from dnsregistry.servers.workers.frames import Kind, Reader, read_refill
from dnsregistry.servers.workers.refill import Refill, export
from tests.answers.test_table import UDP, House, _query

WEB = b"\3web\x08registry\5local"


def _refill(responder: Responder, *queries: bytes) -> Refill:
    """One that was told what a worker asked, twice as whatever is kept."""
    made = Refill(Exchange(responder), responder)
    for query in queries:
        for _ in range(2):
            responder.respond(query, UDP)
        wanted = Wanted(query, UDP)
        copy = export(responder, wanted)
        assert copy is not None
        made.note(copy, wanted)
    return made


def _read(frames: list[bytes]) -> list[tuple[bytes, list[int]]]:
    """Names, and the types of what stands under them."""
    read = []
    for kind, fields in Reader().feed(b"".join(frames)):
        assert kind is Kind.REFILL
        name, copies = read_refill(fields)
        assert all(copy.name == name for copy in copies)
        read.append((name, [copy.rtype for copy in copies]))
    return read


def test_what_was_asked_for_is_made_anew_and_all_else_forgotten() -> None:
    house = House()
    house.add("a")
    responder = house.build()
    questions = [("web", "A"), ("web", "AAAA"), ("_web._tcp", "SRV"), ("nobody", "A")]
    made = _refill(
        responder, *(_query(f"{name}.registry.local", rtype) for name, rtype in questions)
    )
    house.add("a", port=81)
    counted = responder.tally.ordinary, responder.tally.rcodes.total()
    frames, forgotten = made.make([WEB, b"\4_web\4_tcp\x08registry\5local", b"\6nobody", b"\2db"])
    assert _read(frames) == [(WEB, [1, 28]), (b"\4_web\4_tcp\x08registry\5local", [33])]
    assert forgotten == [b"\6nobody", b"\2db"]
    # Nobody asked.
    assert (responder.tally.ordinary, responder.tally.rcodes.total()) == counted


def test_what_is_gone_is_forgotten_and_wanted_no_more() -> None:
    house = House()
    house.add("a")
    made = _refill(house.build(), _query("web.registry.local", "A"))
    house.registry.revoke("a", house.now)
    assert made.make([WEB]) == ([], [WEB])
    house.add("a")
    assert made.make([WEB]) == ([], [WEB])


def test_what_was_cut_short_for_one_client_is_left_to_its_next_question() -> None:
    house = House()
    house.fill(60)
    made = _refill(house.build(), _query("web.registry.local", "A"))
    house.add("web0", port=81)
    assert made.make([WEB]) == ([], [WEB])


def test_a_turn_makes_a_bounded_number_of_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refill, "MOST_REFILLED", 3)
    house = House()
    names = []
    for number in range(5):
        house.add("a", service=f"s{number}")
        house.add(f"b{number}", service=f"s{number}")
        names.append(f"s{number}.registry.local")
    made = _refill(house.build(), *(_query(name, "A") for name in names))
    wires = [b"\2s%d\x08registry\5local" % number for number in range(5)]
    frames, forgotten = made.make(wires)
    assert [name for name, _ in _read(frames)] == wires[:3]
    assert forgotten == wires[3:]


def test_all_forms_of_a_name_are_made_anew_at_once() -> None:
    house = House()
    house.add("a")
    sizes = range(512, 512 + 100 * (MOST_FORMS + 2), 100)
    queries = [_query("web.registry.local", "A", edns=size) for size in sizes]
    made = _refill(house.build(), *queries)
    house.add("a", address="10.0.0.9")
    frames, forgotten = made.make([WEB])
    ((name, types),) = _read(frames)
    assert (name, forgotten) == (WEB, [])
    assert 1 <= len(types) <= MOST_FORMS


def test_an_error_of_ours_is_logged_and_has_the_answer_forgotten(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    house = House()
    house.add("a")
    responder = house.build()
    made = _refill(responder, _query("web.registry.local", "A"))
    house.add("a", port=81)

    def fail(*_: object) -> None:
        raise RuntimeError

    monkeypatch.setattr(responder, "rule", fail)
    with capture_logs() as lines:
        assert made.make([WEB]) == ([], [WEB])
    assert [line["event"] for line in lines] == ["query failed"]
    assert responder.tally.faults == 1
