"""Following the changes of a registry, over as many connections as it takes."""

import asyncio
import json
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable, Sequence
from contextlib import aclosing

from aiohttp import ClientError as AiohttpError

from dnsregistry.client.errors import RegistryAway
from dnsregistry.client.http import Http
from dnsregistry.client.rhythm import Rhythm
from dnsregistry.client.sse import Message, MessageStream, TooLong
from dnsregistry.client.values import Event, Instance, Unreadable

IDLE_SECONDS = 60.0
"""Of silence, after which the connection is dead: registries send a comment more often."""

_BROKEN = (AiohttpError, TimeoutError, OSError, TooLong)
_log = logging.getLogger(__name__)

Snapshot = Callable[[], Awaitable[tuple[Sequence[Instance], int]]]
"""Lists all instances that are watched, and the revision from which changes follow."""


class Watching:
    """One watch. Between connections it waits as `Rhythm` has it."""

    def __init__(
        self,
        http: Http,
        snapshot: Snapshot,
        rhythm: Rhythm,
        *,
        service: str | None,
        since: int | None,
    ) -> None:
        self._http = http
        self._snapshot = snapshot
        self._rhythm = rhythm
        self._query = {} if service is None else {"service": service}
        self._revision = since
        self._address = http.addresses.first
        self._retry: float | None = None

    async def follow(self) -> AsyncGenerator[Event]:
        """Every change from `since` on; without it, all instances first, as a `reset`.

        Wherever changes were missed there is a `reset` with all instances. It ends only by
        being closed. Raises Refused.
        """
        while True:
            try:
                async with aclosing(self._follow_once()) as events:
                    async for event in events:
                        yield event
                # A server that stops ends the answer; what comes next is another connection.
                wait = self._rhythm.after_failure(self._retry)
            except RegistryAway as away:
                _log.warning("no changes to follow: %s", away)
                wait = self._rhythm.after_failure(away.retry_after)
            except _BROKEN as error:
                _log.info("the connection for changes broke: %r", error)
                wait = self._rhythm.after_failure(self._retry)
            await asyncio.sleep(wait)

    async def _follow_once(self) -> AsyncGenerator[Event]:
        if self._revision is None:
            yield await self._reset()
        headers = {"Accept": "text/event-stream", "Last-Event-ID": str(self._revision)}
        query = {**self._query, "since": str(self._revision)}
        async with self._http.stream(
            "/v1/watch", query=query, headers=headers, idle=IDLE_SECONDS
        ) as response:
            followed = self._http.addresses.first
            if self._address != followed:
                # Another registry's revisions need not be those of the one before.
                yield await self._reset()
            stream = MessageStream()
            # Where another one had to be asked for the list, changes are followed there.
            while self._address == followed and (chunk := await response.content.readany()):
                for message in stream.feed(chunk):
                    event = await self._read(message)
                    if event is not None:
                        yield event
                    if self._address != followed:
                        return
                self._retry = stream.retry
                self._note_place(stream.id)

    def _note_place(self, told: str | None) -> None:
        """An id alone says that nothing up to it is of this watch."""
        if told is not None and told.isascii() and told.isdigit() and self._revision is not None:
            self._revision = max(self._revision, int(told))

    async def _reset(self) -> Event:
        instances, revision = await self._snapshot()
        self._revision = revision
        self._address = self._http.addresses.first
        return Event("reset", revision, instances=tuple(instances))

    async def _read(self, message: Message) -> Event | None:
        self._rhythm.after_registration()
        if message.event == "reset":
            return await self._reset()
        try:
            told = json.loads(message.data)
            revision = int(told["revision"])
            instance = Instance.read(told["instance"])
        except (ValueError, KeyError, TypeError, Unreadable) as error:
            # An event of a later version, or nothing that can be followed: begin anew.
            _log.warning("a change cannot be read, listing again: %r", error)
            return await self._reset()
        if self._revision is not None and revision <= self._revision:
            return None
        self._revision = revision
        return Event(message.event, revision, instance)
