"""What the base-url dialect is called, where it listens, and which variables its document has."""

from dnsregistry.api.dialects.dialect import Context, Dialect, Listener, Variable


def _build(context: Context) -> Listener:
    from dnsregistry.api.dialects.base_url.handlers import build

    return build(context)


BASE_URL = Dialect(
    name="base-url",
    port=8006,
    variables=(
        Variable("HEARTBEAT_TIMEOUT", "base_url_ttl"),
        Variable("CLEANUP_INTERVAL", "base_url_cleanup"),
    ),
    build=_build,
)
