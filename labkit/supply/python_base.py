"""The base of the sample images: Python as published, or, where no registry is in reach, out of Debian packages."""

from __future__ import annotations

import io
import sys
import tarfile

from docker.errors import NotFound
from docker.models.containers import Container

from labkit.manifests import naming
from labkit.supply import archives, certificates, debian, images, meter
from labkit.supply.archives import Entry
from labkit.supply.cache import Workshop, key_of
from labkit.supply.engine import Engine
from labkit.supply.versions import Versions

REPOSITORY = f"{naming.OURS}/python"

_EXTERNALLY_MANAGED = "EXTERNALLY-MANAGED"
"""Debian's mark against pip in its own Python. The published image has none, and the samples are built with pip."""


def find(engine: Engine, versions: Versions) -> str | None:
    """Give the base that is here: the published image, trusting whom this machine trusts, or the one of packages."""
    for name in (_trusting_name(versions.python), debian_name(versions.node["debian"])):
        if images.has_image(engine, name):
            return name
    return None


def provide(engine: Engine, workshop: Workshop, versions: Versions) -> str:
    """Give an image with Python and pip: the published one where it is here or can be pulled, else ours.

    In both the certificates that this machine trusts are trusted, so that pip works in a build behind a private
    authority.
    """
    if here := find(engine, versions):
        return here
    published = versions.python
    try:
        if not images.has_image(engine, published):
            workshop.progress.say(f"pulling {published}")
            images.pull(published, workshop.progress)
    except images.NotPulled as reason:
        workshop.progress.say(f"not pulled ({reason}): making a Python from Debian packages")
        return _from_debian(engine, workshop, versions.node["debian"])
    return _trusting(engine, published)


def debian_name(suite: str) -> str:
    """Give the name of the base that is made of packages, whether it is made already or not."""
    sources = [sys.modules[__name__], archives, debian]
    bundle = certificates.of_this_machine().decode(errors="replace")
    return f"{REPOSITORY}:{suite}-{key_of(suite, bundle, *sources)}"


def _from_debian(engine: Engine, workshop: Workshop, suite: str) -> str:
    """Put Python and pip on a small Debian, as near to the published image as packages come."""
    workshop.meter.expect(meter.PYTHON)
    debian.need_mmdebstrap(workshop.progress)
    root = workshop.part(
        "debian-python",
        [suite, debian.PYTHON_PACKAGES, debian],
        lambda made, _moved: debian.bootstrap(suite, debian.PYTHON_PACKAGES, made / "root.tar"),
    )
    name = debian_name(suite)
    bundle = certificates.of_this_machine()
    with workshop.scratch("python-base") as scratch:
        tar = scratch / "root.tar"
        with tar.open("wb") as file:
            archives.rewrite_tar(
                root / "root.tar",
                file,
                keep=lambda path: wanted(path, replaced={_BUNDLE} if bundle else set()),
                add=[Entry(_BUNDLE, bundle)] if bundle else [],
            )
        changes = [
            f"LABEL {images.LABEL_KEY}={name}",
            f"ENV PATH={archives.PATH} LANG=C.UTF-8",
            'CMD ["python3"]',
        ]
        images.import_root(engine, tar, name, changes)
    images.remove_superseded(engine, name)
    workshop.meter.finish("python-base")
    return name


def wanted(path: str, replaced: set[str]) -> bool:
    """Tell whether a file of the Debian root belongs into the base."""
    return not (path in replaced or debian.unread(path) or path.endswith(f"/{_EXTERNALLY_MANAGED}"))


_BUNDLE = certificates.IN_DEBIAN.lstrip("/")


def _trusting_name(published: str) -> str:
    bundle = certificates.of_this_machine().decode(errors="replace")
    return f"{REPOSITORY}:published-{key_of(published, bundle)}"


def _trusting(engine: Engine, published: str) -> str:
    """Give the published image under a name of ours, with the certificates this machine trusts beyond it.

    Under a name of ours also where nothing is added, so that the next run knows without starting anything.
    """
    name = _trusting_name(published)
    bundle = certificates.of_this_machine()
    container = engine.client.containers.create(published, name=images.building_name("python"))
    try:
        if certificates.beyond(bundle, _content(container, certificates.IN_DEBIAN)):
            tar = io.BytesIO()
            archives.write_tar(tar, [Entry(_BUNDLE, bundle)])
            container.put_archive("/", tar.getvalue())
        repository, tag = images.split_tag(name)
        container.commit(repository, tag, changes=[f"LABEL {images.LABEL_KEY}={name}"])
    finally:
        container.remove(force=True, v=True)
    images.remove_superseded(engine, name)
    return name


def _content(container: Container, path: str) -> bytes:
    """Give the content of one file in a container, nothing where it is missing."""
    try:
        stream, _ = container.get_archive(path)
    except NotFound:
        return b""
    with tarfile.open(fileobj=io.BytesIO(b"".join(stream))) as archive:
        file = archive.extractfile(archive.getmembers()[0])
        return file.read() if file else b""
