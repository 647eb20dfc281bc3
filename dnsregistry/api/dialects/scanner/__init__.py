"""The registry that scans a network: JSON queries over TCP, about all that is registered."""
