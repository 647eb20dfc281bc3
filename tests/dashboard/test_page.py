"""What a person sees and does on the page, in Chromium."""

import asyncio
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest
from axe_playwright_python.async_playwright import Axe  # type: ignore[import-untyped]
from playwright.async_api import Page, Route, ViewportSize, expect

from tests.conftest import Start
from tests.program import PATIENCE, Program

expect.set_options(timeout=PATIENCE * 1000)
WIDTHS = (1400, 900, 390)
MANY = 10_000
LONGEST_FRAME = 500.0
"""Milliseconds, on a machine five times slower; here none is over 100."""
SCROLL = """async () => {
  const box = document.querySelector(".instances .rows");
  const frames = [];
  let last = performance.now();
  for (let step = 0; step < 90; step += 1) {
    box.scrollTop += 937;
    await new Promise(requestAnimationFrame);
    const now = performance.now();
    frames.push(now - last);
    last = now;
  }
  return [Math.max(...frames), box.scrollTop];
}"""


async def _open(page: Page, program: Program, place: str = "") -> None:
    await page.goto(f"{program.url}/{place}")
    await expect(page.locator(".link.live")).to_be_visible()


async def test_a_service_appears_degrades_and_leaves_without_a_reload(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    await expect(page.get_by_text("No service is registered yet.")).to_be_visible()
    for number in (1, 2):
        await program.register(f"w{number}", service="web", address=f"10.0.0.{number}", port=80)
    service = page.locator("button.service")
    await expect(service).to_contain_text("2/2")
    await program.set_status("w1", "maintenance")
    await expect(service).to_contain_text("1/2")
    await service.click()
    row = page.locator("button.instance", has_text="w1")
    await expect(row).to_contain_text("maintenance")
    await program.remove("w1")
    await expect(row).to_have_count(0)
    await program.remove("w2")
    await expect(page.get_by_text("No instance is left.")).to_be_visible()
    await expect(service).to_have_count(0)


async def test_a_service_that_is_gone_is_said_to_be_gone_from_dns(
    page: Page, program: Program
) -> None:
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await _open(page, program, "#/web")
    await program.remove("w1")
    await expect(page.locator(".instances")).to_contain_text("DNS has no names of this service")
    assert (await program.ask("web.registry.local")).rcode == "NXDOMAIN"


@pytest.mark.parametrize("place", ["#/100%", "#/web/%E0%A4%A"])
async def test_a_place_that_cannot_be_read_is_the_overview(
    page: Page, program: Program, place: str
) -> None:
    await _open(page, program, place)
    await expect(page.locator(".overview")).to_be_visible()


async def test_after_a_reset_one_stream_is_open_and_no_more(page: Page, program: Program) -> None:
    asked: list[str] = []

    async def be_late(route: Route) -> None:
        asked.append(route.request.url)
        late = route.request.url.partition("since=")[0] + "since=1"
        await route.continue_(url=late if len(asked) <= 3 else None)

    await page.route("**/v1/watch?*", be_late)
    await _open(page, program)
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await expect(page.locator("button.service")).to_contain_text("1/1")
    async with asyncio.timeout(PATIENCE):
        while (await program.read_stats())["watch"]["streams"] != 1 or len(asked) < 4:
            await page.wait_for_timeout(50)


async def test_a_clock_that_is_set_right_is_believed_again(page: Page, program: Program) -> None:
    await _open(page, program)
    ahead = await page.evaluate("""async () => {
      const { clock, get } = await import("/dashboard/api.js");
      clock.ahead = 3_600_000;
      await get("/health");
      return clock.ahead;
    }""")
    assert ahead == 0


async def test_an_explanation_that_comes_too_late_is_not_shown(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    first, let_go = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        first.set()
        await let_go.wait()
        await route.continue_()

    await page.route("**/v1/dns/explain?name=a..b*", hold)
    await page.fill("#explain-name", "a..b")
    await page.keyboard.press("Enter")
    async with asyncio.timeout(PATIENCE):
        await first.wait()
    await page.fill("#explain-name", "b.registry.local")
    await page.keyboard.press("Enter")
    await expect(page.locator(".verdict")).to_contain_text("NXDOMAIN")
    async with page.expect_response("**/v1/dns/explain?name=a..b*"):
        let_go.set()
    await page.evaluate("() => new Promise(requestAnimationFrame)")
    await expect(page.locator(".explain h1")).to_contain_text("b.registry.local")
    await expect(page.locator(".explain [role=alert]")).to_have_count(0)


async def test_a_lease_that_ends_leaves_the_page(page: Page, start: Start) -> None:
    program = await start(lease_ttl=30)
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await _open(page, program, "#/web")
    await expect(page.locator("button.instance")).to_have_count(1)
    program.clock.advance(31)
    await expect(page.get_by_text("No instance is left.")).to_be_visible()


async def test_an_instance_shows_its_names_and_copies_a_dig_line(
    page: Page, program: Program
) -> None:
    await program.register("w1", service="web", address="10.0.0.1", port=80, metadata={"zone": "b"})
    await _open(page, program, "#/web/w1")
    detail = page.locator(".instance-detail")
    await expect(detail).to_contain_text("_web._tcp.registry.local")
    await expect(detail).to_contain_text("zone")
    await page.get_by_label("Copy the dig line for _web._tcp.registry.local", exact=True).click()
    line = f"dig @127.0.0.1 -p {program.port} SRV _web._tcp.registry.local"
    await expect(page.locator(".said")).to_contain_text(line)


async def test_a_name_is_explained(page: Page, program: Program) -> None:
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await program.register("w2", service="web", address="10.0.0.2", port=80)
    await program.set_status("w2", "draining")
    await _open(page, program)
    await page.keyboard.press("/")
    await page.keyboard.type("web.registry.local")
    await page.keyboard.press("Enter")
    explained = page.locator(".explain")
    await expect(explained).to_contain_text("10.0.0.1")
    await expect(explained.locator("tr", has_text="w2")).to_contain_text("drain")
    await page.keyboard.press("Escape")
    await page.keyboard.press("Escape")
    await expect(explained).to_have_count(0)


async def test_a_name_that_is_none_is_refused_with_the_reason(page: Page, program: Program) -> None:
    await _open(page, program)
    await page.fill("#explain-name", "a..b")
    await page.get_by_role("button", name="Explain").click()
    await expect(page.get_by_role("alert")).to_contain_text("name")


async def test_draining_needs_a_token_that_may(
    page: Page, start: Start, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    program = await start(tokens_file=tokens_file)
    body = {"service": "user-service", "address": "10.0.0.1", "port": 80}
    chief = {"Authorization": f"Bearer {tokens['chief']}"}
    async with program.http.put("/v1/instances/u1", json=body, headers=chief) as response:
        assert response.status == 201
    await page.goto(f"{program.url}/#/user-service/u1")
    # Nothing is told without one.
    await _give_token(page, tokens["reader"])
    await expect(page.locator(".link.live")).to_be_visible()
    drain = page.get_by_role("button", name="Drain", exact=True)
    await drain.click()
    await expect(page.get_by_role("alert")).to_contain_text(
        "a scope write: of some services is missing"
    )
    await expect(page.locator("button.instance")).to_contain_text("healthy")
    await page.keyboard.press("t")
    await _give_token(page, tokens["chief"])
    await drain.click()
    await expect(page.locator("button.instance")).to_contain_text("draining")
    await page.get_by_role("button", name="Deregister").click()
    await page.get_by_role("dialog").get_by_role("button", name="Deregister").click()
    await expect(page.get_by_text("No instance is left.")).to_be_visible()


async def test_a_token_is_typed_as_slowly_as_people_do(
    page: Page, start: Start, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    await page.clock.install()
    program = await start(tokens_file=tokens_file)
    await page.goto(program.url)
    field = page.get_by_label("Bearer token")
    await field.fill(tokens["reader"])
    # The page is drawn anew each second.
    await page.clock.run_for(3000)
    await expect(field).to_have_value(tokens["reader"])


async def test_a_token_counts_at_once_though_a_request_without_is_on_its_way(
    page: Page, start: Start, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    await page.clock.install()
    program = await start(tokens_file=tokens_file)
    asked, given = asyncio.Event(), asyncio.Event()

    async def hold(route: Route) -> None:
        if "authorization" not in route.request.headers:
            asked.set()
            await given.wait()
        await route.continue_()

    await page.goto(program.url)
    await expect(page.get_by_label("Bearer token")).to_be_visible()
    await page.route("**/v1/instances?*", hold)
    async with asyncio.timeout(PATIENCE):
        await asked.wait()
    await page.clock.pause_at(await page.evaluate("Date.now() / 1000") + 1)
    await _give_token(page, tokens["reader"])
    # No timer fires while the clock stands.
    async with page.expect_request("**/v1/watch?*", timeout=PATIENCE * 1000):
        given.set()


@pytest.mark.usefixtures("tokens")
async def test_what_is_not_known_yet_is_not_said_to_be_gone(
    page: Page, start: Start, tokens_file: Path
) -> None:
    program = await start(tokens_file=tokens_file)
    await page.goto(f"{program.url}/#/web/w1")
    await expect(page.get_by_label("Bearer token")).to_be_visible()
    for said in ("is gone", "No instance is left", "0 instances"):
        await expect(page.get_by_text(said)).to_have_count(0)


async def _give_token(page: Page, token: str) -> None:
    await page.get_by_label("Bearer token").fill(token)
    await page.get_by_role("button", name="Save").click()


async def test_the_keyboard_goes_through_services_and_instances(
    page: Page, program: Program
) -> None:
    for service in ("db", "web"):
        await program.register(f"{service}1", service=service, address="10.0.0.1", port=80)
    await _open(page, program)
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="db")).to_be_visible()
    await page.keyboard.press("j")
    await expect(page.get_by_role("heading", name="web")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".overview")).to_be_visible()
    await page.keyboard.press("?")
    await expect(page.get_by_role("dialog")).to_contain_text("explain a name")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("width", WIDTHS)
async def test_axe_finds_nothing_serious(
    page: Page, program: Program, width: int, scheme: Any
) -> None:
    await page.set_viewport_size(ViewportSize(width=width, height=850))
    await page.emulate_media(color_scheme=scheme)
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await program.register("w2", service="web", address="10.0.0.2", port=80)
    await program.set_status("w2", "draining")
    for place in ("", "#/web", "#/web/w1"):
        await _open(page, program, place)
        if place:
            await expect(page.locator(".inside")).to_be_visible()
        found = (await Axe().run(page)).response["violations"]
        assert [
            (rule["id"], [node["html"] for node in rule["nodes"]])
            for rule in found
            if rule["impact"] in ("serious", "critical")
        ] == []
        wide = "document.documentElement.scrollWidth > document.documentElement.clientWidth"
        assert not await page.evaluate(wide)


async def test_ten_thousand_instances_scroll(page: Page, program: Program) -> None:
    await program.register_all(
        [
            {
                "id": f"i{number:05d}",
                "service": "big",
                "address": f"10.1.{number // 250}.{number % 250}",
                "port": 80,
                "ttl": 3600,
            }
            for number in range(MANY)
        ]
    )
    await _open(page, program, "#/big")
    await expect(page.get_by_text("10,000 instances, 10,000 healthy")).to_be_visible()
    longest, top = await page.evaluate(SCROLL)
    assert top > 50_000
    assert longest < LONGEST_FRAME
    assert await page.locator("button.instance").count() < 100
    await expect(page.locator("button.instance").nth(10)).to_contain_text(re.compile("i0[12]"))
    print(f"longest frame {longest:.0f} ms")


async def test_candidates_that_are_not_shown_are_told_of(page: Page, program: Program) -> None:
    await program.register_all(
        [
            {"id": f"i{number}", "service": "big", "address": "10.0.0.1", "port": 80}
            for number in range(620)
        ]
    )
    await _open(page, program)
    await page.fill("#explain-name", "_big._tcp.registry.local")
    await page.keyboard.press("Enter")
    await expect(page.locator(".explain")).to_contain_text("and 120 more")
    await expect(page.locator(".explain tbody tr")).to_have_count(500)
