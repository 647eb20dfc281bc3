"""Connections to one store: commands, and the log on a connection of its own.

Rules:
- A link is opened, used until it fails, and closed; the next one finds its server anew.
- redis-py's own retries and long timeouts are off: whoever waits is told soon, and once.
"""

import asyncio
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from typing import TYPE_CHECKING, Any

from dnsregistry.storage.cluster.address import Sentinels, Server
from dnsregistry.storage.cluster.scripts import Script
from dnsregistry.storage.errors import StoreError

if TYPE_CHECKING:
    from redis.asyncio.connection import ConnectionPool

COMMAND_SECONDS = 1.5
"""What a command may take: a script takes milliseconds, and one lost packet a fifth of this."""
BLOCK_SECONDS = 1.0
"""How long a reading of the log waits in the store; what cuts it short is the next change."""
WAIT_SECONDS = 1.0
"""What replicas get to have a write in."""
PAGE = 500
"""Values read at once: half a megabyte, which holds up neither side for longer than some ms."""
_KEYS = ("meta", "log", "held", "ttls", "due", "hosts", "gone", "nodes", "lock")

Reply = Any
Call = tuple[Script, Sequence[object]]
Fields = Mapping[bytes, bytes]


class LinkDown(Exception):
    """The store could not be reached, or not be used; the text says why in a few words."""


class LinkRefused(LinkDown):
    """The store was reached, and will say the same again: a password, a right, a setting."""


class Unreplicated(LinkDown):
    """The store has what was written, and fewer replicas than must."""


def check_extra() -> None:
    """Raise ValueError where redis-py is missing."""
    try:
        import redis.asyncio  # noqa: F401
    except ImportError:
        raise ValueError("needs redis-py: pip install 'dnsregistry[redis]'") from None


def check_options(address: Server | Sentinels) -> None:
    """Raise ValueError where redis-py would not take what stands behind the URL's `?`."""
    from redis.asyncio.connection import parse_url
    from redis.exceptions import RedisError

    try:
        pool = _make_pool(dict(parse_url(address.url)), COMMAND_SECONDS)
        pool.make_connection()  # type: ignore[no-untyped-call]
    except (TypeError, ValueError, RedisError) as error:
        rule = str(error).partition("__init__() ")[2] or error
        raise ValueError(f"has options that redis-py does not take: {rule}") from None


class Link:
    """An open link. Every method raises LinkDown."""

    def __init__(self, place: str, prefix: str, options: Mapping[str, Any]) -> None:
        from redis.asyncio import Redis

        self.place = place
        self._keys = [f"{{{prefix}}}:{name}" for name in _KEYS]
        self._pools = [_make_pool(options, COMMAND_SECONDS)]
        self._pools.append(_make_pool(options, BLOCK_SECONDS + COMMAND_SECONDS))
        self._commands, self._feed = (Redis(connection_pool=pool) for pool in self._pools)

    async def close(self) -> None:
        """Let go of all connections."""
        for pool in self._pools:
            try:
                await pool.disconnect(inuse_connections=True)
            except OSError:
                continue

    async def run(self, script: Script, *arguments: object) -> Reply:
        """Run a script; returns its reply."""
        [reply] = await self.run_all([(script, arguments)])
        if isinstance(reply, Exception):
            raise reply
        return reply

    async def run_all(self, calls: Sequence[Call], replicas: int = 0) -> list[Reply]:
        """Run scripts in order, in one go; returns the reply to each, or what it raised.

        Each counts as failed where fewer replicas than asked for had the writes in time.
        """
        async with _told(self.place):
            replies = await self._send(calls, replicas)
            left = [at for at, reply in enumerate(replies) if _is_unloaded(reply)]
            if left:
                # Those alone: what another one of them did must not be done twice.
                again = [calls[at] for at in left]
                for script in {script.digest: script for script, _ in again}.values():
                    await self._commands.script_load(script.text)
                later = await self._send(again, replicas)
                for at, reply in zip(left, later, strict=False):
                    replies[at] = reply
                replies[len(calls) :] = later[len(again) :]
        told = [_explain(self.place, reply) for reply in replies]
        if replicas and (short := _find_short(told.pop(), replicas)):
            return [reply if isinstance(reply, Exception) else short for reply in told]
        return told

    async def check_replicas(self, replicas: int) -> None:
        """Raise Unreplicated where fewer replicas have all that was written over this link."""
        async with _told(self.place):
            [count] = await self._send([], replicas)
        if short := _find_short(count, replicas):
            raise short

    async def check_server(self) -> None:
        """Raise LinkRefused where the server could lose what it holds, or lacks what is needed."""
        async with _told(self.place):
            info = await self._commands.info()
        major = int(str(info.get("redis_version", "7")).split(".")[0])
        if "valkey_version" not in info and major < 7:
            raise LinkRefused(f"{self.place} is Redis {info['redis_version']}; 7 is needed")
        policy = info.get("maxmemory_policy", "noeviction")
        if policy != "noeviction":
            raise LinkRefused(
                f"{self.place} has the maxmemory-policy {policy}, which throws registrations away;"
                " it must be noeviction"
            )
        if info.get("role") == "slave":
            raise LinkDown(f"{self.place} is a replica, which takes no writes")

    async def read_log(self, after: int, most: int) -> list[tuple[bytes, Fields]]:
        """Entries of the log after a revision; waits for the first, for a second at most."""
        async with _told(self.place):
            told = await self._feed.xread(
                {self._keys[1]: f"0-{after}"}, count=most, block=round(BLOCK_SECONDS * 1000)
            )
        return _entries(told)

    async def read_back(self, start: int, end: int, most: int) -> list[tuple[bytes, Fields]]:
        """Entries from a revision down to another one."""
        async with _told(self.place):
            told: Any = await self._commands.xrevrange(
                self._keys[1], f"0-{start}", f"0-{end}", count=most
            )
        return list(told)

    async def read_forward(self, after: int, most: int) -> list[tuple[bytes, Fields]]:
        """Entries after a revision, as they are now."""
        async with _told(self.place):
            told: Any = await self._commands.xrange(self._keys[1], f"(0-{after}", "+", count=most)
        return list(told)

    async def read_all(self) -> AsyncIterator[list[tuple[bytes, bytes, int]]]:
        """All that is held, in pages: keys, values, deadlines in ms (0 without).

        What changes meanwhile is there or not.
        """
        cursor: int = 0
        while True:
            async with _told(self.place):
                told: Any = await self._commands.hscan(self._keys[2], cursor, count=PAGE)
                cursor, page = told
                keys = list(page)
                deadlines = await self._commands.zmscore(self._keys[4], keys) if keys else []
            yield [
                (key, page[key], int(deadline or 0))
                for key, deadline in zip(keys, deadlines, strict=True)
            ]
            if not cursor:
                return

    async def _send(self, calls: Sequence[Call], replicas: int) -> list[Reply]:
        pipeline = self._commands.pipeline(transaction=False)
        for script, arguments in calls:
            pipeline.execute_command(
                "EVALSHA", script.digest, len(self._keys), *self._keys, *arguments
            )
        if replicas:
            pipeline.execute_command("WAIT", replicas, round(WAIT_SECONDS * 1000))
        replies: list[Reply] = await pipeline.execute(raise_on_error=False)
        return replies


async def open_link(address: Server | Sentinels, prefix: str) -> Link:
    """A link to the server of now. Raises LinkDown."""
    from redis.asyncio.connection import parse_url

    options: dict[str, Any] = dict(parse_url(address.url))
    place = address.place
    if isinstance(address, Sentinels):
        host, port = await find_master(address)
        options |= {"host": host, "port": port}
        place = f"{host}:{port}"
    link = Link(place, prefix, options)
    try:
        await link.check_server()
    except BaseException:
        await link.close()
        raise
    return link


async def find_master(address: Sentinels) -> tuple[str, int]:
    """The master that the Sentinels name. Raises LinkDown."""
    from redis.asyncio.connection import SSLConnection, parse_url
    from redis.asyncio.sentinel import Sentinel

    options: dict[str, Any] = dict(parse_url(address.url))
    given = {name: value for name, value in options.items() if name.startswith("ssl_")}
    given |= {"username": address.username, "password": address.password}
    given["ssl"] = options.get("connection_class") is SSLConnection
    sentinel = Sentinel(  # type: ignore[no-untyped-call]
        list(address.hosts),
        sentinel_kwargs={
            **{name: value for name, value in given.items() if value},
            **_patience(COMMAND_SECONDS / 3),
        },
    )
    try:
        async with _told(address.place):
            found: tuple[str, int] = await sentinel.discover_master(address.master)
    finally:
        for client in sentinel.sentinels:
            await client.aclose()
    return found


def _make_pool(options: Mapping[str, Any], seconds: float) -> "ConnectionPool":
    from redis.asyncio.connection import ConnectionPool

    return ConnectionPool(**{**options, **_patience(seconds)})


def _patience(seconds: float) -> dict[str, Any]:
    from redis.asyncio.retry import Retry
    from redis.backoff import NoBackoff

    return {
        "socket_timeout": seconds,
        "socket_connect_timeout": COMMAND_SECONDS,
        "socket_keepalive": True,
        "retry": Retry(NoBackoff(), 0),
        "protocol": 2,
    }


def _find_short(count: Reply, replicas: int) -> Unreplicated | None:
    if isinstance(count, int) and count >= replicas:
        return None
    return Unreplicated(f"{count} of {replicas} replicas had the write in time")


def _entries(told: Any) -> list[tuple[bytes, Fields]]:
    return told[0][1] if told else []


def _is_unloaded(reply: Reply) -> bool:
    from redis.exceptions import NoScriptError

    return isinstance(reply, NoScriptError)


@asynccontextmanager
async def _told(place: str) -> AsyncIterator[None]:
    """Turn what redis-py raises into LinkDown."""
    from redis.exceptions import RedisError

    try:
        yield
    except (RedisError, OSError, TimeoutError, asyncio.IncompleteReadError) as error:
        raise _name(place, error) from None


def _explain(place: str, reply: Reply) -> Reply:
    return _name(place, reply) if isinstance(reply, Exception) else reply


def _name(place: str, error: Exception) -> LinkDown:
    from redis import exceptions

    if isinstance(error, exceptions.AuthenticationError | exceptions.NoPermissionError):
        return LinkRefused(f"{place} refuses us: {error}")
    if isinstance(error, exceptions.ResponseError) and str(error).startswith(
        ("WRONGPASS", "NOAUTH")
    ):
        return LinkRefused(f"{place} refuses us: {error}")
    if isinstance(error, exceptions.OutOfMemoryError) or "OOM" in str(error):
        return LinkDown(f"the memory of {place} is full")
    if isinstance(error, exceptions.ReadOnlyError):
        return LinkDown(f"{place} is a replica, which takes no writes")
    if isinstance(error, exceptions.BusyLoadingError):
        return LinkDown(f"{place} is loading its data")
    if isinstance(error, exceptions.TimeoutError | TimeoutError):
        return LinkDown(f"{place} does not answer in time")
    return LinkDown(f"{place} cannot be used: {_first_line(error)}")


def _first_line(error: Exception) -> str:
    return (str(error).splitlines() or [type(error).__name__])[0][:200]


def describe_refusal(error: LinkRefused) -> StoreError:
    """The end of a start."""
    return StoreError(f"STORE: {error}")
