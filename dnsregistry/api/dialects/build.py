"""The dialects that are on, built on their sockets."""

from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from socket import socket

from aiohttp.typedefs import Handler

from dnsregistry.access.signed import Signed
from dnsregistry.api.context import Api
from dnsregistry.api.dialects.dialect import Context, Listener
from dnsregistry.api.dialects.known import DIALECTS
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.api.dialects.tally import DialectTally
from dnsregistry.registry.warrant import Warrant


def build_listeners(
    api: Api,
    settings: DialectSettings,
    sockets: Mapping[str, socket],
    tallies: Mapping[str, DialectTally],
    metrics: Handler,
    reaches: Callable[[str], bool] | None = None,
) -> Iterator[Listener]:
    """What serves each dialect that is on, to be started in turn.

    `sockets` are those of `binding.Sockets.dialects`, `tallies` by the dialect's name,
    `metrics` is the handler of `/metrics`, `reaches` tells which services their clients may write.
    """
    on = {place.dialect for place in settings.places}
    for dialect in DIALECTS:
        if dialect.name in on:
            others = {label: sockets[f"{dialect.name}-{label}"] for label in dialect.other_ports}
            sock, tally = sockets[dialect.name], tallies[dialect.name]
            # Their clients send no token: whoever it is, it is the dialect that writes.
            signed = Signed(api.store, Warrant(dialect.name, reaches=reaches))
            own = replace(api, store=signed)
            yield dialect.build(Context(own, settings, sock, others, tally, metrics))
