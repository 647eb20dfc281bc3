"""Probes: one question to one target over a real network, each in a file of its own."""
