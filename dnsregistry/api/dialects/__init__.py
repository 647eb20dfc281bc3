"""Other registries' clients, unchanged: a translator a document, each on the port its clients know.

A translator has no state and no timers of its own. What a client said is an instance of the
registry, and everything that it is told is read from there.

`known.DIALECTS` lists them. A dialect is declared without importing what serves it: settings
and help texts read the declarations.
"""
