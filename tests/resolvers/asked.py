"""A resolver that stands between a client and the registry."""

import time
from dataclasses import dataclass

from tests.machine import require
from tests.resolvers.foreign import Foreign
from tests.resolvers.served import Served

OWN_NAME = "ns1.registry.test"
"""A name that the registry has from its start."""


@dataclass(frozen=True, slots=True)
class Resolved:
    """An answer as dig prints it."""

    rcode: str
    answer: list[str]
    authority: list[str]

    @property
    def rdatas(self) -> list[str]:
        """The answer's data, sorted."""
        return sorted(line.split(None, 4)[4] for line in self.answer)

    @property
    def ttls(self) -> list[int]:
        return [int(line.split()[1]) for line in (*self.answer, *self.authority)]


@dataclass(frozen=True, slots=True)
class Asked:
    """A resolver on 127.0.0.1 with a registry behind it, asked by dig from where both run."""

    registry: Served
    program: Foreign
    port: int

    async def ask(self, name: str, rtype: str) -> Resolved:
        options = ("+noall", "+comments", "+answer", "+authority", "+tries=1", "+time=5")
        where = ("@127.0.0.1", "-p", str(self.port))
        output = await self.registry.place.run(
            require("dig"), *where, *options, name, rtype, check=False
        )
        return _read(output)

    async def wait_ready(self) -> None:
        """Until it resolves a name of the registry's own."""

        async def resolves() -> bool:
            return (await self.ask(OWN_NAME, "A")).rcode == "NOERROR"

        await self.program.until(resolves)

    async def wait_for(self, name: str, rtype: str, rdatas: list[str]) -> float:
        """Seconds until the answer has exactly these data."""
        begin = time.monotonic()

        async def has() -> bool:
            return (await self.ask(name, rtype)).rdatas == rdatas

        await self.program.until(has)
        return time.monotonic() - begin


def _read(output: str) -> Resolved:
    rcode = "no answer"
    sections: dict[str, list[str]] = {}
    section: list[str] = []
    for line in output.splitlines():
        if "status: " in line:
            rcode = line.partition("status: ")[2].partition(",")[0]
        elif line.endswith(" SECTION:"):
            section = sections.setdefault(line.split()[1], [])
        elif line and not line.startswith(";"):
            section.append(line)
    return Resolved(rcode, sections.get("ANSWER", []), sections.get("AUTHORITY", []))
