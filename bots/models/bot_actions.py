"""Settings of a bot for tools, variables, the summary and the webhook."""

from django.core.exceptions import ValidationError
from django.core.validators import MaxValueValidator, MinValueValidator
from django.db import models

from bots import validators as rules
from bots.config.placeholders import SECRET, names


class BotActions(models.Model):
    """Settings for what a bot does besides speaking."""

    can_end_call = models.BooleanField(
        "can end the call",
        default=True,
        help_text="The bot may hang up after saying goodbye. If the caller stays "
        "silent after that, the call also ends.",
    )
    can_collect_digits = models.BooleanField(
        "can ask for numbers",
        default=False,
        help_text="The bot may ask callers to type a number on their phone, such as a "
        "PIN or an order number. It decides how long the number is, and whether to "
        "hide it.",
    )
    tools = models.ManyToManyField(
        "bots.Tool",
        blank=True,
        related_name="bots",
        help_text="What the bot can look up or do during a call.",
    )
    filler_delay_seconds = models.FloatField(
        "say one after (seconds)",
        default=1.2,
        validators=[MinValueValidator(0.2), MaxValueValidator(10.0)],
        help_text="How long a tool may take before the bot says a wait phrase.",
    )
    answer_filler_seconds = models.FloatField(
        "say one before a late answer, after (seconds)",
        default=2.5,
        validators=[MinValueValidator(0.0), MaxValueValidator(10.0)],
        help_text="How long callers may wait for an answer in silence. Then the bot "
        "says a wait phrase, once, and the answer follows. 0: it says none.",
    )
    lookup_tool = models.ForeignKey(
        "bots.Tool",
        verbose_name="lookup",
        null=True,
        blank=True,
        on_delete=models.SET_NULL,
        related_name="lookup_bots",
        help_text="A tool that runs once at the start of each call, for example to "
        "find the customer. The values in its JSON answer become variables. A greeting "
        "that uses them waits for the tool, up to its time limit.",
    )
    variables = models.TextField(
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_value],
        help_text="Names of the values that the lookup or Twilio provides, one per "
        "line. A value after = is used for test calls: customer.name = Ann.",
    )
    time_zone = models.CharField(
        max_length=60,
        blank=True,
        validators=[rules.time_zone],
        help_text="Used for {{now}} and opening hours, for example Europe/Berlin. "
        "Empty: the time zone of the page Settings.",
    )
    summary_prompt = models.TextField(
        "summary",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=rules.LIST,
        help_text="What the summary of each call should say, in your words: “What the "
        "caller wanted and what was agreed, in two sentences.” No summary is written "
        "if this, the outcomes and the details are all empty.",
    )
    outcomes = models.CharField(
        max_length=300,
        blank=True,
        validators=[rules.plain_text],
        help_text="The possible results of a call, separated by commas: booked, call "
        "back, wrong number. The summary chooses one.",
    )
    summary_fields = models.TextField(
        "details to note",
        blank=True,
        max_length=rules.LIST_MAX_LENGTH,
        validators=[*rules.LIST, rules.each_line_a_field],
        help_text="What to write down about each call, one per line, as name: "
        "description. Example: email: the caller's address.",
    )
    summary_model = models.CharField(
        max_length=120,
        blank=True,
        validators=[rules.model_id],
        help_text="The AI model that writes the summary. Empty: the bot's AI model.",
    )
    webhook_url = models.CharField(
        "webhook",
        max_length=500,
        blank=True,
        validators=[rules.request_url],
        help_text="A web address that receives each call after it has ended, as JSON "
        "by POST.",
    )
    webhook_secret = models.ForeignKey(
        "bots.Secret",
        verbose_name="webhook key",
        null=True,
        blank=True,
        on_delete=models.PROTECT,
        related_name="webhook_bots",
        help_text="Signs each request, so that the receiver can check the sender.",
    )

    class Meta:
        abstract = True

    def clean(self) -> None:
        """Refuse a webhook with unknown placeholders or without a signing key."""
        errors = {}
        placeholders = names(self.webhook_url)
        if wrong := [name for name in placeholders if not name.startswith(SECRET)]:
            errors["webhook_url"] = (
                f"Nothing fills in {{{{{wrong[0]}}}}} here: write it out. Only "
                "passwords and keys can be named, as "
                "{{secret.name}}. The JSON that is sent contains the details of the "
                "call."
            )
        if self.webhook_url and not self.webhook_secret_id:
            message = "Choose the key that signs the requests. Create one under "
            errors["webhook_secret"] = f"{message}Passwords and keys."
        if errors:
            raise ValidationError(errors)
