"""A real Chromium."""

from collections.abc import AsyncIterator

import pytest
from playwright.async_api import Page

from tests.access.conftest import tokens, tokens_file  # noqa: F401 - they are fixtures here too
from tests.browser import Seen, open_browser
from tests.conftest import Start


@pytest.fixture
async def page(start: Start) -> AsyncIterator[Page]:
    """A tab in which nothing may go wrong, and nobody but the registry is asked.

    It is closed before the programs are stopped.
    """
    del start
    async with open_browser() as browser:
        page = await browser.new_page(viewport={"width": 1400, "height": 850})
        seen = Seen()
        seen.follow(page)
        yield page
        await page.close()
    assert [text for text in seen.complaints if "status of 4" not in text] == []
    assert {url.split("/")[2].split(":")[0] for url in seen.requests} <= {"127.0.0.1"}
