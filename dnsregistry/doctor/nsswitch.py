"""nsswitch.conf: who is asked for host names before DNS is (nsswitch.conf(5))."""

import re
from collections.abc import Iterator

from dnsregistry.doctor.finding import Finding, Level, well

_SUBJECT = "nsswitch.conf"
_USUAL = "files dns"
"""What the C library does without the line."""


def read_hosts(text: str) -> list[str]:
    """The words of the `hosts` line, actions such as `[NOTFOUND=return]` as one word each."""
    found = _USUAL
    for line in text.splitlines():
        database, colon, sources = line.partition("#")[0].partition(":")
        if colon and database.strip() == "hosts":
            found = sources
    return re.findall(r"\[[^\]]*\]|\S+", found)


def examine(hosts: list[str], zone: str) -> Iterator[Finding]:
    """What keeps names under the zone from DNS."""
    places = {word: place for place, word in reversed(list(enumerate(hosts)))}
    resolved, dns = places.get("resolve"), places.get("dns")
    if dns is None and resolved is None:
        line = " ".join([*hosts, "dns"])
        text = "host names are not looked up in DNS"
        yield Finding(Level.PROBLEM, _SUBJECT, text, f"/etc/nsswitch.conf: hosts: {line}")
        return
    first = min(place for place in (resolved, dns) if place is not None)
    taken = [(place, word) for place, word in enumerate(hosts[:first]) if word.startswith("mdns")]
    if zone.split(".")[-1] == "local" and taken:
        place, word = taken[0]
        ends = place + 1 < len(hosts) and "NOTFOUND=return" in hosts[place + 1]
        kept = [word for word in hosts if not word.startswith("mdns") and word[0] != "["]
        yield Finding(
            Level.PROBLEM if ends else Level.WARNING,
            _SUBJECT,
            f"{word} asks multicast DNS for names under .local"
            + (" and takes its no for an answer" if ends else " first, which takes seconds"),
            f"/etc/nsswitch.conf: hosts: {' '.join(kept)}"
            "  (or serve another zone: --zone registry.internal)",
        )
    else:
        yield well(_SUBJECT, f"hosts: {' '.join(hosts)}")
