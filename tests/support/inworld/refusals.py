"""Answers of models that refuse a parameter, in the words of their makers.

The words are those of public bug reports, named behind each.
"""

from typing import Any

from tests.support.inworld.script import Status


def _router(message: str, **more: Any) -> Status:
    error = {"message": message, "type": "invalid_request_error", **more}
    return Status(400, {"error": error})


NO_TEMPERATURE = {
    # johny-b/llmcomp#69
    "openai": _router(
        "Unsupported value: 'temperature' does not support 0.2 with this model. Only "
        "the default (1) value is supported.",
        param="temperature",
        code="unsupported_value",
    ),
    # appatalks/eva-agent#83
    "openai-reasoning": _router(
        "Unsupported parameter: 'temperature' is not supported with this model.",
        param="temperature",
        code="unsupported_parameter",
    ),
    # The-PR-Agent/pr-agent#2456
    "anthropic": _router("`temperature` is deprecated for this model."),
    # BitterSecurity/Decepticon#107: as a gateway quotes it
    "gateway": _router(
        'AnthropicException - b\'{"type":"error","error":{"type":'
        '"invalid_request_error","message":"`temperature` is deprecated for this '
        "model.\"}}'"
    ),
    # XCNXNXNX/dsh-portable-tavern#1
    "moonshot": _router("invalid temperature: only 1 is allowed for this model"),
    # miaoxworld/NativeTavern#83
    "xai": _router("Model grok-4.6 does not support parameter temperature."),
}
NO_MAX_TOKENS = {
    # caozhiyuan/copilot-api#164
    "openai": _router(
        "Unsupported parameter: 'max_tokens' is not supported with this model. Use "
        "'max_completion_tokens' instead.",
        param="max_tokens",
        code="unsupported_parameter",
    ),
    # yym68686/uni-api#105, whose parameter was another
    "xai": Status(
        400,
        {
            "code": "Client specified an invalid argument",
            "error": "Argument not supported on this model: maxTokens",
        },
    ),
    "google": _router(
        "Unable to submit request because it has a maxOutputTokens value of 4096 but "
        "the supported range is from 1 (inclusive) to 2049 (exclusive)."
    ),
}
# editor-code-assistant/eca#231
NO_MAX_COMPLETION_TOKENS = Status(
    422,
    {
        "object": "error",
        "message": {
            "detail": [
                {
                    "type": "extra_forbidden",
                    "loc": ["body", "max_completion_tokens"],
                    "msg": "Extra inputs are not permitted",
                }
            ]
        },
        "type": "invalid_request_error",
    },
)
# FlowiseAI/Flowise#2866
NO_STREAM_OPTIONS = _router("Extra inputs are not permitted, field: 'stream_options' ")
# dzhng/deep-research#23, whose parameter was another
NO_EXTRA_BODY = _router(
    'Invalid JSON payload received. Unknown name "extra_body": Cannot find field.'
)
# davidmigloz/langchain_dart#712, whose parameter was another
NO_MODELS = _router("Unrecognized request argument supplied: 'models'")
