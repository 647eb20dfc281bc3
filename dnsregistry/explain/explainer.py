"""The door: a question in text, and all that there is to tell of its answer.

Rules:
- What is told was decided and written by the code that answers queries. Nothing is counted, no
  token is taken, nothing is kept, and nobody outside is asked.
- The decision is one plain call, as a query's is; all that grows with the instances beside it is
  done in turns.
"""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial

from dnsregistry.answers.access import Client
from dnsregistry.answers.answer import NO_ELSEWHERE, Answer
from dnsregistry.answers.asked import Asked
from dnsregistry.answers.chase import ask_for_end, join_end
from dnsregistry.answers.protocol import TCP_OCTETS, RRClass
from dnsregistry.answers.query import Query
from dnsregistry.answers.ratelimit import Verdict
from dnsregistry.answers.responder import Responder
from dnsregistry.answers.ruling import Chase
from dnsregistry.explain.candidates import Judge, Shares, Told
from dnsregistry.explain.failure import tell_failure
from dnsregistry.explain.lines import Lines, read_others, read_own, take
from dnsregistry.explain.visits import Visit, Visitor
from dnsregistry.explain.wanted import Wanted, read_wanted, write_type
from dnsregistry.explain.way import Way, chased, forwarded, limited, ours
from dnsregistry.forward.forwarder import Forwarder
from dnsregistry.forward.outlook import Outlook, Prospect
from dnsregistry.health.ward import Ward
from dnsregistry.registry.registry import Registry
from dnsregistry.turns import take_turns
from dnsregistry.zone.authority import Authority
from dnsregistry.zone.live import LiveZone
from dnsregistry.zone.lookup import Found
from dnsregistry.zone.rdata import Rdata


@dataclass(frozen=True, slots=True)
class Sources:
    """What an explanation is read from."""

    registry: Registry
    authority: Authority
    live: LiveZone
    responder: Responder
    forwarder: Forwarder | None
    ward: Ward


@dataclass(frozen=True, slots=True)
class Outcome:
    """What was decided, what of it was written, and by which way."""

    decided: Answer
    written: Answer
    lines: Lines
    way: Way


class Explainer:
    """Explains one question at a time; many may be under way."""

    def __init__(self, sources: Sources) -> None:
        self._sources = sources

    async def explain(self, given: Mapping[str, str], peer: str) -> Mapping[str, object]:
        """Return what is to be told, as JSON can have it; `peer` is the address that asks.

        Raises InvalidField, naming a parameter of `wanted.PARAMETERS`.
        """
        wanted = read_wanted(given, peer)
        sources = self._sources
        now = sources.responder.now()
        client = Client(wanted.client, wanted.tcp)
        told: dict[str, object] = {"question": wanted.tell()}
        numbers = {"revision": sources.registry.feed.revision, "serial": sources.live.serial}
        visitor = Visitor(sources.authority)
        asked, ruling = sources.responder.preview(wanted.write(), client, visitor, now)
        verdict = sources.responder.foretell(client, now)
        if verdict is not Verdict.SEND:
            return {**told, **_tell(limited(verdict), Lines()), **_tell_all([], 0), **numbers}
        if isinstance(ruling, Chase):
            outcome = await self._chase(asked, ruling, visitor.visits, wanted)
        elif isinstance(ruling, Answer):
            way = ours(ruling, visitor.visits, wanted)
            outcome = await self._write(asked, ruling, ruling, way)
        else:
            outcome = await self._ask(asked)
        candidates = await self._judge(visitor.visits, outcome, asked, now)
        return {
            **told,
            **_tell(outcome.way, outcome.lines),
            "steps": [_tell_visit(visit) for visit in visitor.visits],
            **_tell_all(candidates, wanted.most),
            **numbers,
        }

    async def _write(self, asked: Asked, decided: Answer, answer: Answer, way: Way) -> Outcome:
        written = self._sources.responder.write(asked, answer)
        lines, rclass = Lines(), RRClass(asked.query.question.rclass).name
        async for _ in take_turns(read_own(written.reply, written.answer, rclass, lines)):
            pass
        return Outcome(decided, written.answer, lines, way)

    async def _chase(
        self, asked: Asked, chase: Chase, visits: Sequence[Visit], wanted: Wanted
    ) -> Outcome:
        outlook = self._inspect(*ask_for_end(chase.target, wanted.rtype), TCP_OCTETS)
        way = chased(ours(chase.answer, visits, wanted), chase.target, outlook)
        answer = join_end(chase.answer, outlook.reply) if outlook.reply else chase.answer
        outcome = await self._write(asked, chase.answer, answer, way)
        if not outlook.reply:
            # That of the alias's end, which only the upstreams know (RFC 6604, 3).
            outcome.lines.rcode = None
        return outcome

    async def _ask(self, asked: Asked) -> Outcome:
        outlook = self._inspect(asked.query, asked.message, asked.limit)
        lines = Lines()
        if outlook.reply:
            # It may be long, and is none of ours.
            await asyncio.to_thread(read_others, outlook.reply, lines)
        elif outlook.prospect is Prospect.REFUSED:
            lines.rcode = NO_ELSEWHERE.rcode.name
        nothing = Answer(NO_ELSEWHERE.rcode)
        return Outcome(nothing, nothing, lines, forwarded(outlook))

    def _inspect(self, query: Query, message: bytes, limit: int) -> Outlook:
        forwarder = self._sources.forwarder
        if forwarder is None:
            return Outlook(Prospect.REFUSED)
        return forwarder.inspect(query, message, limit)

    async def _judge(
        self, visits: Sequence[Visit], outcome: Outcome, asked: Asked, now: float
    ) -> list[Told]:
        sources, told = self._sources, list[Told]()
        written = list(take(outcome.written.answer, len(outcome.lines.answer)))
        for visit in visits:
            rtype = visit.lookup.rrset.rtype if isinstance(visit.lookup, Found) else visit.rtype
            decided = _data(visit, rtype, outcome.decided)
            sent = frozenset(
                rdata
                for rrset, rdata in written
                if (rrset.owner, rrset.rtype) == (visit.name, rtype)
            )
            judge = Judge(
                visit,
                Shares(decided, sent),
                asked.limit,
                now,
                failure=partial(tell_failure, sources.ward, now=now),
                step_of=partial(sources.live.ramps.step_of, now=now),
            )
            async for one in take_turns(judge.judge_all()):
                told.append(one)
        return told


def _data(visit: Visit, rtype: int, answer: Answer) -> frozenset[Rdata]:
    return frozenset(
        rdata
        for rrset in answer.answer
        if (rrset.owner, rrset.rtype) == (visit.name, rtype)
        for rdata in rrset.rdatas
    )


def _tell(way: Way, lines: Lines) -> Mapping[str, object]:
    return {
        "path": way.path,
        "rule": way.rule,
        "why": way.why,
        "upstreams": way.upstreams,
        **asdict(lines),
    }


def _tell_visit(visit: Visit) -> Mapping[str, object]:
    return {
        "name": str(visit.name),
        "type": write_type(visit.rtype),
        "path": visit.path,
        "zone": None if visit.origin is None else str(visit.origin),
        "found": type(visit.lookup).__name__.lower(),
    }


def _tell_all(candidates: Sequence[Told], most: int) -> Mapping[str, object]:
    """The candidates; where they are too many, those that are left out go first."""
    told = candidates
    if len(candidates) > most:
        told = sorted(candidates, key=lambda one: one.kept)[:most]
    return {
        "candidates": [asdict(one) for one in told],
        "candidates_total": len(candidates),
        "candidates_kept": sum(one.kept for one in candidates),
    }
