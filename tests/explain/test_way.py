"""The way that an answer takes, what it costs, and what cannot be explained."""

import pytest

from tests.conftest import Start
from tests.explain.conftest import SERVICE, explain
from tests.program import Clock, Program


@pytest.mark.parametrize(
    ("name", "rtype", "given", "rule"),
    [
        (SERVICE, "A", {"client": "192.0.2.1"}, "ALLOW_QUERY"),
        ("example.org", "A", {}, "UPSTREAMS"),
        (SERVICE, "AXFR", {}, "TRANSFER"),
        ("id.server", "TXT", {"class_": "CH"}, "CLASS"),
    ],
)
async def test_a_refusal_names_its_rule(
    start: Start, name: str, rtype: str, given: dict[str, str], rule: str
) -> None:
    program = await start(allow_query="127.0.0.0/8")
    await program.register("a")
    told = await explain(program, name, rtype, **given)
    assert (told["path"], told["rule"], told["rcode"]) == ("refused", rule, "REFUSED")
    assert told["ede"]["text"] == told["why"]
    assert told["candidates"] == []


async def test_who_may_not_have_others_asked_is_told_so(start: Start) -> None:
    program = await start(upstreams="127.0.0.1:9", allow_recursion="127.0.0.0/8")
    told = await explain(program, "example.org", client="192.0.2.1")
    assert (told["path"], told["rule"]) == ("refused", "ALLOW_RECURSION")
    assert told["ede"]["code"] == 18


async def test_a_name_of_others_is_told_from_the_cache_and_nobody_is_asked(start: Start) -> None:
    upstream = await start(zone="up.test")
    await upstream.register("a1", service="api", address="10.1.1.1", port=80)
    program = await start(upstreams=f"127.0.0.1:{upstream.port}")
    unknown = await explain(program, "api.up.test")
    assert (unknown["path"], unknown["rcode"], unknown["answer"]) == ("forwarder", None, [])
    assert unknown["upstreams"] == [f"127.0.0.1:{upstream.port}"]
    assert "would be asked" in unknown["why"]
    before = upstream.app._responder.tally.udp
    await explain(program, "api.up.test")
    assert upstream.app._responder.tally.udp == before
    await program.ask("api.up.test")
    known = await explain(program, "api.up.test")
    assert (known["rcode"], known["answer"]) == ("NOERROR", ["api.up.test. 5 IN A 10.1.1.1"])
    assert "in its cache" in known["why"]


async def test_an_alias_that_leaves_our_zones_is_followed_into_the_cache(start: Start) -> None:
    upstream = await start(zone="up.test")
    await upstream.register("a1", service="api", address="10.1.1.1", port=80)
    program = await start(upstreams=f"127.0.0.1:{upstream.port}")
    await program.register("a", address="api.up.test")
    alias = f"{SERVICE}. 5 IN CNAME api.up.test."
    told = await explain(program, SERVICE)
    assert (told["rcode"], told["answer"]) == (None, [alias])
    await program.ask(SERVICE)
    told = await explain(program, SERVICE)
    assert (told["rcode"], told["answer"]) == (
        "NOERROR",
        [alias, "api.up.test. 5 IN A 10.1.1.1"],
    )


async def test_a_zone_file_answers_with_its_own_steps(
    start: Start, tmp_path_factory: pytest.TempPathFactory
) -> None:
    zones = tmp_path_factory.mktemp("zones")
    text = "$TTL 60\n@ SOA ns h 1 2 3 4 5\n@ NS ns\nns A 192.0.2.1\nwww CNAME ns\n"
    (zones / "other.test.zone").write_text(text)
    told = await explain(await start(zones_dir=zones), "www.other.test")
    assert told["path"] == "static zone"
    assert [(step["name"], step["zone"]) for step in told["steps"]] == [
        ("www.other.test.", "other.test."),
        ("ns.other.test.", "other.test."),
    ]


async def test_the_rate_limit_is_told_and_no_token_taken(start: Start) -> None:
    program = await start(Clock(), rate_limit=1, rate_limit_exempt="10.0.0.0/8")
    await program.register("a")
    for _ in range(5):
        assert (await explain(program, SERVICE))["path"] == "live zone"
    assert (await program.ask(SERVICE)).rcode == "NOERROR"
    told = await explain(program, SERVICE)
    assert (told["path"], told["rule"], told["rcode"]) == ("rate limit", "RATE_LIMIT", None)
    assert (await explain(program, SERVICE, transport="tcp"))["path"] == "live zone"


async def test_an_explanation_is_no_query(house: Program) -> None:
    before = (await house.read_stats())["dns"]
    table = house.app._responder.table
    for name, rtype in ((SERVICE, "A"), ("nobody.registry.local", "A"), ("example.org", "A")):
        for _ in range(3):
            await explain(house, name, rtype)
    assert (await house.read_stats())["dns"] == before
    assert len(table._names) == 0
    assert len(table._forms) == 0


@pytest.mark.parametrize(
    ("given", "field"),
    [
        ({}, "name"),
        ({"name": "a..b"}, "name"),
        ({"name": "x" * 64}, "name"),
        ({"name": "x", "type": "NOPE"}, "type"),
        ({"name": "x", "type": "TYPE65536"}, "type"),
        ({"name": "x", "class": "HS"}, "class"),
        ({"name": "x", "client": "10.0.0.256"}, "client"),
        ({"name": "x", "transport": "pigeon"}, "transport"),
        ({"name": "x", "bufsize": "65536"}, "bufsize"),
        ({"name": "x", "bufsize": "\N{ARABIC-INDIC DIGIT ONE}"}, "bufsize"),
        ({"name": "x", "limit": "0"}, "limit"),
        ({"name": "x", "colour": "red"}, "colour"),
    ],
)
async def test_what_cannot_be_asked_is_one_problem_that_names_its_field(
    program: Program, given: dict[str, str], field: str
) -> None:
    async with program.http.get("/v1/dns/explain", params=given) as reply:
        problem = await reply.json()
    assert (reply.status, problem["type"], problem["field"]) == (400, "invalid-query", field)


@pytest.mark.parametrize("rtype", ["OPT", "TSIG", "ANY", "TYPE65535", "MAILB", "TYPE0"])
async def test_odd_types_are_explained_too(house: Program, rtype: str) -> None:
    told = await explain(house, SERVICE, rtype)
    reply = await house.ask(SERVICE, rtype) if rtype not in ("OPT", "TSIG") else None
    assert reply is None or told["rcode"] == reply.rcode
