"""Host labels that are kept for instances about to be granted."""


class Promises:
    """By host label: the id it is kept for, and how many have been promised it."""

    def __init__(self) -> None:
        self._kept: dict[str, tuple[str, int]] = {}

    def find(self, label: str) -> str | None:
        """The id for which a label is kept."""
        kept = self._kept.get(label)
        return None if kept is None else kept[0]

    def keep(self, label: str, instance_id: str) -> None:
        """Keep a label for an id, which is the one that `find` tells, if any."""
        held_id, times = self._kept.get(label, (instance_id, 0))
        self._kept[label] = (held_id, times + 1)

    def release(self, label: str) -> None:
        """Take one promise back; with the last the label is free."""
        held_id, times = self._kept[label]
        if times > 1:
            self._kept[label] = (held_id, times - 1)
        else:
            del self._kept[label]
