"""`dnsregistry resolve`: ask DNS as a client would."""

import asyncio
import json
from collections.abc import Sequence
from typing import TYPE_CHECKING

import click

from dnsregistry.cli.asking import as_json, fail, tell_failures, zone
from dnsregistry.cli.table import print_rows

if TYPE_CHECKING:
    from dnsregistry.client.naming import Dns, Found
    from dnsregistry.client.values import Endpoint


@click.command()
@click.argument("name", metavar="SERVICE|NAME")
@click.argument("rtype", metavar="[TYPE]", required=False)
@click.option(
    "--dns",
    "servers",
    metavar="HOST[:PORT]",
    help="Name server; default: those of /etc/resolv.conf.",
)
@zone
@click.option("--protocol", default="tcp", show_default=True, help="Of the service.")
@as_json
def resolve(
    name: str, rtype: str | None, servers: str | None, zone: str, protocol: str, as_json: bool
) -> None:
    """Ask DNS where SERVICE is, or for the records of a full NAME.

    A name without a dot is a service: its SRV records are asked for, and its endpoints printed in
    the order in which a client tries them. A full name is asked for as it is; without a TYPE, for
    SRV where it begins with an underscore, else for A and AAAA.
    """
    is_service = "." not in name and rtype is None
    ask = _find_service if is_service else _find_records

    async def run() -> bool:
        from dnsregistry.client.naming import Dns, service_name

        full = name if "." in name else f"{name}.{zone}"
        asked = service_name(name, protocol, zone) if is_service else full
        return await ask(Dns(servers), asked, rtype, as_json)

    if not tell_failures(lambda: asyncio.run(run())):
        fail(f"DNS has nothing for {name}", 1)


async def _find_service(dns: "Dns", name: str, _rtype: str | None, as_json: bool) -> bool:
    import random

    from dnsregistry.client.choice import arrange
    from dnsregistry.client.naming import find_endpoints

    endpoints, ttl = await find_endpoints(dns, name)
    arranged = arrange(endpoints, random.random)
    if as_json:
        for endpoint in arranged:
            click.echo(json.dumps(_tell(endpoint, ttl)))
    else:
        columns = ("host", "port", "priority", "weight", "ttl")
        print_rows(columns, [tuple(map(str, _tell(e, ttl).values())) for e in arranged])
    return bool(arranged)


async def _find_records(dns: "Dns", name: str, rtype: str | None, as_json: bool) -> bool:
    kinds = [rtype] if rtype else ["SRV"] if name.startswith("_") else ["A", "AAAA"]
    found: list[Found] = [await dns.ask(name, kind) for kind in kinds]
    rows: Sequence[tuple[str, str, str, str]] = list(
        dict.fromkeys(
            (rrset.name.to_text(), str(rrset.ttl), _kind(rrset.rdtype), rdata.to_text())
            for answer in found
            for rrset in answer.records
            for rdata in rrset
        )
    )
    columns = ("name", "ttl", "type", "data")
    if as_json:
        for row in rows:
            click.echo(json.dumps({**dict(zip(columns, row, strict=True)), "ttl": int(row[1])}))
    else:
        print_rows(columns, rows)
    return bool(rows)


def _tell(endpoint: "Endpoint", ttl: int) -> dict[str, object]:
    return {
        "host": endpoint.host,
        "port": endpoint.port,
        "priority": endpoint.priority,
        "weight": endpoint.weight,
        "ttl": ttl,
    }


def _kind(rdtype: int) -> str:
    from dns.rdatatype import RdataType, to_text

    return to_text(RdataType.make(rdtype))
