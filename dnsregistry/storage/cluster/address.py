"""Where a store is: the URL of one server, or of the Sentinels that know it."""

from dataclasses import dataclass
from urllib.parse import SplitResult, parse_qsl, unquote, urlencode, urlsplit

SENTINEL_PORT = 26379
_SERVER = ("redis", "rediss")
_SENTINEL = ("redis+sentinel", "rediss+sentinel")
SCHEMES = (*_SERVER, *_SENTINEL)


@dataclass(frozen=True, slots=True)
class Server:
    """One server; `url` as redis-py reads it, with TLS and its options in it."""

    url: str
    place: str


@dataclass(frozen=True, slots=True)
class Sentinels:
    """Sentinels that know which server is the master of this name.

    `url` holds what connections to that server want, in the form that redis-py reads.
    """

    hosts: tuple[tuple[str, int], ...]
    master: str
    url: str
    username: str | None
    password: str | None
    place: str


def read_address(url: str) -> Server | Sentinels:
    """Read a store's URL. Raises ValueError with the rule that it breaks."""
    parts = urlsplit(url)
    if parts.scheme in _SERVER:
        if not parts.hostname:
            raise ValueError(f"names no host: {parts.scheme}://HOST:PORT/NUMBER")
        place = f"{parts.hostname}:{_read_port(parts) or 6379}"
        number = parts.path.strip("/")
        if number and not number.isdecimal():
            raise ValueError(f"names no database: {parts.scheme}://HOST:PORT/NUMBER")
        return Server(url, place)
    if parts.scheme not in _SENTINEL:
        raise ValueError("is no URL of a Redis store")
    login, _, hosts = parts.netloc.rpartition("@")
    master = unquote(parts.path.strip("/"))
    if not hosts or not master or "/" in master:
        raise ValueError(f"is not of the form {parts.scheme}://HOST:PORT,HOST:PORT/MASTER")
    options = dict(parse_qsl(parts.query))
    username, password = (
        options.pop(f"sentinel_{name}", None) for name in ("username", "password")
    )
    query = urlencode(options)
    server = f"{'rediss' if parts.scheme.startswith('rediss') else 'redis'}://"
    server += f"{login}@sentinel" if login else "sentinel"
    return Sentinels(
        hosts=tuple(_read_host(host) for host in hosts.split(",")),
        master=master,
        url=f"{server}?{query}" if query else server,
        username=username,
        password=password,
        place=f"the master {master} of {hosts}",
    )


def _read_host(text: str) -> tuple[str, int]:
    parts = urlsplit(f"//{text}")
    if not parts.hostname:
        raise ValueError(f"{text!r} is no host of a Sentinel")
    return parts.hostname, _read_port(parts) or SENTINEL_PORT


def _read_port(parts: SplitResult) -> int | None:
    try:
        return parts.port
    except ValueError:
        # Python's own words tell what stands there: half a password, where that is not quoted.
        raise ValueError(
            "has no port up to 65535 behind the host; in a password / and @ are %2F and %40"
        ) from None
