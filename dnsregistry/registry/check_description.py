"""Checks as JSON has them, each in one way; `admit_checks` makes the same values of it."""

from ipaddress import IPv6Address

from dnsregistry.registry.check import (
    Check,
    DnsProbe,
    GrpcProbe,
    HeartbeatProbe,
    HttpProbe,
    Place,
    Probe,
    TcpProbe,
    Tls,
)


def describe_check(check: Check) -> dict[str, object]:
    """The check as JSON has it: `admit_checks` makes the same value of it."""
    pace = check.pace
    return {
        **_describe_probe(check.probe),
        "interval": pace.interval,
        "timeout": pace.timeout,
        "jitter": pace.jitter,
        "success_before_healthy": pace.success_before_healthy,
        "failures_before_unhealthy": pace.failures_before_unhealthy,
        "initial": str(pace.initial),
        "delay": pace.delay,
        "deregister_after": pace.deregister_after,
    }


def _describe_probe(probe: Probe) -> dict[str, object]:
    match probe:
        case HttpProbe():
            return _describe_http(probe)
        case TcpProbe(place, tls):
            return {"type": "tcp", **_describe_place(place), **_describe_tls(tls)}
        case GrpcProbe(place, service, tls):
            told = {"type": "grpc", "service": service}
            return {**told, **_describe_place(place), **_describe_tls(tls)}
        case DnsProbe(name, qtype, place):
            return {"type": "dns", "name": name, "qtype": qtype, **_describe_place(place)}
        case HeartbeatProbe():
            return {"type": "heartbeat"}


def _describe_http(probe: HttpProbe) -> dict[str, object]:
    low, high = probe.statuses
    told: dict[str, object] = {"type": "http"}
    if probe.place is not None:
        scheme = "https" if probe.tls else "http"
        told["url"] = f"{scheme}://{write_place(probe.place)}{probe.path}"
    else:
        told["path"] = probe.path
        if probe.port is not None:
            told["port"] = probe.port
    return {
        **told,
        "method": probe.method,
        "expect_status": f"{low}-{high}",
        "body_pattern": probe.pattern,
        "headers": dict(probe.headers),
        "follow_redirects": probe.follow_redirects,
        "fallback_path": probe.fallback_path,
        **_describe_tls(probe.tls),
    }


def _describe_tls(tls: Tls | None) -> dict[str, object]:
    if tls is None:
        return {"tls": False}
    return {"tls": True, "verify_tls": tls.verify, "server_name": tls.server_name}


def _describe_place(place: Place | None) -> dict[str, object]:
    return {} if place is None else {"address": write_place(place)}


def write_place(place: Place) -> str:
    """Host and port as a URL has them."""
    host, port = place
    return f"[{host}]:{port}" if isinstance(host, IPv6Address) else f"{host}:{port}"
