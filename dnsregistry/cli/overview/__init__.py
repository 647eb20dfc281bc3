"""What `dnsregistry top` shows: services as changes leave them, and the registry's numbers."""
