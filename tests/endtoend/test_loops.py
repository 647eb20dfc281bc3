"""The program does the same in uvloop and in Python's own event loop."""

import asyncio
import os
import signal
import socket
import ssl
from pathlib import Path

import aiohttp
import pytest

from tests.dns.certificate import HOST, make_certificate
from tests.endtoend.conftest import Serve
from tests.program import PATIENCE
from tests.wire import make_query

SRV = "_web._tcp.registry.local"
WITHOUT_UVLOOP = "import sys; sys.modules['uvloop'] = None"


@pytest.mark.parametrize("workers", ["0", "2"])
@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_all_that_listens_answers_in_either_loop(
    serve: Serve, tmp_path: Path, loop: str, workers: str
) -> None:
    variables = {}
    if loop == "asyncio":
        (tmp_path / "sitecustomize.py").write_text(WITHOUT_UVLOOP)
        variables["PYTHONPATH"] = str(tmp_path)
    certificate = make_certificate(tmp_path, HOST)
    tls = ("--tls-cert", str(certificate), "--dot-port", "0", "--https-port", "0")
    served = await serve(*tls, "--workers", workers, **variables)
    trust = ssl.create_default_context(cafile=str(certificate))
    https = f"https://127.0.0.1:{served.https_port}"
    headers = {"Content-Type": "application/dns-message"}
    body = [{"id": f"i{n}", "service": "web", "address": f"10.0.0.{n}", "port": 80} for n in (1, 2)]
    async with aiohttp.ClientSession(served.url) as http:
        async with http.post("/v1/instances", json=body) as response:
            assert response.status == 201
        async with http.post("/v1/heartbeats", json={"ids": ["i1", "i2", "i3"]}) as response:
            assert await response.json() == {"renewed": 2, "unknown": ["i3"]}
        for tcp in (False, True):
            reply = await served.dns.ask(SRV, "SRV", tcp=tcp)
            assert len(reply.message.answer) == 2
        url = f"{https}/dns-query"
        query = make_query(SRV, "SRV", id=0)
        async with http.post(url, data=query, headers=headers, ssl=trust) as response:
            assert response.status == 200
            assert (await response.read())[7] == 2
    finished = await served.stop()
    assert finished.code == 0
    assert f"loop={loop}" in finished.err


@pytest.mark.parametrize("loop", ["uvloop", "asyncio"])
async def test_handshakes_that_began_before_they_were_accepted_are_finished(
    serve: Serve, tmp_path: Path, loop: str
) -> None:
    variables = {}
    if loop == "asyncio":
        (tmp_path / "sitecustomize.py").write_text(WITHOUT_UVLOOP)
        variables["PYTHONPATH"] = str(tmp_path)
    certificate = make_certificate(tmp_path, HOST)
    tls = ("--tls-cert", str(certificate), "--dot-port", "0", "--https-port", "0")
    served = await serve(*tls, **variables)
    trust = ssl.create_default_context(cafile=str(certificate))
    os.kill(served.process.pid, signal.SIGSTOP)
    clients = [
        _Hello(port, trust) for port in (served.https_port, served.dot_port) for _ in range(10)
    ]
    os.kill(served.process.pid, signal.SIGCONT)
    async with asyncio.timeout(PATIENCE):
        await asyncio.gather(*(asyncio.to_thread(client.finish) for client in clients))


class _Hello:
    """A client whose first octets are sent when it is made."""

    def __init__(self, port: int, trust: ssl.SSLContext) -> None:
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = trust.wrap_bio(self._incoming, self._outgoing, server_hostname="127.0.0.1")
        self._sock = socket.create_connection(("127.0.0.1", port), timeout=PATIENCE)
        self._shake()

    def finish(self) -> None:
        """Return when the handshake is through."""
        with self._sock:
            while not self._shake():
                octets = self._sock.recv(65536)
                assert octets, "the server closed the connection"
                self._incoming.write(octets)

    def _shake(self) -> bool:
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            return False
        finally:
            self._sock.sendall(self._outgoing.read())
        return True
