"""All examinations, in the order in which a question goes its way."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dnsregistry.doctor import clock, nsswitch, resolvconf, servers
from dnsregistry.doctor.asking import Server
from dnsregistry.doctor.finding import Finding, Level

DNS_PORT = 53
"""resolv.conf has no way to say another."""


@dataclass(frozen=True, slots=True)
class Machine:
    """What is examined: the files under `root`, with servers asked at `port`."""

    root: Path = Path("/")
    port: int = DNS_PORT

    def read(self, path: str) -> str:
        """A file's text; empty where there is none."""
        try:
            return (self.root / path).read_text(encoding="utf-8", errors="replace")
        except OSError:
            return ""


def examine(
    machine: Machine,
    zone: str,
    url: str,
    registry: Server | None,
    *,
    is_guess: bool = False,
    ca_file: Path | None = None,
) -> Iterator[Finding]:
    """Yield what is found, as it is found. `registry` is its DNS server, where that is known.

    One whose port is a guess is not asked where its address serves the zone to this machine.
    `ca_file` is what an https URL is trusted by.
    """
    zone = zone.rstrip(".").lower()
    conf = resolvconf.read(machine.read("etc/resolv.conf"))
    yield from nsswitch.examine(nsswitch.read_hosts(machine.read("etc/nsswitch.conf")), zone)
    yield from _examine_caches(machine)
    yield from resolvconf.examine(conf, zone)
    listed = conf.servers[: resolvconf.MOST_SERVERS] or ("127.0.0.1",)
    asked = servers.ask_all([Server(address, machine.port) for address in listed], zone)
    yield from servers.examine(asked, zone, registry)
    knowing = [one.server for one in asked if one.knows]
    found = is_guess and registry is not None and registry.address in {s.address for s in knowing}
    if registry is not None and registry not in knowing and not found:
        direct = servers.ask_all([registry], zone)
        yield from servers.examine(direct, zone, registry)
        knowing += [one.server for one in direct if one.knows]
    for server in knowing:
        yield from servers.examine_ways(server, zone)
    yield clock.examine(url, ca_file)


def find_registry(url: str, port: int) -> Server | None:
    """The server at the host of the registry's URL, where that is an address."""
    try:
        host = urlsplit(url).hostname or ""
    except ValueError:
        return None
    return Server(host, port) if ":" in host or host.replace(".", "").isdigit() else None


def _examine_caches(machine: Machine) -> Iterator[Finding]:
    if (machine.root / "run/nscd/socket").exists() or (
        machine.root / "var/run/nscd/socket"
    ).exists():
        yield Finding(
            Level.WARNING,
            "nscd",
            "keeps host names longer than their TTL, so that instances that left are still used",
            "/etc/nscd.conf: enable-cache hosts no",
        )
