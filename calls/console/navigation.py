"""The links at the top of every page, and the pages that Settings lists."""

from dataclasses import dataclass
from typing import Any

from django.http import HttpRequest
from django.urls import reverse


@dataclass(frozen=True, slots=True)
class Page:
    """A page that the console links to.

    `names` are the beginnings of the URL names that belong to it.
    """

    label: str
    url_name: str
    permission: str = ""
    names: tuple[str, ...] = ()
    about: str = ""
    for_superusers: bool = False

    def is_open_to(self, user: Any) -> bool:
        """True if the user may see the page."""
        if self.for_superusers:
            return bool(user.is_superuser)
        return not self.permission or user.has_perm(self.permission)

    @property
    def url(self) -> str:
        """The address of the page."""
        return reverse(f"admin:{self.url_name}")


HOME = Page("Home", "index", names=("statistics",))
SETTINGS = Page("Settings", "settings")
# Divided by what they are about: calls, bots, the deployment.
GROUPS = (
    (
        HOME,
        Page("Live", "live", "calls.view_call"),
        Page(
            *("Calls", "calls_call_changelist", "calls.view_call"),
            ("calls_call_", "exports"),
        ),
    ),
    (
        Page(
            *("Bots", "bots_bot_changelist", "bots.view_bot"),
            ("bots_bot_", "test-call"),
        ),
        Page(
            *("Numbers", "bots_phonenumber_changelist", "bots.view_phonenumber"),
            ("bots_phonenumber_", "numbers", "point", "number-preview", "outage"),
        ),
        Page("Tools", "bots_tool_changelist", "bots.view_tool", ("bots_tool_",)),
    ),
    (SETTINGS,),
)
SETTINGS_PAGES = (
    Page(
        "Passwords and keys",
        "bots_secret_changelist",
        "bots.view_secret",
        about="Secrets that tools and webhooks send, stored so that nobody can read "
        "them here.",
    ),
    Page(
        "After-call tasks",
        "calls_postcalltask_changelist",
        "calls.view_postcalltask",
        about="Summaries and webhooks: what is waiting, and what could not be sent.",
    ),
    Page(
        "Alerts",
        "calls_alertrule_changelist",
        "calls.view_alertrule",
        about="Tells you by mail, chat or SMS what went wrong, and where it was told.",
    ),
    Page(
        "Budgets",
        "calls_budget_changelist",
        "calls.view_budget",
        about="What calls may cost in a day or a month, and what happens when it is "
        "spent.",
    ),
    Page(
        "Prices",
        "calls_price_changelist",
        "calls.view_price",
        about="What a minute, a word read or a word spoken costs, from which day on.",
    ),
    Page(
        "Blocked callers",
        "calls_blockedcaller_changelist",
        "calls.view_blockedcaller",
        about="Numbers whose calls are refused.",
    ),
    Page(
        "Erase a caller’s data",  # noqa: RUF001
        "erase",
        about="Deletes everything that is stored about one caller.",
        for_superusers=True,
    ),
    Page(
        "People",
        "auth_user_changelist",
        "auth.view_user",
        about="Everybody who may sign in here, and what they may do.",
    ),
    Page(
        "Time, numbers and dates",
        "site-settings",
        about="Time zone, masked numbers, how long calls are kept, and how dates look.",
        for_superusers=True,
    ),
    Page(
        "Groups",
        "auth_group_changelist",
        "auth.view_group",
        about="Sets of permissions that several people share.",
    ),
    Page(
        "Sign-ins and exports",
        "calls_auditevent_changelist",
        "calls.view_auditevent",
        about="Who signed in or failed to, and who downloaded calls.",
    ),
    Page(
        "Two-factor sign-in",
        "two-factor",
        about="Protects your own account with a code from your phone.",
    ),
)


@dataclass(frozen=True, slots=True)
class NavigationLink:
    """A link at the top of a page; `is_current` if the page belongs to it."""

    label: str
    url: str
    is_current: bool


def navigation(request: HttpRequest) -> list[list[NavigationLink]]:
    """The links that the user may follow, in groups."""
    current = _current(request)
    groups = [
        [
            NavigationLink(page.label, page.url, page is current)
            for page in group
            if page.is_open_to(request.user)
        ]
        for group in GROUPS
    ]
    return [group for group in groups if group]


def settings_pages(request: HttpRequest) -> list[Page]:
    """The pages below Settings that the user may see."""
    return [page for page in SETTINGS_PAGES if page.is_open_to(request.user)]


def is_below_settings(request: HttpRequest) -> bool:
    """True for a page that Settings leads to."""
    match = request.resolver_match
    is_settings = match is not None and match.url_name == SETTINGS.url_name
    return _current(request) is SETTINGS and not is_settings


def _current(request: HttpRequest) -> Page | None:
    """The page to which the requested one belongs; Settings if to no other."""
    match = request.resolver_match
    name = (match and match.url_name) or ""
    for group in GROUPS:
        for page in group:
            if name == page.url_name or name.startswith(page.names):
                return page
    return SETTINGS
