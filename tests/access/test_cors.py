"""Web pages of other origins, where CORS_ORIGINS lets them in."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dnsregistry.settings import SettingsError, load
from tests.conftest import Start

PAGE = "https://pages.test"
BODY = {"service": "web", "address": "10.0.0.1", "port": 80}
PREFLIGHT = {
    "Origin": PAGE,
    "Access-Control-Request-Method": "PUT",
    "Access-Control-Request-Headers": "authorization,x-registry-owner",
}


async def test_a_page_that_is_let_in_reads_and_writes_and_others_do_neither(start: Start) -> None:
    program = await start(cors_origins=f"{PAGE},http://localhost:3000")
    headers = {"Origin": PAGE, "Sec-Fetch-Site": "cross-site"}
    async with program.http.put("/v1/instances/a", json=BODY, headers=headers) as response:
        assert response.status == 201
        assert response.headers["Access-Control-Allow-Origin"] == PAGE
        assert "X-Registry-Revision" in response.headers["Access-Control-Expose-Headers"]
        assert response.headers["Vary"] == "Origin"
    async with program.http.get("/v1/nothing", headers=headers) as response:
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (404, PAGE)
    headers["Origin"] = "https://evil.test"
    async with program.http.put("/v1/instances/a", json=BODY, headers=headers) as response:
        assert (response.status, (await response.json())["type"]) == (403, "cross-origin")
        assert "Access-Control-Allow-Origin" not in response.headers


async def test_a_preflight_needs_no_token(
    start: Start, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    program = await start(cors_origins=PAGE, tokens_file=tokens_file)
    async with program.http.options("/v1/instances/a", headers=PREFLIGHT) as response:
        assert response.status == 204
        assert "PUT" in response.headers["Access-Control-Allow-Methods"]
        allowed = response.headers["Access-Control-Allow-Headers"]
        assert allowed == PREFLIGHT["Access-Control-Request-Headers"]
    async with program.http.get("/v1/instances", headers={"Origin": PAGE}) as response:
        # A page is told why, or it could not say so to whoever looks at it.
        assert (response.status, response.headers["Access-Control-Allow-Origin"]) == (401, PAGE)


async def test_without_the_setting_there_are_no_preflights(start: Start) -> None:
    program = await start()
    async with program.http.options("/v1/instances/a", headers=PREFLIGHT) as response:
        assert response.status == 405
        assert not any(name.startswith("Access-Control") for name in response.headers)


def test_an_origin_is_taken_as_people_write_it() -> None:
    given = {"cors_origins": "HTTPS://Pages.test/, http://localhost:3000", "store": "memory://"}
    settings, _ = load(given, {}, None)
    assert settings.cors_origins == ("https://pages.test", "http://localhost:3000")


def test_what_is_no_origin_is_refused() -> None:
    with pytest.raises(SettingsError, match=r"^CORS_ORIGINS=pages.test: 'pages.test' is no origin"):
        load({"cors_origins": "pages.test", "store": "memory://"}, {}, None)
