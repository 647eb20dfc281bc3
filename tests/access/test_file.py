"""The tokens file, followed while others write it."""

import asyncio
from collections.abc import Mapping, Sequence
from pathlib import Path

from dnsregistry.access.entries import Entry
from dnsregistry.access.file import TokensFile


class Known:
    """Who is known by a file that is followed, look by look."""

    def __init__(self, path: Path) -> None:
        self.path = path
        self.file = TokensFile(path)
        self.names = [entry.name for entry in self.file.load()]

    async def look(self) -> Sequence[str]:
        await self.file.look(self._apply)
        return self.names

    async def write(self, text: str) -> None:
        await asyncio.to_thread(self.path.write_text, text)

    def _apply(self, entries: Sequence[Entry]) -> None:
        self.names = [entry.name for entry in entries]


async def test_a_file_that_is_being_written_in_its_place_takes_nobody_s_token(
    tokens_file: Path, tokens: Mapping[str, str]
) -> None:
    known = Known(tokens_file)
    everybody = list(tokens)
    assert await known.look() == everybody
    whole = await asyncio.to_thread(tokens_file.read_text)
    await known.write("")
    assert await known.look() == everybody
    await known.write(whole[: whole.index("[[token]]", 1)])
    assert await known.look() == everybody
    await known.write(whole)
    assert await known.look() == everybody
    assert await known.look() == everybody
    assert known.file.problem is None


async def test_a_file_that_stays_empty_leaves_no_token(
    tokens_file: Path, tokens: Mapping[str, str]
) -> None:
    known = Known(tokens_file)
    await known.look()
    await known.write("")
    assert await known.look() == list(tokens)
    assert await known.look() == []
