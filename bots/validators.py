"""What operators may write, and what they are told when it is something else."""

from django.core.validators import RegexValidator

language_tag = RegexValidator(
    r"^[a-z]{2,3}(-[A-Za-z0-9]{2,8})*$",
    "Write a language tag such as en-US, de-DE or fr-FR.",
)
model_id = RegexValidator(
    r"^(auto|[\w.:@-]+(/[\w.:@-]+)*)$",
    "Write the model as provider/name, for example openai/gpt-4.1-mini.",
)
no_spaces = RegexValidator(r"^\S+$", "Must not contain spaces.")
e164 = RegexValidator(
    r"^\+[1-9][0-9]{6,14}\Z",
    "Write the number with + and country code and no spaces, e.g. +14155550100.",
)


def each_line_a_model(value: str) -> None:
    """Refuse a list of models of which a line is not a model id."""
    for line in value.splitlines():
        if line.strip():
            model_id(line.strip())
