"""The dialects that are on, built on their sockets."""

from collections.abc import Iterator, Mapping
from socket import socket

from aiohttp.typedefs import Handler

from dnsregistry.api.context import Api
from dnsregistry.api.dialects.dialect import Context, Listener
from dnsregistry.api.dialects.known import DIALECTS
from dnsregistry.api.dialects.settings import DialectSettings
from dnsregistry.api.dialects.tally import DialectTally


def build_listeners(
    api: Api,
    settings: DialectSettings,
    sockets: Mapping[str, socket],
    tallies: Mapping[str, DialectTally],
    metrics: Handler,
) -> Iterator[Listener]:
    """What serves each dialect that is on, to be started in turn.

    `sockets` are those of `binding.Sockets.dialects`, `tallies` by the dialect's name,
    `metrics` is the handler of `/metrics`.
    """
    on = {place.dialect for place in settings.places}
    for dialect in DIALECTS:
        if dialect.name in on:
            others = {label: sockets[f"{dialect.name}-{label}"] for label in dialect.other_ports}
            sock, tally = sockets[dialect.name], tallies[dialect.name]
            yield dialect.build(Context(api, settings, sock, others, tally, metrics))
