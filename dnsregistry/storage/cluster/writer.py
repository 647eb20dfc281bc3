"""The one way of a node's changes to the store: in order, many at a time.

Rules:
- What is asked while a batch is on its way goes with the next: under load a round trip, and the
  replicas' word where it is asked for, are shared by all of them.
- A job whose answer was lost is sent a second time, after the link has been opened anew; scripts
  know a request that they have seen by its nonce.
- While too few replicas have what is written they are asked for, that it is known when they have.
- What a link has told counts for as long as it lasts: the next one may lead to a store that has
  lost it.
"""

import asyncio
from collections import deque
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass

from dnsregistry.storage.cluster.link import Link, LinkDown, Reply, Unreplicated
from dnsregistry.storage.cluster.scripts import Script
from dnsregistry.storage.cluster.shortage import Shortage
from dnsregistry.storage.errors import StoreAway

MOST_IN_BATCH = 64
"""Calls in one go: some milliseconds of the store's time."""
ASK_SECONDS = 1.0
"""Between two questions for replicas that are missing, where nobody else has one."""


class Behind(LinkDown):
    """The store is there, and holds something else than the replica thinks."""


class Torn(Behind):
    """The log cannot be followed from where the replica is: all is to be read anew."""


@dataclass(frozen=True, slots=True)
class Answer:
    """A script's reply, over which link it came, and whether an earlier one may have been lost."""

    reply: Reply
    link: int
    is_second: bool


@dataclass(slots=True, eq=False)
class _Job:
    script: Script
    arguments: Sequence[object]
    answer: asyncio.Future[Answer]
    times: int = 0


class Writer:
    """Jobs wait here while there is no link; they end when it is told that there will be none."""

    def __init__(self, replicas: int, shortage: Shortage) -> None:
        self._replicas = replicas
        self._shortage = shortage
        self._jobs: deque[_Job] = deque()
        self._woken = asyncio.Event()
        self._ended = 0

    async def ask(self, script: Script, *arguments: object) -> Answer:
        """Run a script. Raises StoreAway."""
        answer: asyncio.Future[Answer] = asyncio.get_running_loop().create_future()
        self._jobs.append(_Job(script, arguments, answer))
        self._woken.set()
        return await answer

    def is_over(self, answer: Answer) -> bool:
        """Whether the link that told it has ended, and the store may have lost it with that."""
        return answer.link < self._ended

    async def run(self, link: Link, epoch: str) -> None:
        """Send jobs over a link until it fails. Raises LinkDown."""
        try:
            await self._send(link, epoch)
        finally:
            self._ended += 1

    async def _send(self, link: Link, epoch: str) -> None:
        while True:
            batch = self._take()
            if not batch:
                await self._wait(link)
                continue
            try:
                replies = await link.run_all(
                    [(job.script, (epoch, *job.arguments)) for job in batch], self._replicas
                )
            except BaseException:
                self._put_back(batch)
                raise
            self._note_replicas(replies)
            self._answer(batch, replies)

    async def _wait(self, link: Link) -> None:
        """Wait for a job; or see whether replicas are back that are missing."""
        self._woken.clear()
        try:
            async with asyncio.timeout(ASK_SECONDS if self._shortage.outage else None):
                await self._woken.wait()
        except TimeoutError:
            with suppress(Unreplicated):
                await link.check_replicas(self._replicas)
                self._shortage.end()

    def _note_replicas(self, replies: Sequence[Reply]) -> None:
        short = next((reply for reply in replies if isinstance(reply, Unreplicated)), None)
        if short is not None:
            self._shortage.begin(str(short))
        elif not all(isinstance(reply, Exception) for reply in replies):
            self._shortage.end()

    def fail(self, reason: str) -> None:
        """End all jobs that wait."""
        while self._jobs:
            job = self._jobs.popleft()
            if not job.answer.done():
                job.answer.set_exception(StoreAway(reason))

    def _take(self) -> list[_Job]:
        batch: list[_Job] = []
        while self._jobs and len(batch) < MOST_IN_BATCH:
            job = self._jobs.popleft()
            if not job.answer.done():
                job.times += 1
                batch.append(job)
        return batch

    def _put_back(self, batch: Sequence[_Job]) -> None:
        for job in reversed(batch):
            if job.answer.done():
                continue
            if job.times > 1:
                job.answer.set_exception(StoreAway("the connection failed twice"))
            else:
                self._jobs.appendleft(job)
        self._woken.set()

    def _answer(self, batch: Sequence[_Job], replies: Sequence[Reply]) -> None:
        stale = [job for job, reply in zip(batch, replies, strict=True) if reply == [b"epoch"]]
        for job, reply in zip(batch, replies, strict=True):
            if job.answer.done() or reply == [b"epoch"]:
                continue
            if isinstance(reply, Exception):
                job.answer.set_exception(StoreAway(str(reply)))
            else:
                job.answer.set_result(Answer(reply, self._ended, job.times > 1))
        if stale:
            self._put_back(stale)
            raise Behind("another epoch has begun")
