"""Django's app config of the project."""

from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class VoicebotConfig(AppConfig):
    name = "voicebot"

    def ready(self) -> None:
        from django.contrib.auth.signals import user_logged_in

        from calls.accounts.groups import ensure_groups
        from voicebot.security import limit_session

        # After `auth`, Django emits the signal for bots and calls. Permissions of new
        # models do not exist yet when this runs; `ensure_groups` handles that.
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))
        user_logged_in.connect(limit_session, dispatch_uid="limit-session")
