"""A query, with who asked it and over what."""

from __future__ import annotations

import struct
from dataclasses import dataclass, replace

from dnsregistry.answers.access import Client
from dnsregistry.answers.options import NO_OPTIONS, Options
from dnsregistry.answers.protocol import (
    CLASSIC_UDP_OCTETS,
    EDNS_UDP_OCTETS,
    HEADER_OCTETS,
    TCP_OCTETS,
)
from dnsregistry.answers.query import Query
from dnsregistry.answers.standing import Standing

_FORM = struct.Struct("!HHH??")
_TYPE_CLASS_OCTETS = 4
_OPT_OCTETS = 9
"""Of an OPT record, up to the length of its data."""


@dataclass(frozen=True, slots=True)
class Asked:
    """The message and what was read of it. `options` are those of the reply."""

    message: bytes
    query: Query
    options: Options
    client: Client
    standing: Standing

    @property
    def limit(self) -> int:
        """Octets that the reply may have."""
        if self.client.tcp:
            return TCP_OCTETS
        if self.query.edns is None:
            return CLASSIC_UDP_OCTETS
        # A client that names less than 512 means 512 (RFC 6891, 6.2.3).
        return max(CLASSIC_UDP_OCTETS, min(self.query.edns.udp_octets, EDNS_UDP_OCTETS))

    @property
    def is_bare(self) -> bool:
        """Whether the query came without EDNS options."""
        edns = self.query.edns
        return edns is None or not edns.options

    @property
    def form(self) -> bytes:
        """What of the query makes a difference to the reply, beside its name and its options."""
        query, edns = self.query, self.query.edns
        rtype, rclass = query.question.rtype, query.question.rclass
        dnssec_ok = edns is not None and edns.dnssec_ok
        size = 0 if edns is None else self.limit
        return _FORM.pack(rtype, rclass, size, query.recursion_desired, dnssec_ok)

    def bare(self) -> Asked:
        """The same as if it had been asked without EDNS options."""
        edns = self.query.edns
        if edns is None or not edns.options:
            return self
        end = HEADER_OCTETS + len(self.query.question.wire) + _TYPE_CLASS_OCTETS + _OPT_OCTETS
        query = replace(self.query, edns=replace(edns, options=()))
        message = self.message[:end] + b"\0\0"
        return replace(self, message=message, query=query, options=NO_OPTIONS)
