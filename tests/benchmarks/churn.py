"""Registrations beside the questions: instances that come back on another port."""

import socket
import threading
import time
from abc import ABC, abstractmethod
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

import dns.message
import dns.rcode
import dns.update

from tests.benchmarks import house
from tests.benchmarks.errors import BenchmarkError
from tests.benchmarks.ours import LOOPBACK, Ours, exchange

_STRIDE = 379
"""So that changes one after another are of different services; it divides no number of instances
used here."""
_STOP_SECONDS = 10.0
_TTL = 5
_IN_FLIGHT = 50
_REPLY_OCTETS = 4096


class Churn(ABC):
    """One who registers: changes every `lanes`th instance of one server, from `lane` on."""

    def __init__(self, services: int, each: int, lane: int = 0, lanes: int = 1) -> None:
        self._services = services
        self._own = range(lane, services * each, lanes)
        self._ports = dict.fromkeys(self._own, house.PORT)
        self._made = 0

    @abstractmethod
    def change(self, instance: int, old: int, new: int) -> None:
        """Move the instance from one port to another; may return before it holds."""

    @abstractmethod
    def settle(self) -> None:
        """Wait until every change holds."""

    def step(self) -> None:
        """Change the next instance."""
        instance = self._own[self._made * _STRIDE % len(self._own)]
        self._made += 1
        old = self._ports[instance]
        new = house.PORT + 1 if old == house.PORT else house.PORT
        self.change(instance, old, new)
        self._ports[instance] = new

    def run(self, rate: float, stopped: threading.Event) -> None:
        """Change `rate` instances a second until stopped, and settle."""
        began, made = time.monotonic(), 0
        while not stopped.wait(max(0.0, began + made / rate - time.monotonic())):
            self.step()
            made += 1
        self.settle()

    @property
    def made(self) -> int:
        """Changes so far."""
        return self._made


@contextmanager
def changing(churns: Sequence[Churn], rate: float) -> Iterator[None]:
    """Change `rate` instances a second during the block, by all of them together.

    Raises BenchmarkError at its end where a change failed. `made` of each tells how many there
    were: a busy server may take fewer.
    """
    stopped = threading.Event()
    with ThreadPoolExecutor(len(churns) or 1) as pool:
        works = [pool.submit(churn.run, rate / len(churns), stopped) for churn in churns]
        try:
            yield
        finally:
            stopped.set()
    for work in works:
        try:
            work.result()
        except (BenchmarkError, OSError) as error:
            raise BenchmarkError(f"a change failed: {error}") from None


class HttpChurn(Churn):
    """Registers with ours, over one connection."""

    def __init__(
        self, server: Ours, services: int, each: int, lane: int = 0, lanes: int = 1
    ) -> None:
        super().__init__(services, each, lane, lanes)
        self._connection = server.connect()

    def change(self, instance: int, old: int, new: int) -> None:
        body = house.make_instance(instance, self._services, new)
        exchange(self._connection, "PUT", f"/v1/instances/{body['id']}", body)

    def settle(self) -> None:
        """A change held when it was answered."""

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class UpdateChurn(Churn):
    """The same to an authoritative server, by DNS UPDATE (RFC 2136).

    Replies are waited for where many are out: such a server writes what came meanwhile to its disk
    at once.
    """

    def __init__(self, port: int, services: int, each: int) -> None:
        super().__init__(services, each)
        self._waiting = 0
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.settimeout(_STOP_SECONDS)
        self._socket.connect((LOOPBACK, port))

    def change(self, instance: int, old: int, new: int) -> None:
        owner = f"{house.srv_name(instance % self._services)}."
        host = f"{house.host_name(instance)}."
        update = dns.update.UpdateMessage(house.ORIGIN)
        update.delete(owner, "SRV", f"0 1 {old} {host}")
        update.add(owner, _TTL, "SRV", f"0 1 {new} {host}")
        self._socket.send(update.to_wire())
        self._waiting += 1
        if self._waiting > _IN_FLIGHT:
            self._take_reply()

    def settle(self) -> None:
        while self._waiting:
            self._take_reply()

    def close(self) -> None:
        """Close the socket."""
        self._socket.close()

    def _take_reply(self) -> None:
        rcode = dns.message.from_wire(self._socket.recv(_REPLY_OCTETS)).rcode()
        self._waiting -= 1
        if rcode != dns.rcode.NOERROR:
            raise BenchmarkError(f"an update was answered {dns.rcode.to_text(rcode)}")
