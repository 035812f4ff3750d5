from django.urls import path, re_path

from calls import person_views, views

urlpatterns = [
    re_path(r"^voice/?$", views.voice, name="voice"),
    path("voice/action", views.voice_action, name="voice-action"),
    path("voice/status", views.voice_status, name="voice-status"),
    path(
        "voice/announcement/<int:call_id>/<int:session>",
        person_views.announcement,
        name="voice-announcement",
    ),
    path(
        "voice/accept/<int:call_id>/<int:session>",
        person_views.accept,
        name="voice-accept",
    ),
    path("voice/dial/<int:session>", person_views.dial, name="voice-dial"),
    path("audio/<str:clip_id>", views.audio, name="audio"),
]
