from django.urls import path, re_path

from calls import views

urlpatterns = [
    re_path(r"^voice/?$", views.voice, name="voice"),
    path("voice/action", views.voice_action, name="voice-action"),
    path("voice/status", views.voice_status, name="voice-status"),
    path("audio/<str:clip_id>", views.audio, name="audio"),
]
