"""Template tag `model_delays`: how long callers usually wait for an AI model."""

from django import template

from calls.console.dashboard.statistics import usual_answer_times

register = template.Library()
register.simple_tag(usual_answer_times, name="model_delays")
