"""Dockerfiles: parsed by the engine, never built; an instruction that it does not know is a fault."""

from __future__ import annotations

import io
import re
import tarfile
from dataclasses import replace

import docker
from docker.errors import APIError, BuildError

from labkit.cluster.nodes import answering, engine
from labkit.notes import mend
from labkit.notes.findings import Evidence, Finding
from labkit.notes.judge import FAULT, HOLDS
from labkit.notes.mend import Text
from labkit.notes.scenario import Step
from labkit.notes.understand import Notes

MOST_LAYERS = 8
"""Faults of one file, each of which hid the next."""

STAGE = "labs-parsed-only"
"""A stage that no Dockerfile has: the engine parses the whole file, finds that out, and builds nothing."""

INSTRUCTIONS = (
    "ADD", "ARG", "CMD", "COPY", "ENTRYPOINT", "ENV", "EXPOSE", "FROM", "HEALTHCHECK", "LABEL", "MAINTAINER",
    "ONBUILD", "RUN", "SHELL", "STOPSIGNAL", "USER", "VOLUME", "WORKDIR",
)  # fmt: skip
"""All that there are. Source: https://docs.docker.com/reference/dockerfile/."""


def judged(notes: Notes, step: Step) -> list[Finding]:
    """Have the engine parse a Dockerfile; nothing of it is built."""
    block = notes.document.blocks[step.block or 0]
    text = Text(block.lines, tuple(range(block.line, block.line + len(block.lines))))
    layers: list[Finding] = []
    evidence: list[Evidence] = []
    with answering():
        for _ in range(MOST_LAYERS):
            error = parse_error(engine(), text.text, STAGE)
            evidence.append(
                Evidence(
                    "as written" if not layers else "mended",
                    "docker build (parsed only)",
                    int(bool(error)),
                    "",
                    error,
                    0.0,
                )
            )
            if not error:
                break
            other = mended(text.text, error)
            changed, edits = text.become(other) if other else (text, ())
            line = edits[0].line if edits else block.line
            layers.append(Finding(step, notes.document.lines[line - 1].strip(), FAULT, error, line,
                                  "\n".join(new for e in edits for new in e.new), edits))  # fmt: skip
            if not edits:
                layers = [replace(f, edits=(), mended="") for f in layers]
                break
            text = changed
    if not layers:
        return [
            Finding(
                step,
                block.lines[0],
                HOLDS,
                "",
                step.line,
                told=("parsed by the engine, not built",),
                evidence=tuple(evidence),
            )
        ]
    return [replace(f, evidence=tuple(evidence)) for f in layers]


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
