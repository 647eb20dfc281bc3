"""schemathesis finds nothing in the time that a test has; more with `schemathesis_run`."""

import subprocess

from tests.api.schemathesis_run import isolate, list_namespaces
from tests.machine import give_up, require

SECONDS = 15
PATIENCE = 180


def test_schemathesis_finds_no_server_error_and_nothing_undocumented() -> None:
    unshare = [require("unshare"), *list_namespaces()]
    require("ip")
    probe = subprocess.run([*unshare, "true"], capture_output=True, text=True, check=False)
    if probe.returncode:
        give_up(f"the kernel refuses namespaces: {probe.stderr.strip()}")
    done = subprocess.run(
        isolate(SECONDS), capture_output=True, text=True, timeout=PATIENCE, check=False
    )
    assert done.returncode == 0, done.stdout[-20_000:] + done.stderr[-5_000:]
    assert "Tested: " in done.stdout
