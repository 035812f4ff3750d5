"""Template tag `preview_of`: what a call to a number will hear."""

from django import template

from calls.console.numbers.preview import preview

register = template.Library()
register.simple_tag(preview, name="preview_of")
