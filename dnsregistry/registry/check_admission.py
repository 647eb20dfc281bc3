"""The door for checks: JSON made into values or refused with the field and the rule, and back.

Rules:
- A target is written in one way: http or https without user, password or fragment; an address
  in its usual form, so that nothing else reads another one from it; or a host name.
- Whether the address may be probed is decided elsewhere, each time that it is connected to.
"""

import re
from collections.abc import Mapping, Sequence

from dnsregistry.registry.check import (
    Check,
    DnsProbe,
    GrpcProbe,
    Health,
    HeartbeatProbe,
    HttpProbe,
    Pace,
    Place,
    Probe,
    TcpProbe,
    Tls,
)
from dnsregistry.registry.check_description import describe_check, write_place
from dnsregistry.registry.errors import InvalidField
from dnsregistry.registry.fields import Fields
from dnsregistry.registry.names import check_host, parse_address

MOST_CHECKS = 16
"""Of one instance: each is a connection an interval."""
SHORTEST_INTERVAL, LONGEST_INTERVAL = 0.1, 86_400.0
"""Ten a second is more than anyone needs; after a day nobody believes the last result."""
SHORTEST_TIMEOUT, LONGEST_TIMEOUT = 0.01, 60.0
"""A probe has its place among those that are under way for as long: who hangs must not keep it."""
MOST_JITTER = 0.5
MOST_STREAK = 100
SHORTEST_WAIT, LONGEST_WAIT = 1.0, 31_536_000.0
"""A year until an instance is revoked: above it, never is what is meant."""
MOST_URL = 2048
MOST_PATTERN = 256
MOST_HEADERS = 16
MOST_HEADER = 1024
TYPES = ("http", "https", "tcp", "grpc", "dns", "heartbeat")
METHODS = ("GET", "HEAD", "OPTIONS", "POST")
"""Those that change nothing, and POST, which some health endpoints ask for."""
QTYPES = ("A", "AAAA", "SRV", "TXT", "PTR", "NS", "SOA", "MX", "CNAME")
PORTS = {"http": 80, "https": 443}

_ALWAYS = frozenset({"type", "name", "interval", "timeout"})
_URL = re.compile(
    r"(?P<scheme>[A-Za-z][A-Za-z0-9+.-]*):(?P<slashes>//)?(?P<rest>.*)", re.ASCII | re.DOTALL
)
_PATH = re.compile(r"/[!-~]*", re.ASCII)
_TOKEN = re.compile(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+", re.ASCII)
_HEADER_VALUE = re.compile(r"[\t -~]*", re.ASCII)
_PORT = re.compile(r"[1-9][0-9]{0,4}", re.ASCII)
# They frame the message, and are the client's own.
_FRAMING = frozenset({"connection", "content-length", "transfer-encoding", "upgrade", "te"})


def admit_checks(items: Sequence[object], field: str = "checks") -> tuple[Check, ...]:
    """Return the checks of a list of JSON objects. Raises InvalidField for the first fault."""
    if len(items) > MOST_CHECKS:
        raise InvalidField(field, f"at most {MOST_CHECKS} checks are allowed")
    return tuple(_admit_check(item, f"{field}.{place}") for place, item in enumerate(items))


def initial_health(checks: Sequence[Check]) -> Health:
    """What stands of an instance before its checks have been made: all must pass."""
    if all(check.pace.initial is Health.HEALTHY for check in checks):
        return Health.HEALTHY
    return Health.UNHEALTHY


def keep_checks(checks: Sequence[Check]) -> list[dict[str, object]]:
    """The checks as JSON has them without what goes without saying; `admit_checks` reads it."""
    return [_keep_check(check) for check in checks]


def _keep_check(check: Check) -> dict[str, object]:
    told = describe_check(check)
    least = {"type": told["type"]}
    if isinstance(check.probe, DnsProbe):
        least["name"] = check.probe.name
    usual = describe_check(_admit_check(least, ""))
    return {
        name: value
        for name, value in told.items()
        if name in _ALWAYS or name not in usual or usual[name] != value
    }


def _admit_check(item: object, prefix: str) -> Check:
    if not isinstance(item, Mapping):
        raise InvalidField(prefix, "must be an object")
    fields = Fields(item, prefix)
    if not fields.has("type"):
        raise fields.refuse("type", "is missing")
    kind = fields.choice("type", TYPES, "")
    probe = _read_probe(kind, fields)
    pace = _read_pace(fields, probe)
    fields.finish()
    return Check(probe, pace)


def _read_probe(kind: str, fields: Fields) -> Probe:
    match kind:
        case "http" | "https":
            return _read_http(fields, secure=kind == "https")
        case "tcp":
            return TcpProbe(_read_place(fields), _read_tls(fields))
        case "grpc":
            service = fields.text("service", 256)
            if not re.fullmatch(r"[A-Za-z0-9_./-]*", service, re.ASCII):
                raise fields.refuse("service", f"{service!r} is no name of a gRPC service")
            return GrpcProbe(_read_place(fields), service, _read_tls(fields))
        case "dns":
            if not fields.has("name"):
                raise fields.refuse("name", "is missing")
            name = check_host(fields.full_name("name"), fields.text("name", 255))
            return DnsProbe(name, fields.choice("qtype", QTYPES, "A"), _read_place(fields))
    return HeartbeatProbe()


def _read_pace(fields: Fields, probe: Probe) -> Pace:
    default = Pace()
    interval = fields.seconds("interval", SHORTEST_INTERVAL, LONGEST_INTERVAL, default.interval)
    timeout = fields.seconds(
        "timeout", SHORTEST_TIMEOUT, LONGEST_TIMEOUT, min(default.timeout, interval)
    )
    if timeout > interval:
        raise fields.refuse("timeout", f"{timeout:g} is longer than the interval, {interval:g}")
    # Who has just registered is alive; whether it serves is another question.
    alive = isinstance(probe, HeartbeatProbe)
    initial = Health.HEALTHY if alive else default.initial
    wait = fields.seconds("deregister_after", 0, LONGEST_WAIT, 0)
    if fields.has("deregister_after") and wait < SHORTEST_WAIT:
        raise fields.refuse("deregister_after", f"{wait:g} is less than {SHORTEST_WAIT:g}")
    return Pace(
        interval=interval,
        timeout=timeout,
        jitter=fields.seconds("jitter", 0, MOST_JITTER, default.jitter),
        success_before_healthy=fields.number(
            "success_before_healthy", 1, MOST_STREAK, default.success_before_healthy
        ),
        failures_before_unhealthy=fields.number(
            "failures_before_unhealthy", 1, MOST_STREAK, default.failures_before_unhealthy
        ),
        initial=Health(fields.choice("initial", (Health.HEALTHY, Health.UNHEALTHY), initial)),
        delay=fields.seconds("delay", 0, LONGEST_INTERVAL, default.delay),
        deregister_after=wait or None,
    )


def _read_http(fields: Fields, *, secure: bool) -> HttpProbe:
    place: Place | None = None
    port: int | None = None
    if fields.has("url"):
        for name in ("path", "port"):
            if fields.has(name):
                raise fields.refuse(name, "is part of the url; give one of them")
        scheme, place, path = _parse_url(fields)
        if secure and scheme != "https":
            raise fields.refuse("url", "is not https, as the check's type is")
        secure = scheme == "https"
    else:
        path = _read_path(fields, "path", "/")
        if fields.has("port"):
            port = fields.number("port", 1, 65535, 1)
    tls = _read_tls(fields, secure)
    method = fields.choice("method", METHODS, "GET")
    pattern = fields.text("body_pattern", MOST_PATTERN) or None
    if pattern is not None and method == "HEAD":
        raise fields.refuse("body_pattern", "cannot be looked for: HEAD is answered without body")
    return HttpProbe(
        place=place,
        port=port,
        path=path,
        method=method,
        statuses=fields.range("expect_status", 100, 599, "200-399"),
        pattern=pattern,
        headers=_read_headers(fields),
        follow_redirects=fields.flag("follow_redirects", True),
        fallback_path=_read_path(fields, "fallback_path", "") or None,
        tls=tls,
    )


def _read_path(fields: Fields, name: str, default: str) -> str:
    path = fields.text(name, MOST_URL, default)
    if path != default and (not _PATH.fullmatch(path) or "#" in path):
        raise fields.refuse(name, f"{path[:80]!r} must begin with / and be printable ASCII")
    return path


def _read_headers(fields: Fields) -> tuple[tuple[str, str], ...]:
    headers = fields.texts("headers")
    if len(headers) > MOST_HEADERS:
        raise fields.refuse("headers", f"at most {MOST_HEADERS} headers are allowed")
    for name, value in headers.items():
        where = f"headers.{name[:80]}"
        if not _TOKEN.fullmatch(name) or len(name) > MOST_HEADER:
            raise fields.refuse(where, "is no name of a header")
        if not _HEADER_VALUE.fullmatch(value) or len(value) > MOST_HEADER:
            raise fields.refuse(where, f"must be at most {MOST_HEADER} printable ASCII characters")
        if name.lower() in _FRAMING:
            raise fields.refuse(where, "is not for a check to set")
    return tuple(headers.items())


def _read_tls(fields: Fields, secure: bool | None = None) -> Tls | None:
    """TLS as told by `tls`; an https URL has it, and a http one never."""
    wanted = fields.flag("tls", bool(secure))
    if secure and not wanted:
        raise fields.refuse("tls", "is what https means")
    if secure is False and wanted and fields.has("url"):
        raise fields.refuse("tls", "is not what http:// means; write https://")
    if not wanted:
        for name in ("verify_tls", "server_name"):
            if fields.has(name):
                raise fields.refuse(name, "says nothing without tls")
        return None
    name = fields.text("server_name", 253)
    server_name = check_host(fields.full_name("server_name"), name) if name else None
    return Tls(fields.flag("verify_tls", True), server_name)


def _read_place(fields: Fields) -> Place | None:
    """The address and port of `address`, None where the instance's own are meant."""
    if not fields.has("address"):
        return None
    return _parse_authority(fields, "address", fields.text("address", MOST_URL), None)


def _parse_url(fields: Fields) -> tuple[str, Place, str]:
    text = fields.text("url", MOST_URL)
    match = _URL.fullmatch(text)
    if match is None:
        raise fields.refuse("url", f"{text[:80]!r} is no URL")
    scheme = match["scheme"].lower()
    if scheme not in PORTS:
        raise fields.refuse("url", f"the scheme {scheme[:80]!r} is not http or https")
    if not match["slashes"]:
        raise fields.refuse("url", f"{text[:80]!r} has no // before its host")
    rest = match["rest"]
    end = min((place for place in map(rest.find, "/?#") if place >= 0), default=len(rest))
    authority, path = rest[:end], rest[end:]
    if path.startswith("?"):
        path = f"/{path}"
    path = path or "/"
    if "#" in path:
        raise fields.refuse("url", "has a fragment, which no server would see")
    if not _PATH.fullmatch(path):
        raise fields.refuse("url", "its path may hold only printable ASCII; write %20 and the like")
    place = _parse_authority(fields, "url", authority, PORTS[scheme])
    # It is kept as it is written here, with its port, and has to be taken so again.
    longest = MOST_URL - len(f"{scheme}://{write_place(place)}")
    if len(path) > longest:
        rule = f"has {len(path)} characters of path; at most {longest} are allowed with its host"
        raise fields.refuse("url", rule)
    return scheme, place, path


def _parse_authority(fields: Fields, name: str, text: str, default_port: int | None) -> Place:
    """Host and port. What could be read in two ways is refused."""
    if "@" in text:
        raise fields.refuse(name, "names a user, which no check may")
    if not text:
        raise fields.refuse(name, "names no host")
    if text.startswith("["):
        host, bracket, rest = text[1:].partition("]")
        if not bracket or ":" not in host:
            raise fields.refuse(name, f"{text[:80]!r} is no IPv6 address in brackets")
    else:
        host, colon, port = text.partition(":")
        rest = colon + port
    if rest and (not rest.startswith(":") or not _PORT.fullmatch(rest[1:])):
        raise fields.refuse(name, f"{text[:80]!r} must end in a port from 1 to 65535")
    if rest:
        number = int(rest[1:])
    elif default_port is not None:
        number = default_port
    else:
        raise fields.refuse(name, f"{text[:80]!r} has no port")
    if number > 65535:
        raise fields.refuse(name, f"{text[:80]!r} must end in a port from 1 to 65535")
    return parse_address(fields.full_name(name), host), number
