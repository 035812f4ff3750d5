"""HTTP routes of Twilio's requests."""

from django.urls import path, re_path

from calls.webhooks import (
    call_end,
    clip,
    final_transfer,
    incoming,
    message,
    recording,
    transfer,
)

urlpatterns = [
    re_path(r"^voice/?$", incoming.incoming_call, name="voice"),
    path("voice/action", call_end.voice_action, name="voice-action"),
    path("voice/status", call_end.voice_status, name="voice-status"),
    path("voice/recording", recording.recording_status, name="voice-recording"),
    path("voice/message/<int:pk>", message.message_status, name="voice-message"),
    path(
        "voice/announcement/<int:call_id>/<int:session>",
        transfer.announcement,
        name="voice-announcement",
    ),
    path(
        "voice/accept/<int:call_id>/<int:session>",
        transfer.accept_or_decline,
        name="voice-accept",
    ),
    path("voice/dial/<int:session>", transfer.dial, name="voice-dial"),
    path("voice/transferred", final_transfer.transferred, name="voice-transferred"),
    path("audio/<str:clip_id>", clip.audio, name="audio"),
]
