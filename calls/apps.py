"""App configuration: registers checks, records sign-ins, follows deleted recordings."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        from calls import checks  # noqa: F401  (registers them)
        from calls.audit import recording
        from calls.recordings import removal

        recording.connect()
        removal.connect()
