"""A node image from source: what kind's own node images hold, put together from Debian packages and Go programs."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping
from concurrent.futures import Executor
from pathlib import Path

import tenacity
from docker.errors import APIError
from docker.models.containers import Container

from labkit.manifests import naming
from labkit.supply import archives, compiler, debian, images, node_files, node_images, programs, toolchain
from labkit.supply.archives import Entry, folder, program
from labkit.supply.cache import Workshop, key_of
from labkit.supply.engine import Engine
from labkit.supply.node_images import Image
from labkit.supply.process import ask
from labkit.supply.toolchain import Go, Program
from labkit.supply.versions import Versions
from labkit.trouble import CannotRun

REPOSITORY = f"{naming.OURS}/node"
BASE_REPOSITORY = f"{naming.OURS}/node-base"

LABEL_KUBERNETES = "labs.kubernetes"
"""Image label: the version in it, v1.37.0."""
LABEL_NETWORK = "labs.network"
"""Image label: "routes" where no daemon connects the nodes' Pods, so that whoever makes a cluster lays the routes."""

_START_S = 60
"""Seconds that containerd is given to answer in the container where the image is made; it took 1."""


def image_name(tag: str, versions: Versions, architecture: str) -> str:
    """Give the name of the node image of this version by this recipe, whether it is made already or not."""
    return f"{REPOSITORY}:{tag}-{recipe_key(tag, versions, architecture)}"


def recipe_key(tag: str, versions: Versions, architecture: str) -> str:
    """Give the key of a node image: its version and everything in this checkout that has a say in it."""
    sources = [
        sys.modules[__name__],
        archives,
        compiler,
        debian,
        node_files,
        node_images,
        programs,
        *toolchain.DECISIVE,
    ]
    return key_of(tag, versions.kind, versions.node, architecture, *sources)


class NodeBuild:
    """The building of one node image; all it is made of is kept as parts.

    `beside` does what can be done while Go compiles: unpacking packages waits for network and disk, and costs the
    compiler next to nothing.
    """

    def __init__(
        self, engine: Engine, go: Go, workshop: Workshop, versions: Versions, tag: str, *, beside: Executor
    ) -> None:
        self._engine = engine
        self._go = go
        """What builds Kubernetes."""
        self._base_go = go
        """What builds everything that asks for no newer one."""
        self._workshop = workshop
        self._versions = versions
        self._tag = tag
        self._beside = beside

    def begin(self) -> None:
        """Fetch what may well not be there at all, so that this is known before the long part.

        Raises: CannotRun when the version is no Go module, or no Debian mirror is in reach.
        """
        for recipe in (*self._tools(), self._provisioner()):
            self._workshop.find(recipe.name, self._made_of(recipe, self._base_go))
        small_root = self._beside.submit(self._busybox_root)
        self._go = self._asked_for({programs.KUBERNETES: self._tag})
        small_root.result()

    def finish(self) -> str:
        """Build the image and give its name.

        Raises: CannotRun when something it is made of cannot be had or built.
        """
        node_root = self._beside.submit(self._root, "debian-node", debian.NODE_PACKAGES, debian.bootstrap)
        proxy_root = self._beside.submit(self._root, "debian-proxy", debian.PROXY_PACKAGES, debian.unpack)
        kubernetes = self._kubernetes()
        tools = [self._program(recipe) for recipe in self._tools()]
        base = self._beside.submit(lambda: self._base(node_root.result(), tools))
        own_images = self._images(kubernetes, proxy_root.result(), self._busybox_root())
        base_name = base.result()
        if not images.has_image(self._engine, base_name):
            # Another run, with another cache folder and so another lock, took it for superseded.
            base_name = self._base(node_root.result(), tools)
        name = self._assemble(base_name, kubernetes, own_images)
        images.remove_superseded(self._engine, name, [f"{LABEL_KUBERNETES}={self._tag}"])
        images.remove_superseded(self._engine, base_name)
        return name

    def _tools(self) -> list[Program]:
        """What every node runs below Kubernetes, whichever version that is."""
        node = self._versions.node
        return [
            programs.containerd(node["containerd"]),
            programs.runc(node["runc"]),
            programs.cni_plugins(node["cni_plugins"]),
            programs.crictl(node["crictl"]),
        ]

    def _provisioner(self) -> Program:
        return programs.local_path_provisioner(self._versions.node["local_path_provisioner"])

    def _busybox_root(self) -> Path:
        return self._root("debian-busybox", debian.BUSYBOX_PACKAGES, debian.unpack)

    def _root(self, name: str, packages: list[str], make: Callable[[str, list[str], Path], None]) -> Path:
        suite = self._versions.node["debian"]
        return self._workshop.part(
            name, [suite, packages, debian], lambda made, _moved: make(suite, packages, made / "root.tar")
        )

    def _program(self, recipe: Program, variant: str = "") -> Path:
        """Build one Go program as a part; gives the folder with its binaries."""
        if kept := self._workshop.find(recipe.name, self._made_of(recipe, self._base_go), variant=variant):
            return kept
        go = self._asked_for(recipe.modules)
        return self._workshop.part(
            recipe.name,
            self._made_of(recipe, go),
            lambda made, moved: go.build(recipe, made, moved),
            variant=variant,
        )

    def _asked_for(self, modules: Mapping[str, str]) -> Go:
        """Give the Go that all of these modules are content with."""
        go = self._base_go
        for module, version in modules.items():
            go = toolchain.fitting(go, module, version, self._workshop)
        return go

    def _made_of(self, recipe: Program, go: Go) -> list[object]:
        return [recipe.recipe(), go.version, *toolchain.DECISIVE]

    def _kubernetes(self) -> Path:
        """Build the seven programs of the version, and its pause."""

        def fill(made: Path, moved: Callable[[float], None]) -> None:
            module = self._go.download(programs.KUBERNETES, self._tag)
            source = made.parent / "source"
            source.mkdir()
            upstream = (module.folder / "go.mod").read_text()
            (source / "go.mod").write_text(programs.kubernetes_go_mod(upstream, self._tag))
            (source / "go.sum").write_bytes((module.folder / "go.sum").read_bytes())
            self._go.build_here(programs.kubernetes(self._tag, module.time), source, made, moved)
            compiler.compile_static(programs.pause_source(module.folder), made / "pause", "-DVERSION=" + self._tag)

        code = [*toolchain.DECISIVE, programs.kubernetes_go_mod, compiler.compile_static, NodeBuild._kubernetes]
        made_of = [programs.kubernetes(self._tag, "").recipe(), self._go.version, *code]
        return self._workshop.part("kubernetes", made_of, fill, variant=self._tag)

    def _images(self, kubernetes: Path, proxy_root: Path, busybox_root: Path) -> list[Path]:
        """Make the archives of all images that a node runs by itself."""
        listed = ask([kubernetes / "kubeadm", "config", "images", "list", f"--kubernetes-version={self._tag}"])
        wanted = node_images.by_component(listed)
        kind_files = self._kind_files()
        etcd_version = node_images.version_of(wanted["etcd"])
        dns_version = node_images.version_of(wanted["coredns"])
        etcd = self._program(programs.etcd(etcd_version), etcd_version)
        dns = self._program(programs.coredns(dns_version), dns_version)
        provisioner = self._program(self._provisioner())
        return [
            self._image(image)
            for image in (
                *(
                    node_images.of_program(wanted[name], kubernetes / name)
                    for name in ("kube-apiserver", "kube-controller-manager", "kube-scheduler")
                ),
                node_images.kube_proxy(wanted["kube-proxy"], kubernetes / "kube-proxy", proxy_root / "root.tar"),
                node_images.etcd(wanted["etcd"], etcd),
                node_images.coredns(wanted["coredns"], dns),
                node_images.pause(node_files.sandbox_image(kind_files), kubernetes / "pause"),
                node_images.of_program(self._provisioner_name(), provisioner / "local-path-provisioner"),
                node_images.helper(busybox_root / "root.tar"),
            )
        ]

    def _image(self, image: Image) -> Path:
        """Make one image's archive as a part."""

        def fill(made: Path, _moved: Callable[[float], None]) -> None:
            layer = archives.write_layer(made / "layer", image.fill)
            archives.write_image(
                made / "image.tar",
                image.name,
                [layer],
                architecture=self._go.architecture,
                config=image.config,
            )
            layer.blob.unlink()

        made_of = [image.name, image.config, image.made_of, archives, node_images, NodeBuild._image]
        return self._workshop.part(f"image-{image.component}", made_of, fill, variant=image.tag) / "image.tar"

    def _provisioner_name(self) -> str:
        return f"{node_images.PROVISIONER}:{self._versions.node['local_path_provisioner']}"

    def _kind_files(self) -> Path:
        return self._go.download("sigs.k8s.io/kind", self._versions.kind).folder / "images" / "base" / "files"

    def _base(self, debian_root: Path, tools: list[Path]) -> str:
        """Put all that does not depend on the Kubernetes version into one image of the engine; gives its name."""
        containerd, runc, cni_plugins, crictl = tools
        made_of = [
            *(part.name for part in (debian_root, *tools)),
            self._versions.kind,
            node_files,
            archives,
            NodeBuild._base,
        ]
        name = f"{BASE_REPOSITORY}:{key_of(*made_of)}"
        if images.has_image(self._engine, name):
            self._workshop.meter.reuse("node-base")
            return name
        spec = json.loads(ask([containerd / "ctr", "oci", "spec"]))
        add = [
            *node_files.base_entries(self._kind_files(), spec),
            *(program(f"usr/local/bin/{path.name}", path) for path in (*_files(containerd), *_files(crictl))),
            program("usr/local/sbin/runc", runc / "runc"),
            *(folder(path) for path in ("opt/cni", "opt/cni/bin")),
            *(program(f"opt/cni/bin/{path.name}", path) for path in _files(cni_plugins)),
        ]
        with self._workshop.scratch("node-base") as scratch:
            tar = scratch / "root.tar"
            with tar.open("wb") as file:
                archives.rewrite_tar(debian_root / "root.tar", file, keep=node_files.wanted, add=add)
            images.import_root(self._engine, tar, name, [f"LABEL {images.LABEL_KEY}={name}", "ENV container=docker"])
        self._workshop.meter.finish("node-base")
        return name

    def _assemble(self, base: str, kubernetes: Path, own_images: list[Path]) -> str:
        """Put the version's programs and images on the base, as `kind build node-image` does; gives the name."""
        name = image_name(self._tag, self._versions, self._engine.architecture)
        repository, _, tag = name.rpartition(":")
        container: Container = self._engine.client.containers.create(
            base,
            entrypoint=["/usr/local/bin/containerd"],
            name=images.building_name("node"),
            security_opt=["seccomp=unconfined"],
            network_mode="none",
            tmpfs={"/run": ""},
            stop_signal="SIGTERM",
        )
        try:
            with self._workshop.scratch("node") as scratch:
                tar = scratch / "node.tar"
                with tar.open("wb") as file:
                    archives.write_tar(file, self._node_entries(kubernetes, own_images))
                with tar.open("rb") as file:
                    container.put_archive("/", file)
            container.start()
            _wait_for_containerd(container)
            for image in own_images:
                _execute(container, [*_IMPORT, f"/{_INCOMING}/{image.parent.name}.tar"])
            _execute(container, ["rm", "-r", f"/{_INCOMING}"])
            container.stop(timeout=30)
            container.commit(
                repository,
                tag,
                changes=[
                    'ENTRYPOINT ["/usr/local/bin/entrypoint", "/sbin/init"]',
                    f"LABEL {images.LABEL_KEY}={name} {LABEL_KUBERNETES}={self._tag} {LABEL_NETWORK}=routes",
                ],
                conf={"StopSignal": "SIGRTMIN+3"},
            )
        finally:
            container.remove(force=True, v=True)
        self._workshop.meter.finish("node")
        return name

    def _node_entries(self, kubernetes: Path, own_images: list[Path]) -> list[Entry]:
        kind_files = self._kind_files()
        module = self._go.download(
            "github.com/rancher/local-path-provisioner", self._versions.node["local_path_provisioner"]
        )
        storage = node_files.storage_manifest(
            (module.folder / "deploy" / "local-path-storage.yaml").read_text(),
            self._provisioner_name(),
            node_images.HELPER,
        )
        kubelet_help = ask([kubernetes / "kubelet", "--help"])
        defaults = node_files.kubelet_defaults((kind_files / "etc/default/kubelet").read_text(), kubelet_help)
        return [
            *(program(f"usr/bin/{name}", kubernetes / name) for name in ("kubeadm", "kubelet", "kubectl")),
            Entry("etc/default/kubelet", defaults.encode()),
            Entry("kind/version", self._tag.encode()),
            folder("kind/manifests"),
            Entry("kind/manifests/default-cni.yaml", node_files.NETWORK_MANIFEST.encode()),
            Entry("kind/manifests/default-storage.yaml", storage.encode()),
            folder(_INCOMING),
            *(Entry(f"{_INCOMING}/{image.parent.name}.tar", image) for image in own_images),
        ]


_INCOMING = "labs-images"

_IMPORT = [
    "ctr", "--namespace=k8s.io", "images", "import", "--label=io.cri-containerd.pinned=pinned", "--all-platforms",
    "--no-unpack", "--digests",
]  # fmt: skip
"""As kind imports: pinned against the kubelet's clearing up, kept packed until a node runs it."""


def _files(part: Path) -> list[Path]:
    return sorted(part.iterdir())


def _wait_for_containerd(container: Container) -> None:
    tenacity.Retrying(
        retry=tenacity.retry_if_exception_type(CannotRun),
        wait=tenacity.wait_fixed(0.2),
        stop=tenacity.stop_after_delay(_START_S),
        reraise=True,
    )(_execute, container, ["ctr", "version"])


def _execute(container: Container, argv: list[str]) -> None:
    """Run a program in a container.

    Raises: CannotRun with its output, or with the container's where that has ended.
    """
    try:
        done = container.exec_run(argv)
        code, output = done.exit_code, done.output
    except APIError as error:
        code, output = -1, container.logs(tail=5) or str(error).encode()
    if code:
        assert isinstance(output, bytes)
        words = " ".join(output.decode(errors="replace").split())
        raise CannotRun(f"the node image could not be put together: {' '.join(argv[:4])}: {words[-600:]}")
