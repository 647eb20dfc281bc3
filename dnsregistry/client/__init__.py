"""For programs that register themselves. Imports nothing else of this package."""
