"""The base of the sample images: Python as published, or, where no registry is in reach, out of Debian packages."""

from __future__ import annotations

import io
import os
import sys
import tarfile
from collections.abc import Callable, Iterable
from pathlib import Path

from docker.errors import NotFound

from labkit.supply import archives, certificates, debian, images
from labkit.supply.archives import Entry
from labkit.supply.cache import Workshop, key_of
from labkit.supply.engine import Engine
from labkit.supply.versions import Versions

REPOSITORY = "labs/python"

SECONDS = {"debian-python": 45, "python-base": 8}
"""What each part takes on two cores with an empty cache."""

_EXTERNALLY_MANAGED = "EXTERNALLY-MANAGED"
"""Debian's mark against pip in its own Python. The published image has none, and the samples are built with pip."""


def provide(engine: Engine, workshop: Workshop, versions: Versions) -> str:
    """Give the name of an image with Python and pip: the published one where it is here or can be pulled, else ours.

    In both the certificates that this machine trusts are trusted, so that pip works in a build behind a private
    authority.
    """
    published = versions.python
    if images.has_image(engine, published):
        return _trusting(engine, published)
    from_debian = _DebianPython(engine, workshop, versions.node["debian"])
    if from_debian.is_here():
        return from_debian.name
    try:
        workshop.progress.say(f"pulling {published}")
        repository, _, digest = published.partition("@")
        images.pull(engine, repository.rpartition(":")[0], digest)
    except images.NotPulled as reason:
        workshop.progress.say(f"not pulled ({reason}): making a Python from Debian packages")
        return from_debian.make()
    return _trusting(engine, published)


class _DebianPython:
    """Python and pip on a small Debian, as near to the published image as packages come."""

    def __init__(self, engine: Engine, workshop: Workshop, suite: str) -> None:
        self._engine = engine
        self._workshop = workshop
        self._suite = suite
        self._bundle = certificates.of_this_machine()
        sources = [sys.modules[__name__], archives, debian]
        self.name = f"{REPOSITORY}:{suite}-{key_of(suite, self._bundle.decode(errors='replace'), *sources)}"

    def is_here(self) -> bool:
        return images.has_image(self._engine, self.name)

    def make(self) -> str:
        debian.need_mmdebstrap(self._workshop.progress)

        def fill(made: Path, _moved: Callable[[float], None]) -> None:
            debian.bootstrap(self._suite, debian.PYTHON_PACKAGES, made / "root.tar")

        made_of = [self._suite, debian.PYTHON_PACKAGES, debian]
        root = self._workshop.part("debian-python", made_of, fill) / "root.tar"
        add = [Entry(certificates.IN_DEBIAN.lstrip("/"), self._bundle)] if self._bundle else []
        with self._workshop.scratch("python-base") as scratch:
            tar = scratch / "root.tar"
            with tar.open("wb") as file:
                archives.rewrite_tar(root, file, keep=self._wanted, add=add)
            changes = [
                f"LABEL {images.LABEL_KEY}={self.name}",
                f"ENV PATH={archives.PATH} LANG=C.UTF-8",
                'CMD ["python3"]',
            ]
            images.import_root(self._engine, tar, self.name, changes)
        self._workshop.meter.finish("python-base")
        return self.name

    def _wanted(self, path: str) -> bool:
        replaced = bool(self._bundle) and path == certificates.IN_DEBIAN.lstrip("/")
        return not (replaced or debian.unread(path) or path.endswith(f"/{_EXTERNALLY_MANAGED}"))


def _trusting(engine: Engine, published: str) -> str:
    """Give the published image, or one made of it that also trusts whom this machine trusts beyond it."""
    bundle = certificates.of_this_machine()
    name = f"{REPOSITORY}:{key_of(published, bundle.decode(errors='replace'))}"
    if images.has_image(engine, name):
        return name
    container = engine.client.containers.create(published, name=f"{images.BUILDING}{os.getpid()}")
    try:
        if not certificates.beyond(bundle, _read(container.get_archive(certificates.IN_DEBIAN)[0])):
            return published
        tar = io.BytesIO()
        archives.write_tar(tar, [Entry(certificates.IN_DEBIAN.lstrip("/"), bundle)])
        container.put_archive("/", tar.getvalue())
        repository, _, tag = name.rpartition(":")
        container.commit(repository, tag, changes=[f"LABEL {images.LABEL_KEY}={name}"])
    except NotFound:
        return published  # an image without certificates verifies nothing by itself
    finally:
        container.remove(force=True, v=True)
    return name


def _read(stream: Iterable[bytes]) -> bytes:
    """Give the content of the only file in an archive that the engine streams."""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        for member in archive:
            if (file := archive.extractfile(member)) is not None:
                return file.read()
    return b""
