"""Names that are not ours: asked of upstream resolvers, and remembered.

`forwarder` is the door, `cache` what is remembered, `race` one question put to several upstreams,
`inquiry` to one of them. `reply` reads what comes back and `relay` writes it for a client. What
an upstream sends is never trusted further than its octets were checked.
"""
