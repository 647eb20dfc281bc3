"""Our server as `dnsregistry serve` starts it, in a process of its own."""

import http.client
import json
import os
import sys
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

from dnsregistry.settings import PREFIX, Settings
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.process import Process, running

ROOT = Path(__file__).parents[2]
LOOPBACK = "127.0.0.1"
ARRAY = 5000
"""Instances in one POST."""
_REQUEST_SECONDS = 120.0


@dataclass(frozen=True, slots=True)
class Ours:
    """A running server."""

    process: Process
    dns_port: int
    http_port: int
    start_seconds: float
    """From exec until all listeners accept."""

    @property
    def url(self) -> str:
        return f"http://{LOOPBACK}:{self.http_port}"

    def connect(self) -> http.client.HTTPConnection:
        """A connection to its API, to be closed by the caller."""
        return http.client.HTTPConnection(LOOPBACK, self.http_port, timeout=_REQUEST_SECONDS)

    def request(self, method: str, path: str, body: object = None) -> Any:
        """One request on a connection of its own; returns its JSON. Raises BenchmarkError."""
        connection = self.connect()
        try:
            return exchange(connection, method, path, body)
        finally:
            connection.close()

    def register_all(self, instances: Iterable[dict[str, object]]) -> None:
        """Register any number, by arrays."""
        connection = self.connect()
        remaining = iter(instances)
        try:
            while array := list(islice(remaining, ARRAY)):
                exchange(connection, "POST", "/v1/instances", array)
        finally:
            connection.close()


@contextmanager
def ours(
    folder: Path, *, cores: str, name: str = "dnsregistry", **settings: object
) -> Iterator[Ours]:
    """Start it with its defaults but for ports and the given settings, until the block's end.

    A setting is a field's name of `Settings`; a tuple is comma-separated. Its files are in a folder
    of the name in `folder`: starting it twice under one name finds the store of the first.
    """
    for setting in settings:
        if setting not in Settings.model_fields:
            raise BenchmarkError(f"this version has no setting {setting.upper()}")
    home = folder / name
    (home / "zones").mkdir(parents=True, exist_ok=True)
    ready = home / "ready.json"
    ready.unlink(missing_ok=True)
    given: dict[str, object] = {"dns_port": 0, "http_port": 0, "zones_dir": home / "zones"}
    flags = [_write_flag(name, value) for name, value in (given | settings).items()]
    command = [sys.executable, "-m", "dnsregistry", "serve", f"--ready-file={ready}", *flags]
    began = time.monotonic()
    with running(name, command, cores=cores, folder=home, environment=_environment(home)) as made:
        made.wait_until(ready.exists)
        seconds = time.monotonic() - began
        bound = json.loads(ready.read_text(encoding="utf-8"))
        yield Ours(made, bound["dns"][0]["port"], bound["http"]["port"], seconds)


def exchange(
    connection: http.client.HTTPConnection, method: str, path: str, body: object = None
) -> Any:
    """One request; returns its JSON. Raises BenchmarkError for anything but success."""
    content = None if body is None else json.dumps(body)
    try:
        connection.request(method, path, content)
        response = connection.getresponse()
        text = response.read()
    except (OSError, http.client.HTTPException) as error:
        raise BenchmarkError(f"{method} {path} failed: {error!r}") from None
    if not 200 <= response.status < 300:
        raise BenchmarkError(f"{method} {path} was answered {response.status}: {text[:200]!r}")
    return json.loads(text) if text else None


def _write_flag(name: str, value: object) -> str:
    text = ",".join(map(str, value)) if isinstance(value, Sequence | set) else str(value)
    text = str(value) if isinstance(value, str) else text
    return f"--{name.replace('_', '-')}={text}"


def _environment(home: Path) -> dict[str, str]:
    """Ours without settings; what it keeps by default is kept in the run's own folder."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith(PREFIX)}
    python_path = os.pathsep.join(filter(None, [str(ROOT), os.environ.get("PYTHONPATH", "")]))
    return kept | {"HOME": str(home), "XDG_STATE_HOME": str(home), "PYTHONPATH": python_path}
