"""What somebody looks at, types or is about to press stays as it is while the registry changes."""

import asyncio
from collections.abc import Sequence
from time import time

from playwright.async_api import Page, ViewportSize, expect

from tests.program import PATIENCE, Program

SEEN = "document.elementFromPoint(500, 400).closest('button').querySelector('.id').innerText"
SCROLL = "top => { document.querySelector('.instances .rows').scrollTop = top; }"
DRAWN = "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
LOOK_AWAY = """hidden => {
  Object.defineProperty(document, "hidden", { get: () => hidden, configurable: true });
  document.dispatchEvent(new Event("visibilitychange"));
}"""
RESTART_WHILE_AWAY = """async () => {
  const { Live } = await import("/dashboard/live.js");
  const links = [];
  window.fetch = () => Promise.reject(new TypeError("away"));
  await new Promise((listed) => {
    let times = 0;
    const live = new Live({
      list: async () => { times += 1; if (times === 2) listed(); return 1; },
      hear: () => {},
      tell: (link) => { links.push(link); if (links.length === 1) live.restart(); },
    });
    live.run();
  });
}"""
SAMPLE = """async ([before, after]) => {
  const { Sampling } = await import("/dashboard/sampling.js");
  const sampling = new Sampling({ samples: [] });
  const none = { sum: 0, count: 0 };
  const stats = ([uptime, count]) => ({ uptime, dns: { queries: { udp: count } } });
  sampling.sample(stats(before), none);
  return sampling.sample(stats(after), none).map((sample) => sample.queries);
}"""
UNREACHABLE = """async () => {
  const { Sampling } = await import("/dashboard/sampling.js");
  const app = { ready: { status: "ready" }, samples: [], set(told) { Object.assign(this, told); } };
  window.fetch = () => Promise.reject(new TypeError("away"));
  await new Sampling(app).look();
  return app.ready;
}"""

CHANGE_BEFORE_DRAWN = """async () => {
  const { html, render } = await import("/dashboard/preact.js");
  const { Rows } = await import("/dashboard/rows.js");
  const place = document.body.appendChild(document.createElement("div"));
  const keys = [...Array(300).keys()].map((number) => `k${number}`);
  const row = (key) => html`<li key=${key} style="height:40px">${key}</li>`;
  const given = { keys, size: 40, selected: null, row };
  const draw = () => render(html`<${Rows} ...${given} />`, place);
  const frames = (done) => requestAnimationFrame(() => requestAnimationFrame(done));
  const drawn = () => new Promise(frames);
  draw();
  const frame = place.querySelector(".rows");
  frame.style = "height:400px;overflow:auto;flex:none";
  await drawn();
  frame.scrollTop = 4000;
  await drawn();
  keys.unshift("a", "b", "c");
  frame.dispatchEvent(new Event("scroll"));
  draw();
  await drawn();
  return frame.scrollTop;
}"""


async def _open(page: Page, program: Program, place: str = "") -> None:
    await page.goto(f"{program.url}/{place}")
    await expect(page.locator(".link.live")).to_be_visible()


async def _register_many(program: Program, numbers: Sequence[int], ttl: int = 3600) -> None:
    await program.register_all(
        [
            {
                "id": f"i{number:04d}",
                "service": "big",
                "address": "10.0.0.1",
                "port": 80,
                "ttl": ttl,
            }
            for number in numbers
        ]
    )


async def _scroll(page: Page, top: int) -> None:
    await page.evaluate(SCROLL, top)
    await page.evaluate(DRAWN)


async def test_rows_in_sight_stay_where_they_are_when_others_come_and_go_above(
    page: Page, program: Program
) -> None:
    await _register_many(program, range(100, 400))
    await _open(page, program, "#/big")
    await expect(page.locator(".instances header")).to_contain_text("300 instances")
    await _scroll(page, 5000)
    seen = await page.evaluate(SEEN)
    await _register_many(program, range(60))
    await expect(page.locator(".instances header")).to_contain_text("360 instances")
    assert await page.evaluate(SEEN) == seen
    for number in (1, 2, 3):
        await program.remove(f"i{number:04d}")
    await expect(page.locator(".instances header")).to_contain_text("357 instances")
    assert await page.evaluate(SEEN) == seen


async def test_rows_stay_where_they_are_though_they_are_looked_at_between_a_change_and_its_drawing(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    assert await page.evaluate(CHANGE_BEFORE_DRAWN) == 4000 + 3 * 40


async def test_whoever_scrolls_away_from_what_is_open_is_not_taken_back(
    page: Page, program: Program
) -> None:
    await _register_many(program, range(100, 400))
    await _open(page, program, "#/big/i0105")
    await expect(page.locator("[aria-current=true] .id")).to_have_text("i0105")
    await _scroll(page, 5000)
    seen = await page.evaluate(SEEN)
    await _register_many(program, [1])
    await expect(page.locator(".instances header")).to_contain_text("301 instances")
    assert await page.evaluate(SEEN) == seen


async def test_another_service_is_shown_from_its_beginning(page: Page, program: Program) -> None:
    await _register_many(program, range(300))
    await program.register_all(
        [{"id": f"o{n}", "service": "other", "address": "10.0.0.1", "port": 80} for n in range(200)]
    )
    await _open(page, program, "#/big")
    await expect(page.locator(".instances header")).to_contain_text("300 instances")
    await _scroll(page, 5000)
    await page.locator("button.service", has_text="other").click()
    await expect(page.locator("button.instance", has_text="o0")).to_be_in_viewport()


async def test_the_lease_of_what_is_open_is_looked_at_though_its_row_is_out_of_sight(
    page: Page, program: Program
) -> None:
    # Half of each lease is over already.
    program.clock.advance(time() - 1800 - program.clock())
    await _register_many(program, range(200))
    await _open(page, program, "#/big/i0000")
    await _scroll(page, 5000)
    async with page.expect_request("**/v1/instances/i0120", timeout=PATIENCE * 1000):
        pass
    async with page.expect_request("**/v1/instances/i0000", timeout=PATIENCE * 1000):
        pass


async def test_a_double_click_drains_and_does_not_undo_it(page: Page, program: Program) -> None:
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await _open(page, program, "#/web/w1")
    place = await page.get_by_role("button", name="Drain", exact=True).bounding_box()
    assert place is not None
    await page.mouse.move(place["x"] + 5, place["y"] + 5)
    await page.mouse.down(click_count=1)
    await page.mouse.up(click_count=1)
    await expect(page.get_by_role("button", name="Undrain")).to_be_visible()
    written: list[str] = []
    page.on("request", lambda request: written.append(request.method))
    await page.mouse.down(click_count=2)
    await page.mouse.up(click_count=2)
    await page.evaluate(DRAWN)
    assert "PUT" not in written


async def test_a_dialog_gives_the_focus_back_and_asks_for_no_harm_by_itself(
    page: Page, program: Program
) -> None:
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await _open(page, program, "#/web/w1")
    deregister = page.locator(".instance-detail").get_by_role("button", name="Deregister")
    await deregister.focus()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("button", name="Cancel")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)
    await expect(deregister).to_be_focused()


async def test_on_a_phone_a_name_of_what_is_open_is_explained_in_sight(
    page: Page, program: Program
) -> None:
    await page.set_viewport_size(ViewportSize(width=390, height=850))
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await _open(page, program, "#/web/w1")
    await page.get_by_label("Explain web.registry.local", exact=True).click()
    await expect(page.locator(".verdict")).to_be_visible()
    await page.locator(".explain").get_by_label("Close").click()
    await expect(page.get_by_role("button", name="Deregister")).to_be_visible()


async def test_a_small_window_scrolls_to_all_that_is_there(page: Page, program: Program) -> None:
    # As 1280 by 1024 at 400 %.
    await page.set_viewport_size(ViewportSize(width=320, height=256))
    await _open(page, program)
    await page.locator(".tiles").scroll_into_view_if_needed()
    await expect(page.locator(".tile").first).to_be_in_viewport(ratio=1)


async def test_a_long_name_of_metadata_leaves_room_for_what_stands_beside_it(
    page: Page, program: Program
) -> None:
    metadata = {"k" * 63: "value"}
    await program.register("w1", service="web", address="10.0.0.1", port=80, metadata=metadata)
    await _open(page, program, "#/web/w1")
    value = await page.locator("dd", has_text="value").bounding_box()
    assert value is not None
    assert value["width"] > 100


async def test_a_change_of_the_registry_is_not_read_aloud_each_time(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    said = page.locator(".top [role=status]")
    before = await said.inner_text()
    assert "live" in before
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await expect(page.locator("button.service")).to_contain_text("1/1")
    await expect(said).to_have_text(before.replace("\n", ""))


async def test_a_tab_out_of_sight_holds_no_stream_and_catches_up(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    await page.evaluate(LOOK_AWAY, True)
    async with asyncio.timeout(PATIENCE):
        while (await program.read_stats())["watch"]["streams"]:
            await page.wait_for_timeout(50)
    await program.register("w1", service="web", address="10.0.0.1", port=80)
    await page.evaluate(LOOK_AWAY, False)
    await expect(page.locator("button.service")).to_contain_text("1/1")


async def test_a_token_that_is_given_while_the_registry_is_away_has_all_listed_anew(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    async with asyncio.timeout(PATIENCE):
        await page.evaluate(RESTART_WHILE_AWAY)


async def test_a_registry_that_cannot_be_reached_is_not_said_to_be_ready(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    assert await page.evaluate(UNREACHABLE) is None


async def test_rates_go_by_the_time_of_the_registry(page: Page, program: Program) -> None:
    await _open(page, program)
    # An hour in which this computer slept; and a start in between.
    assert await page.evaluate(SAMPLE, [[10, 100], [3610, 36100]]) == [10]
    assert await page.evaluate(SAMPLE, [[3610, 100], [10, 36100]]) == []


async def test_a_token_that_no_header_carries_is_refused_where_it_is_typed(
    page: Page, program: Program
) -> None:
    await _open(page, program)
    await page.keyboard.press("t")
    field = page.get_by_label("Bearer token")
    await field.fill("abc\u200b")
    await page.keyboard.press("Enter")
    assert await field.evaluate("field => field.validity.patternMismatch")
    await field.fill(" abc ")
    await page.keyboard.press("Enter")
    await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_paper_is_written_on_in_dark_letters(page: Page, program: Program) -> None:
    await page.emulate_media(color_scheme="dark", media="print")
    await _open(page, program)
    for theme in ("auto", "dark"):
        await page.evaluate("theme => { document.documentElement.dataset.theme = theme; }", theme)
        colour = await page.evaluate("getComputedStyle(document.documentElement).color")
        assert colour == "rgb(22, 32, 46)"
