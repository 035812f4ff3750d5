"""Routes of the sandbox: the part of Inworld's API that it has, and the demo shop."""

from django.urls import path, re_path

from bots.sandbox import demo_shop, views

urlpatterns = [
    path("v1/chat/completions", views.chat),
    path("tts/v1/voice", views.synthesise),
    path("tts/v1/voice:stream", views.synthesise_stream),
    path("voices/v1/voices", views.voices),
    path("llm/v1alpha/models", views.models),
    path("demo/orders/<int:number>", demo_shop.order),
    re_path("", views.unknown),
]
