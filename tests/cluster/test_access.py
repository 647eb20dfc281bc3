"""How a node gets to its store: TLS, users, prefixes, and one sentence where it cannot."""

import asyncio
import subprocess
from pathlib import Path

import pytest

from tests.cluster.conftest import Launch, Serve
from tests.cluster.nodes import Node, Refused, agree, until
from tests.endtoend.process import run
from tests.machine import require
from tests.redisserver import find_free_port, find_server

FREE = ("--dns-port", "0", "--http-port", "0")
ACL = "on >secret ~{mine}:* +@all -@admin -@dangerous +info +keys"


async def _refuse(*arguments: str, **variables: str) -> str:
    finished = await run(*FREE, *arguments, variables=variables)
    assert finished.code != 0
    lines = [
        line for line in finished.err.splitlines() if "[warning" not in line and "[info" not in line
    ]
    assert len(lines) == 1, finished.err
    return lines[0]


async def test_a_store_that_throws_keys_away_is_refused(launch: Launch) -> None:
    server = launch("--maxmemory-policy", "allkeys-lru")
    assert await _refuse("--store", server.url) == (
        f"Error: STORE: 127.0.0.1:{server.port} has the maxmemory-policy allkeys-lru, which throws"
        " registrations away; it must be noeviction"
    )


async def test_a_wrong_password_is_one_sentence_that_does_not_tell_it(launch: Launch) -> None:
    server = launch()
    server.command("ACL", "SETUSER", "us", *ACL.split())
    url = server.url.replace("//", "//us:wrong-word@")
    said = await _refuse("--store", url)
    assert said.startswith(f"Error: STORE: 127.0.0.1:{server.port} refuses us: ")
    assert "wrong-word" not in said


@pytest.mark.parametrize(
    ("url", "rule"),
    [
        ("redis://", "names no host: redis://HOST:PORT/NUMBER"),
        ("redis+sentinel://h", "is not of the form redis+sentinel://HOST:PORT,HOST:PORT/MASTER"),
        ("redis://us:word@", "names no host: redis://HOST:PORT/NUMBER"),
        ("redis://h/first", "names no database: redis://HOST:PORT/NUMBER"),
        (
            "redis://h/0?colour=red",
            "has options that redis-py does not take: got an unexpected keyword argument 'colour'",
        ),
        (
            "redis+sentinel://h/main?db=first",
            "has options that redis-py does not take: Invalid value for 'db' in connection URL.",
        ),
    ],
)
async def test_a_url_that_names_no_store_is_one_sentence(url: str, rule: str) -> None:
    said = await _refuse("--store", url)
    shown = url.replace("us:word@", "...@")
    assert said == f"Error: STORE={shown}: {rule}"


@pytest.mark.parametrize(
    "url",
    [
        "redis://us:open/sesame@h",
        "redis://us:open@sesame@h:0x0",
        "redis+sentinel://h?sentinel_password=opensesame",
        "redis://h/0?password=opensesame&db=first",
    ],
)
async def test_a_url_that_is_refused_is_told_without_its_passwords(url: str) -> None:
    said = await _refuse("--store", url)
    assert said.startswith("Error: STORE=redis")
    assert "open" not in said
    assert "sesame" not in said


async def test_a_missing_extra_is_one_sentence(tmp_path: Path) -> None:
    hidden = tmp_path / "redis"
    hidden.mkdir()
    (hidden / "__init__.py").write_text("raise ImportError('hidden')\n")
    said = await _refuse("--store", "redis://localhost", PYTHONPATH=str(tmp_path))
    assert said == (
        "Error: STORE=redis://localhost: needs redis-py: pip install 'dnsregistry[redis]'"
    )


async def test_a_user_of_one_prefix_shares_a_store_with_another_cluster(
    launch: Launch, serve: Serve
) -> None:
    server = launch()
    server.command("ACL", "SETUSER", "us", *ACL.split())
    mine = server.url.replace("//", "//us:secret@")
    nodes = await asyncio.gather(
        serve("--store", mine, "--store-prefix", "mine"),
        serve("--store", mine, "--store-prefix", "mine"),
        serve("--store", server.url, "--store-prefix", "other"),
    )
    await nodes[0].put("a")
    await nodes[2].put("b")
    await agree(nodes[:2], ["a"])
    assert [await node.ids() for node in nodes] == [["a"], ["a"], ["b"]]


@pytest.fixture
def certified(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate for the loopback address, and its key."""
    cert, key = tmp_path / "cert.pem", tmp_path / "key.pem"
    words = ["req", "-x509", "-newkey", "rsa:2048", "-nodes", "-subj", "/CN=localhost", "-days=2"]
    words += ["-addext", "subjectAltName=IP:127.0.0.1", "-keyout", str(key), "-out", str(cert)]
    subprocess.run([require("openssl"), *words], check=True, capture_output=True)
    return cert, key


async def test_over_tls_with_a_certificate_that_is_checked(
    launch: Launch, serve: Serve, certified: tuple[Path, Path]
) -> None:
    cert, key = certified
    port = find_free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key))
    launch(*tls, "--tls-auth-clients", "no")
    url = f"rediss://127.0.0.1:{port}"
    nodes = await asyncio.gather(
        *(serve("--store", f"{url}?ssl_ca_certs={cert}") for _ in range(2))
    )
    await nodes[0].put("a")
    await agree(nodes, ["a"])
    unchecked = await serve("--store", url)
    ready = await unchecked.ready()
    assert ready["code"] == 503
    assert any("certificate" in reason.lower() for reason in ready["reasons"])


async def test_over_tls_to_the_sentinels_too(
    launch: Launch, serve: Serve, certified: tuple[Path, Path], tmp_path: Path
) -> None:
    cert, key = certified
    port, sentinel_port = find_free_port(), find_free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", str(cert), "--tls-key-file", str(key))
    launch(*tls, "--tls-auth-clients", "no")
    config = tmp_path / "sentinel.conf"
    config.write_text(
        f"port 0\ntls-port {sentinel_port}\nbind 127.0.0.1\ndir {tmp_path}\n"
        f"tls-cert-file {cert}\ntls-key-file {key}\ntls-ca-cert-file {cert}\n"
        "tls-auth-clients no\ntls-replication yes\n"
        f"sentinel monitor registry 127.0.0.1 {port} 1\n"
        "requirepass sentinels-word\n"
    )
    with (tmp_path / "sentinel.log").open("wb") as out:
        sentinel = subprocess.Popen(  # noqa: ASYNC220 - it only runs beside
            [find_server(), str(config), "--sentinel"], stdout=out
        )
    try:
        words = f"sentinel_password=sentinels-word&ssl_ca_certs={cert}"
        node = await serve(
            "--store", f"rediss+sentinel://127.0.0.1:{sentinel_port}/registry?{words}"
        )

        async def is_ready() -> bool:
            return bool((await node.ready())["code"] == 200)

        await until(is_ready)
        await node.put("a")
        assert await node.ids() == ["a"]
    finally:
        sentinel.kill()
        sentinel.wait()


async def _is_refused_for_replicas(node: Node) -> bool:
    with pytest.raises(Refused) as refused:
        await node.put("alone")
    assert (refused.value.status, refused.value.body["type"]) == (503, "store-away")
    # A store that is slow at that moment has another reason.
    return "0 of 1 replicas" in refused.value.body["detail"]


async def test_a_write_waits_for_as_many_replicas_as_are_asked_for(
    launch: Launch, serve: Serve
) -> None:
    master, replica = (launch("--repl-diskless-sync-delay", "0") for _ in range(2))
    node = await serve("--store", master.url, "--store-replicas", "1")
    await until(lambda: _is_refused_for_replicas(node))
    ready = await node.ready()
    assert (ready["code"], ready["status"]) == (200, "degraded")
    assert "0 of 1 replicas" in ready["reasons"][0]
    replica.command("REPLICAOF", master.host, master.port)

    async def accepted() -> bool:
        try:
            await node.put("together", ttl=None)
        except Refused:
            return False
        return True

    await until(accepted)
    assert replica.command("HEXISTS", "{dnsregistry}:held", "together") == 1
    assert (await node.ready())["status"] == "ready"


async def test_that_a_missing_replica_is_back_is_known_though_nobody_writes(
    launch: Launch, serve: Serve
) -> None:
    master, replica = (launch("--repl-diskless-sync-delay", "0") for _ in range(2))
    node = await serve("--store", master.url, "--store-replicas", "1")
    await until(lambda: _is_refused_for_replicas(node))
    assert (await node.ready())["status"] == "degraded"
    replica.command("REPLICAOF", master.host, master.port)

    async def is_ready() -> bool:
        told = await node.ready()
        return bool(told["status"] == "ready")

    await until(is_ready)
    assert await node.ids() == ["alone"]
