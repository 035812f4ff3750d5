"""Helpers for tests of the versions of bots and numbers."""

from typing import Any

import pytest
from django.contrib.auth.models import Group, User

from bots.models import Bot
from bots.versions.history import versions


@pytest.fixture
def bot() -> Bot:
    return Bot.objects.create(name="Front desk", greeting="Hello.", is_default=True)


def member(group: str) -> User:
    user = User.objects.create_user(group, is_staff=True)
    user.groups.add(Group.objects.get(name=group))
    return user


def change(thing: Any, **values: Any) -> None:
    for name, value in values.items():
        setattr(thing, name, value)
    thing.save()


def at(thing: Any, index: int) -> Any:
    """Return a version by its index; 0 is the latest."""
    return versions(type(thing), thing.pk)[index]
