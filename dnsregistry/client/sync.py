"""The same for programs without an event loop: threads, Flask, gunicorn, scripts.

`Registration` and `Client` are those of the package, driven in a background thread: heartbeats go
on while the program computes or waits. Each object has a thread of its own. After a fork it is
void in the child: make it there.
"""

import atexit
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Self, Unpack

from dnsregistry.client import client as asynchronous
from dnsregistry.client import registration
from dnsregistry.client.description import Description, Fields
from dnsregistry.client.http import REQUEST_SECONDS
from dnsregistry.client.thread import LoopThread
from dnsregistry.client.values import Endpoint, Event, Instance, Service


class Registration:
    """One instance: registered, kept alive and taken out at the end.

    `with Registration("user-service", port=8080):`, or `start` and `stop`; what was not stopped
    is so at the end of the process. The arguments are those of `dnsregistry.client.Registration`.
    SIGTERM is taken notice of where `start` is called in the main thread.
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
        **fields: Unpack[Fields],
    ) -> None:
        self._on_sigterm = on_sigterm
        self._thread = LoopThread()
        self._inner = registration.Registration(
            service,
            port=port,
            url=url,
            token=token,
            ca_file=ca_file,
            drain=drain,
            on_sigterm=False,
            timeout=timeout,
            **fields,
        )

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    @property
    def id(self) -> str:
        """The instance's id."""
        return self._inner.id

    @property
    def is_registered(self) -> bool:
        """Whether the registry has the instance, as far as it was heard last."""
        return self._inner.is_registered

    def start(self) -> None:
        """Register, and go on from there; where the registry is away, it is tried on.

        Raises Refused where the registry does not take the instance as it is, and RuntimeError
        where it was started before.
        """
        self._inner.check_unstarted()
        if self._on_sigterm:
            self._inner.catch_sigterm(self._thread.loop())
        try:
            self._thread.run(self._inner.start)
        except BaseException:
            self._inner.release_sigterm()
            self._thread.stop()
            raise
        atexit.register(self.stop)

    def wait_registered(self) -> None:
        """Return once the instance is registered."""
        self._thread.run(self._inner.wait_registered)

    def drain(self) -> None:
        """Be taken from the answers, and return after the seconds of `drain`."""
        self._thread.run(self._inner.drain)

    def stop(self) -> None:
        """Drain, if that takes time, and deregister. Nothing happens in a forked child."""
        atexit.unregister(self.stop)
        if self._thread.is_running:
            try:
                self._thread.run(self._inner.stop)
            finally:
                self._inner.release_sigterm()
                self._thread.stop()


class Client:
    """Asks one registry: `with Client() as client`. All is as in `dnsregistry.client.Client`."""

    def __init__(
        self,
        url: str | None = None,
        *,
        token: str | None = None,
        ca_file: str | None = None,
        timeout: float = REQUEST_SECONDS,
        keep: float = 5.0,
        stale: float = 300.0,
    ) -> None:
        self._thread = LoopThread()
        self._inner = asynchronous.Client(
            url, token=token, ca_file=ca_file, timeout=timeout, keep=keep, stale=stale
        )

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the connections."""
        if self._thread.is_running:
            self._thread.run(self._inner.close)
            self._thread.stop()

    def register(self, description: Description) -> Instance:
        """Register an instance, or replace it under its id."""
        return self._thread.run(lambda: self._inner.register(description))

    def heartbeat(self, instance_id: str, *, owner_secret: str | None = None) -> float | None:
        """Renew a lease; its seconds, None for no end. Raises UnknownInstance."""
        return self._thread.run(
            lambda: self._inner.heartbeat(instance_id, owner_secret=owner_secret)
        )

    def set_status(
        self, instance_id: str, status: str, *, owner_secret: str | None = None
    ) -> Instance:
        """Make an instance `healthy`, `draining` or `maintenance`."""
        return self._thread.run(
            lambda: self._inner.set_status(instance_id, status, owner_secret=owner_secret)
        )

    def deregister(self, instance_id: str, *, owner_secret: str | None = None) -> None:
        """End a lease."""
        self._thread.run(lambda: self._inner.deregister(instance_id, owner_secret=owner_secret))

    def instance(self, instance_id: str) -> Instance:
        """One instance."""
        return self._thread.run(lambda: self._inner.instance(instance_id))

    def instances(
        self,
        service: str | None = None,
        *,
        tag: str | None = None,
        capability: str | None = None,
        health: str | None = None,
    ) -> Sequence[Instance]:
        """All instances that fit."""
        return self._thread.run(
            lambda: self._inner.instances(service, tag=tag, capability=capability, health=health)
        )

    def services(self) -> Sequence[Service]:
        """All services that have an instance."""
        return self._thread.run(self._inner.services)

    def stats(self) -> Mapping[str, Any]:
        """The registry's own numbers."""
        return self._thread.run(self._inner.stats)

    def explain(self, name: str, rtype: str = "A", **asked: str) -> Mapping[str, Any]:
        """Why a name is answered as it is."""
        return self._thread.run(lambda: self._inner.explain(name, rtype, **asked))

    def find(
        self, service: str, *, tag: str | None = None, capability: str | None = None
    ) -> Sequence[Endpoint]:
        """The endpoints of a service, in the order in which they are to be tried."""
        return self._thread.run(lambda: self._inner.find(service, tag=tag, capability=capability))

    def find_by_dns(
        self,
        service: str,
        *,
        protocol: str = "tcp",
        zone: str | None = None,
        dns: str | None = None,
    ) -> Sequence[Endpoint]:
        """The same by DNS SRV."""
        return self._thread.run(
            lambda: self._inner.find_by_dns(service, protocol=protocol, zone=zone, dns=dns)
        )

    def watch(self, service: str | None = None, *, since: int | None = None) -> Iterator[Event]:
        """Every change, for as long as it is iterated."""
        events = self._inner.watch(service, since=since)

        async def take() -> Event:
            return await anext(events)

        try:
            while True:
                yield self._thread.run(take)
        finally:
            if self._thread.is_running:
                # Not waited for: who drops the iterator may be the collector, in that thread.
                self._thread.dismiss(events.aclose)
