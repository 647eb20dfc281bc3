"""A service registry whose query language is DNS."""

__version__ = "0.1.0"
