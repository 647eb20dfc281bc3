"""What the modularity dialect is called, where it listens, and its document's variables."""

from dnsregistry.api.dialects.dialect import HOST, PORT, Context, Dialect, Flag, Listener, Variable


def _build(context: Context) -> Listener:
    from dnsregistry.api.dialects.modularity.routes import build

    return build(context)


MODULARITY = Dialect(
    name="modularity",
    port=5000,
    variables=(
        Variable("REGISTRY_HOST", HOST, flag=Flag("host")),
        Variable("REGISTRY_PORT", PORT, flag=Flag("port")),
        Variable("REGISTRY_DEBUG", "modularity_debug", flag=Flag("debug", is_switch=True)),
        Variable("HEALTH_CHECK_INTERVAL", "modularity_interval"),
    ),
    build=_build,
)
