"""What benchmarks are built of tells the truth: a wrong figure is worse than none."""

import dataclasses
import os
import socket
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from pathlib import Path

import dns.message
import dns.rcode
import dns.rrset
import pytest

from tests.benchmarks import house, queries
from tests.benchmarks.equality import compare, read
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.figure import Figure
from tests.benchmarks.load import Load, Sent
from tests.benchmarks.process import running
from tests.benchmarks.queries import QueryFile
from tests.benchmarks.rounds import alternate
from tests.benchmarks.table import Table
from tests.machine import require
from tests.program import PATIENCE

Answer = Callable[[bytes], list[bytes]]
HEADER = 12
NAME = "_svc-000001._tcp.registry.local"


def _reply(query: bytes, *records: str, rcode: dns.rcode.Rcode = dns.rcode.NOERROR) -> bytes:
    reply = dns.message.make_response(dns.message.from_wire(query))
    reply.set_rcode(rcode)
    for record in records:
        ttl, rtype, data = record.split(" ", 2)
        name = reply.question[0].name
        reply.answer.append(dns.rrset.from_text(name, int(ttl), "IN", rtype, data))
    return reply.to_wire()


def _right(query: bytes) -> list[bytes]:
    return [_reply(query, "5 A 10.0.0.1")]


@contextmanager
def _serving(answer: Answer) -> Iterator[int]:
    """A server that answers each query with these messages; its port."""
    sock = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    sock.bind(("127.0.0.1", 0))

    def work() -> None:
        while (received := sock.recvfrom(4096))[0]:
            for reply in answer(received[0]):
                sock.sendto(reply, received[1])

    thread = threading.Thread(target=work)
    with closing(sock):
        thread.start()
        try:
            yield sock.getsockname()[1]
        finally:
            with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as last:
                last.sendto(b"", sock.getsockname())
            thread.join(PATIENCE)


@pytest.fixture(scope="module")
def load(tmp_path_factory: pytest.TempPathFactory) -> Load:
    require("gcc")
    require("taskset")
    core = max(os.sched_getaffinity(0))
    return Load(tmp_path_factory.mktemp("load"), str(core))


@pytest.fixture
def asked(tmp_path: Path) -> QueryFile:
    """Fifty queries of one question, each letter in either case."""
    return queries.write(tmp_path / "asked", queries.with_random_case([(NAME, "A")], 50, seed=1))


def test_a_load_asks_each_question_once_and_counts_each_reply(load: Load, asked: QueryFile) -> None:
    seen: list[bytes] = []

    def answer(query: bytes) -> list[bytes]:
        seen.append(query)
        return _right(query)

    with _serving(answer) as port:
        sent = load.send(port, asked, first=10, count=30, window=4)
    assert [query[2:] for query in seen] == [query[2:] for query in asked.read()][10:40]
    assert (sent.sent, sent.received, sent.lost, sent.rcodes[0]) == (30, 30, 0, 30)
    assert 0 < sent.p50 <= sent.p99 <= sent.longest
    sent.check(0, "it")


def test_a_load_for_a_time_begins_again_and_keeps_its_pace(load: Load, asked: QueryFile) -> None:
    with _serving(_right) as port:
        sent = load.send(port, asked, seconds=0.3, rate=500, sockets=3)
    assert sent.received == sent.sent
    assert asked.count < sent.sent <= 151


def test_a_lost_question_is_counted_and_not_asked_again(load: Load, asked: QueryFile) -> None:
    lost = next(asked.read())[HEADER:]
    with _serving(lambda query: [] if query[HEADER:] == lost else _right(query)) as port:
        sent = load.send(port, asked, window=8, patience=0.2)
    assert (sent.sent, sent.received, sent.lost) == (50, 49, 1)
    with pytest.raises(BenchmarkError, match="1 lost"):
        sent.check(0, "it")


@pytest.mark.parametrize(
    ("answer", "fault"),
    [
        (lambda query: [*_right(query), *_right(query)], "stray"),
        (lambda query: _right(query[:HEADER] + query[HEADER:].swapcase()), "of another question"),
        (lambda query: [_reply(query, rcode=dns.rcode.NXDOMAIN)], "of another rcode"),
        (lambda query: [_reply(query)], "without answer"),
        (lambda query: [query], "of another question"),
    ],
    ids=["twice", "case", "rcode", "empty", "echo"],
)
def test_a_reply_that_is_not_right_is_told(
    load: Load, asked: QueryFile, answer: Answer, fault: str
) -> None:
    with _serving(answer) as port:
        sent = load.send(port, asked, seconds=0.1)
    with pytest.raises(BenchmarkError, match=fault):
        sent.check(0, "it")


def test_no_reply_at_all_is_one_sentence(load: Load, asked: QueryFile) -> None:
    with (
        _serving(lambda query: []) as port,
        pytest.raises(BenchmarkError, match="no reply to any of 50"),
    ):
        load.send(port, asked, patience=0.1)


def test_truncated_replies_are_told() -> None:
    sent = Sent(9, 9, 0, 0, 0, 2, 0, 1.0, 1, 1, 1, 1, (9,) + (0,) * 15)
    dataclasses.replace(sent, truncated=0).check(0, "it")
    with pytest.raises(BenchmarkError, match="2 truncated"):
        sent.check(0, "it")


@pytest.mark.parametrize(
    "other",
    [
        ("5 A 10.0.0.1",),
        ("5 A 10.0.0.1", "5 A 10.0.0.3"),
        ("6 A 10.0.0.1", "6 A 10.0.0.2"),
    ],
    ids=["fewer", "another", "ttl"],
)
def test_answers_that_differ_are_not_equal(asked: QueryFile, other: tuple[str, ...]) -> None:
    same = ("5 A 10.0.0.1", "5 A 10.0.0.2")
    with (
        _serving(lambda query: [_reply(query, *same)]) as ours,
        _serving(lambda query: [_reply(query, *reversed(same))]) as theirs,
        _serving(lambda query: [_reply(query, *other)]) as others,
    ):
        assert compare(ours, theirs, asked.read()) == 50
        with pytest.raises(BenchmarkError, match="differ"):
            compare(ours, others, asked.read())


def test_replies_are_read_as_dnspython_reads_them() -> None:
    records = ["5 SRV 0 1 8080 a.i.registry.local.", "5 SRV 0 1 8081 B.i.registry.local."]
    wires = [
        _reply(queries.make_query((NAME, "SRV")), *records),
        _reply(queries.make_query((NAME, "SRV")), "5 SRV 0 1 80 _tcp.registry.local."),
        _reply(queries.make_query((NAME, "SRV")), f"5 SOA ns1.{NAME}. H.{NAME}. 1 2 3 4 5"),
        _reply(queries.make_query((NAME, "PTR")), f"5 PTR {NAME}.", "7 TXT Case"),
        _reply(queries.make_query((NAME, "A")), rcode=dns.rcode.NXDOMAIN),
    ]
    for wire in wires:
        message = dns.message.from_wire(wire, one_rr_per_rrset=True)
        expected = {
            (
                rrset.name.canonicalize().to_wire(),
                rrset.rdtype,
                rrset.rdclass,
                rrset.ttl,
                rrset[0].to_digestable(),
            )
            for rrset in message.answer
        }
        content = read(wire)
        assert content.answer == expected
        assert content.flags == message.flags & ~0x80
        assert not content.authority
        assert not content.additional
        assert content.opts == 1


def _say_twice(wire: bytes) -> bytes:
    """The answer record once more."""
    question_end = wire.index(b"\0\0\x01\0\x01", HEADER) + 5
    record = wire[question_end : question_end + 16]
    header = wire[:6] + b"\0\2" + wire[8:HEADER]
    return header + wire[HEADER:question_end] + record + wire[question_end:]


@pytest.mark.parametrize("spoil", [lambda wire: wire + b"\0", _say_twice], ids=["more", "twice"])
def test_a_reply_that_no_reader_takes_is_an_error(spoil: Callable[[bytes], bytes]) -> None:
    wire = _reply(queries.make_query((NAME, "A")), "5 A 10.0.0.1")
    with pytest.raises(BenchmarkError, match=r"too many|comes twice"):
        read(spoil(wire))


def test_denials_are_compared_by_rcode(asked: QueryFile) -> None:
    with (
        _serving(lambda query: [_reply(query)]) as ours,
        _serving(lambda query: [_reply(query, rcode=dns.rcode.NXDOMAIN)]) as theirs,
        pytest.raises(BenchmarkError, match="NXDOMAIN"),
    ):
        compare(ours, theirs, asked.read())


def test_no_question_comes_twice() -> None:
    questions = house.make_questions(services=3)
    anycase = list(queries.with_random_case(questions, 2000, seed=1))
    assert len(set(anycase)) == 2000
    assert {query.lower() for query in anycase} == set(map(queries.make_query, questions))
    unknown = list(queries.unknown_names(house.ORIGIN, 2000, seed=1))
    assert len(set(unknown)) == 2000
    for query in unknown[:20]:
        dns.message.from_wire(query)


def test_a_query_is_what_it_says() -> None:
    message = dns.message.from_wire(queries.make_query((NAME, "SRV"), 1400))
    [question] = message.question
    assert question.to_text() == f"{NAME}. IN SRV"
    assert message.payload == 1400


def test_the_cpu_time_of_descendants_counts(tmp_path: Path) -> None:
    require("taskset")
    core = str(min(os.sched_getaffinity(0)))
    script = "while :; do :; done & wait"
    with running("busy", ["sh", "-c", script], cores=core, folder=tmp_path) as process:
        deadline = time.monotonic() + PATIENCE
        while process.cpu_seconds() < 0.05:
            assert time.monotonic() < deadline
        pids = process.pids()
        assert len(pids) == 2
        assert process.cpu_seconds_each()[pids[1]] >= 0.03
        assert process.memory().proportional > 0
    for pid in pids:
        # What no parent has waited for stays as a zombie.
        stat = Path(f"/proc/{pid}/stat")
        assert not stat.exists() or stat.read_text().rpartition(") ")[2].startswith("Z")


def test_a_server_that_ends_at_its_start_is_told_with_its_last_words(tmp_path: Path) -> None:
    require("taskset")
    core = str(min(os.sched_getaffinity(0)))
    command = ["sh", "-c", "echo no such zone"]
    with (
        running("it", command, cores=core, folder=tmp_path) as process,
        pytest.raises(BenchmarkError, match="it ended at its start: no such zone"),
    ):
        process.wait_until(lambda: False)


def test_rounds_take_turns_and_each_begins_with_another() -> None:
    order: list[str] = []

    def measure(name: str) -> Callable[[int], str]:
        def note(number: int) -> str:
            order.append(name)
            return f"{name}{number}"

        return note

    results = alternate(3, {name: measure(name) for name in "abc"})
    assert "".join(order) == "abcbcacab"
    assert results == {name: [f"{name}{number}" for number in range(3)] for name in "abc"}


def test_a_figure_is_the_median_and_the_spread_of_its_rounds() -> None:
    figure = Figure.of([8.0, 7.0, 30.0])
    assert (figure.median, figure.spread) == (8.0, (7.0, 30.0))
    assert str(figure) == "8.00 (7.00 to 30.0)"
    assert figure.over(Figure.of([4.0, 7.0, 10.0])).values == (2.0, 1.0, 3.0)


def test_a_table_takes_its_place_in_a_document(tmp_path: Path) -> None:
    table = Table("some", ("what", "how much"), notes=["Noted."])
    table.add("this", Figure.of([1.0, 2.0, 3.0]))
    path = tmp_path / "page.md"
    path.write_text("before\n<!-- table some -->\nold\n<!-- end -->\nafter\n<!-- table no -->\n")
    for _ in range(2):
        table.put_into(path)
        text = path.read_text()
        assert "old" not in text
        assert "| this | 2.00 (1.00 to 3.00) |" in text
        assert text.startswith("before\n<!-- table some -->\n| what")
        assert text.endswith(".\n<!-- end -->\nafter\n<!-- table no -->\n")
    with pytest.raises(BenchmarkError, match="has no place"):
        Table("other", ("what",)).put_into(path)
