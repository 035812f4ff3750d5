"""Keys pressed on the phone, collected into one entry. Pure."""

from dataclasses import dataclass

# A pause after which an entry counts as complete, in seconds.
ENTRY_PAUSE = 2.0
TERMINATOR = "#"
# Stands in the transcript for keys that are nobody else's business, such as a PIN.
MASKED = "[pressed ••••]"


@dataclass(slots=True)
class KeyEntry:
    """The keys pressed so far; `due_at` is when a pause will complete them."""

    keys: str = ""
    due_at: float | None = None

    def press(self, key: str, at: float) -> bool:
        """Add a key; true when it completes the entry."""
        if key == TERMINATOR and self.keys:
            return True
        self.keys += key
        self.due_at = at + ENTRY_PAUSE
        return key == TERMINATOR

    def take(self) -> str:
        """The keys of the entry; starts a new one."""
        keys, self.keys, self.due_at = self.keys, "", None
        return keys


def spelled(keys: str) -> str:
    """An entry as the model and the transcript see it."""
    return f"[pressed {' '.join(keys)}]"
