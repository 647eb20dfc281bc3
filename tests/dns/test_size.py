"""How much of an answer is sent: truncation, EDNS, and what is left out first."""

import struct

import dns.edns
import pytest

from tests.program import Program
from tests.wire import HEADER_OCTETS, make_query

SRV = "_user-service._tcp.registry.local"
NAME = "user-service.registry.local"


async def _fill(program: Program, count: int, **fields: object) -> None:
    """Register instances `i0000` and on, each at its own address."""
    await program.register_all(
        [
            {
                "id": f"i{number:04}",
                "service": "user-service",
                "address": f"10.0.{number >> 8}.{number & 255}",
                "port": 8080,
                **fields,
            }
            for number in range(count)
        ]
    )


async def test_udp_without_edns_gets_512_octets_at_most(program: Program) -> None:
    """RFC 1035, 4.2.1: longer messages "are truncated and the TC bit is set"."""
    await _fill(program, 100)
    reply = await program.ask(NAME)
    assert len(reply.wire) <= 512
    assert (reply.rcode, reply.flags) == ("NOERROR", "QR AA TC RD")
    assert reply.question == ["user-service.registry.local. IN A"]
    # Each record is 16 octets behind a header and the question.
    assert len(reply.answer) == (512 - HEADER_OCTETS - 33) // 16
    assert reply.opts == 0


@pytest.mark.parametrize(
    ("offered", "limit"), [(4096, 1232), (1232, 1232), (65535, 1232), (900, 900), (100, 512)]
)
async def test_udp_with_edns_gets_the_lesser_of_both_sizes(
    program: Program, offered: int, limit: int
) -> None:
    """RFC 6891, 6.2.3: "Values lower than 512 MUST be treated as equal to 512"."""
    await _fill(program, 100)
    reply = await program.ask(NAME, edns=offered)
    # The next record would not have fitted.
    assert limit - 16 < len(reply.wire) <= limit
    assert reply.flags == "QR AA TC RD"
    assert (reply.opts, reply.message.payload) == (1, 1232)


async def test_an_answer_that_just_fits_is_not_truncated(program: Program) -> None:
    await _fill(program, (512 - HEADER_OCTETS - 33) // 16)
    assert (await program.ask(NAME)).flags == "QR AA RD"
    await program.register("more", address="10.9.9.9")
    assert (await program.ask(NAME)).flags == "QR AA TC RD"


async def test_addresses_that_do_not_fit_are_left_out_without_tc(program: Program) -> None:
    """RFC 2181, 9: TC "should not be set merely because some extra information" was left out."""
    await _fill(program, 10)
    reply = await program.ask(SRV, "SRV")
    assert len(reply.wire) <= 512
    assert reply.flags == "QR AA RD"
    assert len(reply.answer) == 10
    assert 0 < len(reply.additional) < 10


async def test_an_additional_rrset_is_whole_or_not_there(program: Program) -> None:
    """RFC 2181, 9: a partial RRset is left out as a whole."""
    addresses = [f"10.1.0.{number}" for number in range(6)]
    for number in range(4):
        await program.register(f"m{number}", address=addresses, port=8000 + number)
    reply = await program.ask(SRV, "SRV", edns=512)
    owners = [line.split()[0] for line in reply.additional]
    assert 0 < len(set(owners)) < 4
    assert all(owners.count(owner) == 6 for owner in owners)


async def test_the_first_targets_addresses_are_those_that_fit(program: Program) -> None:
    await _fill(program, 10)
    reply = await program.ask(SRV, "SRV")
    targets = [rdata.split()[3] for rdata in reply.rdatas]
    owners = [line.split()[0] for line in reply.additional]
    assert owners == targets[: len(owners)]


async def test_eighteen_instances_with_short_ids_fit_one_datagram(program: Program) -> None:
    await _fill(program, 18)
    reply = await program.ask(SRV, "SRV", edns=1232)
    assert (reply.flags, len(reply.answer)) == ("QR AA RD", 18)


async def test_tcp_brings_1100_srv_records(program: Program) -> None:
    await _fill(program, 1100)
    reply = await program.ask(SRV, "SRV", tcp=True, edns=1232)
    assert reply.flags == "QR AA RD"
    assert {rdata.split()[3] for rdata in reply.rdatas} == {
        f"i{number:04}.i.registry.local." for number in range(1100)
    }
    assert len(reply.answer) == 1100
    addresses = dict(line.split(" 5 IN A ") for line in reply.additional)
    assert addresses
    assert all(
        address == f"10.0.{int(owner[1:5]) >> 8}.{int(owner[1:5]) & 255}"
        for owner, address in addresses.items()
    )


async def test_tcp_too_has_its_limit(program: Program) -> None:
    await _fill(program, 2500)
    reply = await program.ask(SRV, "SRV", tcp=True)
    assert 65535 - 100 < len(reply.wire) <= 65535
    assert reply.flags == "QR AA TC RD"


_QUERIES = {
    "NOERROR": ("user-service.registry.local", "A", "IN"),
    "NXDOMAIN": ("nobody.registry.local", "A", "IN"),
    "REFUSED": ("example.com", "A", "IN"),
    "NOTIMP": ("user-service.registry.local", "MAILB", "IN"),
}


@pytest.mark.parametrize("tcp", [False, True])
@pytest.mark.parametrize("rcode", _QUERIES)
async def test_an_opt_is_answered_by_one_opt_and_none_by_none(
    program: Program, rcode: str, tcp: bool
) -> None:
    """RFC 6891, 6.1.1: who gets an OPT "MUST include an OPT record" in the response."""
    await _fill(program, 1)
    name, rtype, rclass = _QUERIES[rcode]
    reply = await program.ask(name, rtype, rclass=rclass, tcp=tcp, edns=4096)
    assert (reply.rcode, reply.opts, reply.message.payload) == (rcode, 1, 1232)
    reply = await program.ask(name, rtype, rclass=rclass, tcp=tcp)
    assert (reply.rcode, reply.opts) == (rcode, 0)


async def test_an_opt_is_answered_on_a_malformed_query_too(program: Program) -> None:
    reply = await program.dns.exchange(make_query(NAME, edns=1232) + b"left over")
    assert (reply.rcode, reply.opts) == ("FORMERR", 1)


async def test_another_edns_version_is_badvers(program: Program) -> None:
    """RFC 6891, 6.1.3: "then it MUST respond with RCODE=BADVERS"; the version told is ours."""
    reply = await program.ask(NAME, edns=1232, version=1)
    assert (reply.rcode, reply.opts, reply.message.edns) == ("BADVERS", 1, 0)
    assert reply.answer == []


async def test_dnssec_ok_is_copied(program: Program) -> None:
    """RFC 3225, 3: "The DO bit of the query MUST be copied in the response"."""
    assert (await program.ask(NAME, edns=1232, dnssec_ok=True)).message.ednsflags == 0x8000
    assert (await program.ask(NAME, edns=1232)).message.ednsflags == 0


async def test_unknown_edns_flags_are_not_copied(program: Program) -> None:
    """RFC 6891, 6.1.4: Z is "set to zero by senders and ignored by receivers"."""
    query = bytearray(make_query(NAME, edns=1232))
    query[-4:-2] = struct.pack("!H", 0x7FFF)
    reply = await program.dns.exchange(bytes(query))
    assert (reply.rcode, reply.message.ednsflags) == ("NXDOMAIN", 0)


async def test_options_that_are_not_known_are_ignored(program: Program) -> None:
    """RFC 6891, 6.1.2: "Any OPTION-CODE values not understood ... MUST be ignored"."""
    await _fill(program, 1)
    options = [
        dns.edns.GenericOption(dns.edns.OptionType.make(65001), b"anything"),
        dns.edns.GenericOption(dns.edns.OptionType.make(65001), b""),
        dns.edns.ECSOption("192.0.2.0", 24),
    ]
    reply = await program.ask(NAME, edns=1232, options=options)
    assert (reply.rcode, reply.rdatas, reply.opts) == ("NOERROR", ["10.0.0.0"], 1)
