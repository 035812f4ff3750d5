from django.contrib.admin.apps import AdminConfig


class ConsoleConfig(AdminConfig):
    """Django's admin, with the console's own pages."""

    default_site = "calls.console.site.ConsoleSite"
