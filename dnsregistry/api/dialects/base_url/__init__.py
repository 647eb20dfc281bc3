"""The registry of base URLs: ids of the registry's own making, renewed by heartbeats."""
