"""Why DNS answers as it does: the answer, the way to it, and what was left out on that way.

The answer is decided and written by the code that answers queries; what is told here are its steps.
"""
