"""Our view of an example zone with every construct, and that of BIND's named-checkzone."""

import shutil
import struct
import subprocess
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import dns.rdata
import dns.rdatatype
import pytest

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import Opaque
from tests.machine import require
from tests.zonefiles.text import read_rrsets

DATA = Path(__file__).parent / "data"
EXAMPLES = [
    (DATA / "every.test.zone", 102),
    (Path(__file__).parents[2] / "zones" / "example.test.zone", None),
]

RAW_RRSET = struct.Struct("!IHHHII")
Line = tuple[Name, int, int, bytes]
"""Owner, TTL, type and data."""


@pytest.mark.parametrize(("path", "count"), EXAMPLES, ids=lambda value: getattr(value, "name", ""))
def test_record_by_record_we_read_what_bind_reads(
    path: Path, count: int | None, tmp_path: Path
) -> None:
    origin = path.name.removesuffix(".zone")
    theirs = _read_with_bind(path, origin, tmp_path)
    ours = _read(path, origin)
    assert Counter(ours) == Counter(theirs)
    assert count in (None, len(theirs))


def test_the_octets_of_opaque_records_are_those_of_bind(tmp_path: Path) -> None:
    path = EXAMPLES[0][0]
    theirs = {(rtype, data) for _, _, rtype, data in _dump(path, "every.test", tmp_path)}
    ours = {
        (rdata.rtype, rdata.octets)
        for rrset in read_rrsets(path, "every.test")
        for rdata in rrset.rdatas
        if isinstance(rdata, Opaque)
    }
    assert len(ours) > 40
    assert ours <= theirs


def _read(path: Path, origin: str) -> list[Line]:
    """Ours, by way of the presentation format that we write."""
    return [
        (rrset.owner, rrset.ttl, rrset.rtype, _canonical_text(rrset.rtype, str(rdata)))
        for rrset in read_rrsets(path, origin)
        for rdata in rrset.rdatas
    ]


def _canonical_text(rtype: int, text: str) -> bytes:
    return dns.rdata.from_text("IN", dns.rdatatype.RdataType.make(rtype), text).to_digestable()


def _canonical_octets(rtype: int, data: bytes) -> bytes:
    known = dns.rdatatype.RdataType.make(rtype)
    return dns.rdata.from_wire("IN", known, data, 0, len(data)).to_digestable()


def _read_with_bind(path: Path, origin: str, folder: Path) -> list[Line]:
    return [
        (owner, ttl, rtype, _canonical_octets(rtype, data))
        for owner, ttl, rtype, data in _dump(path, origin, folder)
    ]


def _dump(path: Path, origin: str, folder: Path) -> list[Line]:
    """The zone as named-checkzone compiles it, the data as on the wire.

    It looks for included files from its working directory, not from the including file.
    """
    work = folder / "zone"
    shutil.copytree(path.parent, work, dirs_exist_ok=True)
    for deeper in work.glob("parts/deeper/*.inc"):
        shutil.copy(deeper, work)
    dumped = str(folder / "dumped")
    tool = require("named-checkzone")
    command = [tool, "-k", "ignore", "-D", "-F", "raw", "-o", dumped, origin, path.name]
    ended = subprocess.run(command, cwd=work, capture_output=True, text=True, check=False)
    assert ended.returncode == 0, ended.stdout + ended.stderr
    return list(_parse_raw(Path(dumped).read_bytes()))


def _parse_raw(octets: bytes) -> Iterator[Line]:
    """BIND's raw format, version 1: a header, then RRsets with owner and data in wire format."""
    position = 24
    while position < len(octets):
        end = position + int.from_bytes(octets[position : position + 4], "big")
        _, _, rtype, _, ttl, count = RAW_RRSET.unpack_from(octets, position)
        position += RAW_RRSET.size
        owner, position = _take(octets, position)
        for _ in range(count):
            data, position = _take(octets, position)
            yield Name.from_wire(owner), ttl, rtype, data
        assert position == end


def _take(octets: bytes, position: int) -> tuple[bytes, int]:
    start = position + 2
    end = start + int.from_bytes(octets[position:start], "big")
    return octets[start:end], end
