"""How the health of a module is checked: by its own path for that, else by the usual one."""

from urllib.parse import urlsplit

from dnsregistry.api.dialects.location import resolve_localhost
from dnsregistry.registry.check import Check
from dnsregistry.registry.check_admission import admit_checks
from dnsregistry.registry.errors import InvalidField

MODULE_PATH = "/_module/health"
USUAL_PATH = "/health"
"""Asked where the first is answered 404."""
TIMEOUT = 5.0
"""Seconds, or the interval where that is shorter."""


def make_check(location: str, interval: float) -> Check:
    """The check of a service at an http or https URL. Raises InvalidField.

    As in the document a service counts as healthy from its registration on, its first check
    comes an interval later, and each one decides.
    """
    url = urlsplit(location)
    base = url.path.rstrip("/")
    check: dict[str, object] = {
        "type": url.scheme,
        "path": f"{base}{MODULE_PATH}",
        "fallback_path": f"{base}{USUAL_PATH}",
        "interval": interval,
        "timeout": min(TIMEOUT, interval),
        "failures_before_unhealthy": 1,
        "initial": "healthy",
        "delay": interval,
    }
    if url.scheme == "https" and (name := _name_server(url.hostname)) is not None:
        check["server_name"] = name
    try:
        # What the door would not take could not be read from a store again.
        (made,) = admit_checks([check])
    except InvalidField as fault:
        raise InvalidField("location", f"its health path {fault.rule}") from None
    return made


def _name_server(host: str | None) -> str | None:
    # The instance has the address in place of this name, and its certificate has the name.
    return host if host is not None and resolve_localhost(host) != host else None
