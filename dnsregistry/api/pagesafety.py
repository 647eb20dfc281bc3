"""What stands around every HTML page, and every file that one is made of.

Rules:
- A page runs the scripts and takes the styles that ship with it: nothing inline, nothing from
  another host, no text as code.
- It stands in no frame, sends no form, and tells nobody where its reader came from.
- What is served as one type is taken as no other.
"""

from collections.abc import Mapping

POLICY = (
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:;"
    " connect-src 'self'; frame-ancestors 'none'; base-uri 'none'; form-action 'none'"
)
"""Content Security Policy, level 3."""

FILE_HEADERS: Mapping[str, str] = {
    "X-Content-Type-Options": "nosniff",
    "Cross-Origin-Resource-Policy": "same-origin",
    "Referrer-Policy": "no-referrer",
}
"""Of scripts, styles and images."""

PAGE_HEADERS: Mapping[str, str] = {
    **FILE_HEADERS,
    "Content-Security-Policy": POLICY,
    "Cross-Origin-Opener-Policy": "same-origin",
    # For browsers that do not know frame-ancestors.
    "X-Frame-Options": "DENY",
}
"""Of pages."""
