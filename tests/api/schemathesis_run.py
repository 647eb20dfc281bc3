"""schemathesis against the real program, from its own description.

    python -m tests.api.schemathesis_run --seconds 180

Both run in a network namespace of their own, with its loopback alone: registrations are made up,
and their checks would otherwise be made at anybody's address.
"""

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from urllib.request import urlopen

PATIENCE = 60.0
ROOT = Path(__file__).parents[2]

_CHECKS = (
    "not_a_server_error",
    "status_code_conformance",
    "content_type_conformance",
    "response_headers_conformance",
    "response_schema_conformance",
    "negative_data_rejection",
    "unsupported_method",
    "allow_header_conformance",
    "use_after_free",
    "ensure_resource_availability",
    "missing_required_header",
    "problem_types",
)


def list_namespaces() -> list[str]:
    """How to have a network of one's own; who is not root becomes it inside."""
    return ["--net"] if os.geteuid() == 0 else ["--user", "--map-root-user", "--net"]


def isolate(seconds: int) -> list[str]:
    """The command that runs this module in a network of its own."""
    inside = f"ip link set lo up && exec {sys.executable} -m {__spec__.name} --inside"
    return ["unshare", *list_namespaces(), "sh", "-c", f"{inside} --seconds {seconds}"]


def run(seconds: int) -> int:
    """Start the program, let schemathesis loose on it for so long; its exit code."""
    with tempfile.TemporaryDirectory() as folder:
        ready = Path(folder, "ready.json")
        serve = [sys.executable, "-m", "dnsregistry", "serve", "--dns-port=0", "--http-port=0"]
        serve += [f"--ready-file={ready}", f"--store=sqlite:///{folder}/registry.db"]
        with (
            Path(folder, "log").open("w+", encoding="utf-8") as log,
            subprocess.Popen(serve, cwd=ROOT, stdout=log, stderr=log) as program,
        ):
            try:
                _wait(ready, program)
                port = json.loads(ready.read_text(encoding="utf-8"))["http"]["port"]
                code = _let_loose(f"http://127.0.0.1:{port}/openapi.json", seconds, folder)
                if program.poll() is not None:
                    code = 1
            finally:
                program.terminate()
                program.wait(PATIENCE)
            log.seek(0)
            text = log.read()
            if program.returncode or "Traceback" in text or "[error" in text:
                print(f"the program ended with {program.returncode} and this log:\n{text[-20000:]}")
                return 1
            return code


def _let_loose(url: str, seconds: int, folder: str) -> int:
    command = [str(Path(sys.executable).with_name("schemathesis")), "run", url]
    command += ["--checks", ",".join(_CHECKS), "--max-time", str(seconds)]
    for endless in _list_streams(url):
        command += ["--exclude-operation-id", endless]
    hooks = {"PYTHONPATH": str(ROOT), "SCHEMATHESIS_HOOKS": "tests.api.schemathesis_hooks"}
    environment = {**os.environ, **hooks}
    return subprocess.run(command, cwd=folder, check=False, env=environment).returncode


def _list_streams(url: str) -> list[str]:
    """The operations whose answers have no end, which schemathesis would wait for."""
    with urlopen(url, timeout=PATIENCE) as response:
        paths = json.load(response)["paths"]
    return [
        operation["operationId"]
        for methods in paths.values()
        for operation in methods.values()
        if "text/event-stream" in operation["responses"].get("200", {}).get("content", {})
    ]


def _wait(ready: Path, program: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + PATIENCE
    while not ready.exists():
        if program.poll() is not None or time.monotonic() > deadline:
            raise SystemExit("the program did not start")
        time.sleep(0.05)


def main() -> None:
    """The command."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seconds", type=int, default=180)
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.inside:
        sys.exit(run(given.seconds))
    sys.exit(subprocess.run(isolate(given.seconds), check=False).returncode)


if __name__ == "__main__":
    main()
