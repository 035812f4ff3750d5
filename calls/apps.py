"""App configuration: registers checks, records sign-ins, follows deleted calls."""

from django.apps import AppConfig


class CallsConfig(AppConfig):
    name = "calls"
    verbose_name = "Calls"

    def ready(self) -> None:
        from calls import checks  # noqa: F401  (registers them)
        from calls.audit import recording
        from calls.recordings import removal as removal_of_sound
        from calls.trace import removal as removal_of_traces

        recording.connect()
        removal_of_sound.connect()
        removal_of_traces.connect()
