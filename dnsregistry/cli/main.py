"""`dnsregistry`: the commands."""

import click

from dnsregistry import __version__
from dnsregistry.cli.doctor import doctor
from dnsregistry.cli.explain import explain
from dnsregistry.cli.legacy import legacy
from dnsregistry.cli.scan import scan
from dnsregistry.cli.serve import serve
from dnsregistry.cli.store import store
from dnsregistry.cli.zone import zone


@click.group(context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, message="%(prog)s %(version)s")
def main() -> None:
    """A service registry whose query language is DNS."""


main.add_command(serve)
main.add_command(store)
main.add_command(scan)
main.add_command(legacy)
main.add_command(zone)
main.add_command(doctor)
main.add_command(explain)
