"""$INCLUDE: what it leads to, and what it must not lead to."""

import pytest

from dnsregistry.zone.static import StaticZone
from dnsregistry.zonefiles.fault import ZoneFileError
from dnsregistry.zonefiles.sources import DEEPEST_INCLUDE, MOST_INCLUDES
from tests.zonefiles.conftest import HEAD, HEAD_LINES, HEAD_RECORDS, Zones
from tests.zonefiles.text import ask, tell


def refusal(zones: Zones, text: str) -> ZoneFileError:
    zones.write("test.zone", HEAD + text)
    with pytest.raises(ZoneFileError) as caught:
        zones.load("test.zone")
    assert len(caught.value.faults) == 1
    return caught.value


@pytest.fixture
def secret(zones: Zones) -> str:
    """A file beside the folder, with records that must never be read."""
    return zones.write("../secret.inc", "secret TXT secret\n").name


def test_a_file_is_found_from_the_one_that_includes_it(zones: Zones) -> None:
    zones.write("test.zone", HEAD + "$INCLUDE parts/one.inc\n$include 'two.inc'\n")
    zones.write("parts/one.inc", "one TXT 1\n$INCLUDE two.inc\n$INCLUDE ../three.inc\n")
    zones.write("parts/two.inc", "two TXT 2\n")
    zones.write("three.inc", "three TXT 3\n")
    zones.write("'two.inc'", "quotes-are-letters TXT 4\n")
    assert zones.load("test.zone").records == HEAD_RECORDS + 4
    zones.write("test.zone", HEAD + f'$INCLUDE "{zones.path}/three.inc"\n')
    assert zones.load("test.zone").records == HEAD_RECORDS + 1


def test_a_link_inside_the_folder_is_followed(zones: Zones) -> None:
    zones.write("version-1/part.inc", "one TXT 1\n")
    (zones.path / "now").symlink_to("version-1")
    zones.write("test.zone", HEAD + "$INCLUDE now/part.inc\n")
    assert zones.load("test.zone").records == HEAD_RECORDS + 1


@pytest.mark.parametrize(
    "target",
    ["../secret.inc", "parts/../../secret.inc", "link.inc", "out/secret.inc", "{absolute}"],
)
def test_nothing_outside_the_folder_is_read(zones: Zones, secret: str, target: str) -> None:
    outside = zones.path.parent / secret
    (zones.path / "parts").mkdir()
    (zones.path / "link.inc").symlink_to(outside)
    (zones.path / "out").symlink_to(outside.parent)
    error = refusal(zones, f"$INCLUDE {target.format(absolute=outside)}\n")
    assert error.line == HEAD_LINES + 1
    assert "leads outside the folder" in error.reason


def test_whether_a_file_outside_exists_is_not_told(zones: Zones, secret: str) -> None:
    there = refusal(zones, f"$INCLUDE ../{secret}\n").reason
    assert refusal(zones, "$INCLUDE ../absent.inc\n").reason == there.replace(secret, "absent.inc")


def test_a_file_that_includes_itself_is_refused(zones: Zones) -> None:
    assert "test.zone includes itself" in refusal(zones, "$INCLUDE test.zone\n").reason
    a = zones.write("a.inc", "\n$INCLUDE b.inc\n")
    b = zones.write("b.inc", "\n\n$INCLUDE ./a.inc\n")
    error = refusal(zones, "$INCLUDE a.inc\n")
    assert (error.file, error.line) == (str(b), 3)
    assert "includes itself" in error.reason
    a.unlink()
    a.symlink_to("a.inc")
    assert "leads nowhere" in refusal(zones, "$INCLUDE a.inc\n").reason


def test_one_file_may_be_included_twice(zones: Zones) -> None:
    zones.write("host.inc", "@ TXT x\n")
    zones.write("test.zone", HEAD + "$INCLUDE host.inc a\n$INCLUDE host.inc b\n")
    assert zones.load("test.zone").records == HEAD_RECORDS + 2


def test_depth_and_number_are_bounded(zones: Zones) -> None:
    for depth in range(DEEPEST_INCLUDE + 1):
        zones.write(f"{depth}.inc", f"$INCLUDE {depth + 1}.inc\n")
    assert "deep" in refusal(zones, "$INCLUDE 0.inc\n").reason
    zones.write(f"{DEEPEST_INCLUDE - 1}.inc", "x TXT x\n")
    zones.write("test.zone", HEAD + "$INCLUDE 0.inc\n")
    assert zones.load("test.zone").records == HEAD_RECORDS + 1
    zones.write("empty.inc", "")
    error = refusal(zones, "$INCLUDE empty.inc\n" * (MOST_INCLUDES + 1))
    assert error.line == HEAD_LINES + MOST_INCLUDES + 1
    assert f"more than {MOST_INCLUDES} files" in error.reason


@pytest.mark.parametrize(
    ("content", "line", "reason"),
    [
        (b"a TXT x\nb A x\n", 2, "bad A data"),
        (b"a TXT x\n\nb TXT \xff\n", 3, "is not UTF-8"),
        (b"a CNAME b\nc TXT c\nc CNAME b\n", 3, "has a CNAME and other data"),
    ],
)
def test_a_fault_in_an_included_file_is_told_with_that_file(
    zones: Zones, content: bytes, line: int, reason: str
) -> None:
    part = zones.write("part.inc", content)
    error = refusal(zones, "$INCLUDE part.inc\n")
    assert (error.file, error.line) == (str(part), line)
    assert reason in error.reason


def test_the_origin_of_an_included_file_stays_in_it(zones: Zones) -> None:
    zones.write("part.inc", "@ TXT a\n$ORIGIN deeper.test.\n@ TXT b\n")
    zones.write("test.zone", HEAD + "$INCLUDE part.inc in\nhere TXT c\n")
    content = zones.load("test.zone").content
    assert isinstance(content, StaticZone)
    assert tell(ask(content, "in.test", "TXT")) == ['in.test. 60 IN TXT "a"']
    assert tell(ask(content, "deeper.test", "TXT")) == ['deeper.test. 60 IN TXT "b"']
    assert tell(ask(content, "here.test", "TXT")) == ['here.test. 60 IN TXT "c"']
