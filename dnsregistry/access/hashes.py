"""What is kept of a token: scrypt (RFC 7914) over it, in the PHC string format.

Slow on purpose; a right token is hashed once, and known by a keyed digest then (`tokens.py`).
"""

import base64
import binascii
import hashlib
import re
import secrets
from dataclasses import dataclass
from hmac import compare_digest

LOG_N, R, P = 14, 8, 1
"""16 MiB and some tens of milliseconds."""
MOST_LOG_N = 17
MOST_R = MOST_P = 16
_SALT_OCTETS = 16
_HASH_OCTETS = 32
_SECRET_OCTETS = 32
_FORM = re.compile(
    r"\$scrypt\$ln=([0-9]{1,2}),r=([0-9]{1,2}),p=([0-9]{1,2})"
    r"\$([A-Za-z0-9+/]{11,86})\$([A-Za-z0-9+/]{22,86})"
)
_TOKEN = re.compile(r"dr_([a-z0-9][a-z0-9-]{0,62})_[A-Za-z0-9_-]{43}")
_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,62}")


class InvalidHash(ValueError):
    """A text is no hash that can be verified; the message says why."""


@dataclass(frozen=True, slots=True)
class Hash:
    """The parameters, the salt and what came of them."""

    log_n: int
    r: int
    p: int
    salt: bytes
    digest: bytes

    def __str__(self) -> str:
        return (
            f"$scrypt$ln={self.log_n},r={self.r},p={self.p}"
            f"${_encode(self.salt)}${_encode(self.digest)}"
        )


def is_name(text: str) -> bool:
    """Whether it can name a token: letters in lower case, digits and hyphens."""
    return _NAME.fullmatch(text) is not None


def make_token(name: str) -> str:
    """A new token with 256 random bits; its name tells whose hash it is to be compared with."""
    return f"dr_{name}_{secrets.token_urlsafe(_SECRET_OCTETS)}"


def name_of(token: str) -> str | None:
    """The name in a token, None for what has not the form of one."""
    match = _TOKEN.fullmatch(token)
    return None if match is None else match[1]


def make_hash(token: str) -> Hash:
    """What is to be kept of a token. Takes some tens of milliseconds."""
    salt = secrets.token_bytes(_SALT_OCTETS)
    return Hash(LOG_N, R, P, salt, _run(token, LOG_N, R, P, salt, _HASH_OCTETS))


def verify(token: str, kept: Hash) -> bool:
    """Whether it is the token. Takes some tens of milliseconds, in which other threads run."""
    digest = _run(token, kept.log_n, kept.r, kept.p, kept.salt, len(kept.digest))
    return compare_digest(digest, kept.digest)


def parse_hash(text: str) -> Hash:
    """Read what `str` of a hash wrote. Raises InvalidHash."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise InvalidHash("is no hash as `dnsregistry token create` writes it")
    log_n, r, p = int(match[1]), int(match[2]), int(match[3])
    if not (10 <= log_n <= MOST_LOG_N and 1 <= r <= MOST_R and 1 <= p <= MOST_P):
        raise InvalidHash(f"has parameters out of bounds: ln 10 to {MOST_LOG_N}, r and p 1 to 16")
    try:
        return Hash(log_n, r, p, _decode(match[4]), _decode(match[5]))
    except binascii.Error:
        raise InvalidHash("has a salt or a digest that is no base64") from None


def _run(token: str, log_n: int, r: int, p: int, salt: bytes, octets: int) -> bytes:
    n = 1 << log_n
    memory = 128 * r * (n + p + 2)
    return hashlib.scrypt(token.encode(), salt=salt, n=n, r=r, p=p, maxmem=memory, dklen=octets)


def _encode(octets: bytes) -> str:
    return base64.b64encode(octets).decode().rstrip("=")


def _decode(text: str) -> bytes:
    return base64.b64decode(text + "=" * (-len(text) % 4), validate=True)
