"""What is told at /metrics is described, and what dashboard and alerts ask for is told."""

import asyncio
import json
import re
import subprocess
from asyncio.subprocess import PIPE
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
from prometheus_client import Metric
from prometheus_client.parser import text_string_to_metric_families

from tests.conftest import Start
from tests.dns.certificate import make_certificate
from tests.machine import require
from tests.program import Program

DOCS = Path(__file__).parents[2] / "docs"
_OURS = re.compile(r"\b(?:dnsregistry|process|python)_[a-z_]+\b")
_PREFIXES = ("process_", "python_")
_PARTS = re.compile(r"_(?:bucket|sum|count)$")
_ONLY_IN_A_CLUSTER = {
    "dnsregistry_cluster_revision",
    "dnsregistry_cluster_lag_changes",
    "dnsregistry_cluster_nodes",
}


@pytest.fixture
async def busy(start: Start, tmp_path: Path) -> Program:
    """A program in which everything is on that needs no other server."""
    certificate = make_certificate(tmp_path, "dns.test")
    return await start(
        store=f"sqlite:///{tmp_path}/registry.db",
        tls_cert=str(certificate),
        upstreams="127.0.0.1:9",
        dialects="modularity:0",
        scan_ranges="127.0.0.1/32",
        scan_port=9,
        workers=1,
    )


async def _scrape(program: Program, accept: str = "text/plain") -> str:
    async with program.http.get("/metrics", headers={"Accept": accept}) as response:
        assert response.status == 200
        return await response.text()


async def _families(program: Program) -> Mapping[str, Metric]:
    families = text_string_to_metric_families(await _scrape(program))
    return {
        family.name + ("_total" if family.type == "counter" else ""): family for family in families
    }


def _documented() -> set[str]:
    """The metrics that have a line in the document's tables."""
    text = (DOCS / "observability.md").read_text(encoding="utf-8")
    return set(re.findall(r"^\| `(dnsregistry_[a-z_]+)` \|", text, re.MULTILINE))


def _expressions(value: Any) -> Iterator[str]:
    """What a dashboard asks for, wherever it stands."""
    if isinstance(value, dict):
        yield from (text for name, text in value.items() if name == "expr")
        for item in value.values():
            yield from _expressions(item)
    elif isinstance(value, list):
        for item in value:
            yield from _expressions(item)


def _names_in(text: str) -> set[str]:
    return {_PARTS.sub("", name) for name in _OURS.findall(text)}


async def test_promtool_has_nothing_against_our_metrics(busy: Program) -> None:
    await busy.register("web-1")
    await busy.ask("user-service.registry.local")
    promtool = await asyncio.create_subprocess_exec(
        *(require("promtool"), "check", "metrics"), stdin=PIPE, stdout=PIPE, stderr=PIPE
    )
    said = await promtool.communicate((await _scrape(busy)).encode())
    assert (promtool.returncode, said) == (0, (b"", b""))


async def test_every_metric_has_a_line_in_the_document_and_every_line_a_metric(
    busy: Program,
) -> None:
    told = {name for name in await _families(busy) if not name.startswith(_PREFIXES)}
    assert told == _documented() - _ONLY_IN_A_CLUSTER


async def test_the_documents_kinds_are_the_metrics(busy: Program) -> None:
    text = (DOCS / "observability.md").read_text(encoding="utf-8")
    kinds = dict(re.findall(r"^\| `(dnsregistry_[a-z_]+)` \| (\w+) \|", text, re.MULTILINE))
    for name, family in (await _families(busy)).items():
        if not name.startswith(_PREFIXES):
            assert kinds[name] == family.type, name


@pytest.mark.parametrize("place", ["grafana/dashboard.json", "prometheus/alerts.yml"])
async def test_dashboard_and_alerts_ask_for_metrics_that_there_are(
    place: str, busy: Program
) -> None:
    text = (DOCS / place).read_text(encoding="utf-8")
    asked = text if place.endswith("yml") else "\n".join(_expressions(json.loads(text)))
    names = _names_in(asked)
    assert len(names) > 10
    assert names <= set(await _families(busy)) | _ONLY_IN_A_CLUSTER


def test_the_alert_rules_hold_and_do_what_they_are_there_for() -> None:
    promtool, folder = require("promtool"), DOCS / "prometheus"
    for command in (["check", "rules", "alerts.yml"], ["test", "rules", "alerts_test.yml"]):
        done = subprocess.run(
            [promtool, *command], cwd=folder, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stdout + done.stderr


def test_the_dashboards_panels_have_ids_and_places_of_their_own() -> None:
    panels = json.loads((DOCS / "grafana/dashboard.json").read_text())["panels"]
    places = [(panel["gridPos"]["x"], panel["gridPos"]["y"]) for panel in panels]
    assert len({panel["id"] for panel in panels}) == len(set(places)) == len(panels)


async def test_open_metrics_are_told_to_who_asks_for_them(program: Program) -> None:
    text = await _scrape(program, "application/openmetrics-text; version=1.0.0")
    assert text.endswith("# EOF\n")
    assert "dnsregistry_build_info{" in text
