"""resolv.conf as the C library reads it (resolv.conf(5))."""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from dnsregistry.doctor.finding import Finding, Level, well

MOST_SERVERS = 3
"""glibc's MAXNS: it does not look at others."""
USUAL_NDOTS = 1
_SUBJECT = "resolv.conf"


@dataclass(frozen=True, slots=True)
class ResolvConf:
    """Its servers in order, its search list, and its options by name; `ndots:5` is "ndots": "5"."""

    servers: tuple[str, ...]
    search: tuple[str, ...]
    options: dict[str, str]

    @property
    def ndots(self) -> int:
        """Dots from which on a name is tried as it is before the search list is."""
        text = self.options.get("ndots", "")
        return min(15, int(text)) if text.isdigit() else USUAL_NDOTS


def read(text: str) -> ResolvConf:
    """Read the file; lines that say nothing are passed over, as the C library does."""
    servers: list[str] = []
    search: tuple[str, ...] = ()
    options: dict[str, str] = {}
    for line in text.splitlines():
        words = re.split(r"\s+", line.partition("#")[0].partition(";")[0].strip())
        match words:
            case ["nameserver", address, *_]:
                servers.append(address)
            case ["search" | "domain", *domains]:
                # The last line of them counts.
                search = tuple(domains)
            case ["options", *given]:
                for option in given:
                    name, _, value = option.partition(":")
                    options[name] = value
    return ResolvConf(tuple(servers), search, options)


def examine(conf: ResolvConf, zone: str) -> Iterator[Finding]:
    """What the file says that is in the way of names under the zone."""
    if not conf.servers:
        yield Finding(
            Level.PROBLEM,
            _SUBJECT,
            "it names no server, so the C library asks 127.0.0.1 alone",
            "/etc/resolv.conf: nameserver <address of the registry>",
        )
    elif len(conf.servers) > MOST_SERVERS:
        ignored = ", ".join(conf.servers[MOST_SERVERS:])
        yield Finding(
            Level.WARNING,
            _SUBJECT,
            f"the C library looks at the first {MOST_SERVERS} servers only; never asked: {ignored}",
            f"/etc/resolv.conf: leave out nameserver {ignored}",
        )
    else:
        yield well(_SUBJECT, f"servers {', '.join(conf.servers)}")
    yield from _examine_search(conf, zone)


def _examine_search(conf: ResolvConf, zone: str) -> Iterator[Finding]:
    dots = zone.count(".") + 1
    if conf.search and conf.ndots > dots:
        tried = _list_tried(conf.search, zone)
        yield Finding(
            Level.WARNING,
            "search list",
            f"with ndots:{conf.ndots} a name such as user-service.{zone} is first tried as"
            f" {tried}: {len(conf.search)} questions for nothing before each answer",
            f"/etc/resolv.conf: options ndots:{dots}  (or end names with a dot)",
        )
    elif zone in conf.search:
        yield well("search list", f"has {zone}, so that the name of a service alone is enough")
    else:
        yield well("search list", f"lets names under {zone} through at once")


def _list_tried(search: Sequence[str], zone: str) -> str:
    return ", ".join(f"user-service.{zone}.{domain}" for domain in search)
