"""Knot and NSD with the zone that ours answers, one thread or worker each."""

import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.message
import dns.query

from tests.benchmarks import house
from tests.benchmarks.ours import LOOPBACK
from tests.benchmarks.process import Process, running
from tests.benchmarks.tools import require

_ASK_SECONDS = 0.2
_KNOT = """
server:
    rundir: "{folder}"
    listen: 127.0.0.1@{port}
    udp-workers: 1
    tcp-workers: 1
    background-workers: 1
database:
    storage: "{folder}"
log:
  - target: stdout
    any: error
acl:
  - id: local
    address: 127.0.0.1
    action: update
zone:
  - domain: {origin}
    file: "{zone}"
    zonefile-sync: -1
    acl: local
"""
# Its rate limit would drop all but 200 a second.
_NSD = """
server:
    server-count: 1
    ip-address: 127.0.0.1@{port}
    do-ip6: no
    zonesdir: "{folder}"
    database: ""
    xfrdir: "{folder}"
    xfrdfile: "{folder}/xfrd.state"
    zonelistfile: "{folder}/zone.list"
    pidfile: "{folder}/nsd.pid"
    cookie-secret-file: "{folder}/cookies"
    username: ""
    rrl-ratelimit: 0
remote-control:
    control-enable: no
zone:
    name: {origin}
    zonefile: "{zone}"
"""


@dataclass(frozen=True, slots=True)
class NameServer:
    """One that answers the zone."""

    process: Process
    port: int


def write_zone(path: Path, apex: list[str], services: int, each: int) -> Path:
    """Write the records of the house as a master file.

    The apex is ours to the letter, serial and all, so that denials are equal too; the rest comes
    from the instances as they were registered.
    """
    lines = [f"$TTL 5\n$ORIGIN {house.ORIGIN}.", *apex]
    for number in range(services * each):
        service, host = number % services, house.host_name(number)
        address = house.address_of(number)
        lines.append(f"{house.srv_name(service)}. SRV 0 1 {house.PORT} {host}.")
        lines.append(f"{house.a_name(service)}. A {address}")
        lines.append(f"{host}. A {address}")
    path.write_text("\n".join(lines) + "\n", encoding="ascii")
    return path


def read_apex(port: int) -> list[str]:
    """SOA, NS and its address as the server at the port tells them, as lines of a master file."""
    asked = ((house.ORIGIN, "SOA"), (house.ORIGIN, "NS"), (f"ns1.{house.ORIGIN}", "A"))
    lines: list[str] = []
    for name, rtype in asked:
        reply = dns.query.udp(dns.message.make_query(name, rtype), LOOPBACK, 5, port)
        lines += [line for rrset in reply.answer for line in rrset.to_text().splitlines()]
    return lines


@contextmanager
def knot(folder: Path, zone: Path, *, cores: str) -> Iterator[NameServer]:
    """Run Knot with one UDP thread; updates from loopback are taken."""
    command = [require("knotd"), "-c", "knot.conf"]
    with _serve("Knot", _KNOT, command, folder, zone, cores) as server:
        yield server


@contextmanager
def nsd(folder: Path, zone: Path, *, cores: str) -> Iterator[NameServer]:
    """Run NSD with one server process."""
    command = [require("nsd"), "-d", "-c", "nsd.conf"]
    with _serve("NSD", _NSD, command, folder, zone, cores) as server:
        yield server


def free_port() -> int:
    """A port that was free for UDP and TCP a moment ago."""
    with socket.socket(socket.AF_INET, socket.SOCK_STREAM) as tcp:
        tcp.bind((LOOPBACK, 0))
        port: int = tcp.getsockname()[1]
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as udp:
            udp.bind((LOOPBACK, port))
    return port


@contextmanager
def _serve(
    name: str, frame: str, command: list[str], folder: Path, zone: Path, cores: str
) -> Iterator[NameServer]:
    home = folder / name
    home.mkdir()
    port = free_port()
    text = frame.format(folder=home, port=port, zone=zone, origin=house.ORIGIN)
    (home / command[-1]).write_text(text, encoding="utf-8")
    with running(name, command, cores=cores, folder=home) as process:
        process.wait_until(_answers(port))
        yield NameServer(process, port)


def _answers(port: int) -> Callable[[], bool]:
    query = dns.message.make_query(house.ORIGIN, "SOA")

    def ask() -> bool:
        try:
            return bool(dns.query.udp(query, LOOPBACK, _ASK_SECONDS, port).answer)
        except (OSError, dns.exception.DNSException):
            return False

    return ask
