"""Versions of bots and numbers as a test makes and finds them."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from bots.models import Bot
from bots.versions.history import versions


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", greeting="Hello.", is_default=True)


def member(group: str) -> User:
    person = User.objects.create_user(group, is_staff=True)
    person.groups.add(Group.objects.get(name=group))
    return person


def change(thing: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(thing, name, value)
    thing.save()


def at(thing: Any, place: int) -> Any:
    """A version; 0 is the latest."""
    return versions(type(thing), thing.pk)[place]
