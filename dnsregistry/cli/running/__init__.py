"""`dnsregistry run`: a program that is in the registry for as long as it runs.

Child (a process and its group) ── Doors (its port) ── Run (what happens when)
"""
