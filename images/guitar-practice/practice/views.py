"""The page for people, the same as JSON for programs, and the two questions that Kubernetes asks."""

import json
import socket

from django.core.exceptions import ValidationError
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpResponse, JsonResponse
from django.shortcuts import render
from django.views.decorators.http import require_http_methods, require_safe

from .models import Chord, Session


@require_safe
def home(request):
    """Show chords and sessions, and which Pod tells."""
    context = {"chords": Chord.objects.all(), "sessions": Session.objects.all()[:20], "pod": socket.gethostname()}
    return render(request, "home.html", context)


@require_safe
def chords(_request):
    """List the chords: name to fingering."""
    return JsonResponse({chord.name: chord.fingering for chord in Chord.objects.all()})


@require_http_methods(["GET", "HEAD", "POST"])
def sessions(request):
    """List the sessions, newest first; POST {"chord": "Am", "minutes": 10} adds one."""
    if request.method == "POST":
        return _add_session(request)
    listed = Session.objects.select_related("chord")
    return JsonResponse({"sessions": [_as_json(session) for session in listed]})


def _add_session(request):
    try:
        given = json.loads(request.body)
        session = Session(chord=Chord.objects.get(name=given["chord"]), minutes=given["minutes"])
        session.full_clean()
    except (ValueError, TypeError, KeyError, ValidationError, Chord.DoesNotExist):
        return JsonResponse(
            {"error": 'send a known chord and whole minutes: {"chord": "Am", "minutes": 10}'}, status=400
        )
    session.save()
    return JsonResponse(_as_json(session), status=201)


def _as_json(session):
    return {"chord": session.chord.name, "minutes": session.minutes, "at": session.at.isoformat()}


@require_safe
def healthy(_request):
    """Answer for the process alone: a restart mends no database."""
    return HttpResponse("ok\n", content_type="text/plain")


@require_safe
def ready(_request):
    """Answer for what a request needs: the database, with every migration applied."""
    try:
        executor = MigrationExecutor(connection)
        missing = executor.migration_plan(executor.loader.graph.leaf_nodes())
    except DatabaseError as error:
        return HttpResponse(f"no database: {error}\n", content_type="text/plain", status=503)
    if missing:
        return HttpResponse(f"{len(missing)} migrations are missing\n", content_type="text/plain", status=503)
    return HttpResponse("ok\n", content_type="text/plain")
