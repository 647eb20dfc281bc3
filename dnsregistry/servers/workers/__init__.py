"""DNS processes beside the main one: each answers by UDP from a replica of the answer table.

main: pool ─ link ═ frames ═ replica ─ process :worker
"""
