"""Watching: changes as Server-Sent Events, and reads that wait for one.

    feed ─▶ Watching ─ settled ─▶ History ─▶ Stream (a place in it, and a connection)
                          └────▶ Waits

A change is encoded once, whoever watches. A stream holds no queue but its place in the history.
"""
