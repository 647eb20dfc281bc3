"""`/docs` shows the description in a real browser, asks no other host, and runs nothing inline."""

import gzip
import hashlib
import re
from pathlib import Path

import pytest
from yarl import URL

import dnsregistry.api.openapi
from dnsregistry.api.pagesafety import POLICY
from tests.browser import Seen, open_browser
from tests.conftest import Start
from tests.program import PATIENCE, Program

FOLDER = Path(dnsregistry.api.openapi.__file__).parent
ASSETS = FOLDER / "assets"
_SUM = re.compile(r"^sha256 +([0-9a-f]{64}) +(\S+)$", re.MULTILINE)


async def test_the_page_shows_every_operation_and_tries_one(program: Program) -> None:
    await program.register("web-1")
    async with program.http.get("/openapi.json") as response:
        document = await response.json()
    operations = [each for methods in document["paths"].values() for each in methods.values()]
    seen = Seen()
    async with open_browser() as browser:
        page = await browser.new_page()
        seen.follow(page)
        await page.goto(f"{program.url}/docs")
        blocks = page.locator(".opblock")
        await blocks.first.wait_for()
        assert await page.title() == "dnsregistry: HTTP API"
        assert await blocks.count() == len(operations)
        block = page.locator("#operations-Instances-listInstances")
        await block.click()
        await block.get_by_role("button", name="Try it out").click()
        await block.get_by_role("button", name="Execute").click()
        shown = block.locator(".live-responses-table .response-col_description")
        await shown.get_by_text("web-1").first.wait_for(timeout=PATIENCE * 1000)
        # The style sheet is in force.
        colour = await block.evaluate("block => getComputedStyle(block).borderTopStyle")
        assert colour == "solid"
    assert seen.complaints == []
    assert {URL(url).origin() for url in seen.requests if not url.startswith("data:")} == {
        URL(program.url)
    }


async def test_the_browser_keeps_what_the_page_may_not_do(program: Program) -> None:
    async with open_browser() as browser:
        page = await browser.new_page()
        seen = Seen()
        seen.follow(page)
        await page.goto(f"{program.url}/docs")
        await page.evaluate(
            """() => {
                const script = document.createElement("script");
                script.textContent = "document.title = 'taken'";
                document.body.append(script);
            }"""
        )
        assert await page.title() == "dnsregistry: HTTP API"
        assert any("Content Security Policy" in complaint for complaint in seen.complaints)


async def test_the_page_and_its_files_carry_what_keeps_them_safe(program: Program) -> None:
    async with program.http.get("/docs") as response:
        assert (response.status, response.content_type) == (200, "text/html")
        assert response.headers["Content-Security-Policy"] == POLICY
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        text = await response.text()
    assert "unsafe" not in POLICY
    assert not re.search(r"<script>|<style|style=|\son[a-z]+=|//", text)
    for name in re.findall(r'(?:src|href)="docs/([^"]+)"', text):
        async with program.http.get(f"/docs/{name}") as response:
            assert response.status == 200
            assert response.content_type == (
                "text/css" if name[-3:] == "css" else "text/javascript"
            )
            assert response.headers["X-Content-Type-Options"] == "nosniff"


async def test_a_file_comes_compressed_or_plain_and_once(program: Program) -> None:
    path = "/docs/swagger-ui.css"
    async with program.http.get(path, headers={"Accept-Encoding": "gzip"}) as response:
        assert response.headers["Content-Encoding"] == "gzip"
        compressed, tag = await response.text(), response.headers["ETag"]
    async with program.http.get(path, headers={"Accept-Encoding": "identity"}) as response:
        assert "Content-Encoding" not in response.headers
        assert await response.text() == compressed
        assert response.headers["ETag"] != tag
        assert response.headers["Vary"] == "Accept-Encoding"
    known = {"Accept-Encoding": "gzip", "If-None-Match": tag}
    async with program.http.get(path, headers=known) as response:
        assert (response.status, await response.read()) == (304, b"")
    async with program.http.head(path) as response:
        assert (response.status, await response.read()) == (200, b"")


@pytest.mark.parametrize(
    "name",
    [
        "..%2fdescription.py",
        "%2e%2e%2fpages%2fdocs.html",
        "..%5cdescription.py",
        "%2fetc%2fpasswd",
        "swagger-ui.css.gz",
        "VENDORED",
        "docs.js%00.css",
        "docs.html",
    ],
)
async def test_no_file_beside_the_page_is_given_away(program: Program, name: str) -> None:
    async with program.http.get(URL(f"/docs/{name}", encoded=True)) as response:
        assert response.status == 404
        assert (await response.json())["type"] == "not-found"


def test_what_others_made_is_what_they_published() -> None:
    sums = _SUM.findall((ASSETS / "VENDORED").read_text(encoding="utf-8"))
    packed = {path.name.removesuffix(".gz") for path in ASSETS.glob("*.gz")}
    assert {name for _, name in sums} == packed
    for expected, name in sums:
        content = gzip.decompress((ASSETS / f"{name}.gz").read_bytes())
        assert hashlib.sha256(content).hexdigest() == expected


async def test_the_page_stands_behind_a_path_of_a_proxy(start: Start) -> None:
    """All that it asks for is named without a leading slash."""
    text = (FOLDER / "pages" / "docs.html").read_text(encoding="utf-8")
    assert not re.search(r'(?:src|href)="/', text)
    assert 'url: "openapi.json"' in (ASSETS / "docs.js").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("codings", "is_packed"),
    [
        ("gzip", True),
        ("br, GZIP;q=0.5", True),
        ("gzip;q=0", False),
        ("br, gzip; q=0.00", False),
        ("identity", False),
        ("", False),
    ],
)
async def test_a_file_is_packed_for_whoever_takes_that(
    program: Program, codings: str, is_packed: bool
) -> None:
    path, accept = "/docs/swagger-ui.css", {"Accept-Encoding": codings}
    async with program.http.get(path, headers=accept, auto_decompress=False) as response:
        assert (await response.read()).startswith(b"\x1f\x8b") is is_packed
        assert ("Content-Encoding" in response.headers) is is_packed
        known = {**accept, "If-None-Match": response.headers["ETag"]}
    async with program.http.get(path, headers=known) as response:
        assert (response.status, await response.read()) == (304, b"")
