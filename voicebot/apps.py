from django.apps import AppConfig, apps
from django.db.models.signals import post_migrate


class VoicebotConfig(AppConfig):
    name = "voicebot"

    def ready(self) -> None:
        from calls.accounts.groups import ensure_groups

        # Django sees to auth before bots and calls, as they are installed: what is new
        # with this migration has no permission yet when the groups are looked at.
        post_migrate.connect(ensure_groups, sender=apps.get_app_config("auth"))
