from django.urls import path

from calls import views

urlpatterns = [
    path("voice", views.voice, name="voice"),
    path("voice/action", views.voice_action, name="voice-action"),
    path("voice/status", views.voice_status, name="voice-status"),
    path("audio/<str:clip_id>", views.audio, name="audio"),
]
