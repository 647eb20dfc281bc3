"""What the ip-port dialect is called, where it listens, and which variables its document has."""

from dnsregistry.api.dialects.dialect import PORT, Context, Dialect, Listener, Variable


def _build(context: Context) -> Listener:
    from dnsregistry.api.dialects.ip_port.routes import build

    return build(context)


IP_PORT = Dialect(
    name="ip-port",
    port=3100,
    variables=(
        Variable("PORT", PORT),
        Variable("HEARTBEAT_TIMEOUT_SECONDS", "ip_port_ttl"),
        Variable("CLEANUP_INTERVAL_SECONDS", "ip_port_cleanup"),
        Variable("MAX_INSTANCES_PER_SERVICE", "ip_port_instances"),
        Variable("ALLOWED_ORIGINS", "ip_port_origins"),
        Variable("NODE_ENV", None),
    ),
    build=_build,
)
