"""The log: lines of one form from every part, written past the event loop.

It knows nothing of what is logged. `configure` sets it up once a process, at the program's door.
"""
