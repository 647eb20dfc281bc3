"""The zone view: names to RRsets, as values.

Pure like the core, and without bytes: what a record looks like on the wire is known to
`answers/` alone. Time comes in as an argument.
"""
