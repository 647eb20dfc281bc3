"""A request goes by the id that it came with, where that may stand in a log."""

import pytest

from dnsregistry.log.request import MOST_OCTETS, choose_id
from tests.conftest import Start
from tests.program import Program

SANE = ["a", "0af7651916cd43dd8448eb211c80319c", "x" * MOST_OCTETS, "a.b_c:d/e+f=g@h-i"]
INSANE = [None, "", "x" * (MOST_OCTETS + 1), "a b", "a\nb", "ä", "a;b", '"', "a\x1b[2J", "{}"]


@pytest.mark.parametrize("given", SANE)
def test_a_sane_id_is_kept(given: str) -> None:
    assert choose_id(given) == given


@pytest.mark.parametrize("given", INSANE)
def test_whatever_else_comes_gets_one_of_ours(given: str | None) -> None:
    first, second = choose_id(given), choose_id(given)
    assert first != second
    assert choose_id(first) == first


async def test_every_answer_has_an_id_and_a_problem_tells_it(program: Program) -> None:
    seen = set()
    for path in ("/health", "/nothing", "/v1/instances/none", "/metrics", "/docs"):
        async with program.http.get(path) as response:
            seen.add(response.headers["X-Request-Id"])
            if response.status >= 400:
                problem = await response.json(content_type=None)
                assert problem["request_id"] == response.headers["X-Request-Id"]
    assert len(seen) == 5


async def test_an_id_that_may_not_stand_in_a_log_is_not_sent_back(program: Program) -> None:
    async with program.http.get("/health", headers={"X-Request-Id": "a b;c"}) as response:
        assert response.headers["X-Request-Id"] not in ("", "a b;c")


async def test_requests_of_a_dialect_have_ids_too(start: Start) -> None:
    program = await start(dialects="base-url:0")
    url = f"http://127.0.0.1:{program.dialects['base-url']}/nothing"
    async with program.http.get(url, headers={"X-Request-Id": "mine"}) as response:
        assert response.headers["X-Request-Id"] == "mine"
