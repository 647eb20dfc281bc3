"""Web pages of the origins that are configured may use a dialect, and no others."""

import pytest

from tests.dialects.conftest import Speak
from tests.dialects.spoken import Spoken

ALLOWED = "http://localhost:3000"
OTHER = "http://localhost:3001"
BODY = {"name": "user-service", "ip": "127.0.0.1", "port": 3001}


@pytest.fixture
async def spoken(speak: Speak) -> Spoken:
    return await speak("ip-port")


async def test_a_page_of_an_allowed_origin_registers_and_may_read_the_answer(
    spoken: Spoken,
) -> None:
    headers = {"Origin": ALLOWED, "Sec-Fetch-Site": "cross-site"}
    async with spoken.http.post("/register", json=BODY, headers=headers) as response:
        assert response.status == 201
        assert response.headers["Access-Control-Allow-Origin"] == ALLOWED
        assert response.headers["Vary"] == "Origin"


@pytest.mark.parametrize("path", ["/resolve/unknown", "/no-such-route"])
async def test_errors_may_be_read_too(spoken: Spoken, path: str) -> None:
    async with spoken.http.get(path, headers={"Origin": ALLOWED}) as response:
        assert response.status == 404
        assert response.headers["Access-Control-Allow-Origin"] == ALLOWED


async def test_another_origin_is_told_nothing_and_writes_nothing(spoken: Spoken) -> None:
    headers = {"Origin": OTHER}
    async with spoken.http.get("/services", headers=headers) as response:
        assert "Access-Control-Allow-Origin" not in response.headers
        assert response.headers["Vary"] == "Origin"
    async with spoken.http.post("/register", json=BODY, headers=headers) as response:
        assert response.status == 403
        assert "Access-Control-Allow-Origin" not in response.headers
    assert await spoken.srv("user-service") == []


@pytest.mark.parametrize(("origin", "allowed"), [(ALLOWED, True), (OTHER, False)])
async def test_a_preflight_is_answered(spoken: Spoken, origin: str, allowed: bool) -> None:
    asked = {"Access-Control-Request-Method": "POST", "Access-Control-Request-Headers": "x-a"}
    headers = {"Origin": origin, **asked}
    async with spoken.http.options("/register", headers=headers) as response:
        assert response.status == 204
        assert (response.headers.get("Access-Control-Allow-Origin") == origin) == allowed
        assert ("POST" in response.headers.get("Access-Control-Allow-Methods", "")) == allowed
        assert (response.headers.get("Access-Control-Allow-Headers") == "x-a") == allowed


async def test_our_own_address_is_no_other_origin(spoken: Spoken) -> None:
    async with spoken.http.post("/register", json=BODY, headers={"Origin": spoken.url}) as response:
        assert response.status == 201


async def test_a_star_lets_all_in_and_none_keeps_all_out(speak: Speak) -> None:
    body = {"id": "a", "location": "http://localhost:1"}
    for origins, status in (("*", 200), ("", 403)):
        spoken = await speak("modularity", modularity_origins=origins)
        headers = {"Origin": OTHER}
        async with spoken.http.post("/api/register", json=body, headers=headers) as response:
            assert response.status == status
