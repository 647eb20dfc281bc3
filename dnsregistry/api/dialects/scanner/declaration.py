"""What the scanner dialect is called, where it listens, and which variables its document has."""

from dnsregistry.api.dialects.dialect import PORT, Context, Dialect, Listener, Variable


def _build(context: Context) -> Listener:
    from dnsregistry.api.dialects.scanner.listener import ScannerListener

    return ScannerListener(context)


SCANNER = Dialect(
    name="scanner",
    port=5353,
    variables=(
        Variable("NETWORK_RANGE", "scan_ranges"),
        Variable("SCAN_PORT", "scan_port"),
        Variable("REGISTRY_PORT", PORT),
    ),
    build=_build,
)
