"""What a bot does besides speaking: its settings for tools, keys and afterwards."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots import validators as rules
from bots.config.placeholders import SECRET, names


class BotActions(models.Model):
    """The part of a bot's settings that lets it act."""

    can_end_call = models.BooleanField(
        "may end the call",
        default=True,
        help_text="The model hangs up, after a goodbye, when there is nothing left to "
        "do. Its silence after a goodbye ends the call, too.",
    )
    can_collect_digits = models.BooleanField(
        "may ask for keys",
        default=False,
        help_text="The model may have callers type a number, such as a PIN or an order "
        "number, with length, last key, time limit and secrecy as it sees fit.",
    )
    tools = models.ManyToManyField(
        "bots.Tool",
        blank=True,
        related_name="bots",
        help_text="What the model may look up or set going during a call.",
    )
    fillers = models.TextField(
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="Said in turn while a tool takes long, one a line. Empty: usual ones "
        "of the bot's language.",
    )
    filler_delay_ms = models.PositiveIntegerField(
        "say one after",
        default=1200,
        validators=[MinValueValidator(200), MaxValueValidator(10_000)],
        help_text="Milliseconds that a tool may take in silence.",
    )
    lookup_tool = models.ForeignKey(
        "bots.Tool",
        verbose_name="lookup",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="+",
        help_text="A tool used once as each call comes in, beside the greeting. What "
        "it answers in JSON becomes variables. Its time limit is how long a greeting "
        "that needs them waits.",
    )
    variables = models.TextField(
        "variables of its calls",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_value],
        help_text="Names that the lookup or the carrier's parameters bring, one a "
        "line; after = a value to try the bot with: customer.name = Ann.",
    )
    time_zone = models.CharField(
        max_length=60,
        blank=True,
        validators=[rules.time_zone],
        help_text="For {{now}} and opening hours, for example Europe/Berlin. Empty: "
        "the server's.",
    )
    summary_prompt = models.TextField(
        "summary",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="What to sum up after each call, in your words: “What the caller "
        "wanted and what was agreed, in two sentences.” Empty, with neither outcomes "
        "nor fields below: calls are not summed up.",
    )
    outcomes = models.CharField(
        max_length=300,
        blank=True,
        validators=[rules.plain_text],
        help_text="What a call can come to, separated by commas: booked, call back, "
        "wrong number. The summary chooses one.",
    )
    summary_fields = models.TextField(
        "fields",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_field],
        help_text="What to note of each call, one a line: email: the caller's address.",
    )
    summary_model = models.CharField(
        max_length=120,
        blank=True,
        validators=[rules.model_id],
        help_text="Which model sums up. Empty: the one that answers.",
    )
    webhook_url = models.CharField(
        "webhook",
        max_length=500,
        blank=True,
        validators=[rules.request_url],
        help_text="Gets each call as JSON once it is over, by POST.",
    )
    webhook_secret = models.ForeignKey(
        "bots.Secret",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="+",
        help_text="Signs what the webhook gets, so that it knows who sends it.",
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Refuse a webhook that could not be called, or could not be believed."""
        refused = {}
        named = names(self.webhook_url)
        if wrong := [name for name in named if not name.startswith(SECRET)]:
            refused["webhook_url"] = (
                f"Nothing fills in {{{{{wrong[0]}}}}} here: write it out. Only secrets "
                "may be named, as {{secret.name}}; what is known of a call stands in "
                "the JSON that is sent."
            )
        if self.webhook_url and not self.webhook_secret_id:
            told = "Choose the secret that signs it; make one under Secrets."
            refused["webhook_secret"] = told
        if refused:
            raise ValidationError(refused)
