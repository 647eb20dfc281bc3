"""The clock of this machine beside the one of the registry."""

import ssl
import time
from email.utils import parsedate_to_datetime
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError, URLError
from urllib.request import HTTPSHandler, ProxyHandler, build_opener

from dnsregistry.doctor.finding import Finding, Level, well

PATIENCE = 3.0
"""Seconds for the registry's answer."""
MOST_APART = 5.0
"""Seconds: the header tells whole ones, and the answer takes its time."""


def examine(url: str, ca_file: Path | None = None) -> Finding:
    """How far apart they are, by the Date of an answer (RFC 9110, 6.6.1).

    `ca_file` is what https is trusted by; without one, the system's certificates.
    """
    try:
        trusted = HTTPSHandler(context=ssl.create_default_context(cafile=ca_file))
        # No proxy of the environment: a registry is in the house.
        opener = build_opener(ProxyHandler({}), trusted)
        with opener.open(f"{url.rstrip('/')}/health", timeout=PATIENCE) as answer:
            date = answer.headers.get("Date", "")
    except HTTPError as error:
        date = error.headers.get("Date", "")
        error.close()
    except (URLError, OSError, HTTPException, ValueError) as error:
        reason = getattr(error, "reason", error)
        change = (
            "name what it is trusted by: --ca-file, or DNSREGISTRY_CA_FILE"
            if isinstance(reason, ssl.SSLCertVerificationError)
            else "say where it is: --url, or DNSREGISTRY_URL"
        )
        return Finding(Level.WARNING, "HTTP", f"no registry at {url}: {reason}", change)
    try:
        apart = parsedate_to_datetime(date).timestamp() - time.time()
    except ValueError:
        return Finding(Level.WARNING, "clock", f"{url} does not tell the time", "")
    if abs(apart) > MOST_APART:
        return Finding(
            Level.WARNING,
            "clock",
            f"is {abs(apart):.0f} s {'behind' if apart > 0 else 'ahead of'} the registry's; leases"
            " seem to end at other times, and certificates may seem invalid",
            "timedatectl set-ntp true",
        )
    return well("clock", "agrees with the registry's")
