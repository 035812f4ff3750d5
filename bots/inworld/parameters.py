"""Parameters of a Router request that not every model takes. Pure.

Wordings of refusals, as reported for OpenAI, Anthropic, xAI, Google, Mistral, Fireworks
and Moonshot, are in `tests/support/inworld/refusals.py`.
"""

import re
from collections import OrderedDict
from collections.abc import Collection, Mapping, Sequence
from typing import Any

# The Router takes no shorter time to the first token.
MIN_FIRST_TOKEN_SECONDS = 0.5
# A request works without these, too.
OPTIONAL = (
    *("temperature", "max_tokens", "max_completion_tokens", "stream_options"),
    *("tool_choice", "extra_body", "models", "fallback"),
)
# Also ordinary words, which name a parameter only in quotation marks.
WORDS = ("models", "fallback")
# Google's name of a parameter.
OTHER_NAMES = {"max_output_tokens": "max_tokens"}
MAX_MODELS = 200

Body = Mapping[str, Any]


def routing(
    fallback_models: Sequence[str], first_token_seconds: float | None
) -> dict[str, Any]:
    """Fallback models, and the time after which the Router goes to the next one.

    Inworld's documentation nests them in `extra_body`, Inworld's own tools write them
    at top level. Unknown fields are ignored, so both are sent.
    """
    if not fallback_models:
        return {}
    options: dict[str, Any] = {"models": list(fallback_models)}
    if first_token_seconds is not None:
        seconds = max(first_token_seconds, MIN_FIRST_TOKEN_SECONDS)
        options["fallback"] = {"ttft_timeout": f"{round(1000 * seconds)}ms"}
    return {**options, "extra_body": options}


def named_parameter(message: str, sent: Collection[str]) -> str:
    """The optional parameter of those `sent` that an error names first, or nothing."""
    # xAI and Google write maxTokens for max_tokens.
    text = re.sub(r"(?<=[a-z])(?=[A-Z])", "_", message).lower()
    for other, name in OTHER_NAMES.items():
        text = text.replace(other, name)
    found = {
        match.start(): name
        for name in OPTIONAL
        if name in sent and (match := re.search(_pattern(name), text))
    }
    return found[min(found)] if found else ""


def _pattern(name: str) -> str:
    return rf"""['"`]{name}['"`]""" if name in WORDS else rf"\b{name}\b"


class RefusedParameters:
    """The parameters that models refused since this process began, by model."""

    def __init__(self) -> None:
        self._by_model: OrderedDict[str, set[str]] = OrderedDict()

    def without_refused(self, body: Body) -> dict[str, Any]:
        """The request without what its model refuses.

        The limit on the length has two names; the newer one replaces the older.
        """
        refused = self._by_model.get(body["model"], set())
        kept = {name: value for name, value in body.items() if name not in refused}
        if "max_tokens" in refused & body.keys():
            limit = {"max_completion_tokens": body["max_tokens"]}
            kept |= {} if refused & limit.keys() else limit
        return kept

    def learn(self, sent: Body, message: str) -> str:
        """Remember the parameter that an error names; return it, or nothing."""
        name = named_parameter(message, sent.keys())
        if name:
            model = sent["model"]
            self._by_model.setdefault(model, set()).add(name)
            self._by_model.move_to_end(model)
            while len(self._by_model) > MAX_MODELS:
                self._by_model.popitem(last=False)
        return name
