"""Dockerfiles: parsed by the engine, never built; an instruction that it does not know is a fault."""

from __future__ import annotations

import io
import re
import tarfile

import docker
from docker.errors import APIError, BuildError

from labkit.notes import mend

INSTRUCTIONS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
"""All that there are. Source: https://docs.docker.com/reference/dockerfile/."""


def parse_error(client: docker.DockerClient, text: str, stage: str) -> str:
    """Give what the engine says against a Dockerfile, "" where it can be read. `stage` is one that it does not have.

    The engine reads the whole file before it looks for the stage that it is to build, and builds nothing without it.
    """
    context = io.BytesIO()
    with tarfile.open(fileobj=context, mode="w") as archive:
        info = tarfile.TarInfo("Dockerfile")
        info.size = len(text.encode())
        archive.addfile(info, io.BytesIO(text.encode()))
    context.seek(0)
    try:
        for message in client.api.build(fileobj=context, custom_context=True, target=stage, decode=True, rm=True):
            if "error" in message:
                return _told(str(message["error"]), stage)
    except (APIError, BuildError) as error:
        return _told(str(getattr(error, "explanation", None) or error), stage)
    return ""


def mended(text: str, error: str) -> str | None:
    """Put the instruction that was meant in the place of an unknown one."""
    found = re.search(r"unknown instruction: (\S+)", error)
    if not found:
        return None
    word = found[1].upper()
    near = next((i for i in INSTRUCTIONS if i.endswith(word) or i.startswith(word)), None) or mend.nearest(
        word, INSTRUCTIONS, 0.6
    )
    if near is None:
        return None
    return re.sub(
        rf"^(\s*){re.escape(found[1])}(?=\s)", rf"\g<1>{near}", text, count=1, flags=re.MULTILINE | re.IGNORECASE
    )


def _told(error: str, stage: str) -> str:
    # Every engine says in words of its own that it has no such stage.
    if stage in error:
        return ""
    return re.sub(
        r"^(?:dockerfile parse error:?|Dockerfile parse error) ?(?:on )?(?:line \d+: ?)?", "", " ".join(error.split())
    )
