"""What is open to whom when the program starts, and the dialects, whose clients send no token."""

from collections.abc import Mapping
from pathlib import Path

import pytest

from dnsregistry.servers.sockets import ListenError
from dnsregistry.settings import SettingsError, load
from tests.conftest import Start

ANYWHERE = "0.0.0.0"


@pytest.mark.parametrize(
    ("given", "said"),
    [
        ({"http_host": ANYWHERE}, "HTTP_HOST=0.0.0.0 would let .*TOKENS_FILE, or say INSECURE="),
        ({"https_host": "::", "tls_cert": "x"}, "HTTPS_HOST=:: would let anyone"),
        ({"dialects": f"base-url:{ANYWHERE}:8006"}, "DIALECTS=base-url:0.0.0.0:8006 would let"),
        ({"dialects": "base-url", "tokens_file": "t"}, "write past TOKENS_FILE; say DIALECTS_OPEN"),
        ({"tls_client_ca": "x"}, "TLS_CLIENT_CA is given without TLS_CERT"),
        ({"tls_cert": "x", "tls_client_required": True}, "without TLS_CLIENT_CA"),
        ({"dialects_open": "a b"}, "^DIALECTS_OPEN=a b: 'a b' is no pattern of services"),
        ({"audit": "some"}, "^AUDIT=some: "),
        ({"http_rate_limit_exempt": "x"}, "^HTTP_RATE_LIMIT_EXEMPT=x: "),
    ],
)
def test_a_start_that_is_open_by_mistake_is_refused(given: dict[str, object], said: str) -> None:
    with pytest.raises(SettingsError, match=said):
        load({"store": "memory://", **given}, {}, None)


@pytest.mark.parametrize(
    "given",
    [
        {"http_host": ANYWHERE, "tokens_file": "t"},
        {"http_host": ANYWHERE, "insecure": True},
        {"http_host": "127.0.0.1", "https_host": ANYWHERE, "tls_cert": "x", "tokens_file": "t"},
        {"dialects": f"base-url:{ANYWHERE}:1", "tokens_file": "t", "dialects_open": "*"},
        {"https_host": ANYWHERE},
    ],
)
def test_one_that_is_meant_is_not(given: dict[str, object]) -> None:
    load({"store": "memory://", **given}, {}, None)


@pytest.mark.parametrize("text", [None, "[[token]\n"])
async def test_a_tokens_file_that_cannot_be_used_ends_the_start(
    start: Start, tokens_file: Path, text: str | None
) -> None:
    if text is not None:
        tokens_file.write_text(text)  # noqa: ASYNC240 - a small file of the test's own
    with pytest.raises(ListenError, match=r"^TOKENS_FILE: "):
        await start(tokens_file=tokens_file)


async def test_a_dialect_writes_the_services_that_are_open_to_it(
    start: Start, tokens: Mapping[str, str], tokens_file: Path
) -> None:
    program = await start(tokens_file=tokens_file, dialects="base-url:0", dialects_open="web-*,api")
    url = f"http://127.0.0.1:{program.dialects['base-url']}"
    headers = {"Authorization": f"Bearer {tokens['chief']}"}

    async def register(name: str) -> tuple[int, dict[str, str]]:
        body = {"service_name": name, "base_url": "http://10.0.0.1:80"}
        async with program.http.post(f"{url}/register", json=body) as response:
            return response.status, await response.json()

    status, told = await register("web-1")
    assert status == 200, told
    assert (await register("db"))[0] == 403
    body = {"service": "db", "address": "10.0.0.1", "port": 80}
    async with program.http.put("/v1/instances/i1", json=body, headers=headers) as response:
        assert response.status == 201
    async with program.http.delete(f"{url}/deregister/i1") as response:
        assert response.status == 403
    async with program.http.post(f"{url}/heartbeat/i1") as response:
        assert response.status == 403
    async with program.http.delete(f"{url}/deregister/{told['instance_id']}") as response:
        assert response.status == 200
