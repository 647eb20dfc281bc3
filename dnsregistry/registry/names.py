"""Which names DNS can carry, decided once, at the door.

Rules:
- A service, tag, capability or port name becomes one label: 1 to 63 octets (RFC 1035,
  2.3.4) of letters, digits, hyphen and underscore, letter or digit at both ends. All but tags
  leave one octet for the underscore that RFC 2782 puts in front of them.
- Case does not matter (RFC 4343), so those names are kept in lower case.
- An id is 1 to 63 printable ASCII octets without space, slash, quote or backslash. It may hold
  dots: DNS-SD instance names are single labels of any text (RFC 6763, 4.1.1). It keeps its
  case and is compared without it.
- A host name is a sequence of labels of together at most 253 octets, the last not a number.
"""

import base64
import re
from hashlib import blake2b
from ipaddress import IPv4Address, IPv6Address, ip_address

from dnsregistry.registry.errors import InvalidField

Address = IPv4Address | IPv6Address

LABEL_OCTETS = 63
UNDERSCORED_OCTETS = LABEL_OCTETS - 1
NAME_OCTETS = 253
# An SRV target is never compressed, so a short one is room for one more instance in a datagram.
SHORT_LABEL_OCTETS = 16
DIGEST_LETTERS = 10
# They would collide with the zone's own branches: ns1, <host>.i, <capability>.cap and
# _services._dns-sd._udp.
RESERVED_SERVICES = frozenset({"ns1", "i", "cap", "dns-sd"})

_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9_-]*[a-z0-9])?\Z")
_HOST_LABEL = re.compile(r"[a-z0-9](?:[a-z0-9-]*[a-z0-9])?\Z")
# What getaddrinfo may read as an IPv4 address in decimal, octal or hexadecimal.
_NUMBER = re.compile(r"(?:[0-9]+|0x[0-9a-f]*)\Z")
_ID = re.compile(r"[!#-&(-.0-\[\]-~]+\Z")


def check_label(field: str, text: str, most: int = LABEL_OCTETS) -> str:
    """Return the label in lower case, or raise InvalidField with the rule that it breaks."""
    label = _lower(text)
    if len(label) <= most and _LABEL.match(label):
        return label
    raise InvalidField(field, f"{_quote(text)} {_label_fault(label, most)}")


def check_service(text: str) -> str:
    """Return the service name in lower case, or raise InvalidField."""
    name = check_label("service", text, UNDERSCORED_OCTETS)
    if name in RESERVED_SERVICES:
        raise InvalidField("service", f"{name!r} is a name of the zone itself; choose another")
    return name


def check_id(text: str) -> str:
    """Return the id as given, or raise InvalidField."""
    if not text:
        raise InvalidField("id", "is empty; leave it out to be given one")
    if len(text) > LABEL_OCTETS:
        raise InvalidField(
            "id", f"has {len(text)} octets; a DNS label holds at most {LABEL_OCTETS}"
        )
    if text in (".", ".."):
        raise InvalidField("id", f"{text!r} has a meaning of its own in a URL's path")
    if text.startswith("_"):
        raise InvalidField("id", f"{_quote(text)} begins with an underscore, as no instance may")
    if not _ID.match(text):
        raise InvalidField(
            "id",
            f"{_quote(text)} may hold only printable ASCII, no space, slash, quote or backslash",
        )
    return text


def check_host(field: str, text: str) -> str:
    """Return the host name in lower case without a final dot, or raise InvalidField."""
    host = _lower(text).removesuffix(".")
    if len(host) > NAME_OCTETS:
        raise InvalidField(field, f"has {len(host)} octets; a DNS name holds at most {NAME_OCTETS}")
    labels = host.split(".")
    for label in labels:
        if len(label) > LABEL_OCTETS or not _LABEL.match(label):
            fault = _label_fault(label, LABEL_OCTETS)
            raise InvalidField(
                field, f"{_quote(text)} is no address and no host name: {_quote(label)} {fault}"
            )
    if _NUMBER.match(labels[-1]):
        raise InvalidField(
            field, f"{_quote(text)} is no address and no host name: its last label is a number"
        )
    return host


def parse_address(field: str, text: str) -> Address | str:
    """Return the IP address that the text writes, else a host name in lower case.

    Raises InvalidField for neither, and for an address that no client could connect to.
    """
    try:
        address = ip_address(text)
    except ValueError:
        return check_host(field, text)
    if isinstance(address, IPv6Address) and address.scope_id is not None:
        raise InvalidField(field, f"{text!r} names an interface, which DNS cannot carry")
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        raise InvalidField(field, f"{text!r} is an IPv4 address; write {address.ipv4_mapped}")
    if _reaches_nobody(address):
        raise InvalidField(field, f"{text!r} is no address that a client can connect to")
    return address


def fold_id(instance_id: str) -> str:
    """The key under which an id is held: the id itself where it is in lower case already."""
    key = instance_id.lower()
    return instance_id if key == instance_id else key


def host_label(instance_id: str) -> str:
    """The label that names one instance's host.

    The id in lower case where that is a host label of at most 16 octets, else 10 letters of
    base32 of its digest. Ids that differ only in case have one label, since they are one id.
    """
    key = fold_id(instance_id)
    if is_short_host_label(key):
        return key
    digest = blake2b(key.encode(), digest_size=7).digest()
    return base64.b32encode(digest)[:DIGEST_LETTERS].decode().lower()


def is_short_host_label(text: str) -> bool:
    """Whether an id of this text, in lower case, serves as its own host label."""
    return len(text) <= SHORT_LABEL_OCTETS and _HOST_LABEL.match(text) is not None


def _reaches_nobody(address: Address) -> bool:
    """Whether it is unspecified, multicast or broadcast: asked with every registration."""
    number = int(address)
    if isinstance(address, IPv4Address):
        return number == 0 or number >> 28 == 0xE or number == 0xFFFFFFFF
    return number == 0 or number >> 120 == 0xFF


def _lower(text: str) -> str:
    # Case is a matter of ASCII alone (RFC 4343): the Kelvin sign must not become a k.
    return text.lower() if text.isascii() else text


def _quote(text: str) -> str:
    return repr(text if len(text) <= 80 else f"{text[:77]}...")


def _label_fault(label: str, most: int) -> str:
    if not label:
        return "is empty"
    if len(label) > most:
        return f"has {len(label)} octets; this label holds at most {most}"
    if "." in label:
        return "holds a dot, which ends a DNS label"
    if not re.fullmatch(r"[a-z0-9_-]+", label):
        return "may hold only letters, digits, hyphens and underscores"
    return "must begin and end with a letter or a digit"
