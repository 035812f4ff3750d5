"""What a number will do, for the admin's page of that number."""

from django import template

from calls.desk.preview import preview

register = template.Library()
register.simple_tag(preview, name="preview_of")
