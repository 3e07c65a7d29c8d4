"""A minikube from source: the program, the image of its node, and the images of one Kubernetes for its cache."""

from __future__ import annotations

import contextlib
import io
import json
import shlex
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import tenacity
from docker.errors import APIError
from docker.models.containers import Container
from docker.types import Mount

from labkit.manifests import naming
from labkit.supply import archives, debian, images, minikube_files, node, node_files, node_images, programs, toolchain
from labkit.supply.archives import folder, program
from labkit.supply.cache import Workshop, key_of
from labkit.supply.engine import Engine
from labkit.supply.process import ask
from labkit.supply.toolchain import Program
from labkit.supply.versions import Versions
from labkit.trouble import CannotRun

REPOSITORY = f"{naming.OURS}/minikube-base"

MODULE = "k8s.io/minikube"
_CRI_DOCKERD = "github.com/Mirantis/cri-dockerd"
_OUTSIDE = "minikube-from-outside"
"""The module in which minikube is built: its own go.mod under another name."""

_START_S = 60
"""Seconds that Docker is given to answer in the container where the images are put together; it took 2."""


@dataclass(frozen=True)
class Minikube:
    """A minikube and what it needs to start one Kubernetes without a registry."""

    kubernetes: str
    binary: Path
    base_image: str
    """The image of its node, for `minikube start --base-image`."""
    cache: Path
    """What belongs into the folder `cache` of MINIKUBE_HOME: Kubernetes' programs and images."""


def find(engine: Engine, workshop: Workshop, versions: Versions, tag: str) -> Minikube | None:
    """Give the minikube for this version if all of it was made before."""
    binary = workshop.find("minikube", _program_made_of(versions))
    base = base_name(versions, engine.architecture)
    cache = workshop.find("minikube-preload", _preload_made_of(versions, tag, engine.architecture), variant=tag)
    if binary and cache and images.has_image(engine, base):
        return Minikube(tag, binary / "minikube", base, cache)
    return None


def base_name(versions: Versions, architecture: str) -> str:
    """Give the name of the image of minikube's node by this recipe, whether it is made already or not."""
    key = key_of(versions.kind, versions.node, versions.minikube, architecture, *_sources())
    return f"{REPOSITORY}:{key}"


def _sources() -> list[object]:
    return [sys.modules[__name__], minikube_files, archives, debian, node_files, programs, *toolchain.DECISIVE]


def _program_made_of(versions: Versions) -> list[object]:
    code = [minikube_files.go_mod, minikube_files.storage_provisioner, *toolchain.DECISIVE]
    return [_minikube(versions).recipe(), *code]


def _preload_made_of(versions: Versions, tag: str, architecture: str) -> list[object]:
    return [node.recipe_key(tag, versions, architecture), base_name(versions, architecture)]


def _minikube(versions: Versions) -> Program:
    """minikube and its storage provisioner in one build, which share most of what is compiled.

    The tags: libvirt is looked for when it is wanted (upstream's); names and users are looked up in Go, so that the
    provisioner is a static program although minikube needs a C compiler.
    """
    version = versions.minikube["minikube"]
    values = {
        "version": version,
        "isoVersion": version,
        "gitCommitID": "unknown",
        "storageProvisionerVersion": versions.minikube["storage_provisioner"],
    }
    return Program(
        name="minikube",
        modules={MODULE: version},
        packages=(f"{MODULE}/cmd/minikube", f"{_OUTSIDE}/storage-provisioner"),
        tags="libvirt_dlopen,netgo,osusergo",
        ldflags=" ".join(f"-X {MODULE}/pkg/version.{key}={value}" for key, value in values.items()),
        cgo=True,
    )


def _cri_dockerd(versions: Versions) -> Program:
    """What the kubelet speaks to in front of Docker."""
    version = versions.minikube["cri_dockerd"]
    return Program(
        name="cri-dockerd",
        modules={_CRI_DOCKERD: version},
        packages=(_CRI_DOCKERD,),
        ldflags=f"-X {_CRI_DOCKERD}/cmd/version.Version={version.removeprefix('v')}",
    )


def _cni_plugins(versions: Versions) -> Program:
    """The plugins of the network that minikube configures, beyond those of a kind node."""
    module = "github.com/containernetworking/plugins"
    return Program(
        name="minikube-cni",
        modules={module: versions.node["cni_plugins"]},
        packages=(f"{module}/plugins/main/bridge", f"{module}/plugins/meta/firewall"),
    )


class MinikubeBuild(node.NodeBuild):
    """The building of a minikube for one version; what a kind node of that version is made of is used again."""

    def make(self) -> Minikube:
        """Build all of it.

        Raises: CannotRun when something it is made of cannot be had or built.
        """
        self.begin()
        minikube_root = self._beside.submit(
            self._root, "debian-minikube", [*debian.NODE_PACKAGES, *minikube_files.PACKAGES], debian.bootstrap
        )
        proxy_root = self._beside.submit(self._root, "debian-proxy", debian.PROXY_PACKAGES, debian.unpack)
        kubernetes = self._kubernetes()
        built = self._minikube()
        tools = [self._program(recipe) for recipe in self._tools()]
        more = [self._program(_cni_plugins(self._versions)), self._cri_dockerd()]
        of_a_node = self._images(kubernetes, proxy_root.result(), self._busybox_root())
        own_images = [
            *(image for image in of_a_node if not image.parent.name.startswith(_KINDS_IMAGES)),
            self._pause(kubernetes),
            self._image(
                minikube_files.storage_provisioner_image(self._provisioner_image(), built / "storage-provisioner")
            ),
        ]
        base = self._minikube_base(minikube_root.result(), [*tools, *more])
        cache = self._preload(base, kubernetes, own_images)
        images.remove_superseded(self._engine, base)
        return Minikube(self._tag, built / "minikube", base, cache)

    def _source(self) -> Path:
        return self._go.download(MODULE, self._versions.minikube["minikube"]).folder

    def _minikube(self) -> Path:
        def fill(made: Path, moved: Callable[[float], None]) -> None:
            source = made.parent / "source"
            for name, text in minikube_files.storage_provisioner(self._source(), _OUTSIDE).items():
                (source / name).parent.mkdir(parents=True)
                (source / name).write_text(text)
            self._build_like_upstream(_minikube(self._versions), MODULE, _OUTSIDE, source, made, moved)

        return self._workshop.part("minikube", _program_made_of(self._versions), fill)

    def _cri_dockerd(self) -> Path:
        recipe = _cri_dockerd(self._versions)

        def fill(made: Path, moved: Callable[[float], None]) -> None:
            source = made.parent / "source"
            source.mkdir()
            self._build_like_upstream(recipe, _CRI_DOCKERD, "cri-dockerd-from-outside", source, made, moved)

        return self._workshop.part(recipe.name, [recipe.recipe(), minikube_files.go_mod, *toolchain.DECISIVE], fill)

    def _build_like_upstream(
        self,
        recipe: Program,
        module: str,
        name: str,
        source: Path,
        made: Path,
        moved: Callable[[float], None],
    ) -> None:
        version = recipe.modules[module]
        upstream = self._go.download(module, version).folder
        text = minikube_files.go_mod((upstream / "go.mod").read_text(), module, version, name)
        (source / "go.mod").write_text(text)
        (source / "go.sum").write_bytes((upstream / "go.sum").read_bytes())
        self._go.build_here(recipe, source, made, moved)

    def _pause(self, kubernetes: Path) -> Path:
        """Make the pause image under the name that kubeadm gives it, which is the one that minikube asks for."""
        listed = ask([kubernetes / "kubeadm", "config", "images", "list", f"--kubernetes-version={self._tag}"])
        return self._image(node_images.pause(node_images.by_component(listed)["pause"], kubernetes / "pause"))

    def _provisioner_image(self) -> str:
        version = self._versions.minikube["storage_provisioner"]
        return f"{minikube_files.image_repository(self._source())}/k8s-minikube/storage-provisioner:{version}"

    def _minikube_base(self, debian_root: Path, parts: list[Path]) -> str:
        """Put all that does not depend on the Kubernetes version into one image of the engine; gives its name."""
        name = base_name(self._versions, self._engine.architecture)
        if images.has_image(self._engine, name):
            self._workshop.meter.reuse("minikube-base")
            return name
        containerd, runc, kinds_cni, crictl, cni, cri_dockerd = parts
        module = self._source()
        units = self._go.download(_CRI_DOCKERD, self._versions.minikube["cri_dockerd"]).folder / "packaging/systemd"
        spec = json.loads(ask([containerd / "ctr", "oci", "spec"]))
        add = [
            *minikube_files.entries(node_files.base_entries(self._kind_files(), spec)),
            *minikube_files.users(debian_root / "root.tar"),
            *minikube_files.scheduled_stop(module),
            *(archives.Entry(f"usr/lib/systemd/system/{unit.name}", unit) for unit in sorted(units.iterdir())),
            *(program(f"usr/local/bin/{path.name}", path) for part in (containerd, crictl) for path in _files(part)),
            program("usr/local/sbin/runc.real", runc / "runc"),
            program("usr/bin/cri-dockerd", cri_dockerd / "cri-dockerd"),
            *(folder(path) for path in ("opt/cni", "opt/cni/bin")),
            *(program(f"opt/cni/bin/{path.name}", path) for part in (kinds_cni, cni) for path in _files(part)),
        ]
        ours = {entry.path for entry in add}
        with self._workshop.scratch("minikube-base") as scratch:
            tar = scratch / "root.tar"
            with tar.open("wb") as file:
                archives.rewrite_tar(
                    debian_root / "root.tar",
                    file,
                    keep=lambda path: path not in ours and node_files.wanted(path) and minikube_files.wanted(path),
                    add=add,
                )
            imported = f"{REPOSITORY}:imported-{name.rpartition(':')[2]}"
            changes = [
                f"LABEL {images.LABEL_KEY}={name}",
                "ENV container=docker",
                "EXPOSE 22",
                'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
            ]
            images.import_root(self._engine, tar, imported, changes)
        # An import takes no stop signal, and systemd, which the engine's own would not stop, needs one.
        lines = f"FROM {imported}\nSTOPSIGNAL SIGRTMIN+3\n"
        client = self._engine.client.images
        unnamed = str(client.get(imported).id)
        client.build(fileobj=io.BytesIO(lines.encode()), tag=name, rm=True, forcerm=True)
        client.remove(imported)
        # What an image was built on is a part of it to one engine, which refuses, and stays behind unnamed on another.
        with contextlib.suppress(APIError):
            client.remove(unnamed)
        self._workshop.meter.finish("minikube-base")
        return name

    def _preload(self, base: str, kubernetes: Path, own_images: list[Path]) -> Path:
        """Make what minikube would download of one version: its programs, and its images as a Docker keeps them."""
        preload = minikube_files.preload_name(self._source(), self._tag, self._go.architecture)

        def fill(made: Path, _moved: Callable[[float], None]) -> None:
            out = made / "preloaded-tarball"
            out.mkdir()
            with (
                self._workshop.scratch("minikube-images") as scratch,
                self._docker_of(base, {"/in": scratch, "/out": out, "/programs": kubernetes}) as container,
            ):
                for image in own_images:
                    with (scratch / "image.tar").open("wb") as file:
                        minikube_files.write_for_docker(image, file)
                    _execute(container, "docker load --quiet --input /in/image.tar")
                _execute(container, "kill $(cat /run/docker.pid) && while test -e /run/docker.pid; do sleep 0.1; done")
                programs_in = f"/var/lib/minikube/binaries/{self._tag}"
                copied = " ".join(f"/programs/{name}" for name in _PROGRAMS)
                _execute(container, f"mkdir -p {programs_in} && cp {copied} {programs_in}/")
                what = "./lib/docker/overlay2 ./lib/docker/image ./lib/minikube/binaries"
                _execute(container, f"tar -C /var -I lz4 -cf /out/{preload} {what}")
            binaries = made / "linux" / self._go.architecture / self._tag
            binaries.mkdir(parents=True)
            for name in _PROGRAMS:
                (binaries / name).hardlink_to(kubernetes / name)

        made_of = _preload_made_of(self._versions, self._tag, self._engine.architecture)
        return self._workshop.part("minikube-preload", made_of, fill, variant=self._tag)

    @contextlib.contextmanager
    def _docker_of(self, base: str, folders: dict[str, Path]) -> Iterator[Container]:
        """Run the Docker of minikube's node, with these folders of this machine in it."""
        container: Container = self._engine.client.containers.create(
            base,
            entrypoint=["sleep", "infinity"],
            name=images.building_name("minikube"),
            privileged=True,
            network_mode="none",
            tmpfs={"/run": "", "/tmp": ""},
            mounts=[
                Mount("/var/lib/docker", None, type="volume"),
                *(Mount(target, str(source), type="bind") for target, source in folders.items()),
            ],
        )
        try:
            container.start()
            dockerd = "dockerd --storage-driver=overlay2 --bridge=none --iptables=false --pidfile=/run/docker.pid"
            container.exec_run(["sh", "-c", f"{dockerd} >/tmp/dockerd.log 2>&1"], detach=True)
            tenacity.Retrying(
                retry=tenacity.retry_if_exception_type(CannotRun),
                wait=tenacity.wait_fixed(0.2),
                stop=tenacity.stop_after_delay(_START_S),
                reraise=True,
            )(_execute, container, "docker version || { tail -n 3 /tmp/dockerd.log; false; }")
            yield container
        finally:
            container.remove(force=True, v=True)


_KINDS_IMAGES = ("image-local-path", "image-pause")
"""How the parts are called that only a kind node runs: its storage, and the pause that kind's containerd names."""

_PROGRAMS = ("kubeadm", "kubectl", "kubelet")
"""What minikube brings to a node of Kubernetes itself."""


def _files(part: Path) -> list[Path]:
    return sorted(part.iterdir())


def _execute(container: Container, script: str) -> None:
    """Run a script in a container. Raises: CannotRun with its output."""
    done = container.exec_run(["sh", "-c", script])
    if done.exit_code:
        assert isinstance(done.output, bytes)
        words = " ".join(done.output.decode(errors="replace").split())
        raise CannotRun(f"minikube's images could not be put together: {shlex.split(script)[0]}: {words[-600:]}")
