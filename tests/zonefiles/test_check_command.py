"""`dnsregistry zone check`."""

import json

import pytest
from click.testing import CliRunner, Result

from dnsregistry.cli.zone import zone
from tests.zonefiles.conftest import HEAD, HEAD_RECORDS, Zones


def check(*arguments: str, environment: dict[str, str] | None = None) -> Result:
    return CliRunner().invoke(zone, ["check", *arguments], env=environment or {})


def test_a_sound_file_is_told_in_one_line(zones: Zones) -> None:
    path = zones.write("example.test.zone", HEAD)
    result = check(str(path))
    assert result.exit_code == 0
    assert result.stdout == f"{path}: ok, {HEAD_RECORDS} records, serial 1\n"
    assert result.stderr == ""


def test_every_fault_is_a_line_and_the_exit_code_says_so(zones: Zones) -> None:
    path = zones.write("example.test.zone", HEAD + "x A\ny FOO\n$INCLUDE a.inc\n")
    part = zones.write("a.inc", "\nz A 192.0.2.\n")
    result = check(str(path))
    assert result.exit_code == 1
    assert result.stdout == ""
    assert result.stderr.splitlines() == [
        f"{path}:5: bad A data: expecting an identifier",
        f"{path}:6: FOO is no record type",
        f"{part}:2: bad A data: Text input is malformed.",
    ]


def test_warnings_are_told_and_do_not_fail(zones: Zones) -> None:
    path = zones.write("example.test.zone", HEAD + "x.other. TXT x\n")
    result = check(str(path))
    assert result.exit_code == 0
    assert result.stderr == (
        f"{path}:5: warning: x.other. is outside the zone example.test., and left out\n"
    )
    assert "ok" in result.stdout


def test_the_answer_as_json(zones: Zones) -> None:
    path = zones.write("example.test.zone", HEAD + "x.other. TXT x\n")
    result = check(str(path), "--json")
    assert result.exit_code == 0
    told = json.loads(result.stdout)
    (warning,) = told.pop("warnings")
    assert warning["line"] == 5
    assert told == {
        "file": str(path),
        "ok": True,
        "origin": "example.test.",
        "records": HEAD_RECORDS,
        "serial": 1,
        "faults": [],
    }
    zones.write("example.test.zone", "x A\n")
    result = check(str(path), "--json")
    assert result.exit_code == 1
    told = json.loads(result.stdout)
    assert told["ok"] is False
    assert told["faults"] == [
        {"file": str(path), "line": 1, "reason": "bad A data: expecting an identifier"}
    ]
    assert result.stderr == ""


def test_the_origin_may_be_said(zones: Zones) -> None:
    path = zones.write("new.txt", HEAD)
    result = check(str(path))
    assert result.exit_code == 1
    assert result.stderr == (
        f"{path}:1: the name of a zone file is its origin and .zone; or say --origin\n"
    )
    assert check(str(path), "--origin", "example.test").exit_code == 0
    wrong = check(str(path), "--origin", "a..b")
    assert wrong.exit_code == 2
    assert "--origin" in wrong.stderr


@pytest.mark.parametrize(
    ("arguments", "environment"),
    [
        (["--zone", "live.test"], {}),
        ([], {"DNSREGISTRY_ZONE": "Live.Test."}),
    ],
)
def test_a_file_of_the_live_origin_needs_no_soa(
    zones: Zones, arguments: list[str], environment: dict[str, str]
) -> None:
    path = zones.write("live.test.zone", "x 60 TXT x\n")
    assert check(str(path)).exit_code == 1
    result = check(str(path), *arguments, environment=environment)
    assert result.stdout == f"{path}: ok, 1 records, laid over the live zone\n"


def test_a_missing_file_is_a_fault_like_others(zones: Zones) -> None:
    result = check(str(zones.path / "none.zone"))
    assert result.exit_code == 1
    assert result.stderr.endswith("none.zone:1: cannot be read: No such file or directory\n")
