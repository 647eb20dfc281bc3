"""What becomes of a question that may be answered at all: an answer of ours, or others are asked.

Nothing is done here: whoever answers does it, whoever explains tells of it.
"""

from dataclasses import dataclass

from dnsregistry.answers.answer import (
    NO_ELSEWHERE,
    NO_RECURSION,
    NOT_DESIRED,
    PROHIBITED,
    Answer,
)
from dnsregistry.answers.asked import Asked
from dnsregistry.answers.chaos import Identity
from dnsregistry.answers.chase import CHASED
from dnsregistry.answers.decide import Lookups, Moment, decide
from dnsregistry.zone.lookup import NotOurs
from dnsregistry.zone.name import Name


@dataclass(frozen=True, slots=True)
class AskOthers:
    """Others are asked."""


@dataclass(frozen=True, slots=True)
class Chase:
    """The answer is ours, but for the end of its alias: that is asked of others."""

    answer: Answer
    target: Name


Ruling = Answer | AskOthers | Chase
ASK_OTHERS = AskOthers()


def rule(
    asked: Asked, zones: Lookups, identity: Identity, moment: Moment, *, forwards: bool
) -> Ruling:
    """Say what becomes of a question; `forwards` is whether there are others to ask."""
    if not asked.standing.allowed:
        return PROHIBITED
    question = asked.query.question
    answer = decide(question, zones, identity, moment)
    recurses = asked.standing.recursion and asked.query.recursion_desired
    if isinstance(answer, NotOurs):
        if recurses:
            return ASK_OTHERS
        if not forwards:
            return NO_ELSEWHERE
        return NO_RECURSION if asked.query.recursion_desired else NOT_DESIRED
    if answer.open_end is not None and recurses and question.rtype in CHASED:
        return Chase(answer, answer.open_end)
    return answer
