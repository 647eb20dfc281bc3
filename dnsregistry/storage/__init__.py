"""Where registrations are kept: one Protocol, and the engines behind it.

Whoever changes something asks the store, which makes the change durable in its own way and has
the registry hold it before it answers. Reading goes to the registry, whatever the store does.
"""
