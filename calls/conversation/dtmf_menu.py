"""What a key of the bot's menu does, at once. Pure."""

from bots.config.capabilities import MenuEntry
from calls.conversation.actions import Action
from calls.conversation.caller_input import CallerInput
from calls.conversation.tool_calls import ToolCalls


class DtmfMenu:
    """Answers a key instead of the model."""

    def __init__(self, hearing: CallerInput, uses: ToolCalls) -> None:
        self.hearing = hearing
        self.uses = uses
        self.answers = uses.answers
        self.farewells = uses.farewells

    def lookup(self, key: str, at: float) -> MenuEntry | None:
        """What a key is for, unless it belongs to an entry that was asked for.

        It waits for a sentence that must be heard first, and does nothing at the end.
        """
        entry = self.hearing.entry
        typing = entry.request or entry.masks or self.hearing.is_masked(at)
        if typing or self.answers.is_uninterruptible or self.farewells.farewell:
            return None
        return self.answers.manners.menu_entry(key)

    def run(self, choice: MenuEntry, at: float) -> list[Action]:
        """Do what the key is for: it answers all that was said before."""
        replies, interruptions = self.answers.replies, self.farewells.interruptions
        replies.playback.settle(at)
        gone = [
            *interruptions.discard_paused(),
            *replies.abandon(at),
            *self.answers.stop_all(),
        ]
        before = self.hearing.commit("", at)  # keys that nobody asked for
        heard = self.hearing.record_digits(choice.key, at)
        if choice.action != "say":  # those words are an answer to everything
            self.uses.block_reply()
        return [*gone, *before, *heard, *self._action(choice, at)]

    def _action(self, choice: MenuEntry, at: float) -> list[Action]:
        match choice.action:
            case "say":
                return self.answers.say_message(choice.message_or_target, at)
            case "transfer":
                through = self.farewells.transfer_to(choice.message_or_target, at)
                return through or self.uses.transfer_unavailable(
                    choice.message_or_target, at
                )
            case "tool" if choice.tool:
                return self.uses.start_from_key(choice.tool, at)
        goodbye = self.answers.manners.goodbye_message
        return self.farewells.say_goodbye(goodbye, "bot-hung-up", at)
