"""`dnsregistry top` at a terminal and in a pipe, beside registries that come and go."""

import asyncio
import json
import re
import signal
import sys
from asyncio.subprocess import PIPE
from collections.abc import AsyncIterator

import pytest

from tests.cli.terminal import ENTER, LEAVE, Terminal
from tests.client.conftest import House, free_port
from tests.conftest import Start
from tests.program import LOOPBACK, PATIENCE, Program

TOP = (sys.executable, "-m", "dnsregistry", "top")
MANY = 10_000


@pytest.fixture
def place(start: Start) -> House:
    return House(start)


@pytest.fixture
async def terminal() -> AsyncIterator[Terminal]:
    terminal = Terminal()
    yield terminal
    await terminal.close()


async def _pipe(*arguments: str) -> tuple[int, str, str]:
    process = await asyncio.create_subprocess_exec(*TOP, *arguments, stdout=PIPE, stderr=PIPE)
    async with asyncio.timeout(PATIENCE):
        out, err = await process.communicate()
    assert process.returncode is not None
    return process.returncode, out.decode(), err.decode()


async def test_a_service_is_seen_to_come_to_suffer_and_to_leave(
    house: Program, terminal: Terminal
) -> None:
    await terminal.start(*TOP, "--url", house.url)
    await terminal.see(r"1 service · 3 of 3 instances serving", r"user-service +healthy +3/3")
    await house.register("w1", service="web")
    await terminal.see(r"web +healthy +1/1 +registered w1, \d s ago")
    await house.set_status("w1", "draining")
    await terminal.see(r"web +draining +0/1 +1 draining +updated w1, \d s ago\s+user-service")
    await house.remove("w1")
    await terminal.see(r"web +gone +0/0 +removed w1")
    await house.remove("i1")
    await terminal.see(r"user-service +healthy +2/2 +removed i1")


@pytest.mark.parametrize("columns", [40, 80])
async def test_a_long_name_leaves_how_its_service_is_in_sight(
    house: Program, terminal: Terminal, columns: int
) -> None:
    terminal.resize(24, columns)
    await house.register("w1", service="s" * 62)
    await terminal.start(*TOP, "--url", house.url)
    screen = await terminal.see(r"s… +healthy +1/1 ", r"user-\S+ +healthy +3/3 ")
    assert max(map(len, screen.splitlines())) <= columns


async def test_what_is_asked_is_counted_by_the_second(house: Program, terminal: Terminal) -> None:
    await terminal.start(*TOP, "--url", house.url, "--interval", "0.2")
    await terminal.see(r" 0 queries a second")
    for _ in range(100):
        await house.ask("user-service.registry.local")
    await terminal.see(r"[1-9]\d* queries a second")


@pytest.mark.parametrize("key", [b"q", b"\x03"])
async def test_q_and_ctrl_c_end_it_and_leave_the_terminal_as_it_was(
    house: Program, terminal: Terminal, key: bytes
) -> None:
    await terminal.start(*TOP, "--url", house.url)
    await terminal.see("q ends")
    assert ENTER in terminal.seen
    assert not terminal.is_as_before()
    terminal.press(b"xyz")
    terminal.press(key)
    assert await terminal.finish() == 0
    assert terminal.is_as_before()
    assert LEAVE in terminal.seen
    assert "Traceback" not in terminal.text


async def test_sigterm_leaves_the_terminal_as_it_was(house: Program, terminal: Terminal) -> None:
    await terminal.start(*TOP, "--url", house.url)
    await terminal.see("q ends")
    terminal.process.send_signal(signal.SIGTERM)
    assert await terminal.finish() == 128 + signal.SIGTERM
    assert terminal.is_as_before()


async def test_a_registry_that_goes_and_comes_back_is_told_and_listed_anew(
    place: House, terminal: Terminal
) -> None:
    program = await place.open()
    await program.register("w1", service="web")
    await terminal.start(*TOP, "--url", place.url, "--interval", "0.2")
    await terminal.see(r"web +healthy")
    await program.stop()
    await terminal.see(
        r"away for \d+ s, what is below is of before: no registry at .*connection refused",
        r"web +healthy",
    )
    again = await place.open()
    await again.register("f1", service="files")
    await terminal.see(
        r"the registry is back, \d+ s ago; it was away for \d+ s",
        r"files +healthy +1/1",
        r"web +gone +0/0 +left w1",
    )
    assert "no changes to follow" not in terminal.text


async def test_of_ten_thousand_services_the_worst_are_seen_and_the_rest_counted(
    program: Program, terminal: Terminal
) -> None:
    instance = {"address": "10.0.0.1", "port": 80}
    for begin in range(0, MANY, 1000):
        await program.register_all(
            [{**instance, "service": f"s{number}"} for number in range(begin, begin + 1000)]
        )
    await program.register("bad", service="zzz", status="maintenance")
    await terminal.start(*TOP, "--url", program.url)
    await terminal.see(
        r"10,001 services · 10,000 of 10,001 instances",
        r"last change\s+zzz +maintenance +0/1",
        f"and {MANY + 1 - 25:,} services more",
    )
    terminal.resize(12, 60)
    screen = await terminal.see(f"and {MANY + 1 - 7:,} services more")
    assert max(map(len, screen.splitlines())) <= 60
    # Changes are seen while there are so many.
    await program.register("x1", service="s5", status="maintenance")
    await terminal.see(r"last change\s+s5 +maint\S+ +1/2|last change\s+zzz +maint")
    await program.set_status("bad", "healthy")
    await terminal.see(r"10,001 of 10,002 instances")


async def test_in_a_pipe_it_is_printed_once_as_lines_worst_first(house: Program) -> None:
    await house.register("w1", service="web", status="draining")
    lines = "web\tdraining\t0\t1\t1 draining\nuser-service\thealthy\t3\t3\t\n"
    assert await _pipe("--url", house.url, "--interval", "0.1") == (0, lines, "")


async def test_json_is_one_object(house: Program) -> None:
    code, out, err = await _pipe("--json", "--url", house.url, "--interval", "0.1")
    told = json.loads(out)
    assert (code, err) == (0, "")
    assert (told["services"], told["instances"], told["serving"]) == (1, 3, 3)
    assert told["queries_per_second"] == 0
    assert told["rows"] == [
        {
            "service": "user-service",
            "state": "healthy",
            "serving": 3,
            "instances": 3,
            "states": {"healthy": 3},
        }
    ]


async def test_where_no_registry_is_it_says_so_and_draws_nothing(terminal: Terminal) -> None:
    url = f"http://{LOOPBACK}:{free_port()}"
    told = f"Error: no registry at {url}: connection refused; start one with: dnsregistry serve\n"
    assert await _pipe("--once", "--url", url) == (3, "", told)
    await terminal.start(*TOP, "--url", url, COLUMNS="200")
    assert await terminal.finish() == 3
    await terminal.see(re.escape(told.strip()))
    assert ENTER not in terminal.seen


async def test_without_rich_a_terminal_gets_one_sentence_and_once_does_without(
    house: Program, terminal: Terminal
) -> None:
    code = (
        "import sys; sys.modules['rich'] = None; from dnsregistry.cli.main import main; "
        f"main(['top', '--url', {house.url!r}, *sys.argv[1:]])"
    )
    await terminal.start(sys.executable, "-c", code)
    assert await terminal.finish() == 1
    await terminal.see(r"Error: top draws with rich, which is not installed: pip install")
    await terminal.start(sys.executable, "-c", code, "--once", "--interval=0.1")
    assert await terminal.finish() == 0
    await terminal.see(r"user-service\s+healthy\s+3\s+3")
