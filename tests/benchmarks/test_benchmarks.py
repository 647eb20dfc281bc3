"""Every benchmark runs, and says at once what it lacks."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from dnsregistry.settings import Settings
from tests.benchmarks.ours import ROOT
from tests.benchmarks.tools import find
from tests.machine import require

PATIENCE = 120.0
BRIEFLY = ("--rounds=1", "--seconds=0.1")


def _run(name: str, *arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", f"tests.benchmarks.{name}", *arguments],
        cwd=ROOT,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def _measure(name: str, folder: Path, *arguments: str) -> list[dict[str, object]]:
    """The rows of its table."""
    path = folder / "table.json"
    done = _run(name, *BRIEFLY, f"--json={path}", *arguments)
    assert done.returncode == 0, done.stderr
    rows: list[dict[str, object]] = json.loads(path.read_text())["rows"]
    return rows


def _require(*tools: str) -> None:
    """What no CI need have: other people's servers and wrk."""
    for tool in tools:
        if find(tool) is None:
            pytest.skip(f"the program {tool} is not installed")


@pytest.fixture(autouse=True)
def _tools() -> None:
    require("gcc")
    require("taskset")


def test_dns_is_compared_with_knot_and_nsd(tmp_path: Path) -> None:
    _require("knotd", "nsd")
    rows = _measure("dns", tmp_path, "--services=20", "--questions=200")
    assert [row["server"] for row in rows] == ["dnsregistry", "Knot", "NSD"] * 8
    assert {row["lost"] for row in rows} == {0}


def test_latency_is_told_beside_http_load(tmp_path: Path) -> None:
    _require("wrk")
    rows = _measure("crossload", tmp_path, "--services=20", "--rate=200")
    loads = ["none", "heartbeats", "registrations", "changes", "100 changes a second"]
    assert [row["HTTP load"] for row in rows] == loads * 3
    assert {row["answered by"] for row in rows} == {"main process", "worker", "echo"}


def test_larger_houses_are_asked(tmp_path: Path) -> None:
    rows = _measure("instances", tmp_path, "--most=1000", "--questions=200")
    assert [row["instances"] for row in rows] == [1000]


def test_watchers_are_counted_beside_dns(tmp_path: Path) -> None:
    few = ("--services=20", "--questions=100", "--changes=20", "--patience=0.5")
    rows = _measure("watch", tmp_path, "--watchers=20", "--any-latency", *few)
    assert [row["watchers"] for row in rows] == [0, 20]


def test_lists_are_read(tmp_path: Path) -> None:
    rows = _measure("lists", tmp_path, "--instances=3000")
    told = {row["list"]: row["told"] for row in rows}
    assert (told["middle page by service"], told["one service"], told["what is not there"]) == (
        *(100, 10),
        0,
    )


def test_the_start_is_timed(tmp_path: Path) -> None:
    rows = _measure("startup", tmp_path, "--instances=100")
    assert rows[0]["store"] == "empty"


@pytest.mark.skipif("workers" not in Settings.model_fields, reason="there is no setting WORKERS")
def test_workers_are_compared(tmp_path: Path) -> None:
    rows = _measure("workers", tmp_path, "--services=20")
    assert [row["workers"] for row in rows] == [1, 2]


@pytest.mark.parametrize("name", ["dns", "http", "crossload"])
def test_a_missing_program_is_one_sentence_with_its_package(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "taskset").symlink_to(str(find("taskset")))
    monkeypatch.setenv("PATH", str(tmp_path))
    done = _run(name, *BRIEFLY)
    assert done.returncode != 0
    assert "is not installed; on Debian: apt-get install " in done.stderr.splitlines()[-1]
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("argument", "sentence"),
    [
        ("--load-core=9999", "there is no core 9999 here"),
        ("--rounds=0", "--rounds and --seconds are greater than zero"),
        ("--into=no/page.md", "there is no folder no"),
        ("--into=no.md", "there is no document no.md"),
    ],
)
def test_what_cannot_be_is_told_before_anything_is_measured(argument: str, sentence: str) -> None:
    done = _run("instances", argument)
    assert done.returncode != 0
    assert sentence in done.stderr.splitlines()[-1]
