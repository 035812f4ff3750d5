"""Who wants to know when the carrier downloads a clip."""

from collections import defaultdict
from collections.abc import Callable

Listener = Callable[[str], None]


class FetchListeners:
    """Listeners by clip id; a shared clip (a greeting) tells the longest waiting."""

    def __init__(self) -> None:
        self.listeners: defaultdict[str, list[Listener]] = defaultdict(list)

    def listen(self, clip_id: str, listener: Listener) -> None:
        """Call `listener` with the id at the clip's next download."""
        self.listeners[clip_id].append(listener)

    def notify(self, clip_id: str) -> None:
        """The clip was downloaded."""
        waiting = self.listeners.get(clip_id)
        if waiting:
            listener = waiting.pop(0)
            self._tidy(clip_id)
            listener(clip_id)

    def remove(self, listener: Listener) -> None:
        """Drop every expectation of a listener whose call is over."""
        for clip_id, waiting in list(self.listeners.items()):
            if listener in waiting:
                waiting.remove(listener)
                self._tidy(clip_id)

    def _tidy(self, clip_id: str) -> None:
        if not self.listeners[clip_id]:
            del self.listeners[clip_id]
