"""Certificates of the tests, made by OpenSSL."""

import shutil
import subprocess
from pathlib import Path

from tests.machine import require
from tests.program import PATIENCE

HOST = "dns.test"
"""The name that they are for, beside 127.0.0.1."""


def make_certificate(folder: Path, subject: str) -> Path:
    """Return a file with certificate and key, which lie beside it in `cert.pem` and `key.pem`."""
    cert, key, both = folder / "cert.pem", folder / "key.pem", folder / "both.pem"
    subprocess.run(
        [
            *(require("openssl"), "req", "-x509", "-newkey", "ec", "-noenc", "-days", "2"),
            *("-pkeyopt", "ec_paramgen_curve:prime256v1", "-subj", f"/CN={subject}"),
            *("-addext", f"subjectAltName=DNS:{HOST},IP:127.0.0.1"),
            *("-keyout", str(key), "-out", str(cert)),
        ],
        check=True,
        capture_output=True,
        timeout=PATIENCE,
    )
    both.write_bytes(cert.read_bytes() + key.read_bytes())
    return both


def put(certificate: Path, place: Path) -> Path:
    """Replace a file as those do that renew certificates: whole, at once."""
    shutil.copy(certificate, place.with_suffix(".new"))
    return place.with_suffix(".new").replace(place)
