"""Listeners for downloads of clips by Twilio."""

from collections import defaultdict
from collections.abc import Callable

# Called with the clip's id, and False if Twilio got silence instead of the clip.
Listener = Callable[[str, bool], None]


class FetchListeners:
    """Listeners by clip id.

    A shared clip, such as a greeting, can have several listeners: each download
    notifies the one that has waited longest.
    """

    def __init__(self) -> None:
        self.listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    def listen(self, clip_id: str, listener: Listener) -> None:
        """Call `listener` at the clip's next download."""
        self.listeners[clip_id].append(listener)

    def notify(self, clip_id: str, *, served: bool = True) -> bool:
        """Report that the clip, or silence instead of it, was downloaded.

        False if nobody here waits for that.
        """
        waiting = self.listeners.get(clip_id)
        if not waiting:
            return False
        listener = waiting.pop(0)
        self._remove_if_empty(clip_id)
        listener(clip_id, served)
        return True

    def remove(self, listener: Listener) -> None:
        """Remove a listener whose call is over from every clip."""
        for clip_id, waiting in list(self.listeners.items()):
            if listener in waiting:
                waiting.remove(listener)
                self._remove_if_empty(clip_id)

    def _remove_if_empty(self, clip_id: str) -> None:
        if not self.listeners[clip_id]:
            del self.listeners[clip_id]
