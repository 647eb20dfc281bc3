"""What is built holds what is needed, and runs where nothing else is installed."""

import re
import subprocess
import sys
import tarfile
from pathlib import Path
from zipfile import ZipFile

import pytest

from dnsregistry.settings import load
from dnsregistry.storage.sqlite.place import read_path
from tests.packages.installed import check_installed

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the wheel and the source distribution."""
    folder = tmp_path_factory.mktemp("built")
    command = [sys.executable, "-m", "hatchling", "build", "-d", str(folder)]
    subprocess.run(command, cwd=ROOT, check=True, capture_output=True)
    return folder


def test_the_wheel_holds_every_file_of_the_package(built: Path) -> None:
    held = set(ZipFile(next(built.glob("*.whl"))).namelist())
    package = ROOT / "dnsregistry"
    wanted = {
        str(path.relative_to(ROOT))
        for path in package.rglob("*")
        if path.is_file() and "__pycache__" not in path.parts
    }
    assert wanted <= held
    assert {name.split("/")[0].split("-")[0] for name in held} == {"dnsregistry"}


def test_the_source_makes_the_same_wheel(built: Path, tmp_path: Path) -> None:
    with tarfile.open(next(built.glob("*.tar.gz"))) as archive:
        archive.extractall(tmp_path, filter="data")
    (source,) = tmp_path.iterdir()
    command = [sys.executable, "-m", "hatchling", "build", "-t", "wheel", "-d", str(tmp_path)]
    subprocess.run(command, cwd=source, check=True, capture_output=True)
    again, first = next(tmp_path.glob("*.whl")), next(built.glob("*.whl"))
    assert ZipFile(again).namelist() == ZipFile(first).namelist()


def test_the_wheel_runs_in_an_empty_environment(built: Path, tmp_path: Path) -> None:
    check_installed(sys.executable, next(built.glob("*.whl")), tmp_path)


def test_the_image_keeps_registrations_where_its_user_may_write(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    """Its user has no home, and so no place of its own that a store could be in."""
    text = (ROOT / "Dockerfile").read_text(encoding="utf-8")
    [folder] = re.findall(r"install -d -o dnsregistry (\S+)", text)
    for line in re.findall(r"^ENV ((?:.*\\\n)*.*)", text, re.MULTILINE):
        for name, value in re.findall(r"(\w+)=(\S+)", line):
            monkeypatch.setenv(name, value)
    monkeypatch.setenv("DNSREGISTRY_INSECURE", "true")
    settings, warnings = load({}, {}, None)
    assert str(read_path(settings.store).parent) == folder
    assert re.findall(r"^VOLUME (\S+)", text, re.MULTILINE) == [folder]
    assert warnings == []
