"""An explanation says what dig gets, in 500 random states; `agreement.py` runs more of them."""

from pathlib import Path

from tests.explain.agreement import check

SEED, STATES = 8914, 500


async def test_an_explanation_says_what_dig_gets(tmp_path: Path) -> None:
    assert await check(SEED, STATES, tmp_path) > STATES
