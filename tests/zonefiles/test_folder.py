"""A folder whose files change between looks. Each look is called by hand."""

import os
import time
from pathlib import Path

import pytest

from dnsregistry.zone.name import Name
from dnsregistry.zonefiles import folder as folder_module
from dnsregistry.zonefiles import load
from dnsregistry.zonefiles.folder import Folder, Look
from dnsregistry.zonefiles.signature import Signature, is_settled, sign
from tests.zonefiles.conftest import HEAD, HEAD_RECORDS, LIVE, Zones

TEST = Name.from_text("test")


class Looker:
    """Looks, and tells the news in short."""

    def __init__(self, path: Path) -> None:
        self.folder = Folder(path, LIVE)
        self.last = Look()

    def first(self) -> str:
        return self._tell(self.folder.look(lambda: True, patient=False))

    def look(self) -> str:
        return self._tell(self.folder.look(lambda: True))

    def looks(self, count: int) -> list[str]:
        return [self.look() for _ in range(count)]

    def records(self, origin: str = "test") -> int:
        return self.last.zones[Name.from_text(origin)].records

    def problems(self) -> list[str]:
        return [f"{Path(fault.file).name}:{fault.line}" for fault in self.last.problems]

    def _tell(self, look: Look) -> str:
        self.last = look
        words = [f"+{zone.origin}" for zone in look.loaded]
        words += [f"!{Path(error.file).name}:{error.line}" for error in look.refused]
        words += [f"-{origin}" for origin in look.removed]
        return " ".join(words)


@pytest.fixture
def looker(zones: Zones) -> Looker:
    """One that has not looked yet."""
    return Looker(zones.path)


@pytest.fixture
def begun(zones: Zones, looker: Looker) -> Looker:
    """One that has read test.zone."""
    zones.write("test.zone", HEAD)
    assert looker.first() == "+test."
    return looker


def test_the_first_look_reads_all_and_a_bad_file_fails_only_itself(
    zones: Zones, looker: Looker
) -> None:
    zones.write("a.test.zone", HEAD)
    zones.write("b.test.zone", "nonsense")
    zones.write("c.test.zone", HEAD)
    zones.write("notes.txt", "nonsense")
    zones.write(".hidden.zone", "nonsense")
    zones.write("sub/d.test.zone", HEAD)
    assert looker.first() == "+a.test. +c.test. !b.test.zone:1"
    assert looker.looks(3) == [""] * 3
    assert {str(origin) for origin in looker.last.zones} == {"a.test.", "c.test."}
    assert looker.problems() == ["b.test.zone:1"]


def test_a_changed_file_is_read_when_it_has_kept_still(zones: Zones, begun: Looker) -> None:
    zones.write("test.zone", HEAD + "x TXT x\n")
    assert begun.looks(3) == ["", "+test.", ""]
    assert begun.records() == HEAD_RECORDS + 1


def test_a_file_that_is_still_being_written_is_waited_for(zones: Zones, begun: Looker) -> None:
    text = HEAD
    for number in range(4):
        text += f"x{number} TXT x\n"
        zones.write("test.zone", text)
        assert begun.look() == ""
        assert begun.records() == HEAD_RECORDS
    assert begun.look() == "+test."
    assert begun.records() == HEAD_RECORDS + 4


def test_a_file_written_while_it_is_read_is_not_taken(
    zones: Zones, begun: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_slowly(*args: object) -> object:
        found = real(*args)  # type: ignore[arg-type]
        zones.write("test.zone", HEAD + "x TXT x\ny TXT y\n")
        return found

    real = load.load_zone
    zones.write("test.zone", HEAD + "x TXT x\n")
    assert begun.look() == ""
    monkeypatch.setattr(load, "load_zone", load_slowly)
    assert begun.look() == ""
    monkeypatch.undo()
    assert begun.records() == HEAD_RECORDS
    assert begun.looks(2) == ["", "+test."]
    assert begun.records() == HEAD_RECORDS + 2


def test_a_broken_file_keeps_the_zone_and_is_told_once(zones: Zones, begun: Looker) -> None:
    zone = begun.last.zones[TEST]
    zones.write("test.zone", HEAD + "x A nonsense\n")
    assert begun.looks(5) == ["", "!test.zone:5", "", "", ""]
    assert begun.last.zones[TEST] is zone
    assert begun.problems() == ["test.zone:5"]
    zones.write("test.zone", HEAD + "\nx A nonsense\n")
    assert begun.looks(2) == ["", "!test.zone:6"]
    assert begun.problems() == ["test.zone:6"]
    zones.write("test.zone", HEAD + "x A 192.0.2.1\n")
    assert begun.looks(2) == ["", "+test."]
    assert begun.problems() == []


def test_a_file_that_comes_and_goes_brings_and_takes_its_zone(zones: Zones, begun: Looker) -> None:
    path = zones.write("new.test.zone", HEAD)
    assert begun.looks(3) == ["", "+new.test.", ""]
    path.unlink()
    assert begun.looks(3) == ["", "-new.test.", ""]
    assert set(begun.last.zones) == {TEST}


def test_a_file_that_is_replaced_by_removal_is_never_missed(zones: Zones, begun: Looker) -> None:
    (zones.path / "test.zone").unlink()
    assert begun.look() == ""
    assert begun.records() == HEAD_RECORDS
    zones.write("test.zone", HEAD + "x TXT x\n")
    assert begun.looks(3) == ["", "+test.", ""]


def test_a_broken_file_that_goes_takes_its_fault_and_its_zone(zones: Zones, begun: Looker) -> None:
    path = zones.write("test.zone", "nonsense")
    begun.looks(2)
    path.unlink()
    assert begun.looks(2) == ["", "-test."]
    assert begun.problems() == []
    path = zones.write("bad.zone", "nonsense")
    assert begun.looks(2) == ["", "!bad.zone:1"]
    path.unlink()
    # There never was a zone to remove.
    assert begun.looks(3) == ["", "", ""]
    assert begun.problems() == []


def test_an_editor_that_renames_over_the_file_is_noticed(zones: Zones, begun: Looker) -> None:
    """Even with the size and the time of the file before: the inode is another one."""
    path = zones.path / "test.zone"
    before = path.stat()
    other = zones.write("test.zone.new", HEAD.replace("192.0.2.53", "192.0.2.54"))
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(path)
    assert path.stat().st_mtime_ns == before.st_mtime_ns
    assert path.stat().st_size == before.st_size
    assert begun.looks(2) == ["", "+test."]


def test_a_signature_tells_files_apart_that_look_alike(zones: Zones) -> None:
    one, other = (sign(zones.write(name, "same")) for name in ("one", "other"))
    assert one is not None
    assert other is not None
    alike = other._replace(mtime=one.mtime, ctime=one.ctime)
    assert alike != one
    assert sign(zones.path / "missing") is None


def test_a_file_renamed_within_its_origin_is_followed(zones: Zones, begun: Looker) -> None:
    (zones.path / "test.zone").rename(zones.path / "TEST.zone")
    begun.looks(2)
    zones.write("TEST.zone", HEAD + "x TXT x\n")
    assert begun.looks(2) == ["", "+test."]
    assert begun.records() == HEAD_RECORDS + 1
    assert begun.problems() == []


def test_an_edit_that_sets_the_old_time_again_is_noticed(zones: Zones, begun: Looker) -> None:
    path = zones.path / "test.zone"
    before = path.stat()
    zones.write("test.zone", HEAD.replace("192.0.2.53", "192.0.2.54"))
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))
    assert path.stat().st_ino == before.st_ino
    assert begun.looks(2) == ["", "+test."]


def test_an_edit_that_leaves_no_trace_is_noticed_by_the_content(
    zones: Zones, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As on file systems whose clock ticks once in two seconds."""

    def sign_coarsely(path: Path) -> Signature | None:
        signature = sign(path)
        return signature and signature._replace(mtime=0, ctime=0)

    settled = False
    monkeypatch.setattr("dnsregistry.zonefiles.folder.sign", sign_coarsely)
    monkeypatch.setattr("dnsregistry.zonefiles.sources.sign", sign_coarsely)
    monkeypatch.setattr(folder_module, "is_settled", lambda _: settled)
    zones.write("test.zone", HEAD)
    assert looker.first() == "+test."
    assert looker.looks(2) == ["", ""]
    zones.write("test.zone", HEAD.replace("192.0.2.53", "192.0.2.54"))
    assert looker.look() == "+test."
    settled = True
    assert looker.look() == ""
    # From here on nothing is read any more.
    zones.write("test.zone", HEAD.replace("192.0.2.53", "192.0.2.55"))
    assert looker.look() == ""


def test_a_clock_settles_after_two_seconds_and_one_ahead_does_not_matter() -> None:
    now = time.time()

    def at(seconds: float) -> Signature:
        moment = int((now + seconds) * 1e9)
        return Signature(1, 1, 1, moment, moment)

    assert not is_settled([at(-60), None, at(-1)])
    assert not is_settled([at(1)])
    assert is_settled([at(-60), None, at(60)])


def test_touching_a_file_loads_nothing(zones: Zones, begun: Looker) -> None:
    zone = begun.last.zones[TEST]
    os.utime(zones.path / "test.zone")
    assert begun.looks(3) == ["", "", ""]
    assert begun.last.zones[TEST] is zone


def test_an_included_file_is_watched_too(zones: Zones, looker: Looker) -> None:
    zones.write("test.zone", HEAD + "$INCLUDE parts/a.inc\n")
    assert looker.first() == "!test.zone:5"
    zones.write("parts/a.inc", "a TXT 1\n")
    assert looker.looks(2) == ["", "+test."]
    zones.write("parts/a.inc", "a TXT 1\nb TXT 2\n")
    assert looker.looks(2) == ["", "+test."]
    assert looker.records() == HEAD_RECORDS + 2
    (zones.path / "parts" / "a.inc").unlink()
    assert looker.looks(3) == ["", "!test.zone:5", ""]
    assert looker.records() == HEAD_RECORDS + 2


def test_a_link_that_comes_to_lead_elsewhere_is_noticed(zones: Zones, looker: Looker) -> None:
    """As a mounted configuration map is updated: one link is swapped."""
    zones.write("..1/test.zone", HEAD + "$INCLUDE part.inc\n")
    zones.write("..1/part.inc", "a TXT 1\n")
    zones.write("..2/test.zone", HEAD + "$INCLUDE part.inc\n")
    zones.write("..2/part.inc", "a TXT 1\nb TXT 2\n")
    data = zones.path / "..data"
    data.symlink_to("..1")
    (zones.path / "test.zone").symlink_to("..data/test.zone")
    (zones.path / "part.inc").symlink_to("..data/part.inc")
    assert looker.first() == "+test."
    (zones.path / "next").symlink_to("..2")
    (zones.path / "next").rename(data)
    assert looker.looks(3) == ["", "+test.", ""]
    assert looker.records() == HEAD_RECORDS + 2


def test_an_include_that_led_outside_is_tried_again_when_it_changes(
    zones: Zones, looker: Looker
) -> None:
    zones.write("../outside.inc", "a TXT 1\n")
    zones.write("inside.inc", "a TXT 1\n")
    link = zones.path / "link.inc"
    link.symlink_to("../outside.inc")
    zones.write("test.zone", HEAD + "$INCLUDE link.inc\n")
    assert looker.first() == "!test.zone:5"
    assert looker.looks(2) == ["", ""]
    link.unlink()
    link.symlink_to("inside.inc")
    assert looker.looks(2) == ["", "+test."]


def test_a_file_made_readable_is_read(zones: Zones, looker: Looker) -> None:
    if os.geteuid() == 0:
        path = zones.path / "test.zone"
        path.mkdir()
        assert looker.first() == "!test.zone:1"
        path.rmdir()
    else:
        path = zones.write("test.zone", HEAD)
        path.chmod(0)
        assert looker.first() == "!test.zone:1"
        path.chmod(0o600)
    zones.write("test.zone", HEAD)
    assert "+test." in looker.looks(3)
    assert looker.problems() == []


def test_a_missing_folder_holds_no_zones_and_is_no_problem(tmp_path: Path) -> None:
    looker = Looker(tmp_path / "later")
    assert looker.first() == ""
    assert looker.problems() == []
    zones = Zones(tmp_path / "later")
    zones.write("test.zone", HEAD)
    assert looker.looks(2) == ["", "+test."]
    (tmp_path / "later" / "test.zone").unlink()
    (tmp_path / "later").rmdir()
    assert looker.looks(2) == ["", "-test."]


def test_a_folder_that_cannot_be_listed_keeps_what_there_was(
    zones: Zones, begun: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(_: Path) -> list[str]:
        raise PermissionError(13, "Permission denied")

    with monkeypatch.context() as broken:
        broken.setattr(os, "listdir", fail)
        assert begun.looks(4) == ["!zones:1", "", "", ""]
        assert set(begun.last.zones) == {TEST}
        assert begun.problems() == ["zones:1"]
    assert begun.look() == ""
    assert begun.problems() == []
    looker = Looker(zones.path / "test.zone")
    assert looker.first() == "!test.zone:1"


def test_a_name_that_is_no_origin_is_told_once(zones: Zones, begun: Looker) -> None:
    zones.write("a..b.zone", HEAD)
    zones.write("TEST.zone", HEAD)
    assert begun.looks(3)[0].split() == ["!a..b.zone:1", "!test.zone:1"]
    assert begun.looks(2) == ["", ""]
    (zones.path / "TEST.zone").unlink()
    (zones.path / "a..b.zone").unlink()
    begun.looks(3)
    assert begun.problems() == []
    assert begun.records() == HEAD_RECORDS


def test_an_error_of_ours_is_one_files_fault(
    zones: Zones, looker: Looker, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(path: Path, *args: object) -> object:
        if path.name == "b.zone":
            raise RuntimeError("boom")
        return real(path, *args)  # type: ignore[arg-type]

    real = load.load_zone
    monkeypatch.setattr(load, "load_zone", fail)
    for name in "abc":
        zones.write(f"{name}.zone", HEAD)
    assert looker.first() == "+a. +c. !b.zone:1"
    assert looker.look() == ""


def test_a_look_that_nobody_wants_reads_nothing(zones: Zones) -> None:
    zones.write("test.zone", HEAD)
    folder = Folder(zones.path, LIVE)
    assert folder.look(lambda: False, patient=False).zones == {}
    assert set(folder.look(lambda: True, patient=False).zones) == {TEST}
