"""Checks: what is asked of an instance, how often, and when the answers make a verdict.

Values alone. `check_admission` is the way to them from JSON and back.
"""

from dataclasses import dataclass
from enum import StrEnum

from dnsregistry.registry.names import Address

Place = tuple[Address | str, int]
"""An address or host name, and a port."""


class Health(StrEnum):
    """What the checks of an instance say of it, all together; without any it is healthy."""

    HEALTHY = "healthy"
    # Leaves its service's answers.
    UNHEALTHY = "unhealthy"
    # Fails its checks together with too many others, and is answered for a while none the less.
    DEGRADED = "degraded"


@dataclass(frozen=True, slots=True)
class Pace:
    """When a check is made and what its results add up to; times in seconds.

    `jitter` is the part of an interval by which the next one varies. So many passes in a row
    make it healthy, so many failures unhealthy. `initial` stands before the first verdict; the
    first check of what is new comes after `delay`. An instance whose check has been unhealthy for
    `deregister_after` is revoked; None: never.
    """

    interval: float = 10.0
    timeout: float = 5.0
    jitter: float = 0.1
    success_before_healthy: int = 1
    failures_before_unhealthy: int = 3
    initial: Health = Health.UNHEALTHY
    delay: float = 0.0
    deregister_after: float | None = None


@dataclass(frozen=True, slots=True)
class Tls:
    """TLS on a connection; `server_name` is asked for in place of the host's own name."""

    verify: bool = True
    server_name: str | None = None


@dataclass(frozen=True, slots=True)
class HttpProbe:
    """A request, and the answer that passes.

    `place` is None for the instance's own address, with `port` in place of its main one where
    that is set. `path` goes as it stands, with its query; where it is answered with 404,
    `fallback_path` is asked in its place. The range of `statuses` holds both
    ends. `pattern` is a regular expression that the body must hold somewhere.
    """

    place: Place | None = None
    port: int | None = None
    path: str = "/"
    method: str = "GET"
    statuses: tuple[int, int] = (200, 399)
    pattern: str | None = None
    headers: tuple[tuple[str, str], ...] = ()
    follow_redirects: bool = True
    fallback_path: str | None = None
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class TcpProbe:
    """A connection; with `tls` also its handshake. `place` None: the instance's own."""

    place: Place | None = None
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class GrpcProbe:
    """grpc.health.v1.Health/Check of one service, empty for the server as a whole."""

    place: Place | None = None
    service: str = ""
    tls: Tls | None = None


@dataclass(frozen=True, slots=True)
class DnsProbe:
    """A question that must be answered with NOERROR and records. `place` None: the instance."""

    name: str
    qtype: str = "A"
    place: Place | None = None


@dataclass(frozen=True, slots=True)
class HeartbeatProbe:
    """The last heartbeat is no older than the check's interval and timeout together."""


Probe = HttpProbe | TcpProbe | GrpcProbe | DnsProbe | HeartbeatProbe


@dataclass(frozen=True, slots=True)
class Check:
    """One check of an instance."""

    probe: Probe
    pace: Pace = Pace()
