"""The metrics tell what happened."""

import asyncio
import subprocess
from pathlib import Path

from prometheus_client.parser import text_string_to_metric_families

from dnsregistry.servers.certificate import read_end
from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.machine import require
from tests.program import PATIENCE, Program

NAME = "user-service.registry.local"


async def scrape(program: Program) -> dict[str, float]:
    """All samples, by name and labels as they are written."""
    async with program.http.get("/metrics") as response:
        text = await response.text()
    return {
        sample.name + "".join(f",{key}={value}" for key, value in sorted(sample.labels.items())): (
            sample.value
        )
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_queries_are_counted_by_transport_type_rcode_size_and_path(program: Program) -> None:
    await program.register("a")
    for _ in range(5):
        assert (await program.ask(NAME)).answer
    await program.ask(NAME, tcp=True)
    await program.ask("nobody.registry.local", "SRV")
    await program.ask("example.org", "TYPE4711")
    told = await scrape(program)
    assert told["dnsregistry_dns_queries_total,transport=udp"] == 7
    assert told["dnsregistry_dns_queries_total,transport=tcp"] == 1
    assert told["dnsregistry_dns_answers_total,rcode=NOERROR,type=A"] == 6
    assert told["dnsregistry_dns_answers_total,rcode=NXDOMAIN,type=SRV"] == 1
    assert told["dnsregistry_dns_answers_total,rcode=REFUSED,type=other"] == 1
    assert told["dnsregistry_dns_answer_size_bytes_bucket,le=+Inf"] == 8
    assert told["dnsregistry_dns_answer_size_bytes_bucket,le=64.0"] == 7
    paths = {
        path: told[f"dnsregistry_dns_answer_seconds_count,path={path}"]
        for path in ("table", "ordinary", "forward")
    }
    assert paths["table"] == told["dnsregistry_dns_table_hits_total"]
    assert sum(paths.values()) == 8
    assert paths["table"] >= 3
    assert told["dnsregistry_dns_table_entries"] == 1
    await program.remove("a")
    assert (await scrape(program))["dnsregistry_dns_table_entries"] == 0


async def test_what_workers_answer_is_in_the_same_numbers(start: Start) -> None:
    program = await start(workers=2)
    await program.register("a")
    for _ in range(40):
        assert (await program.ask(NAME)).answer
    async with asyncio.timeout(PATIENCE):
        # Each tells once a second.
        while True:
            told = await scrape(program)
            if told["dnsregistry_dns_queries_total,transport=udp"] == 40:
                break
            await asyncio.sleep(0.05)
    assert told["dnsregistry_workers"] == 2
    assert told["dnsregistry_dns_answers_total,rcode=NOERROR,type=A"] == 40
    assert told["dnsregistry_dns_answer_size_bytes_bucket,le=+Inf"] == 40
    times = [value for name, value in told.items() if "answer_seconds_count" in name]
    assert sum(times) == 40
    # One at the main process, one at each worker that was asked.
    assert 2 <= told["dnsregistry_dns_table_entries"] <= 3
    stats = await program.read_stats()
    assert stats["workers"]["serving"] == 2


async def test_leases_and_changes_are_counted_by_what_became_of_them(program: Program) -> None:
    for name in ("a", "b", "c"):
        await program.register(name, ttl=10)
    await program.register("a", ttl=10, port=9)
    await program.http.post("/v1/heartbeats", json={"ids": ["a", "b", "none"]})
    await program.http.post("/v1/instances/a/heartbeat")
    await program.remove("a")
    await program.set_status("b", "maintenance")
    program.clock.advance(11)
    async with asyncio.timeout(PATIENCE):
        while True:
            told = await scrape(program)
            if not told["dnsregistry_instances"]:
                break
            await asyncio.sleep(0.05)
    changes = {
        kind: told[f"dnsregistry_changes_total,kind={kind}"]
        for kind in ("registered", "updated", "removed", "expired")
    }
    assert changes == {"registered": 3, "updated": 2, "removed": 1, "expired": 2}
    assert told["dnsregistry_leases_total,event=renewed"] == 3
    stats = await program.read_stats()
    assert told["dnsregistry_revision"] == stats["registry"]["revision"]
    assert told["dnsregistry_soa_serial"] == stats["zone"]["serial"]
    assert stats["registry"]["changes"] == changes
    assert stats["registry"]["heartbeats"] == 3


async def test_what_serves_is_told_apart_from_what_is_registered(program: Program) -> None:
    for name in ("a", "b", "c"):
        await program.register(name)
    await program.set_status("b", "draining")
    told = await scrape(program)
    assert told["dnsregistry_instances"] == 3
    assert told["dnsregistry_instances_serving"] == 2
    await program.remove("b")
    await program.remove("c")
    assert (await scrape(program))["dnsregistry_instances_serving"] == 1


async def test_requests_are_counted_by_route_and_not_by_what_clients_make_up(
    program: Program,
) -> None:
    for number in range(5):
        await program.register(f"i{number}")
        await program.http.get(f"/made/up/{number}")
        await program.http.delete("/health")
    told = await scrape(program)
    name = "dnsregistry_http_requests_total,method=PUT,route=/v1/instances/{id},status=201"
    assert told[name] == 5
    unmatched = "dnsregistry_http_requests_total,method=other,route=unmatched,status="
    assert (told[f"{unmatched}404"], told[f"{unmatched}405"]) == (5, 5)
    assert not any("made" in name for name in told)
    seconds = "dnsregistry_http_request_seconds_count,method=PUT,route=/v1/instances/{id}"
    assert told[seconds] == 5


async def test_the_file_store_tells_of_its_commits(start: Start, tmp_path: Path) -> None:
    program = await start(store=f"sqlite:///{tmp_path}/registry.db")
    before = await scrape(program)
    for name in ("a", "b"):
        await program.register(name)
    told = await scrape(program)
    assert told["dnsregistry_store_up,engine=sqlite"] == 1
    assert told["dnsregistry_store_commits_total"] == before["dnsregistry_store_commits_total"] + 2
    assert told["dnsregistry_store_changes_total"] == 2
    commits = told["dnsregistry_store_commit_seconds_count"]
    assert commits == told["dnsregistry_store_commits_total"]
    assert told["dnsregistry_store_commit_seconds_sum"] > 0


async def test_the_certificates_end_is_told_as_openssl_does(start: Start, tmp_path: Path) -> None:
    certificate = make_certificate(tmp_path, "dns.test")
    done = await asyncio.create_subprocess_exec(
        *(require("openssl"), "x509", "-in", str(certificate), "-noout", "-enddate"),
        *("-dateopt", "iso_8601"),
        stdout=subprocess.PIPE,
    )
    out, _ = await done.communicate()
    _, _, end = out.decode().strip().partition("=")
    program = await start(tls_cert=str(certificate))
    told = (await scrape(program))["dnsregistry_certificate_expiry_seconds"]
    date = await asyncio.create_subprocess_exec(
        require("date"), "-u", "-d", end, "+%s", stdout=subprocess.PIPE
    )
    out, _ = await date.communicate()
    assert told == int(out)


def test_a_file_without_a_certificate_that_can_be_read_has_no_end(tmp_path: Path) -> None:
    file = tmp_path / "cert.pem"
    for body in ("", "AAAA", "MIIB", "MAA="):
        file.write_text(f"-----BEGIN CERTIFICATE-----\n{body}\n-----END CERTIFICATE-----\n")
        assert read_end(file) == 0
    file.write_text("nothing of the kind")
    assert read_end(file) == 0
