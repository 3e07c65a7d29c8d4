"""What notes give away by themselves: an image spelled otherwise than it is called, an address that is none, and a copy
that goes another way than its sentence.

Read from the notes alone. Where an image can be pulled as it is spelled, nothing is said of it.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterator
from dataclasses import dataclass

from labkit.notes import mend
from labkit.notes.understand import Command, Notes

_IMAGE = re.compile(r"(?:--image[= ]|^\s*(?:- )?image:\s*)[\"']?([\w./:\-]+)")
_FROM = re.compile(r"^\s*FROM\s+(?:--platform=\S+\s+)?([\w./:\-]+)(?:\s+AS\s+(\S+))?\s*$", re.IGNORECASE)
_MADE = re.compile(r"(?:\s(?:-t|--tag)[= ]|\b(?:tag|commit)\s+\S+\s+)[\"']?([\w./\-]+)")
"""What an engine is told to call an image of the notes' own."""

ALIKE = 0.9
"""How alike two spellings of one image are, with a registry or an owner: short names are spelled alike by chance."""

OFFICIAL = (
    "alpine", "busybox", "caddy", "cassandra", "centos", "consul", "couchdb", "debian", "docker", "drupal",
    "eclipse-temurin", "elasticsearch", "fedora", "fluentd", "golang", "gradle", "haproxy", "hello-world", "httpd",
    "influxdb", "jenkins", "joomla", "kibana", "logstash", "mariadb", "maven", "memcached", "mongo", "mysql", "neo4j",
    "nextcloud", "nginx", "openjdk", "oraclelinux", "phpmyadmin", "postgres", "python", "rabbitmq", "redis",
    "registry", "rockylinux", "sonarqube", "tomcat", "traefik", "ubuntu", "vault", "wordpress", "zookeeper",
)  # fmt: skip
"""Images that everybody calls by one word, of those in Docker Hub's own library, where nobody else can put one."""

_HOST = r"(?=[\w\-]+\.[\w.\-]+)"
_ADDRESS = re.compile(
    rf"(?<![\w./:\-])(?:(?P<mark>https?)(?://|:/(?!/)|;//)|(?P<word>hhtps?|htps?|htpps?|htttps?|httpps?)://){_HOST}"
)
"""What begins as an address and is none: a mark that lacks or is another, a letter too many or too few."""

_INTO = re.compile(r"\b(?:local|host|machine)\b.*\b(?:in)?to\b.*\b(?:pod|container)\b", re.IGNORECASE)
_OUT_OF = re.compile(r"\b(?:pod|container)\b.*\bto\b.*\b(?:local|host|machine)\b", re.IGNORECASE)


@dataclass(frozen=True)
class Contradiction:
    """A line that is wrong by what the notes say elsewhere, or by what everybody calls the thing."""

    line: int
    text: str
    """The line as written."""
    reason: str
    in_command: bool
    block: int
    unmended: str
    """Why no mend is tried."""
    image: str = ""
    """The image that it is about: where that can be pulled, nothing is wrong."""


def contradictions(notes: Notes, unpullable: Collection[str]) -> Iterator[Contradiction]:
    """Find them; `unpullable` are the images that no registry has given here."""
    yield from (one for one in _images(notes) if one.image in unpullable)
    yield from _addresses(notes)
    for command in notes.commands:
        if reason := _copies_the_other_way(notes, command):
            yield Contradiction(command.line, command.text, reason, True, command.block, _ONLY_THE_WRITER)


def doubtful_bases(notes: Notes) -> set[str]:
    """Name the images that Dockerfiles begin with and that a registry should be asked for: they look misspelt."""
    return {one.image for one in _images(notes) if notes.kinds[one.block] == "Dockerfile"}


def _images(notes: Notes) -> Iterator[Contradiction]:
    used = list(_used(notes))
    count = Counter(_name(image) for _, image, _ in used)
    made = {name for block in notes.document.blocks for line in block.lines for name in _MADE.findall(line)}
    for line, image, block in used:
        name = _name(image)
        if "/" in name:
            other = mend.nearest(name, (n for n in count if "/" in n and count[n] > count[name]), ALIKE)
            reason = (
                f"image {name} cannot be pulled; elsewhere it is spelled {other}, which cannot be pulled here either"
            )
        else:
            other = None if name in made else next((known for known in OFFICIAL if _slip(name, known)), None)
            reason = f"image {name} cannot be pulled, and Docker's own library has none of that name: {other} is meant"
        if other:
            text = notes.document.lines[line - 1].strip()
            in_command = notes.kinds[block] == "commands"
            yield Contradiction(line, text, reason, in_command, block, _ONLY_A_REGISTRY, image)


_ONLY_THE_WRITER = "whether the line or the sentence says what is meant, nobody can see on a cluster"
_ONLY_A_REGISTRY = "only a registry can show that the other name is right, and none has been asked for it"


def _used(notes: Notes) -> Iterator[tuple[int, str, int]]:
    """Give each line that names an image, the image, and its block."""
    for index, block in enumerate(notes.document.blocks):
        stages = set()
        for at, line in enumerate(block.lines):
            if notes.kinds[index] in ("commands", "manifest", "fragment"):
                found = _IMAGE.search(line)
            elif notes.kinds[index] == "Dockerfile" and (found := _FROM.match(line)):
                stages.add(found[2])
            else:
                found = None
            if found and found[1] not in stages:
                yield block.line + at, found[1], index


def _name(image: str) -> str:
    """Give an image's name without its tag and without what stands for Docker's own library."""
    folder, slash, last = image.removeprefix("docker.io/").removeprefix("library/").rpartition("/")
    return f"{folder}{slash}{last.partition(':')[0]}"


def _slip(word: str, known: str) -> bool:
    """Tell whether a word is a known one but for a slip of the hand: a letter twice, two swapped, one left out."""
    if abs(len(word) - len(known)) > 1 or word == known or word[:1] != known[:1]:
        return False
    at = next((i for i, (a, b) in enumerate(zip(word, known, strict=False)) if a != b), min(len(word), len(known)))
    if len(word) == len(known) + 1:
        return word[at] == word[at - 1] and word[at + 1 :] == known[at:]
    if len(word) == len(known) - 1:
        return at < len(word) and word[at:] == known[at + 1 :]
    return word[at : at + 2] == known[at : at + 2][::-1] and word[at + 2 :] == known[at + 2 :]


def _addresses(notes: Notes) -> Iterator[Contradiction]:
    for index, block in enumerate(notes.document.blocks):
        if notes.kinds[index] not in ("commands", "manifest", "fragment"):
            continue
        for at, line in enumerate(block.lines):
            if found := _ADDRESS.search(line):
                scheme = found["mark"] or ("https" if found["word"].endswith("s") else "http")
                yield Contradiction(
                    block.line + at,
                    notes.document.lines[block.line + at - 1].strip(),
                    f"{found[0]} begins no address: {scheme}:// is meant",
                    notes.kinds[index] == "commands",
                    index,
                    "Kubernetes takes any words there, so that nothing can be seen of a mend",
                )


def _copies_the_other_way(notes: Notes, command: Command) -> str:
    """Hold a `kubectl cp` against the sentence that announces it."""
    call = next((c for c in command.kubectls if c.verb == "cp" and len(c.words) == 2), None)
    block = notes.document.blocks[command.block]
    above = block.above[0] if block.above else ""
    if call is None:
        return ""
    from_pod, to_pod = (":" in word for word in call.words)
    if _INTO.search(above) and from_pod and not to_pod:
        return "the sentence above copies into the container, and the line out of it: its two paths are swapped"
    if _OUT_OF.search(above) and to_pod and not from_pod:
        return "the sentence above copies out of the container, and the line into it: its two paths are swapped"
    return ""
