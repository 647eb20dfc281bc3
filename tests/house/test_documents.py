"""The documents tell the truth: their runnable blocks run, and their links lead somewhere."""

import json
import os
import re
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from configparser import ConfigParser
from pathlib import Path
from urllib.request import urlopen

import pytest

from dnsregistry.cli.main import main
from tests.house.settings_reference import DOCUMENT, write_reference
from tests.machine import require
from tests.program import PATIENCE

ROOT = Path(__file__).parents[2]
DOCS = ROOT / "docs"
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
_RUNNABLE = re.compile(r"<!-- runnable -->\n```sh\n(.*?)```", re.DOTALL)
_LINK = re.compile(r"\]\(([^)#:]+)\)")


@pytest.fixture(scope="module")
def ports(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, str]]:
    """The ports of a demo, by the ones that the README speaks of."""
    ready = tmp_path_factory.mktemp("demo") / "ready.json"
    command = [sys.executable, "-m", "dnsregistry", "serve", "--demo", "--dns-port=0"]
    command += ["--http-port=0", f"--ready-file={ready}"]
    home = {**os.environ, "XDG_STATE_HOME": str(ready.parent)}
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.DEVNULL, env=home) as demo:
        deadline = time.monotonic() + PATIENCE
        while not ready.exists():
            assert demo.poll() is None
            assert time.monotonic() < deadline
        bound = json.loads(ready.read_text())
        yield {"5300": str(bound["dns"][0]["port"]), "8053": str(bound["http"]["port"])}
        demo.terminate()


def _list_commands() -> list[str]:
    text = "\n".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    return [line for block in _RUNNABLE.findall(text) for line in block.splitlines() if line]


@pytest.mark.parametrize("command", _list_commands())
def test_a_runnable_line_does_what_it_is_there_for(command: str, ports: dict[str, str]) -> None:
    installed = Path(sys.executable).parent
    if not (installed / command.split()[0]).exists():
        require(command.split()[0])
    for usual, bound in ports.items():
        command = command.replace(usual, bound)
    done = subprocess.run(
        command,
        shell=True,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=True,
        env={**os.environ, "PATH": f"{installed}:{os.environ['PATH']}"},
    )
    if "-X DELETE" not in command:
        assert done.stdout.strip()
    assert "/problem" not in done.stdout
    assert '"status":4' not in done.stdout


@pytest.mark.parametrize("path", DOCUMENTS, ids=lambda path: path.name)
def test_every_link_to_a_file_leads_to_one(path: Path) -> None:
    for link in _LINK.findall(path.read_text(encoding="utf-8")):
        assert (path.parent / link).exists(), link


def test_the_settings_page_is_what_the_program_says() -> None:
    assert DOCUMENT.read_text(encoding="utf-8") == write_reference()


def test_every_route_is_written_of(ports: dict[str, str]) -> None:
    with urlopen(f"http://127.0.0.1:{ports['8053']}/openapi.json") as answer:
        paths = json.load(answer)["paths"]
    text = "".join(path.read_text(encoding="utf-8") for path in DOCUMENTS)
    # What a page is made of goes without a word.
    spoken = [path for path in paths if not path.endswith("/{file}")]
    assert [path for path in spoken if f"`{path}" not in text and f" {path}" not in text] == []


def test_every_command_is_written_of() -> None:
    text = (DOCS / "commands.md").read_text(encoding="utf-8")
    assert [name for name in main.commands if f"`{name}" not in text] == []


def test_every_document_has_its_place_in_the_site() -> None:
    listed = re.findall(r"^  - (\S+\.md)$", (DOCS / "mkdocs.yml").read_text(encoding="utf-8"), re.M)
    assert sorted(listed) == sorted(path.name for path in DOCS.glob("*.md"))


def test_the_site_is_built_without_a_warning(tmp_path: Path) -> None:
    copy = shutil.copytree(DOCS, tmp_path / "docs", ignore=shutil.ignore_patterns(".*"))
    command = [
        sys.executable,
        "-m",
        "zensical",
        "build",
        "--strict",
        "-f",
        str(copy / "mkdocs.yml"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    pages = [page.read_text(encoding="utf-8") for page in (copy / ".site").rglob("*.html")]
    assert pages
    # What a page loads is its own; a link is followed by whoever wants to.
    loaded = re.compile(
        r"<(?:link|script|img|iframe)\b[^>]*(?:href|src)=[\"']?(?:https?:)?//[^ >]*"
    )
    assert [found for page in pages for found in loaded.findall(page)] == []


def test_systemd_takes_the_unit_and_the_user(tmp_path: Path) -> None:
    text = (DOCS / "systemd/dnsregistry.service").read_text(encoding="utf-8")
    unit = tmp_path / "dnsregistry.service"
    # Only the program's place is another here.
    unit.write_text(text.replace("/opt/dnsregistry/bin/dnsregistry", sys.executable))
    done = subprocess.run(
        [require("systemd-analyze"), "verify", "--man=no", str(unit)],
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    users = str(DOCS / "systemd/dnsregistry.conf")
    command = [require("systemd-sysusers"), "--dry-run", users]
    subprocess.run(command, check=True, capture_output=True)


def test_systemd_goes_on_starting_what_is_refused_again_and_again() -> None:
    """By default it gives up where a unit is started five times in ten seconds."""
    unit = ConfigParser(strict=False, interpolation=None)
    unit.optionxform = str  # type: ignore[assignment, method-assign]
    unit.read(DOCS / "systemd/dnsregistry.service", encoding="utf-8")
    assert unit["Service"]["Restart"] == "always"
    assert unit["Unit"]["StartLimitIntervalSec"] == "0"


def test_the_readme_has_one_command_that_starts_and_one_that_tests() -> None:
    lines = (ROOT / "README.md").read_text(encoding="utf-8").splitlines()
    commands = [line for line in lines if line.startswith("python3 -m venv")]
    assert [command.split(" && ")[-1] for command in commands] == [
        ".venv/bin/dnsregistry serve --demo",
        ".venv/bin/pytest",
    ]
