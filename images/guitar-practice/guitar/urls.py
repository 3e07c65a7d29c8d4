"""Which address is answered by what."""

from django.urls import path
from practice import views

urlpatterns = [
    path("", views.home),
    path("chords", views.chords),
    path("sessions", views.sessions),
    path("healthy", views.healthy),
    path("ready", views.ready),
]
