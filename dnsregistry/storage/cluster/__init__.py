"""The cluster's engine: any number of nodes on one Redis or Valkey, each with a whole replica.

What is decided is decided by scripts in the store, one after the other, and told by its log. Each
node follows the log and answers from its replica, whatever the store does.
"""
