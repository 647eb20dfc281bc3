"""Installs a wheel in an empty environment, and asks what runs there."""

import json
import os
import subprocess
import time
import tomllib
from pathlib import Path
from urllib.request import urlopen

import dns.message
import dns.query
import dns.rcode

import dnsregistry

PATIENCE = 60.0
"""Seconds until a start has failed: the first one compiles every module."""
ROOT = Path(__file__).parents[2]


def check_installed(python: str, wheel: Path, folder: Path) -> None:
    """Raise AssertionError unless the wheel serves DNS and HTTP with its own requirements alone."""
    environment = folder / "environment"
    subprocess.run([python, "-m", "venv", environment], check=True)
    pip: list[str | Path] = [environment / "bin" / "pip"]
    pip += ["install", "-q", "--disable-pip-version-check", wheel]
    subprocess.run(pip, check=True)
    clean = {"PATH": os.defpath, "HOME": str(folder), "LANG": "C.UTF-8"}
    program = environment / "bin" / "dnsregistry"
    said = subprocess.run(
        [program, "--version"], check=True, capture_output=True, text=True, env=clean, cwd=folder
    )
    assert dnsregistry.__version__ in said.stdout
    for command in ([program], [environment / "bin" / "python", "-m", "dnsregistry"]):
        _check_serves([*command, "serve", "--demo"], folder, clean)


def _check_serves(command: list[str | Path], folder: Path, environment: dict[str, str]) -> None:
    ready = folder / "ready.json"
    ready.unlink(missing_ok=True)
    flags = ["--dns-port=0", "--http-port=0", f"--ready-file={ready}"]
    quiet = subprocess.DEVNULL
    with subprocess.Popen(
        [*command, *flags], cwd=folder, env=environment, stdout=quiet, stderr=quiet
    ) as server:
        try:
            deadline = time.monotonic() + PATIENCE
            while not ready.exists():
                assert server.poll() is None
                assert time.monotonic() < deadline
                time.sleep(0.02)
            bound = json.loads(ready.read_text(encoding="utf-8"))
            query = dns.message.make_query("user-service.registry.local", "A")
            reply = dns.query.udp(query, "127.0.0.1", PATIENCE, bound["dns"][0]["port"])
            assert reply.rcode() == dns.rcode.NOERROR
            for path in ("/", "/docs", "/openapi.json", "/ready"):
                with urlopen(f"http://127.0.0.1:{bound['http']['port']}{path}") as page:
                    assert page.status == 200
        finally:
            server.terminate()
        assert server.wait(PATIENCE) == 0


def read_versions() -> list[str]:
    """The versions of Python that the project says it runs on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    named = "Programming Language :: Python :: 3."
    return [text.split(" :: ")[-1] for text in project["classifiers"] if text.startswith(named)]
