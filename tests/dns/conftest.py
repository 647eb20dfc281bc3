"""Certificates for what is encrypted."""

from pathlib import Path

import pytest

from tests.dns.certificate import make_certificate, put


@pytest.fixture(scope="session")
def certificates(tmp_path_factory: pytest.TempPathFactory) -> list[Path]:
    """Two certificates for one name, each in a file with its key."""
    return [
        make_certificate(tmp_path_factory.mktemp("certificate"), f"certificate-{place}")
        for place in range(2)
    ]


@pytest.fixture
def served(certificates: list[Path], tmp_path: Path) -> Path:
    """The file that is served, which the test may replace."""
    return put(certificates[0], tmp_path / "served.pem")
