"""A folder that changes while it is served, on a real clock; what is waited for is the event."""

import asyncio
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Mapping

import pytest
from structlog.testing import capture_logs

from dnsregistry.zone.authority import Authority
from dnsregistry.zone.lookup import Unavailable
from dnsregistry.zone.name import Name
from dnsregistry.zonefiles import load
from dnsregistry.zonefiles.publish import Publication
from dnsregistry.zonefiles.watch import MOST_WARNINGS, ZoneWatch
from dnsregistry.zonefiles.zonefile import ZoneFile
from tests.zonefiles.conftest import HEAD, HEAD_RECORDS, LIVE, Zones
from tests.zonefiles.text import ask, build, tell

PATIENCE = 10.0
"""Seconds for a change to show on the slowest machine."""
OWN_LIMIT = 2.0
"""Seconds that a change may take until it is live."""
QUICK = 0.02
"""Seconds between looks where the test is not about time."""


class Served:
    """What a watched folder serves, and what was heard of it."""

    def __init__(self, zones: Zones) -> None:
        self.live = build("www 60 TXT live\n", "registry.local")
        self.serials = 0
        self.authority = Authority([self.live])
        self.publication = Publication(self.authority, self.live, self._advance)
        self.failing = False
        self.watch = ZoneWatch(zones.path, LIVE, self._apply, QUICK)
        self._look = self.watch._look
        self.watch._look = self._look_and_tell  # type: ignore[method-assign]
        self._looked = asyncio.Condition()
        self.count = 0

    async def looks(self, count: int = 4) -> None:
        """Wait until the folder has been looked at so many times more."""
        async with self._looked, asyncio.timeout(PATIENCE):
            goal = self.count + count
            await self._looked.wait_for(lambda: self.count >= goal)

    async def until(self, name: str, answer: str | list[str]) -> None:
        """Wait until a name's TXT is answered so."""
        async with self._looked, asyncio.timeout(PATIENCE):
            await self._looked.wait_for(lambda: self.text(name) == answer)

    def text(self, name: str, rtype: str = "TXT") -> str | list[str]:
        zone = self.authority.find(Name.from_text(name))
        return "not ours" if zone is None else tell(ask(zone, name, rtype))

    def _advance(self) -> None:
        self.serials += 1

    def _apply(self, zones: Mapping[Name, ZoneFile], unread: frozenset[Name]) -> None:
        if self.failing:
            raise RuntimeError("boom")
        self.publication.apply(zones, unread)

    async def _look_and_tell(self, *, patient: bool) -> None:
        try:
            await self._look(patient=patient)
        finally:
            async with self._looked:
                self.count += 1
                self._looked.notify_all()


@pytest.fixture
async def served(zones: Zones) -> AsyncIterator[Served]:
    """A folder with one zone, read and watched."""
    zones.write("test.zone", HEAD + "x TXT 1\n")
    served = Served(zones)
    await served.watch.load()
    task = asyncio.create_task(served.watch.run())
    yield served
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)
    assert task.cancelled()


async def test_what_was_there_at_the_start_is_served_before_the_watch_begins(zones: Zones) -> None:
    zones.write("test.zone", HEAD)
    zones.write("registry.local.zone", "printer 60 TXT p\n")
    served = Served(zones)
    await served.watch.load()
    assert served.text("test", "NS") == ["test. 60 IN NS ns1.test."]
    assert served.text("printer.registry.local") == ['printer.registry.local. 60 IN TXT "p"']
    assert served.serials == 0
    assert served.watch.problems() == ()
    tally = served.watch.tally
    assert (tally.loaded, tally.refused) == (2, 0)
    assert (tally.zones, tally.records) == (2, HEAD_RECORDS + 1)


async def test_a_file_that_never_could_be_read_has_its_place_held(zones: Zones) -> None:
    zones.write("test.zone", "broken\n")
    served = Served(zones)
    await served.watch.load()
    held = served.authority.lookup(Name.from_text("x.test"), 16, 0.0)
    assert isinstance(held, Unavailable)
    zones.write("test.zone", HEAD + "x TXT 1\n")
    await served.watch.load()
    assert served.text("x.test") == ['x.test. 60 IN TXT "1"']
    zones.write("test.zone", "broken\n")
    await served.watch.load()
    assert served.text("x.test") == ['x.test. 60 IN TXT "1"']


async def test_a_changed_file_is_live_within_two_seconds(zones: Zones) -> None:
    """With the interval that is used in earnest."""
    zones.write("test.zone", HEAD + "x TXT 1\n")
    applied = asyncio.Event()
    seen: list[int] = []

    def apply(loaded: Mapping[Name, ZoneFile], unread: frozenset[Name]) -> None:
        seen.append(loaded[Name.from_text("test")].records)
        applied.set()

    watch = ZoneWatch(zones.path, LIVE, apply)
    await watch.load()
    task = asyncio.create_task(watch.run())
    took = []
    try:
        for count in range(2, 5):
            applied.clear()
            begun = time.monotonic()
            zones.write("test.zone", HEAD + "".join(f"x{n} TXT 1\n" for n in range(count)))
            await asyncio.wait_for(applied.wait(), PATIENCE)
            took.append(time.monotonic() - begun)
            assert seen[-1] == HEAD_RECORDS + count
    finally:
        task.cancel()
        await asyncio.wait([task])
    # A machine that is away for a second does not hit all three.
    assert min(took) < OWN_LIMIT


async def test_a_broken_file_keeps_its_zone_and_is_told_once(zones: Zones, served: Served) -> None:
    with capture_logs() as logs:
        path = zones.write("test.zone", HEAD + "x TXT 2\ny A nonsense\nz A nonsense\n")
        while not served.watch.problems():
            await served.looks(1)
        await served.looks(6)
    assert served.text("x.test") == ['x.test. 60 IN TXT "1"']
    assert logs == [
        {
            "event": "zone file refused",
            "log_level": "error",
            "file": str(path),
            "line": 6,
            "reason": "bad A data: Text input is malformed.",
            "more_faults": 1,
        }
    ]
    (problem,) = served.watch.problems()
    assert str(problem) == f"{path}:6: bad A data: Text input is malformed."
    assert served.watch.tally.refused == 1
    zones.write("test.zone", HEAD + "x TXT 2\n")
    await served.until("x.test", ['x.test. 60 IN TXT "2"'])
    assert served.watch.problems() == ()
    assert served.watch.tally.loaded == 2


async def test_zones_come_and_go_with_their_files(zones: Zones, served: Served) -> None:
    path = zones.write("sub.test.zone", HEAD + "x TXT sub\n")
    await served.until("x.sub.test", ['x.sub.test. 60 IN TXT "sub"'])
    path.unlink()
    await served.until("x.sub.test", "NXDOMAIN")
    (zones.path / "test.zone").unlink()
    await served.until("x.test", "not ours")
    assert (served.watch.tally.zones, served.watch.tally.records) == (0, 0)


async def test_an_overlay_comes_and_goes_and_moves_the_serial(zones: Zones, served: Served) -> None:
    path = zones.write("registry.local.zone", "www 60 TXT static\n")
    with capture_logs() as logs:
        await served.until("www.registry.local", ['www.registry.local. 60 IN TXT "static"'])
    assert served.serials == 1
    told = [log for log in logs if "in the place" in log["event"]]
    assert [(log["owner"], log["type"]) for log in told] == [("www.registry.local.", "TXT")]
    zones.write("test.zone", HEAD + "x TXT other\n")
    await served.until("x.test", ['x.test. 60 IN TXT "other"'])
    assert served.serials == 1
    path.unlink()
    await served.until("www.registry.local", ['www.registry.local. 60 IN TXT "live"'])
    assert served.serials == 2
    assert served.authority.find(LIVE) is served.live


async def test_a_zone_that_a_file_stood_before_comes_back(zones: Zones, served: Served) -> None:
    builtin = build("x 60 TXT builtin\n", "lan")
    served.authority.put(builtin)
    path = zones.write("lan.zone", HEAD + "x TXT file\n")
    await served.until("x.lan", ['x.lan. 60 IN TXT "file"'])
    zones.write("lan.zone", HEAD + "x TXT again\n")
    await served.until("x.lan", ['x.lan. 60 IN TXT "again"'])
    path.unlink()
    await served.until("x.lan", ['x.lan. 60 IN TXT "builtin"'])
    assert served.authority.find(Name.from_text("lan")) is builtin


async def test_a_zone_that_another_has_replaced_meanwhile_is_left_alone(
    zones: Zones, served: Served
) -> None:
    path = zones.write("lan.zone", HEAD + "x TXT file\n")
    await served.until("x.lan", ['x.lan. 60 IN TXT "file"'])
    other = build("x 60 TXT other\n", "lan")
    served.authority.put(other)
    path.unlink()
    await served.looks(4)
    assert served.text("x.lan") == ['x.lan. 60 IN TXT "other"']
    assert served.watch.tally.zones == 1


async def test_a_serial_that_does_not_grow_is_told(zones: Zones, served: Served) -> None:
    with capture_logs() as logs:
        zones.write("test.zone", HEAD + "x TXT 2\n")
        await served.until("x.test", ['x.test. 60 IN TXT "2"'])
        zones.write("test.zone", HEAD.replace("hostmaster 1", "hostmaster 2") + "x TXT 3\n")
        await served.until("x.test", ['x.test. 60 IN TXT "3"'])
    told = [log for log in logs if "serial has not grown" in log["event"]]
    assert [(log["origin"], log["serial"]) for log in told] == [("test.", 1)]


async def test_warnings_are_told_and_bounded(zones: Zones, served: Served) -> None:
    with capture_logs() as logs:
        zones.write("test.zone", HEAD + "x.other. TXT x\n" * (MOST_WARNINGS + 5))
        await served.until("x.test", "NXDOMAIN")
    told = [log for log in logs if log["event"] == "zone file"]
    assert [log.get("line") for log in told] == [*range(5, MOST_WARNINGS + 5), None]
    assert told[-1]["more_warnings"] == 5


async def test_what_could_not_be_applied_is_applied_at_the_next_look(
    zones: Zones, served: Served
) -> None:
    served.failing = True
    with capture_logs() as logs:
        zones.write("test.zone", HEAD + "x TXT 2\n")
        await served.looks(6)
    assert served.text("x.test") == ['x.test. 60 IN TXT "1"']
    assert any(log["log_level"] == "error" for log in logs)
    served.failing = False
    await served.until("x.test", ['x.test. 60 IN TXT "2"'])


async def test_a_watch_that_ends_does_not_wait_for_a_long_file(
    zones: Zones, monkeypatch: pytest.MonkeyPatch
) -> None:
    def load_and_tell(*args: object) -> object:
        loop.call_soon_threadsafe(reading.set)
        return real(*args)  # type: ignore[arg-type]

    loop, reading, real = asyncio.get_running_loop(), asyncio.Event(), load.load_zone
    monkeypatch.setattr(load, "load_zone", load_and_tell)
    path = zones.path / "test.zone"
    path.write_text(HEAD + "".join(f"host-{n} TXT x\n" for n in range(100_000)))
    started = loop.time()
    watch = ZoneWatch(zones.path, LIVE, lambda *_: None)
    task = asyncio.create_task(watch.load())
    await asyncio.wait_for(reading.wait(), PATIENCE)
    task.cancel()
    await asyncio.wait([task], timeout=PATIENCE)
    assert task.cancelled()
    # The thread ends by itself, long before it could have read everything.
    await loop.shutdown_default_executor()
    assert loop.time() - started < PATIENCE
    held = watch._folder._held[Name.from_text("test")]
    assert held.zone is None


def test_dnspython_is_not_imported_where_there_is_no_zone_file() -> None:
    code = (
        "import sys, dnsregistry.zonefiles.watch, dnsregistry.zonefiles.publish;"
        "sys.exit('dns' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
