"""A registry over https: trusted by a file, and by nothing else."""

from pathlib import Path

import pytest

from dnsregistry.client import Client, RegistryAway
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.program import LOOPBACK


async def test_https_is_trusted_by_the_file_that_is_given(
    start: Start, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = await start(tls_cert=str(make_certificate(tmp_path, "registry")))
    await program.register("i1")
    url, ca_file = f"https://{LOOPBACK}:{program.https_port}", str(tmp_path / "cert.pem")
    async with Client(url, ca_file=ca_file) as client:
        assert (await client.instance("i1")).id == "i1"
    async with Client(url) as client:
        with pytest.raises(RegistryAway, match="its certificate is not trusted"):
            await client.instance("i1")
    async with Client(program.url.replace("http:", "https:")) as client:
        with pytest.raises(RegistryAway, match="no TLS there"):
            await client.instance("i1")
    monkeypatch.setenv("DNSREGISTRY_CA_FILE", ca_file)
    async with Client(url) as client:
        assert (await client.instance("i1")).id == "i1"


@pytest.mark.parametrize(
    ("content", "told"), [(None, "No such file"), ("nothing", "no certificate in it")]
)
def test_a_file_that_is_none_is_named(tmp_path: Path, content: str | None, told: str) -> None:
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(ValueError, match=f"ca.pem cannot be used: {told}"):
        Client("https://x", ca_file=str(path))
