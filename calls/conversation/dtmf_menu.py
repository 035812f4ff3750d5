"""What a key of the bot's menu does, at once. Pure."""

from bots.config.capabilities import MenuEntry
from calls.conversation.actions import Action
from calls.conversation.caller_input import Hearing
from calls.conversation.tool_calls import ToolUses


class Menu:
    """Answers a key instead of the model."""

    def __init__(self, hearing: Hearing, uses: ToolUses) -> None:
        self.hearing = hearing
        self.uses = uses
        self.answers = uses.answers
        self.farewells = uses.farewells

    def choice(self, key: str, at: float) -> MenuEntry | None:
        """What a key is for, unless it belongs to an entry that was asked for.

        It waits for a sentence that must be heard first, and does nothing at the end.
        """
        entry = self.hearing.entry
        typing = entry.request or entry.hides or self.hearing.is_still_secret(at)
        if typing or self.answers.is_obliged or self.farewells.farewell:
            return None
        return self.answers.manners.menu.get(key)

    def chosen(self, choice: MenuEntry, at: float) -> list[Action]:
        """Do what the key is for: it answers all that was said before."""
        replies, interruptions = self.answers.replies, self.farewells.interruptions
        replies.playback.settle(at)
        gone = [*interruptions.release(), *replies.abandon(at), *self.answers.cease()]
        before = self.hearing.take_in("", at)  # keys that nobody asked for
        heard = self.hearing.pressed(choice.key, at)
        if choice.deed != "say":  # those words are an answer to everything
            self.uses.await_all()
        return [*gone, *before, *heard, *self._do(choice, at)]

    def _do(self, choice: MenuEntry, at: float) -> list[Action]:
        match choice.deed:
            case "say":
                return self.answers.say(choice.what, at)
            case "transfer":
                through = self.farewells.put_through(choice.what, at)
                return through or self.uses.reach_nobody(choice.what, at)
            case "tool" if choice.tool:
                return self.uses.press(choice.tool, at)
        goodbye = self.answers.manners.goodbye
        return self.farewells.leave(goodbye, "bot-hung-up", at)
