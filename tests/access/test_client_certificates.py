"""HTTPS with client certificates: who signs them, whom they name; both are followed."""

import asyncio
import shutil
import ssl
import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from aiohttp import ClientError, ClientSession, TCPConnector

from dnsregistry.servers.certificate import Certificate, ClientCa
from dnsregistry.servers.sockets import ListenError
from tests.access.conftest import write_table
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.machine import require
from tests.program import PATIENCE, Program

NAME = "machine-1.test"


@dataclass(frozen=True, slots=True)
class Authority:
    """One that signs certificates: its own in `cert`, its key in `key`."""

    folder: Path
    cert: Path
    key: Path

    def sign(self, subject: str, *names: str) -> Path:
        """A file with a certificate for a subject and alternative names, and its key."""
        place = self.folder / f"{subject}.pem"
        key, request, cert = (self.folder / f"{subject}.{end}" for end in ("key", "csr", "crt"))
        told = ",".join(names) or "DNS:nothing.test"
        curve = ("-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-noenc")
        _openssl("req", "-new", *curve, f"-subj=/CN={subject}", f"-keyout={key}", f"-out={request}")
        extensions = self.folder / "extensions"
        extensions.write_text(f"subjectAltName={told}\n")
        signed = ("-req", f"-in={request}", f"-CA={self.cert}", f"-CAkey={self.key}", "-days=2")
        _openssl("x509", *signed, f"-extfile={extensions}", f"-out={cert}")
        place.write_bytes(cert.read_bytes() + key.read_bytes())
        return place


def _openssl(*given: str) -> None:
    words: list[str] = []
    for word in given:
        words += word.split("=", 1) if word.startswith("-") and "=" in word else [word]
    command = [require("openssl"), *words]
    subprocess.run(command, check=True, capture_output=True, timeout=PATIENCE)


@pytest.fixture(scope="module")
def authorities(tmp_path_factory: pytest.TempPathFactory) -> Sequence[Authority]:
    made = []
    for subject in ("authority-1", "authority-2"):
        folder = tmp_path_factory.mktemp(subject)
        make_certificate(folder, subject)
        made.append(Authority(folder, folder / "cert.pem", folder / "key.pem"))
    return made


@pytest.fixture(scope="module")
def server_certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return make_certificate(tmp_path_factory.mktemp("server"), "server")


@pytest.fixture
def client_ca(authorities: Sequence[Authority], tmp_path: Path) -> Path:
    place = tmp_path / "clients.pem"
    place.write_bytes(authorities[0].cert.read_bytes())
    return place


async def _get(
    program: Program, path: str, certificate: Path | None, token: str | None = None
) -> int:
    """The status of an answer, 0 where there is no connection."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    if certificate is not None:
        context.load_cert_chain(certificate)
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    url = f"https://127.0.0.1:{program.https_port}{path}"
    async with ClientSession(connector=TCPConnector(ssl=context)) as session:
        try:
            async with session.get(url, headers=headers) as response:
                return response.status
        except (ClientError, OSError):
            return 0


@pytest.mark.parametrize(
    ("subject", "names"),
    [("machine-1.test", ()), ("someone", ("DNS:Machine-1.test",)), ("x", ("URI:machine-1.test",))],
)
async def test_a_name_in_a_certificate_is_a_caller(
    start: Start,
    tokens_file: Path,
    authorities: Sequence[Authority],
    server_certificate: Path,
    client_ca: Path,
    subject: str,
    names: tuple[str, ...],
) -> None:
    tokens_file.write_text(write_table("machine", ["read"], cert=NAME))  # noqa: ASYNC240
    certificate = await asyncio.to_thread(authorities[0].sign, subject, *names)
    program = await start(
        tls_cert=server_certificate, tls_client_ca=client_ca, tokens_file=tokens_file
    )
    assert await _get(program, "/v1/stats", certificate) == 200
    assert await _get(program, "/v1/stats", None) == 401
    # Where a token is sent, it alone counts.
    assert await _get(program, "/v1/stats", certificate, "dr_machine_x") == 401
    stranger = await asyncio.to_thread(authorities[0].sign, "stranger")
    assert await _get(program, "/v1/stats", stranger) == 401
    assert await _get(program, "/health", None) == 200
    forged = await asyncio.to_thread(authorities[1].sign, subject, *names)
    assert await _get(program, "/health", forged) == 0


async def test_a_certificate_may_be_required(
    start: Start,
    authorities: Sequence[Authority],
    server_certificate: Path,
    client_ca: Path,
) -> None:
    program = await start(
        tls_cert=server_certificate, tls_client_ca=client_ca, tls_client_required=True
    )
    certificate = await asyncio.to_thread(authorities[0].sign, "anyone")
    assert await _get(program, "/health", certificate) == 200
    assert await _get(program, "/health", None) == 0


async def test_another_authority_counts_without_a_restart_and_the_old_one_no_more(
    start: Start,
    authorities: Sequence[Authority],
    server_certificate: Path,
    client_ca: Path,
) -> None:
    old = await asyncio.to_thread(authorities[0].sign, "anyone")
    new = await asyncio.to_thread(authorities[1].sign, "anyone")
    program = await start(
        tls_cert=server_certificate, tls_client_ca=client_ca, tls_client_required=True
    )
    assert (await _get(program, "/health", old), await _get(program, "/health", new)) == (200, 0)
    await asyncio.to_thread(shutil.copy, authorities[1].cert, client_ca)
    async with asyncio.timeout(PATIENCE):
        while await _get(program, "/health", new) != 200:
            pass
    assert await _get(program, "/health", old) == 0


async def test_an_authority_that_cannot_be_read_ends_the_start(
    start: Start, server_certificate: Path, tmp_path: Path
) -> None:
    with pytest.raises(ListenError, match=r"^cannot use TLS_CLIENT_CA="):
        await start(tls_cert=server_certificate, tls_client_ca=tmp_path / "none.pem")


def test_a_list_of_authorities_that_is_being_written_turns_nobody_away(
    authorities: Sequence[Authority], server_certificate: Path, client_ca: Path
) -> None:
    first, second = (authority.cert.read_bytes() for authority in authorities)
    client_ca.write_bytes(first + second)
    certificate = Certificate(server_certificate, None)
    certificate.make_context((), ClientCa(client_ca, required=True))
    assert not certificate.reload()
    client_ca.write_bytes(second)
    assert not certificate.reload()
    client_ca.write_bytes(second + first)
    assert not certificate.reload()
    assert certificate.reload()
    assert not certificate.reload()
