"""The engines by the scheme of their URL: a new one has its line here."""

from collections.abc import Callable, Mapping

from dnsregistry.registry.registry import Registry
from dnsregistry.storage.cluster.address import SCHEMES, read_address
from dnsregistry.storage.cluster.link import check_extra, check_options
from dnsregistry.storage.cluster.store import ClusterOptions, ClusterStore
from dnsregistry.storage.memory import MemoryStore
from dnsregistry.storage.sqlite.place import read_path
from dnsregistry.storage.sqlite.store import SqliteStore
from dnsregistry.storage.store import Store

Build = Callable[[str, Registry, Callable[[], float], ClusterOptions], Store]
"""From the whole URL, the registry and its clock. Raises ValueError with the rule it breaks."""


def build_store(
    url: str,
    registry: Registry,
    now: Callable[[], float],
    cluster: ClusterOptions = ClusterOptions(),  # noqa: B008 - a frozen value
) -> Store:
    """The store that a URL names, not started. Raises ValueError.

    The options count for a cluster's.
    """
    scheme, mark, _ = url.partition("://")
    build = _ENGINES.get(scheme) if mark else None
    if build is None:
        known = ", ".join(f"{name}://" for name in _ENGINES)
        raise ValueError(f"is no store; a store's URL begins with one of {known}")
    return build(url, registry, now, cluster)


def _build_memory(
    url: str, registry: Registry, now: Callable[[], float], _: ClusterOptions
) -> Store:
    if url != "memory://":
        raise ValueError("memory:// stands alone")
    return MemoryStore(registry, now)


def _build_sqlite(
    url: str, registry: Registry, now: Callable[[], float], _: ClusterOptions
) -> Store:
    return SqliteStore(read_path(url), registry, now)


def _build_cluster(
    url: str, registry: Registry, now: Callable[[], float], cluster: ClusterOptions
) -> Store:
    address = read_address(url)
    check_extra()
    check_options(address)
    return ClusterStore(address, cluster, registry, now)


_ENGINES: Mapping[str, Build] = {
    "memory": _build_memory,
    "sqlite": _build_sqlite,
    **dict.fromkeys(SCHEMES, _build_cluster),
}
