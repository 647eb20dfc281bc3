"""`python -m dnsregistry`."""

from dnsregistry.cli.main import main

main()
