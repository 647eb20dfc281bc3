"""Traces of HTTP requests for OpenTelemetry, where a setting asks for them (the extra `otel`).

Rules:
- A request is a span, named by its method and route; what the client sent in `traceparent` (W3C
  Trace Context) is its parent, and says whether it is recorded.
- What a handler does in the store is a span within it.
- Spans are sent by a thread of the library's, in batches, past the event loop. A receiver that is
  away costs spans, never requests; at the end what waits gets `FLUSH_SECONDS`.
"""

from collections.abc import Mapping
from contextlib import AbstractContextManager
from threading import Thread

from aiohttp import web
from aiohttp.typedefs import Handler, Middleware

from dnsregistry import __version__
from dnsregistry.api.traffic import Traffic
from dnsregistry.log.request import current

FLUSH_SECONDS = 2.0
SEND_SECONDS = 5
NAME = "dnsregistry"
_PATH = "/v1/traces"
_CONTEXT_HEADERS = ("traceparent", "tracestate")


class TracingAway(Exception):
    """Traces are asked for and cannot be made; the text is one sentence."""


class Tracing:
    """Makes spans and has them sent."""

    def __init__(self, endpoint: str, environment: Mapping[str, str]) -> None:
        """`endpoint` is an OTLP receiver's URL. Raises TracingAway.

        What the OTEL_ variables say of the service's name, of headers and of sampling counts.
        """
        try:
            from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter
            from opentelemetry.sdk.resources import Resource
            from opentelemetry.sdk.trace import TracerProvider
            from opentelemetry.sdk.trace.export import BatchSpanProcessor
        except ImportError:
            raise TracingAway(
                "OTEL_ENDPOINT needs OpenTelemetry: pip install 'dnsregistry[otel]'"
            ) from None
        named = "OTEL_SERVICE_NAME" in environment
        told = {} if named else {"service.name": NAME}
        resource = Resource.create({**told, "service.version": __version__})
        url = endpoint if endpoint.endswith(_PATH) else f"{endpoint}{_PATH}"
        self._provider: TracerProvider = TracerProvider(resource=resource, shutdown_on_exit=False)
        exporter = OTLPSpanExporter(endpoint=url, timeout=SEND_SECONDS)
        self._provider.add_span_processor(BatchSpanProcessor(exporter))
        self._tracer = self._provider.get_tracer(NAME, __version__)

    def stop(self) -> None:
        """Send what waits, as far as that can be done soon. Blocks."""
        # The library waits for a receiver that hangs as long as that takes, whatever it is told.
        ending = Thread(target=self._provider.shutdown, name="last-spans", daemon=True)
        ending.start()
        ending.join(FLUSH_SECONDS)

    def follow(self, traffic: Traffic) -> Middleware:
        """What stands around every request; `traffic` knows the routes."""
        from opentelemetry.trace import SpanKind, Status, StatusCode
        from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator

        propagator = TraceContextTextMapPropagator()
        tracer = self._tracer

        @web.middleware
        async def trace(request: web.Request, handler: Handler) -> web.StreamResponse:
            headers = {
                name: value for name in _CONTEXT_HEADERS if (value := request.headers.get(name))
            }
            route = traffic.find(request.match_info.route).route
            with tracer.start_as_current_span(
                f"{request.method} {route}",
                context=propagator.extract(headers),
                kind=SpanKind.SERVER,
                attributes={
                    "http.request.method": request.method,
                    "http.route": route,
                    "url.path": request.path,
                    "url.scheme": request.scheme,
                    "client.address": request.remote or "",
                },
            ) as span:
                response = await handler(request)
                span.set_attribute("http.response.status_code", response.status)
                span.set_attribute("dnsregistry.request_id", current.get())
                if response.status >= 500:
                    span.set_status(Status(StatusCode.ERROR))
                return response

        return trace

    def begin(self, name: str) -> AbstractContextManager[object]:
        """A span within the request's, as long as the context lasts."""
        return self._tracer.start_as_current_span(name)


def choose_endpoint(setting: str, environment: Mapping[str, str]) -> str:
    """Where traces go: as the setting says, else as the OTEL_ variables do; empty for nowhere."""
    if setting:
        return setting
    if environment.get("OTEL_SDK_DISABLED", "").lower() == "true":
        return ""
    return environment.get(
        "OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", environment.get("OTEL_EXPORTER_OTLP_ENDPOINT", "")
    ).rstrip("/")


def build_tracing(setting: str, environment: Mapping[str, str]) -> Tracing | None:
    """What makes spans, None where they are to go nowhere. Raises TracingAway."""
    endpoint = choose_endpoint(setting, environment)
    return Tracing(endpoint, environment) if endpoint else None
