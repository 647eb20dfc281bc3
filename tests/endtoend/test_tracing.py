"""Traces of requests, as a receiver of OpenTelemetry gets them."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from aiohttp import ClientSession, web
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest
from opentelemetry.proto.trace.v1.trace_pb2 import Span

from tests.endtoend.conftest import Serve
from tests.endtoend.process import run
from tests.program import PATIENCE

TRACE = "0af7651916cd43dd8448eb211c80319c"
PARENT = "b7ad6b7169203331"
REGISTRATION = {"id": "a", "service": "web", "address": "10.0.0.1", "port": 80}


class Receiver:
    """Takes OTLP over HTTP and decodes it; `url` is what OTEL_ENDPOINT says."""

    def __init__(self) -> None:
        self.requests: list[ExportTraceServiceRequest] = []
        self.url = ""

    async def take(self, request: web.Request) -> web.Response:
        assert request.content_type == "application/x-protobuf"
        self.requests.append(ExportTraceServiceRequest.FromString(await request.read()))
        return web.Response(content_type="application/x-protobuf")

    def spans(self) -> Iterator[Span]:
        for request in self.requests:
            for resource in request.resource_spans:
                for scope in resource.scope_spans:
                    yield from scope.spans

    def find(self, name: str) -> Span:
        [span] = [span for span in self.spans() if span.name == name]
        return span


@pytest.fixture
async def receiver() -> AsyncIterator[Receiver]:
    taking = Receiver()
    application = web.Application()
    application.router.add_post("/v1/traces", taking.take)
    runner = web.AppRunner(application)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    taking.url = f"http://127.0.0.1:{runner.addresses[0][1]}"
    yield taking
    await runner.cleanup()


def _attributes(span: Span) -> dict[str, str | int]:
    return {item.key: item.value.int_value or item.value.string_value for item in span.attributes}


@pytest.mark.parametrize("by_setting", [True, False])
async def test_a_request_is_a_span_of_the_callers_trace(
    serve: Serve, receiver: Receiver, by_setting: bool
) -> None:
    variables = {"OTEL_EXPORTER_OTLP_ENDPOINT": receiver.url, "OTEL_SERVICE_NAME": "registry-1"}
    if by_setting:
        served = await serve("--otel-endpoint", receiver.url)
    else:
        served = await serve(**variables)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-01", "X-Request-Id": "mine"}
    async with ClientSession() as client:
        url = f"{served.url}/v1/instances"
        async with client.post(url, json=REGISTRATION, headers=headers) as response:
            assert response.status == 201
        async with client.get(f"{served.url}/v1/instances/b?token=sesame") as response:
            assert response.status == 400
    assert (await served.stop()).code == 0

    span = receiver.find("POST /v1/instances")
    assert (span.trace_id.hex(), span.parent_span_id.hex()) == (TRACE, PARENT)
    assert span.kind == Span.SPAN_KIND_SERVER
    told = _attributes(span)
    assert told["http.response.status_code"] == 201
    assert told["http.route"] == "/v1/instances"
    assert told["dnsregistry.request_id"] == "mine"
    assert span.end_time_unix_nano > span.start_time_unix_nano

    store = receiver.find("store.grant")
    assert (store.trace_id.hex(), store.parent_span_id) == (TRACE, span.span_id)

    other = receiver.find("GET /v1/instances/{id}")
    assert (other.trace_id.hex() == TRACE, other.parent_span_id) == (False, b"")
    assert _attributes(other)["http.response.status_code"] == 400
    assert b"sesame" not in b"".join(request.SerializeToString() for request in receiver.requests)
    [resource] = {
        item.value.string_value
        for request in receiver.requests
        for spans in request.resource_spans
        for item in spans.resource.attributes
        if item.key == "service.name"
    }
    assert resource == ("dnsregistry" if by_setting else "registry-1")


async def test_a_receiver_that_is_away_costs_no_request_and_no_end(serve: Serve) -> None:
    served = await serve("--otel-endpoint", "http://127.0.0.1:9")
    async with ClientSession() as client:
        for _ in range(20):
            async with client.get(f"{served.url}/health") as response:
                assert response.status == 200
    async with asyncio.timeout(PATIENCE):
        assert (await served.stop()).code == 0


async def test_a_caller_who_wants_no_trace_gets_none(serve: Serve, receiver: Receiver) -> None:
    served = await serve("--otel-endpoint", receiver.url)
    headers = {"traceparent": f"00-{TRACE}-{PARENT}-00"}
    async with (
        ClientSession() as client,
        client.get(f"{served.url}/health", headers=headers) as response,
    ):
        assert response.status == 200
    await served.stop()
    assert list(receiver.spans()) == []


async def test_without_the_extra_the_start_is_refused_in_one_sentence(tmp_path: Path) -> None:
    # A package of this name that is found first, and is not what is asked for.
    (tmp_path / "opentelemetry").mkdir()
    (tmp_path / "opentelemetry" / "__init__.py").write_text("")
    variables = {"PYTHONPATH": str(tmp_path), "DNSREGISTRY_OTEL_ENDPOINT": "http://127.0.0.1:9"}
    finished = await run("--zone", "registry.internal", "--dns-port", "0", variables=variables)
    assert finished.code != 0
    [line] = finished.err.splitlines()
    assert line == "Error: OTEL_ENDPOINT needs OpenTelemetry: pip install 'dnsregistry[otel]'"
