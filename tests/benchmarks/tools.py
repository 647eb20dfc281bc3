"""The programs that a benchmark runs beside ours."""

import os
import shutil

from tests.benchmarks.errors import BenchmarkError

_SEARCH = os.pathsep.join((os.environ.get("PATH", ""), "/usr/sbin", "/sbin"))
_PACKAGES = {
    "dnsperf": "dnsperf",
    "etcd": "etcd-server",
    "gcc": "gcc libc6-dev",
    "knotd": "knot",
    "knotc": "knot",
    "node": "nodejs",
    "npm": "npm",
    "nsd": "nsd",
    "nsupdate": "bind9-dnsutils",
    "redis-server": "redis-server",
    "chrt": "util-linux",
    "taskset": "util-linux",
    "wrk": "wrk",
}
"""The Debian package of each program."""


def find(program: str) -> str | None:
    """The program's path; None where it is not installed."""
    return shutil.which(program, path=_SEARCH)


def require(program: str) -> str:
    """The program's path. Raises BenchmarkError, with the package that has it."""
    path = find(program)
    if path is None:
        package = _PACKAGES.get(program, program)
        raise BenchmarkError(f"{program} is not installed; on Debian: apt-get install {package}")
    return path
