"""What a machine may lack: a test that needs it says so."""

import os
import shutil
from typing import NoReturn

import pytest


def give_up(reason: str) -> NoReturn:
    """Skip with the reason; in CI, where nothing may be missing, fail with it."""
    if os.environ.get("CI") == "true":
        pytest.fail(reason)
    pytest.skip(reason)


def require(tool: str) -> str:
    """The path of a program that the test runs."""
    path = shutil.which(tool)
    if path is None:
        give_up(f"the program {tool} is not installed")
    return path
