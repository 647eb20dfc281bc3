"""The words of a record, read with dnspython, with reasons that name the word."""

import struct

import dns.exception
import dns.name
import dns.rdata
import dns.rdataclass
import dns.rdatatype
import dns.tokenizer
import dns.ttl

LONGEST_TTL = 2**31 - 1
"""Seconds (RFC 2181, 8)."""


class AsciiOnly(dns.name.IDNACodec):
    """Refuses names in other scripts, of which dnspython would make what IDNA 2003 says."""

    def encode(self, label: str) -> bytes:
        """Raises ValueError for a label that is not ASCII."""
        if not label.isascii():
            raise ValueError(f"the label {label} is not ASCII; write its xn-- form")
        return label.encode()


def read_word(tokens: dns.tokenizer.Tokenizer, otherwise: str) -> str:
    """The next token, if it is a word; ValueError with the text otherwise."""
    token = tokens.get()
    if not token.is_identifier() or not token.value:
        raise ValueError(otherwise)
    return str(token.value)


def read_name(
    token: dns.tokenizer.Token, tokens: dns.tokenizer.Tokenizer, origin: dns.name.Name
) -> dns.name.Name:
    """The absolute name that a token means under an origin. Raises ValueError."""
    try:
        return tokens.as_name(token, origin)
    except struct.error:
        # dnspython before 2.8 lets this one out.
        raise ValueError("a name has an escape above 255") from None


def read_ttl(word: str) -> int:
    """Seconds, with or without units. Raises ValueError."""
    try:
        ttl = dns.ttl.from_text(word)
    except (dns.ttl.BadTTL, ValueError):
        raise ValueError(f"{word} is no TTL") from None
    if ttl > LONGEST_TTL:
        raise ValueError(f"the TTL {word} is above {LONGEST_TTL} (RFC 2181, 8)")
    return ttl


def read_class(word: str) -> dns.rdataclass.RdataClass | None:
    """A class, or None where the word is none."""
    try:
        return dns.rdataclass.from_text(word)
    except (dns.exception.DNSException, ValueError):
        return None


def read_type(word: str) -> dns.rdatatype.RdataType:
    """A type that a zone can hold (RFC 6895, 3.1). Raises ValueError."""
    try:
        rtype = dns.rdatatype.from_text(word)
    except (dns.exception.DNSException, ValueError):
        raise ValueError(f"{word} is no record type") from None
    if rtype == dns.rdatatype.NONE or dns.rdatatype.is_metatype(rtype):
        raise ValueError(f"{word} is no type that a zone can hold")
    return rtype


def read_rdata(
    rtype: dns.rdatatype.RdataType, tokens: dns.tokenizer.Tokenizer, origin: dns.name.Name
) -> dns.rdata.Rdata:
    """The data of a record, to the end of its entry. Raises ValueError."""
    try:
        return dns.rdata.from_text(
            dns.rdataclass.IN, rtype, tokens, origin, relativize=False, idna_codec=tokens.idna_codec
        )
    except (dns.exception.DNSException, ValueError) as error:
        name = dns.rdatatype.to_text(rtype)
        raise ValueError(f"bad {name} data: {str(error) or 'malformed'}") from None
