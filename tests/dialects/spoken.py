"""A client of one HTTP dialect, and of the program behind it."""

import asyncio
import re
from collections.abc import Callable, Mapping
from typing import Any

from aiohttp import ClientSession

from tests.program import LOOPBACK, PATIENCE, Program

SECONDS = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ"
UUID = r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}"

Shape = object
"""A type, a tuple of types, a pattern of text, a value, or a container of shapes."""


class Spoken:
    """Asks on one port; `program` is everything else."""

    def __init__(self, program: Program, port: int) -> None:
        self.program = program
        self.port = port
        self.url = f"http://{LOOPBACK}:{port}"
        self.http = ClientSession(self.url)

    async def ask(
        self, method: str, path: str, json: object = None, **options: Any
    ) -> tuple[int, Any]:
        """The status of the answer, and the JSON of it."""
        if json is not None:
            options["json"] = json
        async with self.http.request(method, path, **options) as response:
            assert response.content_type == "application/json", await response.text()
            return response.status, await response.json()

    async def srv(self, service: str) -> list[tuple[str, int]]:
        """Where DNS says that a service is: addresses, or names, with ports; sorted."""
        name = f"_{service}._tcp.registry.local"
        places = []
        for rdata in (await self.program.ask(name, "SRV", tcp=True)).rdatas:
            _, _, port, target = rdata.split()
            addresses = await self.program.ask(target.removesuffix("."), "A")
            places += [(address, int(port)) for address in addresses.rdatas or [target]]
        return sorted(places)

    async def close(self) -> None:
        await self.http.close()


def check_shape(value: object, shape: Shape, at: str = "answer") -> None:
    """Assert that JSON has these members and no others, each of its type or pattern."""
    if isinstance(shape, Mapping):
        assert isinstance(value, dict), at
        assert set(value) == set(shape), at
        for name, inner in shape.items():
            check_shape(value[name], inner, f"{at}.{name}")
    elif isinstance(shape, list):
        assert isinstance(value, list), at
        assert len(value) == len(shape), at
        for place, (item, inner) in enumerate(zip(value, shape, strict=True)):
            check_shape(item, inner, f"{at}[{place}]")
    elif isinstance(shape, type):
        assert type(value) is shape, f"{at} is {value!r}"
    elif isinstance(shape, re.Pattern):
        assert isinstance(value, str), f"{at} is {value!r}"
        assert shape.fullmatch(value), f"{at} is {value!r}"
    else:
        assert value == shape, at


async def wait_until(holds: Callable[[], bool]) -> None:
    """Wait for what another task brings about."""
    async with asyncio.timeout(PATIENCE):
        while not holds():  # noqa: ASYNC110 - what is waited for sets no event
            await asyncio.sleep(0.01)
