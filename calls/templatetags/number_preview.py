"""What a number will do, for the admin's page of that number."""

from django import template

from calls.console.numbers.preview import preview

register = template.Library()
register.simple_tag(preview, name="preview_of")
