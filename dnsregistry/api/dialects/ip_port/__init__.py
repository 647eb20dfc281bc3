"""The registry of names, IP addresses and ports, which together are an instance's identity."""
