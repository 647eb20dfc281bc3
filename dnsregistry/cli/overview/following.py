"""Keeping a view up to date while the registry comes and goes."""

import asyncio
from contextlib import aclosing
from time import monotonic
from typing import Never

from dnsregistry.cli.overview.numbers import Reading
from dnsregistry.cli.overview.view import View
from dnsregistry.client import Client, Refused, RegistryAway


class Following:
    """Follows changes and reads numbers. `changed` is set whenever there is something to draw."""

    def __init__(self, client: Client, view: View, interval: float) -> None:
        self.changed = asyncio.Event()
        self._client = client
        self._view = view
        self._interval = interval

    async def read_numbers(self) -> None:
        """Ask for the numbers once. Raises RegistryAway."""
        try:
            told = await self._client.stats()
        except Refused:
            # Who may see the services need not see the numbers.
            self._view.take_reading(None, monotonic())
        else:
            now = monotonic()
            self._view.take_reading(Reading.of(told, now), now)
        self._view.url = str(self._client.addresses.first)

    async def follow(self) -> Never:
        """Go on until it is cancelled. Raises Refused."""
        watching = asyncio.create_task(self._watch())
        try:
            while True:
                await asyncio.wait({watching}, timeout=self._interval)
                if watching.done():
                    watching.result()
                if await self._has_come_back():
                    # The watch waits ever longer between attempts; the one who looks does not.
                    watching.cancel()
                    watching = asyncio.create_task(self._watch())
                self.changed.set()
        finally:
            watching.cancel()
            await asyncio.wait({watching})

    async def _has_come_back(self) -> bool:
        was_away = self._view.is_away
        try:
            await self.read_numbers()
        except RegistryAway as away:
            self._view.take_failure(str(away), monotonic())
        return was_away and not self._view.is_away

    async def _watch(self) -> None:
        async with aclosing(self._client.watch()) as events:
            async for event in events:
                self._view.services.take(event, monotonic())
                self._view.listed = True
                self.changed.set()
