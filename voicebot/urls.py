"""HTTP routes of the project."""

from django.contrib import admin
from django.templatetags.static import static
from django.urls import include, path
from django.views.generic import RedirectView

from calls.operations.health import healthz, readyz
from calls.operations.metrics_view import metrics

urlpatterns = [
    path("healthz", healthz),
    path("readyz", readyz),
    path("metrics", metrics),
    path("", include("calls.urls")),
    path("", RedirectView.as_view(pattern_name="admin:index")),
    path("admin/", admin.site.urls),
    # For pages that name no icon: errors, downloads, a clip opened in a browser.
    path("favicon.ico", RedirectView.as_view(url=static("calls/favicon.svg"))),
]
