"""The core: instances, their leases and the changes between two states of the catalogue.

Synchronous and pure. No socket, file, clock or randomness: `now` is an argument, in
seconds on a clock that never runs backwards. Knows neither DNS nor HTTP, only which names
DNS could carry, because a name is refused at the door or not at all.
"""
