"""Template tag `number_connected`: whether calls by telephone can come in."""

from django import template

from calls.console.numbers.connected import is_number_connected

register = template.Library()
register.simple_tag(is_number_connected, name="number_connected")
