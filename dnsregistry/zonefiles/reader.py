"""Files to records (RFC 1035, 5; RFC 2308, 4; RFC 3597, 5).

Rules:
- Every fault is found that does not hang on another one: reading goes on after a bad record,
  and stops after a bad directive, which changes the meaning of all that follows.
- A TTL that is not written is that of $TTL, else the last one written, else the MINIMUM of the
  SOA. $TTL and the last TTL outlive an included file; its $ORIGIN and last owner do not.
- A record outside the zone is left out with a warning, as other servers do.
- Names are ASCII: which octets another script means is not for a file to leave open.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import dns.exception
import dns.name
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer

from dnsregistry.zone.name import Name
from dnsregistry.zone.rdata import SOA
from dnsregistry.zonefiles.entries import Entry, split_entries
from dnsregistry.zonefiles.fault import Fault
from dnsregistry.zonefiles.naming import show
from dnsregistry.zonefiles.rdata import convert, convert_name
from dnsregistry.zonefiles.record import Record
from dnsregistry.zonefiles.sources import Sources, Unreadable
from dnsregistry.zonefiles.words import (
    AsciiOnly,
    read_class,
    read_name,
    read_rdata,
    read_ttl,
    read_type,
    read_word,
)

MOST_FAULTS = 20
"""Faults found before reading stops: more than anyone reads at once."""
TURN = 16
"""Entries, about a millisecond, until the interpreter is handed to the thread that answers, which
would otherwise wait 5 ms each time."""


@dataclass(slots=True)
class _Place:
    """The file as it is shown, and what a relative name and an absent owner mean in it."""

    file: str
    origin: dns.name.Name
    owner: dns.name.Name | None = None


class _Stop(Exception):
    """Reading on makes no sense."""


class Reader:
    """Reads one zone. What it finds is in `records`, `faults` and `warnings`, in file order."""

    def __init__(self, sources: Sources, origin: Name, wanted: Callable[[], bool]) -> None:
        """`wanted` is asked at every entry; reading ends when it says no."""
        self.records: list[Record] = []
        self.faults: list[Fault] = []
        self.warnings: list[Fault] = []
        self._sources = sources
        self._wanted = wanted
        self._zone_origin = origin
        self._default_ttl: int | None = None
        self._last_ttl: int | None = None
        self._open: list[Path] = []
        self._codec = AsciiOnly()  # type: ignore[no-untyped-call]

    def read(self, path: Path) -> None:
        """Read a zone from its own file on."""
        origin = dns.name.Name((*self._zone_origin.labels, b""))
        try:
            self._read_file(path, _Place(show(path), origin))
        except _Stop:
            return
        except Unreadable as error:
            self.faults.append(Fault(show(path), error.line or 1, str(error)))

    def _read_file(self, path: Path, place: _Place) -> None:
        """Raises Unreadable for this file, never for one that it includes."""
        text = self._sources.read(path)
        self._open.append(path)
        for number, entry in enumerate(split_entries(text)):
            if number % TURN == 0:
                time.sleep(0)
            if not self._wanted():
                raise _Stop
            if entry.fault is None:
                self._read_entry(entry, path, place)
            else:
                self._blame(place.file, entry.line, entry.fault)
        self._open.pop()

    def _read_entry(self, entry: Entry, path: Path, place: _Place) -> None:
        tokens = dns.tokenizer.Tokenizer(entry.text, place.file, self._codec)
        directive = entry.text.startswith("$")
        try:
            if directive:
                self._obey(tokens, entry, path, place)
            else:
                self._read_record(tokens, entry, place)
        except (dns.exception.DNSException, ValueError) as error:
            self._blame(place.file, _line(entry, tokens), str(error) or "is malformed")
            if directive:
                raise _Stop from None

    def _obey(
        self, tokens: dns.tokenizer.Tokenizer, entry: Entry, path: Path, place: _Place
    ) -> None:
        word = tokens.get().value.upper()
        match word:
            case "$ORIGIN":
                place.origin = read_name(tokens.get(), tokens, place.origin)
            case "$TTL":
                self._default_ttl = read_ttl(read_word(tokens, "$TTL has no value"))
            case "$INCLUDE":
                self._include(tokens, entry, path, place)
                return
            case "$GENERATE":
                raise ValueError("$GENERATE is not read; write the records out")
            case _:
                raise ValueError(f"there is no directive {word}")
        tokens.get_eol()

    def _include(
        self, tokens: dns.tokenizer.Tokenizer, entry: Entry, path: Path, place: _Place
    ) -> None:
        token = tokens.get()
        if not (token.is_identifier() or token.is_quoted_string()) or not token.value:
            raise ValueError("$INCLUDE names no file")
        target = token.unescape().value
        token = tokens.get()
        origin = place.origin
        if not token.is_eol_or_eof():
            origin = read_name(token, tokens, place.origin)
            tokens.get_eol()
        try:
            included = self._sources.find_include(target, path, self._open)
        except Unreadable as error:
            raise ValueError(f"$INCLUDE: {error}") from None
        try:
            self._read_file(included, _Place(show(included), origin, place.owner))
        except Unreadable as error:
            if error.line is None:
                raise ValueError(f"$INCLUDE: {target} {error}") from None
            self._blame(show(included), error.line, str(error))
            raise _Stop from None

    def _read_record(self, tokens: dns.tokenizer.Tokenizer, entry: Entry, place: _Place) -> None:
        token = tokens.get(want_leading=True)
        if token.is_whitespace():
            token = tokens.get()
            if token.is_eol_or_eof():
                return
            tokens.unget(token)
        elif token.is_eol_or_eof():
            return
        else:
            place.owner = read_name(token, tokens, place.origin)
        if place.owner is None:
            raise ValueError("a record has no owner name, and there is none before it")
        line = _line(entry, tokens)
        ttl, rtype = self._read_head(tokens)
        rdata = read_rdata(rtype, tokens, place.origin)
        value = convert(rdata)
        if ttl is not None:
            self._last_ttl = ttl
        elif self._default_ttl is not None:
            ttl = self._default_ttl
        elif self._last_ttl is not None:
            ttl = self._last_ttl
        elif isinstance(value, SOA):
            ttl = self._default_ttl = value.minimum
        else:
            raise ValueError("a record has no TTL, and there is no $TTL before it")
        owner = convert_name(place.owner)
        record = Record(place.file, line, owner, ttl, value, rdata.to_digestable())
        if owner.relative_to(self._zone_origin) is None:
            self.warnings.append(
                record.fault(f"{owner} is outside the zone {self._zone_origin}, and left out")
            )
        else:
            self.records.append(record)

    def _read_head(
        self, tokens: dns.tokenizer.Tokenizer
    ) -> tuple[int | None, dns.rdatatype.RdataType]:
        """TTL and class, each at most once and in any order, then the type."""
        ttl: int | None = None
        rclass = None
        while True:
            word = read_word(tokens, "a record has no type")
            if ttl is None and word[0] in "0123456789":
                ttl = read_ttl(word)
            elif rclass is None and (rclass := read_class(word)) is not None:
                if rclass != dns.rdataclass.IN:
                    raise ValueError(f"the class {word} is not IN")
            else:
                return ttl, read_type(word)

    def _blame(self, file: str, line: int, reason: str) -> None:
        self.faults.append(Fault(file, line, reason))
        if len(self.faults) >= MOST_FAULTS:
            raise _Stop


def _line(entry: Entry, tokens: dns.tokenizer.Tokenizer) -> int:
    """The line of the token that was read last."""
    line = tokens.where()[1]
    # A token ends at the character after it, which may be the end of its line.
    if tokens.ungotten_char == "\n":
        line -= 1
    return entry.line + line - 1
