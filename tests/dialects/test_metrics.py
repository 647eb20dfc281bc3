"""What the documents say to monitor, as Prometheus reads it."""

from collections.abc import Mapping

from prometheus_client.parser import text_string_to_metric_families

from tests.dialects.conftest import Speak
from tests.dialects.spoken import Spoken

MODULARITY = {"dialect": "modularity"}


async def _scrape(spoken: Spoken, url: str) -> dict[tuple[str, str], float]:
    async with spoken.http.get(url) as response:
        assert response.status == 200
        assert response.headers["Content-Type"].startswith("text/plain; version=")
        text = await response.text()
    return {
        (sample.name, _write(sample.labels)): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


def _write(labels: Mapping[str, str]) -> str:
    return ",".join(f"{name}={value}" for name, value in sorted(labels.items()))


async def test_the_documents_list_of_metrics_is_told_on_both_ports(speak: Speak) -> None:
    spoken = await speak("modularity")
    for number in range(3):
        body = {"id": f"hello-{number}", "location": "http://localhost:3000", "capabilities": ["x"]}
        await spoken.ask("POST", "/api/register", body)
    await spoken.ask("DELETE", "/api/services/hello-2")
    await spoken.ask("GET", "/api/capabilities/x")
    await spoken.ask("POST", "/api/register", {})
    for url in (f"{spoken.url}/metrics", f"{spoken.program.url}/metrics"):
        told = await _scrape(spoken, url)
        assert told["dnsregistry_services", ""] == 2
        assert told["dnsregistry_instances", ""] == 2
        counted = {
            name: told[f"dnsregistry_dialect_{name}_total", "dialect=modularity"]
            for name in ("registrations", "queries", "removals", "refused", "errors")
        }
        assert counted == {
            "registrations": 3, "queries": 1, "removals": 1, "refused": 1, "errors": 0
        }  # fmt: skip
        for result in ("passed", "failed"):
            assert told["dnsregistry_checks_total", f"result={result},type=http"] == 0
        for name in (
            "transitions",
            "refused",
            "guard_trips",
            "revoked",
            "write_failures",
            "faults",
        ):
            assert told[f"dnsregistry_checks_{name}_total", ""] == 0
        assert told["dnsregistry_checks_lag_seconds_bucket", "le=+Inf"] == 0
    seconds = "dnsregistry_dialect_request_seconds"
    assert told[f"{seconds}_count", "dialect=modularity"] == 7
    assert told[f"{seconds}_bucket", "dialect=modularity,le=+Inf"] == 7
    assert told[f"{seconds}_sum", "dialect=modularity"] > 0


async def test_openmetrics_is_told_to_who_asks_for_it(speak: Speak) -> None:
    spoken = await speak("modularity")
    accept = {"Accept": "application/openmetrics-text; version=1.0.0"}
    async with spoken.http.get("/metrics", headers=accept) as response:
        assert response.content_type == "application/openmetrics-text"
        assert (await response.text()).endswith("# EOF\n")
