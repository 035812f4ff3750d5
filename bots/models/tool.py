"""HTTP tools that a bot's AI model can call."""

from django.core.exceptions import ValidationError
from django.core.validators import (
    MaxLengthValidator,
    MaxValueValidator,
    MinValueValidator,
    RegexValidator,
)
from django.db import models
from django.db.models import UniqueConstraint

from bots import validators as rules
from bots.config.capabilities import Parameter, ToolSpec
from bots.config.request_template import BadTemplate, check_headers, check_url
from bots.models.version_rows import RecordsWithRows

# Names of the bot's built-in tools.
RESERVED = frozenset({"end_call", "transfer_call", "switch_language", "ask_for_keys"})
NAME = r"^[a-zA-Z][a-zA-Z0-9_]{0,59}\Z"


class Tool(models.Model):
    """One HTTP request that a bot can make during a call."""

    BOT_PATHS = ("bots", "lookup_bots", "menu_keys__bot")

    class Method(models.TextChoices):
        GET = "GET", "GET"
        POST = "POST", "POST"
        PUT = "PUT", "PUT"
        PATCH = "PATCH", "PATCH"
        DELETE = "DELETE", "DELETE"

    name = models.CharField(
        max_length=60,
        unique=True,
        validators=[
            RegexValidator(NAME, "Letters, digits and _ only, a letter first.")
        ],
        help_text="The AI model calls the tool by this name, for example "
        "look_up_order.",
    )
    description = models.TextField(
        max_length=1000,
        validators=[MaxLengthValidator(1000), *rules.FILLED],
        help_text="Tells the AI model what the tool does and when to use it.",
    )
    method = models.CharField(max_length=10, choices=Method, default=Method.GET)
    url = models.CharField(
        "address",
        max_length=500,
        validators=[rules.plain_text],
        help_text="For example https://shop.example/orders/{{order_id}}. Arguments and "
        "variables can be used anywhere after the host name. All other arguments are "
        "sent in the query (GET, DELETE) or as a JSON body.",
    )
    headers = models.TextField(
        blank=True,
        max_length=2000,
        validators=[MaxLengthValidator(2000), rules.plain_text],
        help_text="One per line: Authorization: Bearer {{secret.shop_key}}. The value "
        "is saved under Passwords and keys and shown nowhere. A variable with letters "
        "such as ü is sent percent-encoded.",
    )
    timeout_seconds = models.FloatField(
        "time limit (seconds)",
        default=8.0,
        validators=[MinValueValidator(0.2), MaxValueValidator(30)],
        help_text="How long the bot waits for an answer. For a lookup before the "
        "greeting, use 1 or less.",
    )
    failure_instructions = models.TextField(
        blank=True,
        max_length=500,
        validators=[MaxLengthValidator(500), *rules.FILLED],
        help_text="Tells the AI model what to do if the tool fails: “Say that orders "
        "cannot be looked up now and offer to call back.”",
    )

    history = RecordsWithRows()
    row_lists = ("parameters",)  # the lists that are part of a version

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse a reserved name, and an address or headers that cannot be sent."""
        if self.name in RESERVED:
            raise ValidationError(
                {"name": "The bot has a built-in tool with this name."}
            )
        try:
            check_url(self.url)
        except BadTemplate as error:
            raise ValidationError({"url": str(error)}) from error
        try:
            check_headers(self.headers)
        except BadTemplate as error:
            raise ValidationError({"headers": str(error)}) from error

    def spec(self) -> ToolSpec:
        """The tool as plain data for a call's settings."""
        return ToolSpec(
            name=self.name,
            description=self.description,
            method=self.method,
            url=self.url,
            headers=self.headers,
            parameters=tuple(row.spec() for row in self.parameters.all()),
            timeout_seconds=self.timeout_seconds,
            failure_instructions=self.failure_instructions,
        )


class ToolParameter(models.Model):
    """One argument of a tool, filled in by the AI model."""

    class Kind(models.TextChoices):
        STRING = "string", "Text"
        INTEGER = "integer", "Whole number"
        NUMBER = "number", "Number"
        BOOLEAN = "boolean", "Yes or no"

    tool = models.ForeignKey(Tool, on_delete=models.CASCADE, related_name="parameters")
    name = models.CharField(
        max_length=60,
        validators=[
            RegexValidator(NAME, "Letters, digits and _ only, a letter first.")
        ],
    )
    type = models.CharField(max_length=10, choices=Kind, default=Kind.STRING)
    description = models.CharField(
        max_length=300, blank=True, help_text="Tells the AI model what to put here."
    )
    required = models.BooleanField(default=True)
    choices = models.CharField(
        max_length=500,
        blank=True,
        help_text="Allowed values, separated by commas: a, b, c. Empty: any text.",
    )
    secret = models.BooleanField(
        default=False,
        help_text="Shown as dots in transcripts, for example a PIN or a date of birth.",
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["tool", "name"],
                name="bots_parameter_once",
                violation_error_message="The tool already has an argument with this "
                "name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse choices for an argument that is not text."""
        if self.choices.strip() and self.type != self.Kind.STRING:
            raise ValidationError({"choices": "Only text can be chosen from a list."})

    def spec(self) -> Parameter:
        """The argument as plain data for a call's settings."""
        choices = (choice.strip() for choice in self.choices.split(","))
        return Parameter(
            name=self.name,
            type=self.type,
            description=self.description,
            required=self.required,
            choices=tuple(choice for choice in choices if choice),
            secret=self.secret,
        )
