"""Whether an explanation says what dig gets: `python -m tests.explain.agreement --states 5000`.

A state is a service of its own with random instances. Many of them are in one program, whose clock
stands; all questions about them go to dig in one batch, and to the explanation one by one.
"""

import argparse
import asyncio
import json
import random
import re
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from dnsregistry.registry.check import Health
from tests.machine import require
from tests.program import Clock, Program

ZONE = "registry.local"
STATES_A_PROGRAM = 100
DIG_SECONDS = 120.0
_LINE = re.compile(r"\s+")
_STATUS = re.compile(r"status: (\w+)")
_EDE = re.compile(r"^; EDE: (\d+)(?: \([^)]*\))?(?:: \((.*)\))?$", re.MULTILINE)
_NEVER = {"type": "tcp", "interval": 3600, "delay": 3600}

SETTINGS: tuple[Mapping[str, object], ...] = (
    {},
    {"empty_service": "nxdomain", "service_limits": "s1*=2,s2*=1", "service_ttls": "s3*=2"},
    {"empty_service": "all", "reverse_zones": "10.0.0.0/16", "slow_start": 30.0},
    {"allow_query": "127.0.0.0/30", "chaos_version": "one", "negative_ttl": 3},
    {"reverse_zones": "auto", "service_limits": "s*=3", "dns_ttl": 60},
)
OVERLAY = """
$TTL 120
@ IN SOA ns1 hostmaster 1 60 15 86400 5
s5 IN A 192.0.2.5
s6 IN CNAME www.example.org.
_s7._tcp IN SRV 0 0 7 s5
s8 IN TXT "static beside live"
*.wild IN A 192.0.2.9
"""
OTHER = """
$TTL 300
@ IN SOA ns hostmaster 7 60 15 86400 30
@ IN NS ns
ns IN A 192.0.2.53
www IN A 192.0.2.80
alias IN CNAME www
away IN CNAME www.example.net.
cut IN NS ns.cut
ns.cut IN A 192.0.2.54
*.any IN TXT "any" "thing"
mail IN MX 10 www
"""


@dataclass(frozen=True, slots=True)
class Asked:
    """A question, as both are asked it."""

    name: str
    rtype: str
    client: str = "127.0.0.1"
    tcp: bool = False
    bufsize: int = 1232
    rclass: str = "IN"

    def dig(self) -> str:
        edns = f"+bufsize={self.bufsize}" if self.bufsize else "+noedns"
        return f"-b {self.client} {edns} -q {self.name} -t {self.rtype} -c {self.rclass}"

    def parameters(self) -> dict[str, str]:
        return {
            "name": self.name,
            "type": self.rtype,
            "client": self.client,
            "class": self.rclass,
            "transport": "tcp" if self.tcp else "udp",
            "bufsize": str(self.bufsize),
            "limit": "1000",
        }


@dataclass(slots=True)
class Seen:
    """What dig printed of one reply."""

    rcode: str = ""
    truncated: bool = False
    answer: list[str] = field(default_factory=list)
    authority: list[str] = field(default_factory=list)
    ede: tuple[int, str] | None = None


def make_instances(draw: random.Random, state: int) -> Iterator[dict[str, Any]]:
    """The instances of a state's service, as they are posted."""
    count = draw.choice((0, 1, 1, 2, 3, 3, 5, 8, 30))
    for number in range(count):
        place = f"10.0.{state % 200}.{draw.randrange(1, 6 if count < 9 else 250)}"
        address: object = draw.choice(
            (place, place, place, f"fd00::{number + 1}", [place, "fd00::1"], "www.example.org")
        )
        instance: dict[str, Any] = {
            "id": f"i{state}-{number}" if draw.random() < 0.7 else f"Long.Instance{state}-{number}",
            "service": f"s{state}",
            "address": address,
            "port": draw.choice((80, 80, 8080)),
            "protocol": draw.choice(("tcp", "tcp", "tcp", "udp")),
            "ttl": draw.choice((5, 20, 60, 600, None)),
            "weight": draw.choice((0, 1, 1, 3)),
            "priority": draw.choice((0, 0, 0, 5)),
            "tags": draw.sample(("v1", "v2"), draw.randrange(3)),
            "capabilities": draw.sample((f"greet{state % 7}", "all"), draw.randrange(3)),
            "metadata": {"zone": 'a"b\\c'} if draw.random() < 0.2 else {},
        }
        if draw.random() < 0.3:
            instance["ports"] = {"http": draw.choice((8080, 9090))}
        if draw.random() < 0.2:
            initial = draw.choice(("unhealthy", "healthy"))
            instance["checks"] = [{**_NEVER, "initial": initial, "address": "127.0.0.1:9"}]
        yield instance


def make_questions(draw: random.Random, state: int) -> Iterator[Asked]:
    """Some questions about a state."""
    service = f"s{state}"
    number = draw.randrange(4)
    forms = (
        (f"{service}.{ZONE}", ("A", "AAAA", "SRV", "TXT", "ANY", "CNAME", "MX", "SOA")),
        (f"_{service}._tcp.{ZONE}", ("SRV", "SRV", "PTR", "A")),
        (f"_{service}._udp.{ZONE}", ("SRV", "PTR")),
        (f"v1.{service}.{ZONE}", ("A", "AAAA", "SRV")),
        (f"_http._tcp.{service}.{ZONE}", ("SRV",)),
        (f"_tcp.{service}.{ZONE}", ("A",)),
        (f"v1._sub._{service}._tcp.{ZONE}", ("PTR",)),
        (f"i{state}-{number}.i.{ZONE}", ("A", "AAAA", "TXT", "CNAME")),
        (f"i{state}-{number}._{service}._tcp.{ZONE}", ("SRV", "TXT")),
        (f"greet{state % 7}.cap.{ZONE}", ("A", "SRV")),
        (f"_all._tcp.cap.{ZONE}", ("SRV",)),
        (f"{draw.randrange(1, 6)}.{state % 200}.0.10.in-addr.arpa", ("PTR", "SOA")),
        (ZONE, ("SOA", "NS", "A")),
        (f"x.wild.{ZONE}", ("A", "TXT")),
        (f"nobody{state}.{ZONE}", ("A",)),
        (f"_services._dns-sd._udp.{ZONE}", ("PTR",)),
        ("www.other.test", ("A", "MX")),
        ("alias.other.test", ("A", "AAAA")),
        ("away.other.test", ("A",)),
        ("x.cut.other.test", ("A",)),
        ("x.any.other.test", ("TXT", "A")),
        ("mail.other.test", ("MX", "ANY")),
        ("example.net", ("A",)),
    )
    for name, rtypes in draw.sample(forms[:5], 2) + draw.sample(forms, 2):
        client = f"127.0.0.{draw.choice((1, 1, 2, 3, 9))}"
        bufsize = draw.choice((1232, 1232, 0, 512, 700, 4096))
        yield Asked(name, draw.choice(rtypes), client, draw.random() < 0.3, bufsize)
    if draw.random() < 0.05:
        yield Asked("version.bind", "TXT", rclass="CH")


async def check(seed: int, states: int, folder: Path) -> int:
    """Compare so many states; returns how many questions that were. Raises AssertionError."""
    draw = random.Random(seed)
    done = asked = 0
    while done < states:
        settings = SETTINGS[done // STATES_A_PROGRAM % len(SETTINGS)]
        count = min(STATES_A_PROGRAM, states - done)
        asked += await _check_program(draw, done, count, settings, folder)
        done += count
    return asked


async def _check_program(
    draw: random.Random, first: int, count: int, settings: Mapping[str, object], folder: Path
) -> int:
    zones = folder / f"zones-{first}"
    zones.mkdir()
    (zones / f"{ZONE}.zone").write_text(OVERLAY)
    (zones / "other.test.zone").write_text(OTHER)
    program = Program(Clock(), {}, **{"zones_dir": zones, **settings})
    await program.start()
    try:
        questions = await _fill(program, draw, count)
        for attempt in range(5):
            serial = program.app.zone.serial
            explained = [await _explain(program, question) for question in questions]
            seen = await _dig(program.port, questions, folder / f"batch-{first}-{attempt}")
            # Leases that had ended may have been swept meanwhile: both sides then saw another one.
            if program.app.zone.serial == serial:
                break
        for question, told, printed in zip(questions, explained, seen, strict=True):
            compare(question, told, printed)
    finally:
        await program.stop()
    return len(questions)


async def _fill(program: Program, draw: random.Random, count: int) -> list[Asked]:
    questions: list[Asked] = []
    registered: list[dict[str, Any]] = []
    for state in range(count):
        registered += make_instances(draw, state)
        questions += make_questions(draw, state)
    draw.shuffle(registered)
    half = len(registered) // 2
    for part in registered[:half], registered[half:]:
        if part:
            await program.register_all(part)
        program.clock.advance(draw.choice((0.0, 3.25, 12.5)))
    for instance in registered:
        fate = draw.random()
        await _touch(program, instance["id"], fate)
    program.clock.advance(draw.choice((0.0, 0.75, 9.0)))
    return questions


async def _touch(program: Program, id: str, fate: float) -> None:
    url, registry, now = f"/v1/instances/{id}", program.app.registry, program.clock.now
    lease = registry.catalogue.find(id)
    if lease is None or not lease.is_live(now):
        return
    if fate < 0.1:
        await program.set_status(id, "draining")
    elif fate < 0.15:
        await program.set_status(id, "maintenance")
    elif fate < 0.25:
        async with program.http.delete(url) as response:
            assert response.status == 204
    elif fate < 0.3:
        registry.set_health(id, Health.DEGRADED, now)


async def _explain(program: Program, question: Asked) -> dict[str, Any]:
    url = "/v1/dns/explain"
    async with program.http.get(url, params=question.parameters()) as response:
        told: dict[str, Any] = await response.json()
        assert response.status == 200, (question, told)
        return told


def _write(batch: Path, questions: list[Asked]) -> None:
    batch.write_text("".join(f"{question.dig()}\n" for question in questions))


async def _dig(port: int, questions: list[Asked], batch: Path) -> list[Seen]:
    """What dig gets for each. In a batch it is either TCP or UDP for all of them."""
    seen: dict[int, Seen] = {}
    for tcp in (False, True):
        places = [place for place, question in enumerate(questions) if question.tcp is tcp]
        _write(batch, [questions[place] for place in places])
        found = await _run_dig(port, "+tcp" if tcp else "+notcp", batch)
        seen |= dict(zip(places, found, strict=True))
    return [seen[place] for place in range(len(questions))]


async def _run_dig(port: int, transport: str, batch: Path) -> list[Seen]:
    options = ("+nocookie", "+ignore", "+tries=1", "+time=10", "+noall", "+comments", "+answer")
    command = (require("dig"), "@127.0.0.1", "-p", str(port), transport, *options, "+authority")
    process = await asyncio.create_subprocess_exec(
        *command, "-f", str(batch), stdout=asyncio.subprocess.PIPE
    )
    async with asyncio.timeout(DIG_SECONDS):
        output, _ = await process.communicate()
    text = output.decode()
    replies = text.split(";; ->>HEADER<<-")[1:]
    return [read(reply) for reply in replies]


def read(reply: str) -> Seen:
    """What dig printed, from the header on."""
    seen = Seen()
    status = _STATUS.search(reply)
    assert status is not None
    seen.rcode = status[1]
    flags = reply.partition(";; flags:")[2].partition(";")[0].split()
    seen.truncated = "tc" in flags
    ede = _EDE.search(reply)
    if ede is not None:
        seen.ede = int(ede[1]), ede[2] or ""
    into: list[str] | None = None
    for line in reply.splitlines():
        if line.startswith(";"):
            sections = {";; ANSWER SECTION:": seen.answer, ";; AUTHORITY SECTION:": seen.authority}
            into = sections.get(line)
        elif line and into is not None:
            into.append(_fold(line))
    return seen


def _fold(line: str) -> str:
    return " ".join(_LINE.split(line.strip(), 4))


def compare(question: Asked, told: Mapping[str, Any], seen: Seen) -> None:
    """Hold one explanation against what dig got."""
    context = f"{question}\n{json.dumps(told)[:2000]}\n{str(seen)[:2000]}"
    assert told["rcode"] == seen.rcode, context
    assert told["flags"]["tc"] == seen.truncated, context
    assert sorted(map(_fold, told["answer"])) == sorted(seen.answer), context
    assert sorted(map(_fold, told["authority"])) == sorted(seen.authority), context
    ede = told["ede"]
    # Beside addresses there is room for it or not as their order, which is drawn, falls.
    assert (
        told["additional"] or (None if ede is None else (ede["code"], ede["text"])) == seen.ede
    ), context
    kept = [one for one in told["candidates"] if one["kept"]]
    assert len(kept) == told["candidates_kept"], context
    if told["path"] in ("live zone", "reverse zone") and question.rtype in ("SRV", "PTR"):
        # Of these types there is a record an instance, no more and no less.
        assert len(kept) == len(seen.answer) or "_services" in question.name, context
    assert all(one["reason"] for one in told["candidates"]), context


def main() -> None:
    """Run as many states as are asked for."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--states", type=int, default=5000)
    parser.add_argument("--seed", type=int, default=random.randrange(1 << 32))
    options = parser.parse_args()
    print(f"seed {options.seed}")
    with tempfile.TemporaryDirectory() as folder:
        asked = asyncio.run(check(options.seed, options.states, Path(folder)))
    print(f"{options.states} states, {asked} questions: all agree")


if __name__ == "__main__":
    main()
