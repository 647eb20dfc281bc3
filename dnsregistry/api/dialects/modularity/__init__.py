"""The registry of capabilities: a service an id, found by what it can do, health by probing."""
