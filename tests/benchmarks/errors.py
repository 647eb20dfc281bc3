"""Why a benchmark cannot be run, or counts for nothing."""


class BenchmarkError(Exception):
    """One sentence for the person who started it; no figure is printed."""
