"""From a query to an answer.

`query` reads bytes into a question, `decide` says what the answer is, `message` writes it as
bytes, and `responder` is the three in a row: a plain call from message to message. Deciding is
pure: time and chance come in as arguments. dnslib is imported in this folder alone.
"""
