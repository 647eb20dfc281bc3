"""A folder of master files as it is held in memory. Blocks: call it from a thread.

Rules:
- What changes is read once it has kept still from one look to the next, so that a file is not
  taken while it is being written, and is not given up while it is being replaced.
- A file that is refused leaves the zone that was read before it.
- A file that is gone takes its zone with it; so does a folder that is gone. A folder that
  cannot be looked into takes nothing.
- Where the file system's clock is too coarse to tell, the content is compared.
"""

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import structlog

from dnsregistry.zone.name import Name
from dnsregistry.zonefiles.fault import Fault, ZoneFileError
from dnsregistry.zonefiles.naming import is_zone_file, read_origin, show
from dnsregistry.zonefiles.signature import Signature, is_settled, sign
from dnsregistry.zonefiles.sources import Sources, is_same
from dnsregistry.zonefiles.zonefile import ZoneFile

Wanted = Callable[[], bool]
Signatures = Mapping[Path, Signature | None]

_GONE: Signatures = {}

log = structlog.get_logger("dnsregistry.zonefiles")


@dataclass(slots=True)
class Look:
    """What one look at the folder found.

    `zones` are all that are to be served, `unread` the origins of files that never could be read;
    `problems` is the first fault of each file that has any. The rest is news since the look before.
    """

    zones: Mapping[Name, ZoneFile] = field(default_factory=dict)
    unread: frozenset[Name] = frozenset()
    problems: tuple[Fault, ...] = ()
    loaded: list[ZoneFile] = field(default_factory=list)
    refused: list[ZoneFileError] = field(default_factory=list)
    removed: list[Name] = field(default_factory=list)


@dataclass(slots=True)
class _Held:
    """A file, and what came of reading it last.

    `signatures` and `digests` are of all files that were read then, or missed; None before the
    first time. `seen` is how they look since, where that is different.
    """

    path: Path
    signatures: Signatures | None = None
    digests: Mapping[Path, bytes | None] = field(default_factory=dict)
    settled: bool = False
    seen: Signatures | None = None
    zone: ZoneFile | None = None
    error: ZoneFileError | None = None


class Folder:
    """The zones of a folder. One thread at a time may look."""

    def __init__(self, path: Path, live_origin: Name) -> None:
        """`live_origin`: a file of that origin is an overlay of the live zone."""
        self._path = path
        self._live_origin = live_origin
        self._held: dict[Name, _Held] = {}
        self._misnamed: dict[Path, ZoneFileError] = {}

    def look(self, wanted: Wanted, *, patient: bool = True) -> Look:
        """Look for changes, and read what has changed and kept still since the last look.

        Not `patient`, it reads at once: for the first look. `wanted` is as in `load_zone`; once
        it says no, what is still unread stays so.
        """
        look = Look()
        paths = self._list(look)
        if paths is not None:
            for origin in self._held.keys() - paths.keys():
                self._miss(origin, look)
            for origin, path in paths.items():
                self._follow(origin, path, look, wanted, patient=patient)
        held = self._held.values()
        errors = [*self._misnamed.values(), *(each.error for each in held if each.error)]
        look.problems = tuple(error.faults[0] for error in errors)
        look.unread = frozenset(
            origin for origin, each in self._held.items() if each.error and not each.zone
        )
        look.zones = {each.zone.origin: each.zone for each in held if each.zone}
        return look

    def _list(self, look: Look) -> Mapping[Name, Path] | None:
        """The zone files by origin; none where the folder is missing, None where it is closed."""
        paths: dict[Name, Path] = {}
        misnamed: dict[Path, str] = {}
        try:
            names = sorted(filter(is_zone_file, os.listdir(self._path)))
        except FileNotFoundError:
            names = []
        except OSError as error:
            self._blame({self._path: f"cannot be listed: {error.strerror}"}, look)
            return None
        for name in names:
            path = self._path / name
            try:
                origin = read_origin(name)
            except ValueError as error:
                misnamed[path] = str(error)
                continue
            if origin in paths:
                misnamed[path] = f"has the same origin as {show(paths[origin])}"
            else:
                paths[origin] = path
        self._blame(misnamed, look)
        return paths

    def _blame(self, reasons: Mapping[Path, str], look: Look) -> None:
        errors = {
            path: ZoneFileError([Fault(show(path), 1, reason)]) for path, reason in reasons.items()
        }
        known = {error.faults for error in self._misnamed.values()}
        look.refused += [error for error in errors.values() if error.faults not in known]
        self._misnamed = errors

    def _miss(self, origin: Name, look: Look) -> None:
        held = self._held[origin]
        if held.seen != _GONE:
            held.seen = _GONE
            return
        del self._held[origin]
        if held.zone:
            look.removed.append(origin)

    def _follow(
        self, origin: Name, path: Path, look: Look, wanted: Wanted, *, patient: bool
    ) -> None:
        held = self._held.setdefault(origin, _Held(path))
        if held.path != path:
            held.path, held.signatures = path, None
        seen = {file: sign(file) for file in held.signatures or (path,)}
        if seen == held.signatures and held.settled:
            held.seen = None
        elif patient and seen not in (held.signatures, held.seen):
            held.seen = seen
        elif held.signatures is not None and is_same(held.digests):
            held.signatures, held.seen = seen, None
            held.settled = is_settled(seen.values())
        elif wanted():
            self._load(origin, held, look, wanted, patient=patient)

    def _load(
        self, origin: Name, held: _Held, look: Look, wanted: Wanted, *, patient: bool
    ) -> None:
        # Costs dnspython's import, which a registry without static zones need not pay.
        from dnsregistry.zonefiles.load import Unwanted, load_zone

        sources = Sources(self._path)
        result: ZoneFile | ZoneFileError
        try:
            result = load_zone(held.path, origin, self._live_origin, sources, wanted)
        except ZoneFileError as error:
            result = error
        except Unwanted:
            return
        except Exception:
            log.exception("zone file not read", file=show(held.path))
            result = ZoneFileError([Fault(show(held.path), 1, "an error of ours, see the log")])
        after = {file: sign(file) for file in sources.signatures}
        if patient and after != sources.signatures:
            held.seen = None
            return
        again = sources.signatures == held.signatures
        held.signatures, held.digests, held.seen = sources.signatures, sources.digests, None
        held.settled = is_settled(sources.signatures.values())
        if isinstance(result, ZoneFileError):
            if not (again and held.error and held.error.faults == result.faults):
                look.refused.append(result)
            held.error = result
        else:
            held.zone, held.error = result, None
            look.loaded.append(result)
