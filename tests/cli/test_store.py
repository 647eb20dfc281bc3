"""`dnsregistry store`: what is in the file, and whether it is as it should be."""

import asyncio
import json
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from dnsregistry.cli.main import main
from dnsregistry.registry.admission import admit
from dnsregistry.registry.instance import Status
from dnsregistry.registry.registry import Registry
from dnsregistry.storage.sqlite.store import SqliteStore
from tests.program import Clock

HEAD = {"format": 1, "revision": 9, "sequence": 9, "serial": None}


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "registry.db"


async def _fill(path: Path) -> None:
    store = SqliteStore(path, Registry(), Clock())
    await store.start()
    await store.follow_serial(lambda: 77)
    for number in range(12):
        metadata = {"text": "é\u2028", "n": number}
        address = "db.example.org" if number == 5 else f"10.0.0.{number}"
        await store.grant(
            admit(id=f"i{number}", service="web", address=address, port=80, metadata=metadata)
        )
    await store.set_status("i3", Status.MAINTENANCE)
    await store.revoke("i4")
    await store.stop()


@pytest.fixture
def filled(path: Path) -> Path:
    asyncio.run(_fill(path))
    return path


def _run(*arguments: str, store: Path, text: str | None = None) -> Result:
    return CliRunner().invoke(
        main, ["store", *arguments, "--store", f"sqlite:///{store}"], input=text
    )


def _change(path: Path, statement: str) -> None:
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(statement)


def _read_serial(path: Path) -> object:
    return json.loads(_run("export", store=path).output.splitlines()[0])["serial"]


def test_a_file_as_it_should_be_is_ok(filled: Path) -> None:
    result = _run("check", store=filled)
    assert (result.exit_code, result.output) == (0, f"{filled}: ok, 11 leases, revision 14\n")


def test_every_fault_is_a_line(filled: Path) -> None:
    for statement in (
        "UPDATE lease SET entry = '{' WHERE sequence = 1",
        "UPDATE lease SET entry = json_set(entry, '$.instance.port', 0) WHERE sequence = 2",
        "UPDATE lease SET entry = json_set(entry, '$.instance.id', 'I7') WHERE sequence = 9",
        "UPDATE lease SET entry = json_set(entry, '$.revision', 99) WHERE sequence = 10",
    ):
        _change(filled, statement)
    result = _run("check", store=filled)
    lines = result.stderr.splitlines()
    assert result.exit_code == 1
    assert [line.removeprefix(f"{filled}: ").split(":")[0] for line in lines] == [
        *("lease 1", "lease 2", "lease 9", "lease 10")
    ]
    assert "port: 0 is not between 1 and 65535" in lines[1]
    assert "the id 'I7' is there twice" in lines[2]


def test_a_damaged_page_is_a_fault(filled: Path) -> None:
    content = bytearray(filled.read_bytes())
    content[-4096:] = b"\xff" * 4096
    filled.write_bytes(content)
    result = _run("check", store=filled)
    assert result.exit_code == 1
    assert result.stderr
    assert "Traceback" not in result.output


@pytest.mark.parametrize("command", ["check", "export"])
def test_a_file_that_is_not_there_is_not_made(path: Path, command: str) -> None:
    result = _run(command, store=path)
    assert result.exit_code == 1
    assert f"the store {path} cannot be used: there is no such file" in result.output
    assert not path.exists()


def test_a_store_that_is_no_file_is_told_without_its_password() -> None:
    result = CliRunner().invoke(
        main, ["store", "check"], env={"DNSREGISTRY_STORE": "redis://:word@h/0"}
    )
    assert result.exit_code == 2
    assert "'--store': redis://...@h/0: names no file; " in result.output


def test_an_export_is_imported_as_it_was(filled: Path, tmp_path: Path) -> None:
    lines, copy = tmp_path / "lines", tmp_path / "copy.db"
    assert _run("export", str(lines), store=filled).exit_code == 0
    assert len(lines.read_text().splitlines()) == 12
    result = _run("import", str(lines), store=copy)
    assert (result.exit_code, result.output) == (0, f"{copy}: 11 leases\n")
    assert _run("export", store=copy).output == lines.read_text()
    assert _run("check", store=copy).exit_code == 0
    assert json.loads(lines.read_text().splitlines()[0])["serial"] == 77


def test_an_export_that_fails_leaves_the_one_before(filled: Path, tmp_path: Path) -> None:
    backup = tmp_path / "backup"
    backup.write_text("the one before")
    _change(filled, "UPDATE lease SET entry = '{' WHERE sequence = 9")
    for store in (filled, tmp_path / "nowhere"):
        assert _run("export", str(backup), store=store).exit_code == 1
        assert backup.read_text() == "the one before"
    assert {file.name for file in tmp_path.iterdir()} <= {
        *("backup", "registry.db", "registry.db.lock", "registry.db-shm", "registry.db-wal")
    }


def test_a_store_is_not_exported_over_itself(filled: Path) -> None:
    result = _run("export", str(filled), store=filled)
    assert (result.exit_code, result.output) == (1, f"Error: {filled} is the store itself\n")
    assert _run("check", store=filled).exit_code == 0


def test_an_export_goes_into_a_device(filled: Path) -> None:
    result = _run("export", "/dev/full", store=filled)
    assert result.exit_code == 1
    assert "cannot write /dev/full: No space left on device" in result.output
    assert Path("/dev/full").is_char_device()


def test_an_import_takes_no_number_back(filled: Path) -> None:
    """A used file without leases has numbers that were told."""
    _change(filled, "DELETE FROM lease")
    assert _run("import", store=filled, text=json.dumps(HEAD)).exit_code == 0
    assert "revision 14\n" in _run("check", store=filled).output
    assert _read_serial(filled) == 77


@pytest.mark.parametrize(
    ("told", "given", "later"),
    [
        (None, 5, 5),
        (4_000_000_000, 3_000_000_000, 4_000_000_000),
        (7, 2_000_000_000, 2_000_000_000),
        # Serials go round (RFC 1982): after the greatest comes the smallest.
        (5, 4_294_967_295, 5),
        (4_294_967_295, 5, 5),
    ],
)
def test_after_an_import_no_serial_is_told_that_is_older_than_one_before(
    filled: Path, told: int | None, given: int, later: int
) -> None:
    _change(filled, "DELETE FROM lease")
    _change(filled, f"UPDATE numbers SET serial = {'NULL' if told is None else told}")
    head = json.dumps({**HEAD, "serial": given})
    assert _run("import", store=filled, text=head).exit_code == 0
    assert _read_serial(filled) == later


def test_an_export_goes_with_a_server_that_writes(path: Path) -> None:
    async def serve() -> Result:
        store = SqliteStore(path, Registry(), Clock())
        await store.start()
        await store.grant(admit(id="a", service="web", address="10.0.0.1", port=80))
        result = await asyncio.to_thread(_run, "export", store=path)
        refused = await asyncio.to_thread(_run, "import", store=path, text=json.dumps(HEAD))
        assert "another dnsregistry uses it" in refused.output
        assert (await store.grant(admit(id="b", service="web", address="::1", port=80))).created
        await store.stop()
        return result

    result = asyncio.run(serve())
    assert result.exit_code == 0
    assert json.loads(result.output.splitlines()[1])["instance"]["id"] == "a"


def test_nothing_is_imported_over_leases(filled: Path) -> None:
    before = _run("export", store=filled).output
    result = _run("import", store=filled, text=before)
    assert result.exit_code == 1
    assert "it holds leases already, and nothing in it is ever overwritten" in result.output
    assert _run("export", store=filled).output == before


def _row(sequence: int, **fields: object) -> dict[str, object]:
    instance = {"id": f"i{sequence}", "service": "web", "port": 80, "ttl": None}
    instance |= {"addresses": ["10.0.0.1"], **fields}
    return {"sequence": sequence, "revision": 1, "granted_at": 1.0, "instance": instance}


@pytest.mark.parametrize(
    ("lines", "reason"),
    [
        (["{"], "line 1: Expecting property name"),
        ([{"format": 2}], "line 1: it is no export of a store in a format that is known here"),
        ([[]], "line 1: it is no export of a store"),
        ([HEAD | {"revision": -1}], "line 1: revision, sequence and serial must be whole numbers"),
        ([HEAD | {"serial": 1 << 32}], "line 1: revision, sequence and serial must be whole"),
        ([{"format": 1}], "line 1: 'revision'"),
        ([HEAD, "{"], "line 2: Expecting property name"),
        ([HEAD, []], "line 2: it is no object"),
        ([HEAD, _row(1), _row(0)], "line 3: sequence must be a whole number above 0"),
        ([HEAD, _row(2), _row(1)], "line 3: the sequence number 1 does not come in order"),
        ([HEAD, _row(1), _row(2, id="I1")], "line 3: the id 'I1' is there twice"),
        ([HEAD, _row(1), _row(2, port=0)], "line 3: port: 0 is not between 1 and 65535"),
        ([HEAD, _row(1), _row(2, service="Web")], "line 3: the instance is not in canonical form"),
        ([HEAD, _row(1), _row(2, wait=1)], "line 3: unknown members: wait"),
        ([HEAD, _row(1), {"sequence": 2}], "line 3: KeyError"),
        (["[" * 100_000], "line 1: it is nested too deep"),
        ([HEAD, "[" * 100_000], "line 2: it is nested too deep"),
        ([HEAD | {"sequence": 2**63 - 1}], "line 1: revision, sequence and serial must be whole"),
        ([HEAD, _row(1) | {"revision": 2**63}], "line 2: revision must be a whole number"),
        ([HEAD, _row(1) | {"granted_at": 1e300}], "line 2: granted_at and renewed_at must be unix"),
        ([HEAD, _row(1) | {"granted_at": float("nan")}], "line 2: granted_at and renewed_at must"),
        ([HEAD, _row(1, port=80.0)], "line 2: port, ports, priority and weight must be whole"),
        ([HEAD, _row(1, weight=1.5)], "line 2: port, ports, priority and weight must be whole"),
        ([HEAD, _row(1, ports={"a": True})], "line 2: port, ports, priority and weight must be"),
        ([HEAD, _row(1, version=7)], "line 2: version must be text"),
    ],
)
def test_a_fault_in_one_line_imports_none(path: Path, lines: list[object], reason: str) -> None:
    text = "".join(f"{line if isinstance(line, str) else json.dumps(line)}\n" for line in lines)
    result = _run("import", store=path, text=text)
    assert result.exit_code == 1
    assert reason in result.output
    assert "11 leases" not in _run("check", store=path).output
    assert _run("check", store=path).output == f"{path}: ok, 0 leases, revision 0\n"


def test_a_store_that_is_no_file_is_refused() -> None:
    result = CliRunner().invoke(main, ["store", "check", "--store", "memory://"])
    assert result.exit_code == 2
    assert "memory://: names no file" in result.output


def test_the_variable_names_the_store(filled: Path) -> None:
    variables = {"DNSREGISTRY_STORE": f"sqlite:///{filled}"}
    result = CliRunner(env=variables).invoke(main, ["store", "check"])
    assert result.exit_code == 0
