"""`dnsregistry doctor`: why this machine does, or does not, find names of a registry.

files (resolvconf, nsswitch) ─┐
asking (DNS) ── servers ──────┼─ examine ─ findings
clock (HTTP) ─────────────────┘
"""
