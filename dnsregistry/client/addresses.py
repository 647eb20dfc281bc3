"""The addresses of a registry, and which of them is asked first."""

import os
from collections.abc import Sequence
from urllib.parse import urlsplit

VARIABLE = "DNSREGISTRY_URL"
DEFAULT_URL = "http://127.0.0.1:8053"


class Addresses:
    """One or several base URLs; the one that worked last comes first."""

    def __init__(self, urls: Sequence[str]) -> None:
        if not urls:
            raise ValueError("no address of a registry is given")
        self.urls = tuple(_check(url) for url in urls)
        self._first = 0

    @classmethod
    def read(cls, text: str | None = None) -> "Addresses":
        """Those of a comma-separated text; without one DNSREGISTRY_URL, then the default.

        Raises ValueError with a sentence that names the wrong one.
        """
        text = text or os.environ.get(VARIABLE) or DEFAULT_URL
        return cls([url.strip() for url in text.split(",") if url.strip()])

    @property
    def first(self) -> str:
        """The one to ask first."""
        return self.urls[self._first]

    def in_turn(self) -> Sequence[str]:
        """Each once, from the one that worked last on."""
        return (*self.urls[self._first :], *self.urls[: self._first])

    def keep(self, url: str) -> None:
        """Note that this one works."""
        self._first = self.urls.index(url)

    def __str__(self) -> str:
        return ", ".join(self.urls)


def _check(url: str) -> str:
    if "://" not in url:
        raise ValueError(f"{url!r} is no URL of a registry; did you mean http://{url}?")
    try:
        parts = urlsplit(url)
        good = parts.scheme in ("http", "https") and parts.hostname and parts.port != 0
        # What is no host name would be a fault of its own kind when it is looked up.
        (parts.hostname or "").encode("idna")
    except ValueError:
        good = False
    if not good or parts.query or parts.fragment:
        raise ValueError(f"{url!r} is no URL of a registry, such as {DEFAULT_URL}")
    return url.rstrip("/")
