"""Finished replies by owner name: what an answer costs once, not once a question.

Rules:
- The key is the name in lower case and the form: what of header, type, class and OPT makes a
  difference to the reply. The question is sent back as it came, so that whoever mixes its case
  (0x20) hits too.
- What is kept was written by the ordinary path, so both say the same. Kept are answers of the
  live zone until their time is up or a change touches their name, and those of static zones until
  a zone comes or goes. What was cut short is kept for the client that it was chosen for.
- The name is taken to end at its first zero octet; what has one in a label is not kept.
- Forms are learnt from messages that were read, and looked up by their octets after that.
- A denial holds nothing of its name but where it ends, so a zone's names of one length share
  one; when the serial moves, it is told the new one. Names that the zone surely lacks need no more
  than that: a flood of names that come once leaves nothing behind.
- A denial that tells why is its name's own, until its text is another one or the serial moves. No
  worker gets a copy of it.
- The table is bounded in octets; the name that came first goes first.
"""

import math
from collections import OrderedDict
from collections.abc import Callable

from dnsregistry.answers.answer import Answer
from dnsregistry.answers.asked import Asked
from dnsregistry.answers.copies import Copy
from dnsregistry.answers.denials import Denials, Denied, Told, fill
from dnsregistry.answers.entry import Entry
from dnsregistry.answers.forms import Forms
from dnsregistry.answers.lone import Zones
from dnsregistry.answers.order import Chance
from dnsregistry.answers.protocol import HEADER_OCTETS, Rcode, RRClass
from dnsregistry.answers.query import Question
from dnsregistry.answers.tally import Tally
from dnsregistry.answers.variants import make_variants
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import RRType

MOST_OCTETS = 256 << 20
"""Of all entries: the answers of some thirty thousand services of ten instances."""
MOST_OF_A_NAME = 1024
"""Entries of one name: clients with a share of their own, whose sources may be forged. Past it they
are made anew: to forget a name must stay cheap."""
NAME_AT = 10
"""Where the name begins in a question, which is a message without its id."""
TYPE_CLASS_OCTETS = 4
_ROTATED = frozenset({RRType.A, RRType.AAAA, RRType.SRV})
"""Types whose records are the same octets wherever they stand: no name in them is compressed."""

Write = Callable[[Question], bytes]
"""Writes the reply to the query as if it had asked this question."""


class AnswerTable:
    """Entries by name and form."""

    def __init__(self, zones: Zones, tally: Tally, chance: Chance) -> None:
        self._zones = zones
        self._tally = tally
        self._chance = chance
        self._names: OrderedDict[bytes, dict[bytes, Entry | Denied]] = OrderedDict()
        self._denials: dict[tuple[Name, int], Denials] = {}
        self._told = Told()
        self._forms = Forms()
        self._octets = 0
        self._entries = 0
        self._lacks: Callable[[bytes], bool] = _is_unsure
        self._absent = Denials(Name(()), Rcode.NXDOMAIN)
        self._look_at_zones()
        zones.watch(self.clear)

    @property
    def room(self) -> tuple[int, int]:
        """How many entries it holds, beside denials, and about how many octets they take."""
        return self._entries, self._octets

    def find(self, question: bytes, peer: bytes, now: float) -> Entry | None:
        """Return the entry for a message without its id; None where the ordinary path answers.

        `peer` is the client's address, packed.
        """
        end = question.find(0, NAME_AT)
        form = self._forms.get(question[:NAME_AT] + question[end:])
        if not form:
            return None
        name = question[NAME_AT:end].lower()
        entries = self._names.get(name)
        if entries is None:
            if not self._lacks(name):
                return None
            return self._absent.get((form, end)) or self._absent.renew(form, end)
        entry = entries.get(form)
        if entry is None:
            entry = entries.get(form + peer)
            if entry is None:
                return None
        if entry.until <= now:
            return None
        if entry.denies is None:
            return entry
        return entry.denies.get((form, end)) or entry.denies.renew(form, end)

    def keep(
        self, asked: Asked, answer: Answer, reply: bytes, write: Write, *, is_cut: bool
    ) -> None:
        """Keep a reply that the ordinary path wrote, if it is worth that.

        It was asked without EDNS options. `answer` is what was written: with `is_cut`, the
        records that there was room for, and the reply is for this client alone.
        """
        question = asked.message[2:]
        end = question.find(0, NAME_AT)
        if end - NAME_AT != len(asked.query.question.wire) - 1:
            # A label with a zero octet in it, which is taken for the root when it is looked up.
            return
        name = question[NAME_AT:end].lower()
        form = self._forms.learn(question[:NAME_AT] + question[end:], asked)
        if not form:
            return
        peer = asked.standing.peer if is_cut else b""
        rtype = asked.query.question.rtype
        if answer.answer:
            if not answer.authority and answer.answer[0].rtype != RRType.SOA:
                entry = self._make(reply, end, answer, rtype, is_general=not peer)
                self._put(name, form + peer, entry)
        elif len(answer.authority) == 1 and answer.ede is not None and asked.query.edns:
            if not self._lacks(name):
                entry = self._make(reply, end, answer, rtype, is_general=False)
                entry.until = min(answer.until, answer.ede.until)
                self._put(name, form, entry)
                self._told.keep(name, form, entry)
        elif len(answer.authority) == 1:
            origin = answer.authority[0].owner
            denials = self._denials_of(origin, answer.rcode)
            if (form, end) not in denials:
                filler = Question(fill(len(name), answer.authority[0]), rtype, RRClass.IN)
                entry = self._make(write(filler), end, answer, rtype, is_general=False)
                denials.keep(form, end, entry)
            if not self._lacks(name) and (answer.rcode == Rcode.NOERROR or name in self._names):
                self._put(name, form, Denied(denials, answer.until))

    def export(self, question: bytes, peer: bytes, now: float) -> Copy | None:
        """Return a copy of what answers a message without its id; None where nothing here does."""
        end = question.find(0, NAME_AT)
        spelling = question[:NAME_AT] + question[end:]
        form = self._forms.get(spelling)
        name = question[NAME_AT:end].lower()
        entries = self._names.get(name)
        if not form or (entries is None and not self._lacks(name)):
            return None
        key, until, denials = b"", math.inf, self._absent
        entry: Entry | Denied | None = None
        if entries is not None:
            key = form if form in entries else form + peer
            entry = entries.get(key)
            if entry is None or entry.until <= now or self._told.get((name, key)) is entry:
                return None
            until = entry.until
        if not isinstance(entry, Entry):
            denials = denials if entry is None else entry.denies
            entry = denials.get((form, end)) or denials.renew(form, end)
            if entry is None:
                return None
        return Copy(
            spelling=spelling,
            form=form,
            name=name,
            key=key,
            origin=denials.origin.to_wire(),
            end=end,
            until=until,
            head=entry.heads[False],
            prefix=entry.prefix,
            parts=entry.parts,
            rtype=entry.rtype,
            rcode=entry.rcode,
            is_general=entry.is_general,
            denies=not key or entries is None or isinstance(entries[key], Denied),
        )

    def adopt(self, copy: Copy) -> None:
        """Hold what another table exported."""
        self._forms.hold(copy.spelling, copy.form)
        entry = Entry(
            copy.head,
            copy.prefix,
            copy.parts,
            math.inf if copy.denies else copy.until,
            self._tally,
            copy.rtype,
            copy.rcode,
            is_general=copy.is_general,
        )
        if not copy.denies:
            self._put(copy.name, copy.key, entry)
            return
        denials = self._denials_of(Name.from_wire(copy.origin), copy.rcode)
        denials.keep(copy.form, copy.end, entry)
        if copy.key:
            self._put(copy.name, copy.key, Denied(denials, copy.until))

    def is_given(self, name: bytes) -> bool:
        """Whether any answer that is held for a wire name has been given to anybody."""
        entries = self._names.get(name, {}).values()
        return any(isinstance(entry, Entry) and entry.given for entry in entries)

    def forget(self, name: bytes) -> None:
        """Forget all answers to questions for a wire name in lower case, without its root."""
        entries = self._names.pop(name, None)
        if entries is None:
            return
        self._entries -= len(entries)
        self._octets -= len(name) + sum(map(_octets, entries.items()))
        for entry in entries.values():
            if isinstance(entry, Entry):
                entry.end()

    def renumber(self, origin: Name, serial: int) -> None:
        """Have this zone's denials tell another serial; what others may tell of it is forgotten."""
        for denials in self._denials.values():
            if denials.origin == origin:
                denials.renumber(serial)
            else:
                denials.end_all()
        self._told.end_all()

    def clear(self) -> None:
        """Forget everything, and look at the zones anew."""
        while self._names:
            self.forget(next(iter(self._names)))
        for denials in self._denials.values():
            denials.end_all()
        self._told.end_all()
        self._look_at_zones()

    def _look_at_zones(self) -> None:
        zone = self._zones.alone()
        self._lacks = _is_unsure if zone is None else zone.lacks
        if zone is not None:
            self._absent = self._denials_of(zone.origin, Rcode.NXDOMAIN)

    def _denials_of(self, origin: Name, rcode: int) -> Denials:
        denials = self._denials.get((origin, rcode))
        if denials is None:
            denials = self._denials[origin, rcode] = Denials(origin, rcode)
        return denials

    def _make(
        self, reply: bytes, end: int, answer: Answer, rtype: int, *, is_general: bool
    ) -> Entry:
        prefix = 2 + end + 1 + TYPE_CLASS_OCTETS
        rrset = answer.answer[0] if len(answer.answer) == 1 else None
        rotated = rrset if rrset and rrset.rtype in _ROTATED else None
        parts = make_variants(reply, prefix, rotated, self._chance)
        until = answer.until if answer.answer else math.inf
        head, rcode = reply[2:HEADER_OCTETS], answer.rcode
        return Entry(head, prefix, parts, until, self._tally, rtype, rcode, is_general=is_general)

    def _put(self, name: bytes, key: bytes, entry: Entry | Denied) -> None:
        entries = self._names.get(name)
        if entries is not None and len(entries) >= MOST_OF_A_NAME:
            self.forget(name)
            entries = None
        if entries is None:
            entries = self._names[name] = {}
            self._octets += len(name)
        before = entries.get(key)
        if before is None:
            self._entries += 1
        else:
            self._octets -= _octets((key, before))
            if isinstance(before, Entry):
                before.end()
        entries[key] = entry
        self._octets += _octets((key, entry))
        while self._octets > MOST_OCTETS:
            self.forget(next(iter(self._names)))


def _octets(item: tuple[bytes, Entry | Denied]) -> int:
    key, entry = item
    return len(key) + entry.octets


def _is_unsure(_: bytes) -> bool:
    return False
