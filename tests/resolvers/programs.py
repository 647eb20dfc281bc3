"""Resolvers with the snippets of the page, in a configuration that keeps them to themselves."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from tests.machine import require
from tests.resolvers.asked import Asked
from tests.resolvers.foreign import Foreign
from tests.resolvers.page import put, read_snippet
from tests.resolvers.served import Served

# As distributions set it up: names are validated, and private addresses are dropped.
_UNBOUND = """
server:
    interface: 127.0.0.1@{port}
    directory: "{folder}"
    pidfile: "{folder}/unbound.pid"
    chroot: ""
    username: ""
    use-syslog: no
    logfile: ""
    verbosity: 4
    private-address: 10.0.0.0/8
    trust-anchor: ". DS 20326 8 2 E06D44B80B8F1D39A95C0B0D7C65D08458E880409BBC683457104237C7F8EC8D"
"""
_DNSMASQ = """
no-resolv
no-hosts
no-daemon
bind-interfaces
listen-address=127.0.0.1
port={port}
pid-file=
stop-dns-rebind
"""
_NAMED_OPTIONS = """
    directory "{folder}";
    pid-file "{folder}/named.pid";
    session-keyfile "{folder}/session.key";
    listen-on port {port} {{ 127.0.0.1; }};
    listen-on-v6 {{ none; }};
    dnssec-validation auto;
    qname-minimization strict;
    recursion yes;
"""
# The root is nobody: what should not be asked there fails, and no packet leaves the machine.
_NAMED_ROOT = """
zone "." {{ type hint; file "{folder}/root"; }};
"""
_ROOT = """
.              3600000 NS a.root.invalid.
a.root.invalid. 3600000 A  127.0.0.9
"""
_PARENT = """
$TTL 3600
test.     IN SOA ns.test. hostmaster.test. 1 3600 600 86400 60
test.     IN NS  ns.test.
ns.test.  IN A   127.0.0.1
"""

Start = Callable[..., Awaitable[Foreign]]


@dataclass(frozen=True, slots=True)
class Bench:
    """What a resolver is started with."""

    registry: Served
    start: Start
    port: int
    folder: Path

    async def run(self, *command: str | Path) -> Asked:
        """Start the command and wait until it resolves."""
        program = await self.start(*command, place=self.registry.place)
        asked = Asked(self.registry, program, self.port)
        await asked.wait_ready()
        return asked

    def write(self, name: str, text: str) -> Path:
        path = self.folder / name
        path.write_text(text, encoding="utf-8")
        return path

    def fill(self, frame: str) -> str:
        return frame.format(port=self.port, folder=self.folder)


async def run_unbound(bench: Bench) -> Asked:
    """Unbound with its stub zone."""
    snippet = put(read_snippet("unbound"), "127.0.0.1@5300", f"127.0.0.1@{bench.registry.port}")
    path = bench.write("unbound.conf", bench.fill(_UNBOUND) + snippet)
    return await bench.run(require("unbound"), "-d", "-p", "-c", path)


async def run_dnsmasq(bench: Bench) -> Asked:
    """Dnsmasq with its server line."""
    snippet = put(read_snippet("dnsmasq"), "127.0.0.1#5300", f"127.0.0.1#{bench.registry.port}")
    path = bench.write("dnsmasq.conf", bench.fill(_DNSMASQ) + snippet)
    return await bench.run(require("dnsmasq"), "-C", path)


async def run_named_forwarding(bench: Bench) -> Asked:
    """BIND with its forward zone."""
    snippet = put(read_snippet("bind-forward"), "port 5300", f"port {bench.registry.port}")
    snippet = put(snippet, "options {", "options {" + bench.fill(_NAMED_OPTIONS))
    return await _run_named(bench, snippet)


async def run_named_delegating(bench: Bench) -> Asked:
    """BIND as the authority of the parent zone, from where it follows the delegation."""
    parent = bench.write("test.zone", _PARENT + read_snippet("bind-delegation"))
    options = "options {{" + _NAMED_OPTIONS + "}};"
    zone = f'zone "test" {{ type primary; file "{parent}"; }};'
    return await _run_named(bench, bench.fill(options) + zone)


async def _run_named(bench: Bench, configuration: str) -> Asked:
    bench.write("root", _ROOT)
    path = bench.write("named.conf", configuration + bench.fill(_NAMED_ROOT) + "controls {};\n")
    return await bench.run(require("named"), "-g", "-4", "-n", "1", "-c", path)
