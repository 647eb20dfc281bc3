"""The servers that this machine asks: do they know the zone, by all ways, and for how long."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import dns.flags

from dnsregistry.doctor.asking import EDNS_OCTETS, Server, ask, make_name
from dnsregistry.doctor.finding import Finding, Level, well

RESOLVED = frozenset({"127.0.0.53", "127.0.0.54"})
"""systemd-resolved's own addresses."""
LONGEST_DENIAL = 5
"""Seconds that a service which has just registered may stay unknown without a word."""


@dataclass(frozen=True, slots=True)
class Asked:
    """What a server says about the zone: whether it knows it, and how it said so."""

    server: Server
    knows: bool
    said: str


def ask_all(servers: Sequence[Server], zone: str) -> list[Asked]:
    """Ask each server whether it knows the zone."""
    asked = []
    for server in servers:
        said = ask(server, zone, "SOA")
        knows = said.reply is not None and any(
            rrset.rdtype == 6 and str(rrset.name).rstrip(".").lower() == zone
            for rrset in said.reply.answer
        )
        asked.append(Asked(server, knows, "knows the zone" if knows else said.rcode))
    return asked


def examine(asked: Sequence[Asked], zone: str, registry: Server | None) -> Iterator[Finding]:
    """Who of them knows the zone, and whether the first that answers does."""
    where = registry.address if registry else "<address of the registry>"
    for one in asked:
        if one.knows:
            yield well(f"server {one.server}", f"knows {zone}")
            continue
        is_resolved = one.server.address in RESOLVED
        change = (
            f"/etc/systemd/resolved.conf.d/dnsregistry.conf: [Resolve] DNS={registry or where}"
            f" Domains=~{zone}"
            if is_resolved
            else f"/etc/resolv.conf: nameserver {where} as the first, or a stub zone for {zone} at"
            f" {one.server}"
        )
        yield Finding(
            _judge(one, asked),
            f"server {one.server}",
            f"does not know {zone}: {one.said}"
            + (" (this is systemd-resolved)" if is_resolved else ""),
            change,
        )


def examine_ways(server: Server, zone: str) -> Iterator[Finding]:
    """TCP, EDNS and denials at a server that knows the zone."""
    said = ask(server, zone, "SOA", tcp=True)
    if said.reply is None:
        yield Finding(
            Level.PROBLEM,
            f"TCP to {server}",
            f"{said.failure}; answers that do not fit in a datagram are lost",
            f"firewall: let TCP port {server.port} to {server.address} through",
        )
    else:
        yield well(f"TCP to {server}", "answers")
    yield _examine_edns(server, zone)
    yield from _examine_denial(server, zone)


def _examine_edns(server: Server, zone: str) -> Finding:
    subject = f"EDNS at {server}"
    said = ask(server, zone, "SOA", edns=EDNS_OCTETS)
    if said.reply is None or said.reply.edns < 0:
        reason = said.failure or "the reply came without it"
        return Finding(
            Level.WARNING,
            subject,
            f"does not pass: {reason}; every answer over 512 octets takes a TCP connection",
            f"whatever stands between here and {server.address}: let DNS with EDNS (RFC 6891) pass",
        )
    whole = ask(server, f"_services._dns-sd._udp.{zone}", "PTR", edns=4096)
    if whole.reply is None:
        return Finding(
            Level.WARNING,
            subject,
            f"the list of services as one datagram: {whole.failure}; fragments may be dropped",
            f"/etc/resolv.conf: options edns0, at most {EDNS_OCTETS} octets",
        )
    if whole.reply.flags & dns.flags.TC:
        return well(subject, "passes; the list of services takes TCP")
    return well(subject, f"passes; the list of services has {len(whole.reply.to_wire())} octets")


def _examine_denial(server: Server, zone: str) -> Iterator[Finding]:
    subject = f"denials of {server}"
    said = ask(server, make_name(zone), "A")
    soa = said.soa
    if soa is None:
        yield Finding(
            Level.WARNING,
            subject,
            f"carry no SOA ({said.rcode}), so each resolver keeps them as long as it likes",
            f"{server.address}: hand on the registry's authority section (RFC 2308)",
        )
        return
    seconds = min(soa.ttl, soa[0].minimum)
    if seconds > LONGEST_DENIAL:
        yield Finding(
            Level.WARNING,
            subject,
            f"are kept for {seconds} s: so long a new service stays unknown to who asked before",
            "serve --negative-ttl 1, or a lower cap on negative answers in the resolver between",
        )
    else:
        yield well(subject, f"are kept for {seconds} s")


def _judge(one: Asked, asked: Sequence[Asked]) -> Level:
    # The C library goes on to the next server only where one gives no answer at all, or fails.
    if not any(other.knows for other in asked):
        return Level.PROBLEM
    goes_on = one.said in ("REFUSED", "SERVFAIL") or one.said.startswith(("no reply", "Connection"))
    before = [other.server for other in asked[: list(asked).index(one)] if other.knows]
    return Level.WARNING if goes_on or before else Level.PROBLEM
