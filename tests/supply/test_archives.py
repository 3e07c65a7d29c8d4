"""Archives: what is kept, what is added, and that an image's digests are those of its content."""

from __future__ import annotations

import gzip
import hashlib
import io
import json
import tarfile
from pathlib import Path

import pytest

from labkit.supply import archives
from labkit.supply.archives import Entry, folder, link, program


def names(data: bytes) -> list[str]:
    with tarfile.open(fileobj=io.BytesIO(data)) as archive:
        return archive.getnames()


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tar as mmdebstrap writes it: paths with ./ before them, owners, times, a hard link."""
    path = tmp_path / "root.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind, target in (
            ("./", tarfile.DIRTYPE, ""),
            ("./usr/bin/perl", tarfile.REGTYPE, ""),
            ("./usr/bin/perl5", tarfile.LNKTYPE, "./usr/bin/perl"),
            ("./usr/share/doc/perl/README", tarfile.REGTYPE, ""),
            ("./bin", tarfile.SYMTYPE, "usr/bin"),
            ("./dev/null", tarfile.CHRTYPE, ""),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname, info.mtime, info.uid = kind, target, 1234567890, 42
            info.size = 4 if kind == tarfile.REGTYPE else 0
            archive.addfile(info, io.BytesIO(b"perl") if info.size else None)
    return path


def test_a_rewritten_tar_keeps_all_but_what_is_refused(root: Path) -> None:
    out = io.BytesIO()
    archives.rewrite_tar(root, out, keep=lambda path: "doc" not in path, add=[Entry("etc/new", b"new")])
    assert names(out.getvalue()) == ["usr/bin/perl", "usr/bin/perl5", "bin", "dev/null", "etc/new"]
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        perl, hard = archive.getmember("usr/bin/perl"), archive.getmember("usr/bin/perl5")
        assert (perl.mtime, perl.uid) == (1234567890, 42)
        assert hard.linkname == "usr/bin/perl"
        assert archive.getmember("bin").linkname == "usr/bin"
        assert archive.getmember("dev/null").ischr()
        content = archive.extractfile("etc/new")
        assert content is not None
        assert content.read() == b"new"


def test_one_file_can_be_read_out_of_a_tar(root: Path) -> None:
    assert archives.read_member(root, "usr/bin/perl") == b"perl"
    with pytest.raises(KeyError):
        archives.read_member(root, "usr/bin/python")


def test_entries_become_what_they_say(tmp_path: Path) -> None:
    binary = tmp_path / "tool"
    binary.write_bytes(b"tool")
    out = io.BytesIO()
    archives.write_tar(out, [folder("tmp", 0o1777), program("bin/tool", binary), link("bin/t", "tool")])
    with tarfile.open(fileobj=io.BytesIO(out.getvalue())) as archive:
        tmp, tool, short = archive.getmembers()
    assert (tmp.isdir(), tmp.mode) == (True, 0o1777)
    assert (tool.isfile(), tool.mode, tool.uid, tool.mtime) == (True, 0o755, 0, 0)
    assert (short.issym(), short.linkname) == (True, "tool")


def test_an_image_is_an_oci_archive_whose_digests_hold(tmp_path: Path) -> None:
    layer = archives.write_layer(tmp_path / "layer", lambda file: archives.write_tar(file, [Entry("hello", b"hello")]))
    archives.write_image(
        tmp_path / "image.tar", "registry.k8s.io/x:1", [layer], architecture="amd64", config={"Entrypoint": ["/x"]}
    )
    with tarfile.open(tmp_path / "image.tar") as archive:
        content = {m.name: f.read() for m in archive if (f := archive.extractfile(m)) is not None}
    for path, data in content.items():
        if path.startswith("blobs/sha256/"):
            assert hashlib.sha256(data).hexdigest() == path.rpartition("/")[2]
    (told,) = json.loads(content["index.json"])["manifests"]
    assert told["annotations"] == {"io.containerd.image.name": "registry.k8s.io/x:1"}
    manifest = json.loads(content["blobs/" + told["digest"].replace(":", "/")])
    config = json.loads(content["blobs/" + manifest["config"]["digest"].replace(":", "/")])
    packed = content["blobs/" + manifest["layers"][0]["digest"].replace(":", "/")]
    assert len(packed) == manifest["layers"][0]["size"]
    assert config["rootfs"]["diff_ids"] == ["sha256:" + hashlib.sha256(gzip.decompress(packed)).hexdigest()]
    assert names(gzip.decompress(packed)) == ["hello"]
    assert config["config"]["Entrypoint"] == ["/x"]
    assert config["config"]["Env"][0].startswith("PATH=/usr/local/sbin:")


def test_the_same_content_is_the_same_layer(tmp_path: Path) -> None:
    def fill(file: object) -> None:
        archives.write_tar(file, [Entry("a", b"a"), folder("b")])  # type: ignore[arg-type]

    assert archives.write_layer(tmp_path / "1", fill).digest == archives.write_layer(tmp_path / "2", fill).digest
