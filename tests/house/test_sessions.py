"""A page that is a session is gone through as its reader does."""

import os
import re
import socket
import sys
from pathlib import Path

import pytest

from tests.house.session import MARK, Session, fits, read_blocks
from tests.house.test_documents import DOCUMENTS
from tests.machine import require
from tests.program import LOOPBACK

SECONDS = 90.0
"""For a whole page; it takes 15."""
PAGES = [path for path in DOCUMENTS if MARK in path.read_text(encoding="utf-8")]
_PORT = re.compile(r"\b(?:5300|8053|80\d\d|5354)\b")


def _free_ports(number: int) -> list[str]:
    """Ports that are free of TCP and of UDP at the moment, all different."""
    taken: list[socket.socket] = []
    while len(taken) < number:
        stream = socket.create_server((LOOPBACK, 0))
        taken.append(stream)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as datagram:
            datagram.bind(stream.getsockname())
    ports = [str(stream.getsockname()[1]) for stream in taken]
    for stream in taken:
        stream.close()
    return ports


def test_there_is_such_a_page() -> None:
    assert [path.name for path in PAGES] == ["tutorial.md"]


@pytest.mark.parametrize("path", PAGES, ids=lambda path: path.name)
def test_a_session_goes_as_the_page_says(path: Path, tmp_path: Path) -> None:
    for tool in ("bash", "curl", "dig", "dnsmasq", "pgrep"):
        require(tool)
    page = path.read_text(encoding="utf-8")
    usual = sorted({*_PORT.findall(page), "5300", "8053"})
    ports = dict(zip(usual, _free_ports(len(usual)), strict=True))
    environment = {
        **os.environ,
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "HOME": str(tmp_path),
        "XDG_STATE_HOME": str(tmp_path / "state"),
        "DNSREGISTRY_DNS_PORT": ports["5300"],
        "DNSREGISTRY_HTTP_PORT": ports["8053"],
        "DNSREGISTRY_URL": f"http://{LOOPBACK}:{ports['8053']}",
    }
    with Session(tmp_path, environment, SECONDS) as session:
        for block in read_blocks(page, ports):
            session.play(block)
        assert session.left() == []


@pytest.mark.parametrize(
    ("output", "seen", "is_it"),
    [
        ("b\na\n", ("a", "b"), True),
        ("a\nb\n", ("a",), False),
        ("a\n", ("a", "b"), False),
        ("a\n", ("a", "a"), False),
        ("a\nb\nc\n", ("b", "…"), True),
        ("a 12 b\n", ("a … b",), True),
        ("a.b\n", ("a?b",), False),
        ("", (), True),
        ("a\n", (), False),
    ],
)
def test_what_is_seen_is_all_that_there_is(output: str, seen: tuple[str, ...], is_it: bool) -> None:
    assert fits(output, seen) is is_it
