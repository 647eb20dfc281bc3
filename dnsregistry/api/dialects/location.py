"""URLs as clients give them, read as endpoints, and instances written as URLs."""

import re
from ipaddress import IPv6Address
from urllib.parse import urlsplit

from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.instance import Instance

MOST_URL = 2048
LOOPBACK = "127.0.0.1"
_PORTS = {"http": 80, "https": 443}
_PRINTABLE = re.compile(r"[!-~]+")
_KEYS = ("base_url", "location")


def read_url(field: str, text: str) -> tuple[str, int]:
    """The host, an address or a name, and the port that an http or https URL leads to.

    `localhost` is 127.0.0.1 (RFC 6761, 6.3): the registry and the service share the machine.
    Raises InvalidField.
    """
    if len(text) > MOST_URL:
        raise InvalidField(field, f"has {len(text)} characters; at most {MOST_URL} are allowed")
    if not _PRINTABLE.fullmatch(text):
        raise InvalidField(field, "must be a URL of printable ASCII without space")
    try:
        url = urlsplit(text)
        port = url.port
    except ValueError as error:
        raise InvalidField(field, f"is no URL: {error}") from None
    if url.scheme not in _PORTS:
        raise InvalidField(field, "must begin with http:// or https://")
    if "@" in url.netloc:
        raise InvalidField(field, "must hold no user name or password: everyone may read it")
    if not url.hostname:
        raise InvalidField(field, "names no host")
    return resolve_localhost(url.hostname), _PORTS[url.scheme] if port is None else port


def resolve_localhost(host: str) -> str:
    """The host, or the address that `localhost` always is (RFC 6761, 6.3)."""
    return LOOPBACK if host.lower().removesuffix(".") == "localhost" else host


def write_host(instance: Instance) -> str:
    """The host name, or the first address, as text."""
    return instance.host or str(instance.addresses[0])


def write_url(instance: Instance) -> str:
    """Where the instance is reached: the URL that it was registered with, else one made up."""
    for key in _KEYS:
        text = instance.metadata.get(key)
        if isinstance(text, str) and _is_url(key, text):
            return text
    host = write_host(instance)
    if instance.host is None and isinstance(instance.addresses[0], IPv6Address):
        host = f"[{host}]"
    return f"http://{host}:{instance.port}"


def _is_url(field: str, text: str) -> bool:
    # Metadata of other APIs was never looked at.
    try:
        read_url(field, text)
    except InvalidField:
        return False
    return True
