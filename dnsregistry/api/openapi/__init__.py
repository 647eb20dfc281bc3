"""The API described in OpenAPI 3.1, from the routes that are served and the models they read by.

`operation` holds the values, `document` makes the document of them, `page` serves it.
"""
