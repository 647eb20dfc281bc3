"""Where a worker and others share a processor, the worker comes first, as far as it is let."""

import json
import os
import subprocess
import sys

import pytest

from dnsregistry.servers.workers.precedence import STEPS_AHEAD, may_go_first
from tests.machine import give_up

NOBODY = 65534
_ASK = """
import json, os, resource, sys
from dnsregistry.servers.workers.precedence import ask_for_precedence
user, goes_first = json.loads(sys.argv[1])
os.nice(3)
if user:
    resource.setrlimit(resource.RLIMIT_NICE, (0, 0))
    os.setuid(user)
told = ask_for_precedence(goes_first=goes_first)
print(json.dumps([told, os.getpriority(os.PRIO_PROCESS, 0)]))
"""

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="Linux alone is asked")


def _ask(user: int, *, goes_first: bool) -> tuple[bool, int]:
    command = [sys.executable, "-c", _ASK, json.dumps([user, goes_first])]
    done = subprocess.run(command, capture_output=True, check=True, text=True)
    told, nice = json.loads(done.stdout)
    return told, nice


def _require_root() -> None:
    if os.geteuid() != 0:
        give_up("only root may go before others, or become nobody")


def test_a_worker_goes_before_others_where_it_is_let() -> None:
    _require_root()
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert _ask(0, goes_first=True) == (True, before + 3 - STEPS_AHEAD)


def test_a_worker_that_shall_not_or_may_not_go_first_stays_where_it_is() -> None:
    _require_root()
    before = os.getpriority(os.PRIO_PROCESS, 0)
    assert _ask(0, goes_first=False) == (True, before + 3)
    assert _ask(NOBODY, goes_first=True) == (True, before + 3)


def test_workers_go_first_only_where_the_main_process_has_a_processor_to_itself() -> None:
    cores = len(os.sched_getaffinity(0))
    assert may_go_first(cores - 1)
    assert not may_go_first(cores)
