"""Callers by their tokens: hashed once, forgotten with the file; a flood holds up nobody."""

import asyncio
from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import asynccontextmanager, suppress

import pytest

from dnsregistry.access.entries import Entry
from dnsregistry.access.hashes import make_token
from dnsregistry.access.scopes import parse_scopes
from dnsregistry.access.tokens import (
    FAILURES_BURST,
    MOST_WAITING,
    MOST_WAITING_OF_ONE,
    MOST_WRONG,
    InvalidToken,
    Tokens,
    TooManyAttempts,
)
from tests.access.conftest import quick_hash
from tests.program import PATIENCE, Clock

HERE = "192.0.2.1"
WRONG = "A" * 43


def _entry(name: str, token: str, *scopes: str) -> Entry:
    return Entry(name, parse_scopes(scopes or ["read"]), hash=quick_hash(token))


@asynccontextmanager
async def _known(entries: Sequence[Entry], now: Callable[[], float]) -> AsyncIterator[Tokens]:
    tokens = Tokens(entries, now)
    yield tokens
    tokens.stop()


async def _verify(tokens: Tokens, token: str, client: str = HERE) -> str:
    async with asyncio.timeout(PATIENCE):
        return (await tokens.verify(token, client)).name


async def test_a_token_is_hashed_once_however_many_ask_at_once() -> None:
    token = make_token("app")
    async with _known([_entry("app", token)], Clock()) as tokens:
        assert tokens.find(token) is None
        names = await asyncio.gather(*(_verify(tokens, token) for _ in range(100)))
        assert set(names) == {"app"}
        assert tokens.tally.hashed == 1
        caller = tokens.find(token)
        assert caller is not None
        assert tokens.is_current(caller)


async def test_a_wrong_token_is_hashed_once_and_an_unknown_name_never() -> None:
    async with _known([_entry("app", make_token("app"))], Clock()) as tokens:
        for token in (f"dr_app_{WRONG}", f"dr_app_{WRONG}", f"dr_web_{WRONG}", "", "\udcff", WRONG):
            with pytest.raises(InvalidToken):
                await _verify(tokens, token)
        assert (tokens.tally.hashed, tokens.tally.invalid) == (1, 6)


async def test_what_the_file_no_longer_holds_is_forgotten_at_once() -> None:
    one, two, three = (make_token(name) for name in ("one", "two", "three"))
    entries = [_entry("one", one), _entry("two", two), _entry("three", three, "write:*")]
    async with _known(entries, Clock()) as tokens:
        for token in (one, two, three):
            await _verify(tokens, token)
        stale = tokens.find(three)
        assert stale is not None
        other_scopes = Entry("three", parse_scopes(["read"]), hash=entries[2].hash)
        tokens.replace([_entry("two", make_token("two")), other_scopes])
        assert (tokens.find(one), tokens.find(two)) == (None, None)
        for token in (one, two):
            with pytest.raises(InvalidToken):
                await _verify(tokens, token)
        caller = tokens.find(three)
        assert caller is not None
        assert not caller.scopes.can_write
        assert not tokens.is_current(stale)


async def test_a_token_that_goes_while_it_is_hashed_is_nobodys() -> None:
    token = make_token("app")
    async with _known([_entry("app", token)], Clock()) as tokens:
        task = asyncio.ensure_future(_verify(tokens, token))
        await asyncio.sleep(0)
        assert tokens.waiting == 1
        tokens.replace([])
        with pytest.raises(InvalidToken):
            await task
        assert tokens.find(token) is None


async def test_a_flood_of_wrong_tokens_is_bounded_and_others_get_their_turn() -> None:
    right = make_token("app")
    clock = Clock()
    async with _known([_entry("app", right)], clock) as tokens:
        flood = [
            asyncio.ensure_future(_verify(tokens, f"dr_app_{number:043}", f"198.51.100.{client}"))
            for client in range(100)
            for number in range(client * 10, client * 10 + 10)
        ]
        await asyncio.sleep(0)
        assert tokens.waiting <= MOST_WAITING
        done = await asyncio.gather(*flood, return_exceptions=True)
        turned_away = sum(isinstance(error, TooManyAttempts) for error in done)
        assert turned_away + sum(isinstance(error, InvalidToken) for error in done) == len(flood)
        assert turned_away >= len(flood) - MOST_WAITING - 1
        assert await _verify(tokens, right) == "app"


async def test_clients_take_turns_however_much_each_has_waiting() -> None:
    finished: list[int] = []

    async def verify(tokens: Tokens, client: int, number: int) -> None:
        with suppress(InvalidToken):
            await _verify(tokens, f"dr_app_{client}{number:042}", f"198.51.100.{client}")
        finished.append(client)

    async with _known([_entry("app", make_token("app"))], Clock()) as tokens:
        # The first is hashed at once, and waits for nobody.
        await asyncio.gather(*(verify(tokens, client, n) for client in range(3) for n in range(3)))
    assert finished == [0, 0, 1, 2, 0, 1, 2, 1, 2]


async def test_one_client_waits_with_a_few_and_then_for_its_failures() -> None:
    right = make_token("app")
    clock = Clock()
    async with _known([_entry("app", right)], clock) as tokens:
        many = [asyncio.ensure_future(_verify(tokens, f"dr_app_{n:043}")) for n in range(50)]
        done = await asyncio.gather(*many, return_exceptions=True)
        assert sum(isinstance(error, InvalidToken) for error in done) == MOST_WAITING_OF_ONE + 1
        number = 50
        while True:
            number += 1
            try:
                await _verify(tokens, f"dr_app_{number:043}")
            except InvalidToken:
                continue
            except TooManyAttempts:
                break
        assert tokens.tally.hashed == FAILURES_BURST
        # A right one of the same address waits too, those known before do not.
        with pytest.raises(TooManyAttempts):
            await _verify(tokens, right)
        assert await _verify(tokens, right, "192.0.2.2") == "app"
        assert await _verify(tokens, right) == "app"
        clock.advance(2)
        with pytest.raises(InvalidToken):
            await _verify(tokens, f"dr_app_{number:043}")


async def test_the_wrong_ones_that_are_known_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("dnsregistry.access.tokens.MOST_WRONG", 3)
    assert MOST_WRONG > 3
    async with _known([_entry("app", make_token("app"))], Clock()) as tokens:
        for number in (*range(5), 0):
            with suppress(InvalidToken):
                await _verify(tokens, f"dr_app_{number:043}")
        assert tokens.tally.hashed == 6


async def test_the_files_first_entry_is_a_certificates() -> None:
    entries = [
        Entry("two", parse_scopes(["read"]), cert="two.test"),
        Entry("one", parse_scopes(["admin"]), cert="one.test"),
    ]
    async with _known(entries, Clock()) as tokens:
        caller = tokens.find_cert(["one.test", "two.test"])
        assert caller is not None
        assert caller.name == "two"
        assert tokens.find_cert(["three.test"]) is None
