"""Which way an answer takes, in words."""

from collections.abc import Sequence
from dataclasses import dataclass

from dnsregistry.answers.answer import (
    NO_ELSEWHERE,
    NO_RECURSION,
    NO_TRANSFER,
    NOT_DESIRED,
    PROHIBITED,
    REFUSED,
    Answer,
)
from dnsregistry.answers.protocol import RRClass
from dnsregistry.answers.ratelimit import Verdict
from dnsregistry.explain.visits import LIVE, RESERVED, REVERSE, STATIC, UNREAD, Visit
from dnsregistry.explain.wanted import Wanted
from dnsregistry.forward.outlook import Outlook, Prospect

FORWARDER, CHAOS, REFUSAL, LIMITED = "forwarder", "chaos", "refused", "rate limit"
NO_DATA = "no data"

_RULES = {
    id(PROHIBITED): "ALLOW_QUERY",
    id(NO_ELSEWHERE): "UPSTREAMS",
    id(NO_RECURSION): "ALLOW_RECURSION",
    id(NOT_DESIRED): "RD",
    id(NO_TRANSFER): "TRANSFER",
    id(REFUSED): "CLASS",
}
_PATHS = {
    LIVE: "answered from the registrations",
    STATIC: "answered from the zone file",
    REVERSE: "answered from the addresses of the registrations",
    RESERVED: "a name that no server outside may be asked about",
    UNREAD: "a zone of ours, and what it holds is not known yet",
}
_PROSPECTS = {
    Prospect.CACHED: "the forwarder has it in its cache",
    Prospect.STALE: "what the cache holds is stale, and stands in for upstreams that do not answer",
    Prospect.ASKED: "the cache does not hold it, and upstreams would be asked",
    Prospect.FAILED: "upstreams failed to answer a moment ago, and are left alone for now",
    Prospect.REFUSED: "no upstream is named for such a question",
}


@dataclass(frozen=True, slots=True)
class Way:
    """Its kind, a sentence on it, the rule that refused, and the upstreams that it leads to."""

    path: str
    why: str
    rule: str | None = None
    upstreams: tuple[str, ...] = ()


def limited(verdict: Verdict) -> Way:
    """The way of what the rate limit holds back."""
    kind = "dropped" if verdict is Verdict.DROP else "answered with TC alone, for TCP to be used"
    why = f"the client's network has had its share; the next reply is {kind}"
    return Way(LIMITED, why, "RATE_LIMIT")


def ours(answer: Answer, visits: Sequence[Visit], wanted: Wanted) -> Way:
    """The way of an answer that is ours."""
    rule = _RULES.get(id(answer))
    if rule is not None:
        text = "" if answer.ede is None else answer.ede.text
        return Way(REFUSAL, text, rule)
    if wanted.rclass is RRClass.CH:
        return Way(CHAOS, "what CHAOS_VERSION and CHAOS_ID say")
    if not visits:
        return Way(REFUSAL, "no type that data can have", "TYPE")
    first = visits[0]
    why = _PATHS[first.path]
    if first.origin is not None:
        why = f"{why} under {first.origin}"
    if answer.ede is not None and answer.ede.text:
        why = f"{why}; {answer.ede.text}"
    return Way(first.path, why)


def chased(way: Way, target: object, outlook: Outlook) -> Way:
    """The way of an alias that leaves our zones."""
    why = f"{way.why}; for {target}, which is not ours, {_PROSPECTS[outlook.prospect]}"
    return Way(way.path, why, way.rule, outlook.upstreams)


def forwarded(outlook: Outlook) -> Way:
    """The way of a name that is not ours."""
    rule = "UPSTREAMS" if outlook.prospect is Prospect.REFUSED else None
    why = f"not a name of ours; {_PROSPECTS[outlook.prospect]}"
    return Way(FORWARDER, why, rule, outlook.upstreams)
