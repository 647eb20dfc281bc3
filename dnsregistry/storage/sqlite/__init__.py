"""The store in a SQLite file: nothing that was acknowledged is lost with the process.

Rules:
- A change is planned, written, synced, and only then held by the registry. So memory is never ahead
  of the file: not in an answer, not in what a watcher hears, and not after a commit that failed.
- Changes that come while a commit runs share the next one.
- The file holds the leases that have not ended. Heartbeats are not written: a lease that is in the
  file at a start has not ended, and gets one ttl from then.
- The numbers that must not go back are in the same commit as what moved them.
"""
