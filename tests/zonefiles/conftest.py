"""A folder of zone files."""

from pathlib import Path

import pytest

from dnsregistry.zone.name import Name
from dnsregistry.zonefiles.load import load_zone
from dnsregistry.zonefiles.naming import read_origin
from dnsregistry.zonefiles.sources import LARGEST_ZONE, Sources
from dnsregistry.zonefiles.zonefile import ZoneFile

HEAD = "$TTL 60\n@ SOA ns1 hostmaster 1 3600 900 604800 60\n@ NS ns1\nns1 A 192.0.2.53\n"
HEAD_LINES = 4
HEAD_RECORDS = 3
LIVE = Name.from_text("registry.local")


class Zones:
    """Files of a folder, written and read by name."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def write(self, name: str, text: str | bytes) -> Path:
        path = self.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(text.encode() if isinstance(text, str) else text)
        return path

    def load(self, name: str, largest: int = LARGEST_ZONE) -> ZoneFile:
        sources = Sources(self.path, largest)
        return load_zone(self.path / name, read_origin(name), LIVE, sources)


@pytest.fixture
def zones(tmp_path: Path) -> Zones:
    """An empty folder."""
    folder = tmp_path / "zones"
    folder.mkdir()
    return Zones(folder)
