"""The page's files are what they say, and ask nobody else for anything."""

import re
from hashlib import sha256
from pathlib import Path

import pytest
from aiohttp import ClientSession

from dnsregistry.dashboard import routes
from tests.program import Program

ASSETS = Path(routes.__file__).with_name("assets")
VENDOR = ASSETS / "vendor"
PAGES = ASSETS.with_name("pages")
OWN = [
    path
    for path in (*ASSETS.rglob("*"), *PAGES.iterdir())
    if path.is_file() and VENDOR not in path.parents
]


def test_what_others_wrote_is_as_its_package_held_it() -> None:
    rows = re.findall(
        r"^\| (\S+) \|.*`([0-9a-f]{64})` \|$", (VENDOR / "VENDORED.md").read_text(), re.M
    )
    told = dict(rows)
    assert told == {
        path.name: sha256(path.read_bytes()).hexdigest()
        for path in VENDOR.iterdir()
        if path.suffix in (".js", ".mjs", ".css")
    }


@pytest.mark.parametrize("path", OWN, ids=lambda path: path.name)
def test_no_file_of_ours_names_another_host_or_runs_inline(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    hosts = set(re.findall(r"(?:https?:)?//[a-z0-9.-]+\.[a-z]{2,}", text))
    assert hosts <= {"http://www.w3.org"}
    assert not re.search(r"<script(?![^>]*\bsrc=)|\son[a-z]+=\"|\beval\(|innerHTML", text)


async def test_the_page_and_its_files_carry_a_policy_and_a_tag(program: Program) -> None:
    async with ClientSession(program.url) as session:
        for path in ("/", "/dashboard/main.js", "/dashboard/vendor/uPlot.css"):
            async with session.get(path) as reply:
                assert reply.status == 200
                policy = reply.headers.get("Content-Security-Policy", "")
                assert ("default-src 'none'" in policy) == (path == "/")
                assert "unsafe" not in policy
                assert reply.headers["X-Content-Type-Options"] == "nosniff"
                known = {"If-None-Match": reply.headers["ETag"]}
            async with session.get(path, headers=known) as reply:
                assert (reply.status, await reply.read()) == (304, b"")


@pytest.mark.parametrize(
    "path", ["nothing.js", "../pages.py", "..%2fpages.py", "vendor/VENDORED.md"]
)
async def test_no_other_file_is_sent(program: Program, path: str) -> None:
    async with (
        ClientSession(program.url) as session,
        session.get(f"/dashboard/{path}") as reply,
    ):
        assert reply.status == 404
