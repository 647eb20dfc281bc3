"""What replies look like, as pydantic models.

Replies are written without them, for speed; tests hold both against each other. Bodies of
requests are read by models of their own: `api/registration.py`.
"""
