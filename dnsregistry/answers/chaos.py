"""The CHAOS class: what server this is, where its owner wants that told (RFC 4892)."""

from collections.abc import Mapping
from dataclasses import dataclass

from dnsregistry.answers.answer import REFUSED, Answer
from dnsregistry.answers.protocol import Rcode
from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import TXT, RRType
from dnsregistry.zone.rrset import RRset


@dataclass(frozen=True, slots=True)
class Identity:
    """Texts by name in the class CH; a name without text is refused."""

    texts: Mapping[Name, str]

    @classmethod
    def of(cls, version: str | None, server_id: str | None) -> "Identity":
        """Return the identity with the names that BIND and NSD use, old and new."""
        texts: dict[Name, str] = {}
        if version:
            texts |= dict.fromkeys(map(Name.from_text, ("version.bind", "version.server")), version)
        if server_id:
            texts |= dict.fromkeys(map(Name.from_text, ("id.server", "hostname.bind")), server_id)
        return cls(texts)

    def answer(self, name: Name, rtype: int) -> Answer:
        """Answer a question in the class CH."""
        text = self.texts.get(name)
        if text is None or rtype != RRType.TXT:
            return REFUSED
        rrset = RRset(name, RRType.TXT, 0, (TXT((text.encode()[:255],)),))
        return Answer(Rcode.NOERROR, authoritative=True, answer=(rrset,))
