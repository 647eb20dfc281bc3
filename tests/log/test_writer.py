"""Whoever logs never waits, and nothing that was logged is lost in silence."""

import os
import select
import time
from collections.abc import Iterator

import pytest

from dnsregistry.log.writer import MOST_LINES, MOST_OCTETS, LogWriter
from tests.program import PATIENCE


def _tell(lines: int) -> str:
    return f"dropped {lines}"


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reading, writing = os.pipe()
    yield reading, writing
    for descriptor in (reading, writing):
        try:
            os.close(descriptor)
        except OSError:
            continue


def _read(descriptor: int) -> bytes:
    """What is there, or comes soon."""
    readable, _, _ = select.select((descriptor,), (), (), PATIENCE)
    assert readable
    return os.read(descriptor, 1 << 16)


def _read_lines(descriptor: int, lines: int) -> bytes:
    """So many lines, and nothing more."""
    told = b""
    while told.count(b"\n") < lines:
        told += _read(descriptor)
    assert told.count(b"\n") == lines
    return told


def _end(writer: LogWriter, reading: int) -> None:
    """Have its thread end: the descriptor that it waits for is the next pipe's soon."""
    os.close(reading)
    writer.flush(PATIENCE)
    writer.close()


def _sum_of_lost(told: bytes) -> int:
    return sum(int(line.split()[1]) for line in told.splitlines() if line.startswith(b"dropped "))


def test_lines_are_written_in_the_order_in_which_they_came(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LogWriter(writing, _tell)
    for number in range(500):
        writer.write(str(number))
    told = _read_lines(reading, 500)
    assert told.decode().split() == [str(number) for number in range(500)]
    writer.close()


def test_a_pipe_that_nobody_reads_makes_nobody_wait_and_what_is_lost_is_told(
    pipe: tuple[int, int],
) -> None:
    reading, writing = pipe
    writer = LogWriter(writing, _tell)
    line = "x" * 99
    began = time.monotonic()
    for _ in range(MOST_LINES * 2):
        writer.write(line)
    # A pipe takes some hundred lines; writing to it plainly would not come back at all.
    assert time.monotonic() - began < PATIENCE
    assert 0 < writer.dropped <= MOST_LINES
    assert writer.waiting <= MOST_LINES
    dropped = writer.dropped
    told = b""
    # What was lost is told as soon as there is room, and so perhaps in parts.
    while told.count(b"x\n") < MOST_LINES * 2 - dropped or _sum_of_lost(told) < dropped:
        told += _read(reading)
    assert told.count(line.encode() + b"\n") == MOST_LINES * 2 - dropped
    assert _sum_of_lost(told) == dropped
    writer.close()


def test_long_lines_are_bounded_by_their_octets(pipe: tuple[int, int]) -> None:
    writer = LogWriter(pipe[1], _tell)
    for _ in range(100):
        writer.write("x" * (MOST_OCTETS // 10))
    assert writer.waiting <= 10
    assert writer.dropped >= 89
    _end(writer, pipe[0])


def test_the_end_waits_for_what_is_left_and_not_for_ever(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    writer = LogWriter(writing, _tell)
    writer.write("last")
    writer.close()
    assert os.read(reading, 100) == b"last\n"
    writer.write("too late")
    assert writer.dropped == 1

    stuck = LogWriter(writing, _tell)
    for _ in range(MOST_LINES):
        stuck.write("x" * 99)
    began = time.monotonic()
    stuck.close()
    assert time.monotonic() - began < PATIENCE
    _end(stuck, reading)


def test_a_reader_that_is_gone_costs_lines_and_no_more(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.close(reading)
    writer = LogWriter(writing, _tell)
    for _ in range(3):
        writer.write("to nobody")
        writer.flush()
    assert writer.dropped == 3
    writer.close()


def test_a_descriptor_that_was_made_non_blocking_loses_nothing(pipe: tuple[int, int]) -> None:
    reading, writing = pipe
    os.set_blocking(writing, False)
    writer = LogWriter(writing, _tell)
    for number in range(5000):
        writer.write(f"{number:99}")
    told = _read_lines(reading, 5000)
    assert int(told.splitlines()[-1]) == 4999
    writer.close()
