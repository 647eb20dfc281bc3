"""The commands that ask a registry, as a person and as a script use them."""

import asyncio
import json
import os
import pty
import re
import signal
import socket
import subprocess
import sys
from asyncio.subprocess import PIPE
from typing import Any

import pytest
from click.testing import CliRunner

from dnsregistry.cli.main import main
from tests.cli.terminal import Terminal
from tests.client.conftest import free_port
from tests.program import LOOPBACK, PATIENCE, Program

COMMAND = [sys.executable, "-m", "dnsregistry"]


async def _run(*arguments: str, **variables: str) -> tuple[int, str, str]:
    """The command in a thread: its code, what it printed, and what it told."""
    result = await asyncio.to_thread(CliRunner().invoke, main, arguments, env=variables)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    return result.exit_code, result.stdout, result.stderr


async def test_one_id_that_is_unknown_keeps_no_other_from_its_turn(program: Program) -> None:
    url = ("--url", program.url)
    for name in ("web-1", "web-2"):
        await program.register(name, ttl=60)
    leases = list(program.app.registry.catalogue.after(0))
    program.clock.advance(30)
    code, _, err = await _run("heartbeat", "web-1", "gone", "web-2", *url)
    assert (code, err.count("'gone'"), err.count("Error: ")) == (1, 1, 1)
    assert [lease.renewed_at for lease in leases] == [program.clock()] * 2
    code, out, _ = await _run("drain", "gone", "web-1", "web-2", *url)
    assert (code, [line.split()[0] for line in out.splitlines()]) == (1, ["web-1", "web-2"])
    code, _, err = await _run("deregister", "gone", "web-1", "gone", "web-2", *url)
    assert (code, err.count("'gone'"), err.count("Error: ")) == (1, 2, 2)
    assert json.loads((await _run("list", "--services", "--json", *url))[1] or "[]") == []


async def test_what_cannot_be_looked_up_is_told_in_a_sentence() -> None:
    code, _, err = await _run("resolve", "x.example", "ANY", "--dns", f"{LOOPBACK}:{free_port()}")
    assert (code, "'ANY' is no type of records" in err) == (2, True)
    code, _, err = await _run("doctor", "--zone", "a..b")
    assert (code, "'a..b' is no name" in err) == (2, True)
    code, out, _ = await _run("doctor", "--url", "http://[::1", "--root", "/nonexistent")
    assert (code, "no registry at http://[::1" in out) == (1, True)


async def test_an_instance_s_life_by_commands(program: Program) -> None:
    url = ("--url", program.url)
    told = await _run(
        *("register", "web", "--port", "8080", "--id", "web-1", "--tag", "v1", "--ttl", "60"),
        *("--metadata", "zone=a=b", "--named-port", "admin=81", "--check", "heartbeat://", *url),
    )
    assert told == (0, "web-1\n", "")
    [lease] = program.app.registry.catalogue.after(0)
    instance = lease.instance
    assert [str(address) for address in instance.addresses] == [LOOPBACK]
    assert dict(instance.metadata) == {"zone": "a=b"}
    assert (dict(instance.ports), instance.ttl, len(instance.checks)) == ({"admin": 81}, 60, 1)
    program.clock.advance(30)
    code, out, _ = await _run("heartbeat", "web-1", "--json", *url)
    assert (code, json.loads(out)) == (0, {"id": "web-1", "ttl": 60})
    assert lease.renewed_at == program.clock()
    code, out, _ = await _run("drain", "web-1", *url)
    assert code == 0
    assert re.fullmatch(r"web-1 draining by \d{4}-\d\d-\d\dT.*Z\n", out)
    assert (await _run("drain", "--undo", "web-1", *url))[:2] == (0, "web-1 healthy\n")
    assert (await _run("deregister", "web-1", *url)) == (0, "", "")
    assert (
        await _run("deregister", "web-1", *url)
        == (*(1, "", "Error: 'web-1' is not registered or has expired\n"),)
        or len(program.app.registry.catalogue) == 0
    )


async def test_lists_are_lines_with_tabs_or_json(house: Program) -> None:
    await house.register("w1", service="web", tags=["a", "b"], ttl=None)
    code, out, _ = await _run("list", "web", DNSREGISTRY_URL=house.url)
    _, services, _ = await _run("list", "--services", DNSREGISTRY_URL=house.url)
    _, filtered, _ = await _run("list", "--tag", "a", "--json", DNSREGISTRY_URL=house.url)
    assert (code, out) == (0, "w1\tweb\t10.0.0.1\t8080\thealthy\ta,b\tnever\n")
    assert services == "user-service\t3\t3\nweb\t1\t1\n"
    [told] = [json.loads(line) for line in filtered.splitlines()]
    assert (told["id"], told["tags"]) == ("w1", ["a", "b"])


async def test_show_tells_everything_of_an_instance_or_of_a_service(house: Program) -> None:
    url = ("--url", house.url)
    code, out, _ = await _run("show", "i1", "--json", *url)
    _, lines, _ = await _run("show", "user-service", *url)
    missing = await _run("show", "nothing", *url)
    assert (code, json.loads(out)["id"]) == (0, "i1")
    assert re.findall(r"^id +(\S+)$", lines, re.MULTILINE) == ["i1", "i2", "i3"]
    assert missing == (1, "", "Error: there is neither an instance nor a service 'nothing'\n")


async def test_resolve_asks_dns_and_nobody_else(house: Program) -> None:
    dns = ("--dns", f"{LOOPBACK}:{house.port}")
    code, out, _ = await _run("resolve", "user-service", *dns)
    _, records, _ = await _run("resolve", "user-service.registry.local", *dns)
    _, as_json, _ = await _run("resolve", "i1.i.registry.local", "A", "--json", *dns)
    nothing = await _run("resolve", "nobody", *dns)
    refused = await _run("resolve", "not.ours", *dns)
    assert code == 0
    assert sorted(line.split("\t")[:2] for line in out.splitlines()) == [
        ["10.0.0.1", "8080"],
        ["10.0.0.1", "8081"],
        ["10.0.0.2", "8080"],
    ]
    assert sorted(line.split("\t")[3] for line in records.splitlines()) == ["10.0.0.1", "10.0.0.2"]
    record = {"name": "i1.i.registry.local.", "ttl": 5, "type": "A", "data": "10.0.0.1"}
    assert json.loads(as_json) == record
    assert nothing == (1, "", "Error: DNS has nothing for nobody\n")
    told = f"no name server at {LOOPBACK}:{house.port} answers: REFUSED"
    assert refused == (3, "", f"Error: {told}\n")


async def test_where_nobody_answers_the_sentence_says_what_to_do(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("dnsregistry.client.naming.QUERY_SECONDS", 0.3)
    port = free_port()
    url = f"http://{LOOPBACK}:{port}"
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind((LOOPBACK, 0))
        listed = await _run("list", "--url", url)
        place = f"{LOOPBACK}:{silent.getsockname()[1]}"
        resolved = await _run("resolve", "web", "--dns", place)
    told = f"no registry at {url}: connection refused; start one with: dnsregistry serve"
    assert listed == (3, "", f"Error: {told}\n")
    told = f"no name server at {place} answers: no reply in time"
    assert resolved == (3, "", f"Error: {told}\n")


async def test_what_the_registry_refuses_is_its_sentence(program: Program) -> None:
    code, out, err = await _run("register", "no label", "--port", "1", "--url", program.url)
    assert (code, out) == (1, "")
    assert err.startswith("Error: service: ")


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (("list", "--url", "localhost:8053"), "did you mean http://localhost:8053?"),
        (("list", "--ca-file", "/no/such"), "the CA file /no/such cannot be used"),
        (("list", "web", "--services"), "without filters"),
        (("register", "web"), "Missing option '--port'"),
        (("register", "web", "--port", "1", "--metadata", "x"), "not of the form NAME=VALUE"),
        (("register", "web", "--port", "1", "--named-port", "x=y"), "a port is a number"),
        (("register", "web", "--port", "1", "--check", "ping"), "is no check"),
        (("register", "web", "--port", "1", "--ttl", "soon"), "neither a number of seconds nor"),
        (("register", "web", "--port", "1", "--ttl", "nan"), "1 second at least"),
        (("register", "web", "--port", "1", "--owner-secret", "a\nb"), "no header takes"),
        (("doctor", "--server", "ns.example:5300"), "is no address of a name server"),
        (("doctor", "--server", "127.0.0.1:0"), "the port must be from 1 to 65535"),
        (("drain", "x", "--undo", "--maintenance"), "exclude each other"),
        (("resolve", "web", "--dns", "nowhere"), "is no address of a name server"),
        (("resolve", "a..b"), "is no name"),
        (("resolve", "a.b", "NONSENSE"), "NONSENSE"),
        (("run", "--service", "web", "--port", "0", "true"), "not in the range"),
        (("run", "--service", "web", "--port", "1"), "Missing argument 'COMMAND...'"),
    ],
)
def test_a_wrong_command_line_is_told_in_a_sentence(arguments: tuple[str, ...], told: str) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2, result.output
    assert told in result.output


@pytest.mark.parametrize("command", ["run", "register", "list", "watch", "resolve", "show", "top"])
def test_no_help_pays_for_the_client(command: str) -> None:
    code = (
        "import sys; from dnsregistry.cli.main import main\n"
        f"main([{command!r}, '--help'], standalone_mode=False)\n"
        "sys.exit('aiohttp' in sys.modules)"
    )
    finished = subprocess.run([sys.executable, "-c", code], capture_output=True, check=False)
    assert finished.returncode == 0, finished.stderr


async def test_a_terminal_gets_a_table_in_colour_and_nothing_that_moves_its_cursor(
    house: Program,
) -> None:
    await house.register("i2", status="draining", metadata={"note": "\x1b[31m[red]"})
    leader, follower = pty.openpty()
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "160"}
    for arguments in (("list",), ("show", "i2")):
        process = await asyncio.create_subprocess_exec(
            *(*COMMAND, *arguments, "--url", house.url),
            stdin=follower,
            stdout=follower,
            stderr=follower,
            env=environment,
        )
        async with asyncio.timeout(PATIENCE):
            assert await process.wait() == 0
    os.close(follower)
    shown = await asyncio.to_thread(_read_all, leader)
    os.close(leader)
    assert "\x1b[33mdraining" in shown
    assert "\x1b[31m" not in shown
    text = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", shown)
    assert re.search(r"i1 +user-service +10\.0\.0\.1 +8080 +healthy", text)


async def _show_at_terminal(*arguments: str, **variables: str) -> str:
    terminal = Terminal(columns=80)
    try:
        await terminal.start(*COMMAND, *arguments, **variables)
        return await terminal.read_all()
    finally:
        await terminal.close()


def _read_all(leader: int) -> str:
    octets = b""
    try:
        while chunk := os.read(leader, 65536):
            octets += chunk
    except OSError:
        """Linux tells the end of a terminal so."""
    return octets.decode()


async def test_a_terminal_of_eighty_columns_cuts_nothing_short(house: Program) -> None:
    names = ["task-service-1", "task-service-2"]
    for name in names:
        await house.register(name, service="task-service", address="127.0.0.1", tags=["demo"])
    await house.register("an-id-" * 10 + "end", service="task-service")
    shown = await _show_at_terminal("list", "task-service", "--url", house.url)
    assert "…" not in shown
    assert [name in shown for name in (*names, "an-id-")] == [True] * 3
    shown = await _show_at_terminal("list", "user-service", "--url", house.url)
    assert re.search(r"i1 .*\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d", shown)


@pytest.mark.parametrize("command", ["list", "show i1", "doctor --root /nonexistent"])
async def test_who_sets_no_color_gets_none(house: Program, command: str) -> None:
    arguments = (*command.split(), "--url", house.url)
    colours = re.compile(r"\x1b\[[0-9;]*3[0-7][0-9;]*m")
    assert colours.search(await _show_at_terminal(*arguments))
    assert not colours.search(await _show_at_terminal(*arguments, NO_COLOR="1"))


@pytest.mark.parametrize(
    "command",
    [
        *(("list",), ("list", "--services"), ("show", "i1"), ("top", "--once"), ("drain", "i1")),
        ("explain", "user-service.registry.local"),
    ],
)
async def test_who_closes_standard_output_is_told_nothing_and_all_is_done(
    house: Program, command: tuple[str, ...]
) -> None:
    shell = ("sh", "-c", 'exec "$@" >&-', "sh", *COMMAND, *command, "--url", house.url)
    process = await asyncio.create_subprocess_exec(*shell, stderr=PIPE)
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    assert (process.returncode, err) == (0, b"")


@pytest.mark.parametrize("command", [("--help",), ("list",), ("heartbeat", "i1", "--json")])
async def test_output_that_has_no_room_is_told_in_a_sentence(
    house: Program, command: tuple[str, ...]
) -> None:
    environment = {**os.environ, "DNSREGISTRY_URL": house.url}
    shell = ("sh", "-c", 'exec "$@" > /dev/full', "sh", *COMMAND, *command)
    process = await asyncio.create_subprocess_exec(*shell, stderr=PIPE, env=environment)
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    told = b"Error: the output cannot be written: No space left on device\n"
    assert (process.returncode, err) == (1, told)


async def test_watch_prints_what_is_there_and_what_changes(house: Program) -> None:
    process = await asyncio.create_subprocess_exec(
        *(*COMMAND, "watch", "user-service", "--json", "--url", house.url),
        stdout=PIPE,
        stderr=PIPE,
    )
    assert process.stdout is not None

    async def read() -> Any:
        assert process.stdout is not None
        async with asyncio.timeout(PATIENCE):
            return json.loads(await process.stdout.readline())

    told = await read()
    assert told["event"] == "reset"
    assert [instance["id"] for instance in told["instances"]] == ["i1", "i2", "i3"]
    await house.remove("i1")
    told = await read()
    assert (told["event"], told["instance"]["id"]) == ("removed", "i1")
    process.send_signal(signal.SIGINT)
    async with asyncio.timeout(PATIENCE):
        _, err = await process.communicate()
    assert (process.returncode, err) == (130, b"")
