"""An instance that is registered for as long as it runs, whatever becomes of the registry."""

import asyncio
import logging
import random
from collections.abc import Callable
from typing import Self, Unpack

from dnsregistry.client.client import Client
from dnsregistry.client.description import Description, Fields
from dnsregistry.client.errors import ClientError, Refused, RegistryAway, UnknownInstance
from dnsregistry.client.http import REQUEST_SECONDS
from dnsregistry.client.rhythm import Rhythm
from dnsregistry.client.terminate import Termination
from dnsregistry.client.values import Instance

LEAVE_SECONDS = 2.5
"""For a request under way to end, and as long for deregistering: a registry that is away holds
nobody up longer, not even one with the ten seconds of a container. The lease ends by itself."""
DRAIN_SECONDS = 2.0
"""For the registry to be told of draining."""

LEAST_TIMEOUT = 1.0
"""Seconds that a request is given at least: a busy registry takes less."""

_log = logging.getLogger(__name__)


class Registration:
    """One instance: registered, kept alive by heartbeats, and taken out at the end.

    `async with Registration("user-service", port=8080, checks=["http:///health"])` around the time
    in which the program serves is all there is to it. Whatever the registry does meanwhile, the
    program goes on: a registry that is away is tried again, with pauses that spread its clients,
    and one that has forgotten the instance is told of it again.

    service, port, fields: what is registered (`description.Fields`).
    url, token, ca_file: of the registry (`client.Client`).
    drain: seconds between the instance's being taken from the answers and its end, during which
        it must still serve those who have it from a cache.
    on_sigterm: at SIGTERM, drain before whoever handles the signal gets it (`terminate`).
    """

    def __init__(
        self,
        service: str,
        *,
        port: int,
        url: str | None = None,
        token: str | None = None,
        ca_file: str | None = None,
        drain: float = 0.0,
        on_sigterm: bool = True,
        timeout: float = REQUEST_SECONDS,
        draw: Callable[[], float] = random.random,
        **fields: Unpack[Fields],
    ) -> None:
        self.description = Description.make(service, port, fields)
        self.client = Client(url, token=token, ca_file=ca_file, timeout=timeout)
        self.instance: Instance | None = None
        self._drain_seconds = drain
        self._on_sigterm = on_sigterm
        self._rhythm = Rhythm(draw)
        if "ttl" in fields:
            self._rhythm.take_lease(fields["ttl"])
        self._registered = asyncio.Event()
        self._stopping = asyncio.Event()
        self._drained: asyncio.Task[None] | None = None
        self._keeper: asyncio.Task[None] | None = None
        self._termination: Termination | None = None
        self._ending: asyncio.Task[None] | None = None
        self._leaving: asyncio.Task[None] | None = None
        self._has_tried = False

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.stop()

    @property
    def id(self) -> str:
        """The instance's id."""
        return self.description.id

    @property
    def is_registered(self) -> bool:
        """Whether the registry has the instance, as far as it was heard last."""
        return self._registered.is_set()

    async def wait_registered(self) -> None:
        """Return once the instance is registered, at once if it is."""
        await self._registered.wait()

    async def start(self) -> None:
        """Register, and go on from there; where the registry is away, it is tried on.

        Where it is stopped meanwhile, it returns with nothing registered. Raises Refused where the
        registry does not take the instance as it is, and RuntimeError where it was started before.
        """
        self.check_unstarted()
        loop = asyncio.get_running_loop()
        if self._on_sigterm:
            # Before anybody can know of the instance, and so have a reason to send the signal.
            self.catch_sigterm(loop)
        begun: asyncio.Future[None] = loop.create_future()
        self._keeper = asyncio.create_task(self._keep(begun), name=f"registration {self.id}")
        try:
            await begun
        except Exception:
            self.release_sigterm()
            await self.client.close()
            self._keeper = None
            raise
        except BaseException:
            self.release_sigterm()
            await self.leave()
            raise

    def check_unstarted(self) -> None:
        """Raise RuntimeError where it was started before."""
        if self._keeper is not None:
            raise RuntimeError(f"{self.id} was started before; make another Registration")

    def catch_sigterm(self, loop: asyncio.AbstractEventLoop) -> None:
        """Drain at SIGTERM, in the loop that this runs in.

        To be called in the main thread, before `start`, which does so itself where it is there.
        """
        self._termination = Termination(lambda: _call(loop, self._end))
        if not self._termination.install():
            self._termination = None

    def release_sigterm(self) -> None:
        """Leave the signal to its owner. Call it in the main thread; `stop` does so itself."""
        if self._termination is not None:
            self._termination.restore()

    async def drain(self) -> None:
        """Be taken from the answers, and return after the seconds of `drain`.

        A second call waits for the end of the first.
        """
        if self._drained is None:
            self._drained = asyncio.create_task(self._drain(), name=f"draining {self.id}")
        # Leaving may cancel it, which is no matter of whoever waits here.
        await asyncio.wait([self._drained])

    async def stop(self) -> None:
        """Drain, if that takes time, and deregister. Takes `drain` and some seconds at most."""
        if self._leaving is None and (self._drain_seconds > 0 or self._drained is not None):
            await self.drain()
        await self.leave()
        # Only now: the signal may come in between, and would end the process too early.
        self.release_sigterm()
        if self._ending is not None:
            await asyncio.gather(self._ending, return_exceptions=True)

    async def _keep(self, begun: asyncio.Future[None]) -> None:
        try:
            wait = await self._attempt()
        except Exception as error:  # noqa: BLE001 - raised where it is waited for
            _settle(begun, error)
            return
        finally:
            # It may have been stopped meanwhile, too: then nothing is registered.
            _settle(begun, None)
        while not self._stopping.is_set():
            try:
                async with asyncio.timeout(wait):
                    await self._stopping.wait()
            except TimeoutError:
                try:
                    wait = await self._attempt()
                except Refused as refused:
                    _log.error("%s refuses %s: %s", self._registry, self.id, refused)
                    wait = self._rhythm.after_failure(None)
                except Exception:  # noqa: BLE001 - logged, and tried on
                    # Whatever came of one attempt must not be the end of all others.
                    _log.exception("an attempt to keep %s registered failed", self.id)
                    wait = self._rhythm.after_failure(None)

    async def _attempt(self) -> float:
        """Register or send a heartbeat; the seconds until the next attempt. Raises Refused."""
        try:
            if self._registered.is_set():
                try:
                    await self._beat()
                    return self._rhythm.after_heartbeat()
                except UnknownInstance:
                    _log.warning("%s does not know %s, registering", self._registry, self.id)
                    self._registered.clear()
            await self._register()
            return self._rhythm.after_registration()
        except RegistryAway as away:
            wait = self._rhythm.after_failure(away.retry_after)
            _log.warning("%s; trying again in %.1f s", away, wait)
            return wait

    @property
    def _registry(self) -> str:
        return self.client.addresses.first

    async def _register(self) -> None:
        self._has_tried = True
        draining = self._drained is not None
        instance = await self.client.register(self.description, draining=draining)
        if not draining and self._drained is not None:
            # That was asked for while it was on its way.
            instance = await self.client.register(self.description, draining=True)
        self.instance = instance
        self._take_lease(instance.ttl)
        self._registered.set()
        _log.info("%s is registered at %s", self.id, self._registry)

    async def _beat(self) -> None:
        secret = self.description.owner_secret
        self._take_lease(await self.client.heartbeat(self.id, owner_secret=secret))

    def _take_lease(self, ttl: float | None) -> None:
        self._rhythm.take_lease(ttl)
        self._take_time()

    def _take_time(self) -> None:
        # So that a lease outlives one address that hangs.
        self.client.hurry(max(self._rhythm.interval, LEAST_TIMEOUT))

    def _share_out(self, seconds: float) -> None:
        # So that of these seconds some are left for the address after one that hangs.
        self.client.hurry(seconds / len(self.client.addresses.urls))

    async def _drain(self) -> None:
        if not self._registered.is_set():
            return
        self._share_out(DRAIN_SECONDS)
        try:
            async with asyncio.timeout(DRAIN_SECONDS):
                secret = self.description.owner_secret
                await self.client.set_status(self.id, "draining", owner_secret=secret)
        except (ClientError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            _log.warning("%s could not be drained: %s", self.id, reason)
            wait = 0.0
        else:
            wait = self._drain_seconds
        self._take_time()
        await asyncio.sleep(wait)

    async def leave(self) -> None:
        """Deregister now, without draining. Takes some seconds at most."""
        if self._leaving is None:
            self._leaving = asyncio.create_task(self._leave(), name=f"leaving {self.id}")
        await asyncio.shield(self._leaving)

    async def _leave(self) -> None:
        self._stopping.set()
        if self._drained is not None:
            self._drained.cancel()
            await asyncio.gather(self._drained, return_exceptions=True)
        if self._keeper is not None:
            # A registration under way could else arrive after its own end.
            await asyncio.wait([self._keeper], timeout=LEAVE_SECONDS)
            self._keeper.cancel()
            await asyncio.gather(self._keeper, return_exceptions=True)
        self._share_out(LEAVE_SECONDS)
        try:
            if self._has_tried:
                async with asyncio.timeout(LEAVE_SECONDS):
                    secret = self.description.owner_secret
                    await self.client.deregister(self.id, owner_secret=secret)
        except UnknownInstance:
            _log.info("%s was not registered any more", self.id)
        except (ClientError, TimeoutError) as error:
            reason = str(error) or "no answer in time"
            _log.warning("%s could not be deregistered: %s", self.id, reason)
        finally:
            self._registered.clear()
            await self.client.close()

    def _end(self) -> None:
        self._ending = asyncio.create_task(self._terminate(), name=f"end of {self.id}")

    async def _terminate(self) -> None:
        termination = self._termination
        assert termination is not None  # noqa: S101 - it is what called
        try:
            await self.drain()
            if termination.ends_process:
                await self.leave()
        finally:
            termination.pass_on()


def _settle(future: asyncio.Future[None], error: Exception | None) -> None:
    """Have whoever waits go on; it may have been cancelled."""
    if future.done():
        return
    if error is None:
        future.set_result(None)
    else:
        future.set_exception(error)


def _call(loop: asyncio.AbstractEventLoop, call: Callable[[], None]) -> bool:
    """Have the loop call it; False where the loop has ended, and the registration with it."""
    try:
        loop.call_soon_threadsafe(call)
    except RuntimeError:
        return False
    return True
