"""`dnsregistry`: the commands."""

from typing import Any

import click

from dnsregistry import __version__
from dnsregistry.cli.deregister import deregister
from dnsregistry.cli.doctor import doctor
from dnsregistry.cli.drain import drain
from dnsregistry.cli.explain import explain
from dnsregistry.cli.heartbeat import heartbeat
from dnsregistry.cli.legacy import legacy
from dnsregistry.cli.list import list_instances
from dnsregistry.cli.register import register
from dnsregistry.cli.resolve import resolve
from dnsregistry.cli.run import run
from dnsregistry.cli.scan import scan
from dnsregistry.cli.serve import serve
from dnsregistry.cli.show import show
from dnsregistry.cli.store import store
from dnsregistry.cli.streams import full_told, open_closed
from dnsregistry.cli.token import token
from dnsregistry.cli.top import top
from dnsregistry.cli.watch import watch
from dnsregistry.cli.zone import zone


class _Commands(click.Group):
    """All of them, with standard streams that can be relied on."""

    def main(self, *given: Any, **named: Any) -> Any:
        """Run the one that the command line names."""
        open_closed()
        with full_told():
            return super().main(*given, **named)


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """A service registry whose query language is DNS."""


main.add_command(serve)
main.add_command(run)
main.add_command(register)
main.add_command(heartbeat)
main.add_command(deregister)
main.add_command(drain)
main.add_command(list_instances)
main.add_command(show)
main.add_command(watch)
main.add_command(top)
main.add_command(resolve)
main.add_command(scan)
main.add_command(store)
main.add_command(zone)
main.add_command(doctor)
main.add_command(explain)
main.add_command(legacy)
main.add_command(token)
