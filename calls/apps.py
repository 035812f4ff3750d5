"""App configuration: registers the system checks, and records sign-ins."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        from calls import checks  # noqa: F401  (registers them)
        from calls.audit.recording import connect

        connect()
