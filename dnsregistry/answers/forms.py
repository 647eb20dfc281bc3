"""The forms that questions come in, by their spelling.

A form is what of header, type, class and OPT makes a difference to the reply; its spelling is all
of a message but its id and its name. One enters on its second sight: a flood of odd headers
leaves nothing behind but what was seen once, and that is bounded too.
"""

from dnsregistry.answers.asked import Asked

MOST_FORMS = 4096
"""Spellings: the types, sizes and flags that are in use. Past it they are learnt anew."""


class Forms(dict[bytes, bytes]):
    """Forms by spelling; empty for a spelling that was seen once."""

    def learn(self, spelling: bytes, asked: Asked) -> bytes:
        """The form that is spelt so; empty at its first sight."""
        form = self.get(spelling)
        if form is None:
            self.hold(spelling, b"")
            return b""
        if not form:
            self[spelling] = form = asked.form
        return form

    def hold(self, spelling: bytes, form: bytes) -> None:
        """Hold what is known of a spelling."""
        if len(self) >= MOST_FORMS:
            self.clear()
        self[spelling] = form
