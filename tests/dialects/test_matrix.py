"""What is registered in one dialect is seen in all of them, in /v1 and in DNS; its end likewise."""

import pytest

from dnsregistry.api.dialects.known import DIALECTS
from dnsregistry.scan.scanner import LEASE_INTERVALS
from tests.conftest import Start
from tests.dialects.speakers import NATIVE, SPEAKERS, Speaker, make_speakers
from tests.dialects.spoken import wait_until
from tests.program import LOOPBACK, Program
from tests.scan.peers import Peers, identify

PORT = 4711
SERVICE = "seen-service"
LEASED = [name for name, speaker in SPEAKERS.items() if speaker.ttl is not None]
WRITERS = [name for name, speaker in SPEAKERS.items() if speaker.writes]
REMOVERS = [name for name, speaker in SPEAKERS.items() if speaker.removes]
ALL = ",".join(f"{dialect.name}:0" for dialect in DIALECTS)


@pytest.fixture
async def program(start: Start) -> Program:
    return await start(dialects=ALL, agents_health_port=0)


@pytest.fixture
def speakers(program: Program) -> dict[str, Speaker]:
    return make_speakers(program)


async def _who_sees(program: Program, speakers: dict[str, Speaker], port: int = PORT) -> set[str]:
    seen = {name for name, speaker in speakers.items() if await speaker.sees(SERVICE, port)}
    srv = await program.ask(f"_{SERVICE}._tcp.registry.local", "SRV")
    address = await program.ask(f"{SERVICE}.registry.local", "A")
    assert bool(srv.rdatas) == bool(address.rdatas)
    if srv.rdatas:
        assert [rdata.split()[2] for rdata in srv.rdatas] == [str(port)]
        assert address.rdatas == [LOOPBACK]
        seen.add("dns")
    return seen


def test_every_dialect_takes_part() -> None:
    assert set(SPEAKERS) == {dialect.name for dialect in DIALECTS} | {NATIVE}


@pytest.mark.parametrize("remover", REMOVERS)
@pytest.mark.parametrize("writer", WRITERS)
async def test_an_instance_is_seen_everywhere_and_removed_from_anywhere(
    program: Program, speakers: dict[str, Speaker], writer: str, remover: str
) -> None:
    await speakers[writer].register(SERVICE, PORT)
    assert await _who_sees(program, speakers) == {*speakers, "dns"}
    await speakers[remover].remove(SERVICE, PORT)
    assert await _who_sees(program, speakers) == set()


@pytest.mark.parametrize("writer", LEASED)
async def test_an_instance_expires_everywhere_at_once_and_heartbeats_keep_it(
    program: Program, speakers: dict[str, Speaker], writer: str
) -> None:
    speaker = speakers[writer]
    assert speaker.ttl is not None
    await speaker.register(SERVICE, PORT)
    for _ in range(2):
        program.clock.advance(speaker.ttl * 0.9)
        await speaker.renew(SERVICE, PORT)
    assert await _who_sees(program, speakers) == {*speakers, "dns"}
    program.clock.advance(speaker.ttl)
    assert await _who_sees(program, speakers) == set()


@pytest.mark.parametrize("writer", WRITERS)
async def test_maintenance_hides_an_instance_everywhere(
    program: Program, speakers: dict[str, Speaker], writer: str
) -> None:
    await speakers[writer].register(SERVICE, PORT)
    async with program.http.get("/v1/instances") as response:
        [instance] = (await response.json())["instances"]
    await program.set_status(instance["id"], "maintenance")
    assert await _who_sees(program, speakers) == set()


async def test_what_a_scan_finds_is_seen_everywhere_and_ends_everywhere_at_once(
    start: Start,
) -> None:
    peers = Peers("127.0.0")
    await peers.start(1, identify(SERVICE, f"{SERVICE}-1"))
    program = await start(
        dialects=ALL, agents_health_port=0, scan_ranges=LOOPBACK, scan_port=peers.port
    )
    speakers = make_speakers(program)
    await wait_until(lambda: len(program.app.registry.catalogue) > 0)
    assert await _who_sees(program, speakers, peers.port) == {*speakers, "dns"}
    await peers.close()
    program.clock.advance(LEASE_INTERVALS * 30)
    assert await _who_sees(program, speakers, peers.port) == set()


async def test_a_host_name_is_told_where_a_document_can_say_one(
    program: Program, speakers: dict[str, Speaker]
) -> None:
    await program.register("named", service=SERVICE, address="api.example.org", port=PORT)
    sees = {
        name: await speakers[name].sees(SERVICE, PORT)
        for name in ("modularity", "base-url", "ip-port")
    }
    assert sees == {"modularity": True, "base-url": True, "ip-port": False}


async def test_metadata_of_one_document_is_told_by_the_others(
    program: Program, speakers: dict[str, Speaker]
) -> None:
    await speakers["base-url"].register(SERVICE, PORT)
    url = f"http://{LOOPBACK}:{program.dialects['ip-port']}/resolve/{SERVICE}"
    async with program.http.get(url) as response:
        [instance] = (await response.json())["instances"]
    assert instance["metadata"] == {"base_url": f"http://localhost:{PORT}"}


async def test_metadata_that_no_document_would_have_taken_is_told_by_none_of_them(
    program: Program, speakers: dict[str, Speaker]
) -> None:
    said = {"host": 5, "agent_type": [], "capabilities": ["x", 1]}
    url = "http://user:secret@evil.test/"
    metadata = {"agent_said": said, "base_url": url, "location": "HTTP://evil\0"}
    await program.register("i1", service=SERVICE, ttl=None, port=PORT, metadata=metadata)
    ask = {"action": "get_agent_endpoint", "agent_name": "i1"}
    async with program.http.post(_url(program, "agents"), json=ask) as response:
        agent = await response.json()
    assert (agent["host"], agent["agent_type"], agent["capabilities"]) == (
        "10.0.0.1",
        "service",
        [],
    )
    made_up = f"http://10.0.0.1:{PORT}"
    async with program.http.get(f"{_url(program, 'base-url')}/services/{SERVICE}") as response:
        [instance] = (await response.json())["instances"]
    assert instance["base_url"] == made_up
    async with program.http.get(f"{_url(program, 'modularity')}/api/services/i1") as response:
        assert (await response.json())["location"] == made_up


def _url(program: Program, dialect: str) -> str:
    return f"http://{LOOPBACK}:{program.dialects[dialect]}"
