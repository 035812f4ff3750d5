"""Template tag `preview_of`: what a call to a number will hear."""

from typing import Any

from django import template

from bots.access.numbers import may_see_numbers
from calls.console.numbers.preview import Preview, preview

register = template.Library()


@register.simple_tag(takes_context=True)
def preview_of(context: dict[str, Any], number: str) -> Preview:
    """Predict a call, with people's numbers only for those who may see them."""
    return preview(number, hide=not may_see_numbers(context["request"].user))
