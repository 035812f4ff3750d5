"""Tools over HTTP that a bot's model may use, as operators describe them."""

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

# What the model calls by these names is ours.
RESERVED = frozenset({"end_call", "transfer_call", "switch_language", "ask_for_keys"})
NAME = r"^[a-zA-Z][a-zA-Z0-9_]{0,59}\Z"


class Tool(models.Model):
    """One request that a bot can make during a call, and when to make it."""

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
        help_text="What the model calls it, for example look_up_order.",
    )
    description = models.TextField(
        max_length=1000,
        validators=[MaxLengthValidator(1000), rules.plain_text],
        help_text="For the model: what it does and when to use it.",
    )
    method = models.CharField(max_length=10, choices=Method, default=Method.GET)
    url = models.CharField(
        "address",
        max_length=500,
        validators=[rules.plain_text],
        help_text="https://shop.example/orders/{{order_id}}. Arguments and variables "
        "may stand anywhere after the host. Arguments that are not named here are sent "
        "in the query (GET, DELETE) or as a JSON body.",
    )
    headers = models.TextField(
        blank=True,
        max_length=2000,
        validators=[MaxLengthValidator(2000), rules.plain_text],
        help_text="One a line: Authorization: Bearer {{secret.shop_key}}. Secrets are "
        "kept under Secrets and appear nowhere else.",
    )
    timeout_seconds = models.FloatField(
        "time limit",
        default=8.0,
        validators=[MinValueValidator(0.2), MaxValueValidator(30)],
        help_text="Seconds it may take. Before a call's greeting, 1 or less is kind.",
    )
    failure_instructions = models.TextField(
        blank=True,
        max_length=500,
        validators=[MaxLengthValidator(500), rules.plain_text],
        help_text="For the model, when it fails: “Say that orders cannot be looked up "
        "now and offer to call back.”",
    )

    class Meta:
        ordering = ["name"]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse what could never be sent, or not where it is meant to go."""
        if self.name in RESERVED:
            raise ValidationError({"name": "The bot has a function of that name."})
        try:
            check_url(self.url)
        except BadTemplate as error:
            raise ValidationError({"url": str(error)}) from error
        try:
            check_headers(self.headers)
        except BadTemplate as error:
            raise ValidationError({"headers": str(error)}) from error

    def spec(self) -> ToolSpec:
        """The tool as a call keeps it."""
        return ToolSpec(
            name=self.name,
            description=self.description,
            method=self.method,
            url=self.url,
            headers=self.headers,
            parameters=tuple(each.spec() for each in self.parameters.all()),
            timeout_seconds=self.timeout_seconds,
            failure_instructions=self.failure_instructions,
        )


class ToolParameter(models.Model):
    """One argument that the model fills in."""

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
        max_length=300, blank=True, help_text="For the model: what to put here."
    )
    required = models.BooleanField(default=True)
    choices = models.CharField(
        max_length=500, blank=True, help_text="If only some values fit: a, b, c."
    )
    secret = models.BooleanField(
        default=False, help_text="Shown as dots in transcripts: a PIN, a date of birth."
    )

    class Meta:
        ordering = ["pk"]
        constraints = [
            UniqueConstraint(
                fields=["tool", "name"],
                name="bots_parameter_once",
                violation_error_message="The tool has an argument of that name.",
            )
        ]

    def __str__(self) -> str:
        return self.name

    def clean(self) -> None:
        """Refuse choices of something that is not text."""
        if self.choices.strip() and self.type != self.Kind.STRING:
            raise ValidationError({"choices": "Only text can be chosen from a list."})

    def spec(self) -> Parameter:
        """The argument as a call keeps it."""
        listed = (choice.strip() for choice in self.choices.split(","))
        return Parameter(
            name=self.name,
            type=self.type,
            description=self.description,
            required=self.required,
            choices=tuple(choice for choice in listed if choice),
            secret=self.secret,
        )
