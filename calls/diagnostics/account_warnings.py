"""Problems of the people who may sign in, for superusers."""

from django.urls import reverse

from calls.accounts.people import without_role
from calls.diagnostics.findings import Finding, warning

NAME = "People"
MAX_NAMED = 5


def role_findings() -> list[Finding]:
    """Report people who may sign in and then see nothing."""
    people = list(without_role().order_by("username")[: MAX_NAMED + 1])
    if not people:
        return []
    names = ", ".join(user.get_username() for user in people[:MAX_NAMED])
    more = " and others" if len(people) > MAX_NAMED else ""
    has = "has" if len(people) == 1 else "have"
    page = f"{reverse('admin:auth_user_changelist')}?role=none"
    return [
        warning(
            NAME,
            f"{names}{more} {has} no role yet, and so nothing to see here.",
            "Give each of them a role for all bots or for some, or switch them off.",
            link=page,
            link_text="People without a role",
        )
    ]
