"""HTTP in, registry calls out: the native API.

Knows the registry and nothing of DNS: the names under which an instance is found come in as
a function. `application.build_application` is the way in; `connection.Runner` serves it.
"""
