"""The files of a minikube node that are not programs, and the sources of what is built for it."""

from __future__ import annotations

import json
import re
from collections.abc import Iterable
from pathlib import Path
from typing import IO

from labkit.supply import archives
from labkit.supply.archives import Entry, folder, link, program
from labkit.supply.node_images import Image

PACKAGES = ["docker.io", "docker-cli", "openssh-server", "sudo", "socat", "rsync", "lz4", "netcat-openbsd"]
"""What a node of minikube holds beyond one of kind: a Docker for its Pods, and what minikube itself calls by ssh."""

_KINDS_KUBELET = re.compile(
    r"etc/(systemd/system/(multi-user\.target\.wants/)?kubelet\.(service|slice)(\.d)?(/.*)?|default/kubelet|crictl\.yaml)"
)
"""kind's way of running the kubelet would come before minikube's, which writes its units below /lib."""

_DEBIANS_RUNTIME = re.compile(r"usr/bin/(containerd.*|ctr)|usr/sbin/runc|usr/lib/systemd/system/containerd\.service")
"""The runtime that Debian's Docker depends on: nodes bring their own."""

_HOST_KEYS = re.compile(r"etc/ssh/ssh_host_.*")
"""Keys that were made with the packages: a node makes its own."""

_SSHD_STARTS = """\
[Service]
# Keys of its own for each node; and the home of minikube's user, which an image keeps for root alone.
ExecStartPre=
ExecStartPre=/bin/sh -c "test -f /etc/ssh/ssh_host_ed25519_key || \
ssh-keygen -q -t ed25519 -N '' -f /etc/ssh/ssh_host_ed25519_key"
ExecStartPre=/bin/chown docker: /home/docker /home/docker/.ssh
ExecStartPre=/usr/sbin/sshd -t
"""

_SSHD = """\
PubkeyAuthentication yes
PubkeyAcceptedAlgorithms +ssh-rsa
HostkeyAlgorithms +ssh-rsa
PasswordAuthentication no
UseDNS no
"""

_SUDOERS = "%sudo ALL=(ALL) NOPASSWD:ALL\n"

_BOUNDED_RUNC = """\
#!/bin/sh
# Docker in a node asks for every capability and for limits beyond the machine's. Where CAP_SYS_RESOURCE (bit 24) is
# missing runc would refuse: mend what it is about to read. minikube writes Docker's settings anew at each start, so
# that another runtime named there would be lost.
mask=$(sed -n 's/^CapBnd:\\t//p' /proc/self/status)
if test $((0x$mask >> 24 & 1)) = 0; then
  bundle=. process= verb= before=
  for word in "$@"; do
    case $before in --bundle|-b) bundle=$word ;; --process|-p) process=$word ;; esac
    case $word in
      create|run|exec) verb=${verb:-$word} ;;
      --bundle=*) bundle=${word#*=} ;;
      --process=*) process=${word#*=} ;;
    esac
    before=$word
  done
  mend='del(.rlimits) | if (.oomScoreAdj // 0) < 0 then .oomScoreAdj = 0 else . end
    | if .capabilities then .capabilities |= map_values(if type == "array" then map(select(. != "CAP_SYS_RESOURCE"))
      else . end) else . end'
  case $verb in
    create|run) mend=".process |= ($mend)" file=$bundle/config.json ;;
    exec) file=$process ;;
    *) file= ;;
  esac
  test -z "$file" || { mended=$(jq -c "$mend" "$file") && printf %s "$mended" > "$file"; }
fi
exec /usr/local/sbin/runc.real "$@"
"""


def wanted(path: str) -> bool:
    """Tell whether a file of the Debian root belongs into a minikube node, beside what `node_files.wanted` refuses."""
    return not (_DEBIANS_RUNTIME.fullmatch(path) or _HOST_KEYS.fullmatch(path))


def entries(kinds: Iterable[Entry]) -> list[Entry]:
    """Make what turns a Debian root into minikube's base out of what makes it kind's: other units, a user, its ssh."""
    wants = "etc/systemd/system/multi-user.target.wants"
    return [
        *(_unspaced(entry) for entry in kinds if not _KINDS_KUBELET.fullmatch(entry.path)),
        *(link(f"{wants}/{unit}.service", f"/usr/lib/systemd/system/{unit}.service") for unit in ("docker", "ssh")),
        Entry("etc/ssh/sshd_config.d/minikube.conf", _SSHD.encode()),
        Entry("etc/systemd/system/ssh.service.d/labs.conf", _SSHD_STARTS.encode()),
        Entry("etc/sudoers.d/20-passwordless-sudo", _SUDOERS.encode(), mode=0o440),
        Entry("usr/local/sbin/runc", _BOUNDED_RUNC.encode(), mode=0o755),
        link("usr/bin/dockerd", "/usr/sbin/dockerd"),  # where minikube's unit looks for it
        folder("home/docker"),
        folder("home/docker/.ssh"),
        folder("etc/docker"),
        folder("kind"),
    ]


def _unspaced(entry: Entry) -> Entry:
    """Keep containerd's limit on oom_score_adj: minikube lifts it by a pattern that wants blanks around the sign."""
    if entry.path != "etc/containerd/config.toml":
        return entry
    assert isinstance(entry.content, bytes)
    text = entry.content.decode().replace("restrict_oom_score_adj = true", "restrict_oom_score_adj=true")
    return Entry(entry.path, text.encode(), entry.mode)


def users(root: Path) -> list[Entry]:
    """Add minikube's user to a root's files that name users: docker, who may do all without a password."""
    passwd, group, shadow = (
        archives.read_member(root, f"etc/{name}").decode() for name in ("passwd", "group", "shadow")
    )
    gid = re.search(r"^docker:x:(\d+):", group, re.MULTILINE)
    if gid is None:
        raise ValueError("there is no group docker: Docker's package should have made it")
    joined = re.sub(
        r"^(sudo:x:\d+:)(.*)$", lambda m: m[1] + ",".join(filter(None, (m[2], "docker"))), group, flags=re.M
    )
    return [
        Entry("etc/passwd", f"{passwd}docker:x:1000:{gid[1]}::/home/docker:/bin/bash\n".encode()),
        Entry("etc/group", joined.encode()),
        Entry("etc/shadow", f"{shadow}docker:*:20000:0:99999:7:::\n".encode(), mode=0o640),
    ]


def scheduled_stop(module: Path) -> list[Entry]:
    """Give minikube's files for a stop at a later time, which each start looks for."""
    source, unit = module / "deploy/kicbase/scheduled-stop", "minikube-scheduled-stop"
    return [
        folder("var/lib/minikube"),
        folder("var/lib/minikube/scheduled-stop"),
        program(f"var/lib/minikube/scheduled-stop/{unit}", source / unit),
        Entry(f"usr/lib/systemd/system/{unit}.service", source / f"{unit}.service"),
    ]


def storage_provisioner_image(name: str, binary: Path) -> Image:
    """Give the image of the storage provisioner, whose Pod calls it at the root."""
    content = [folder("tmp", 0o1777), program("storage-provisioner", binary)]
    return Image(name, lambda file: archives.write_tar(file, content), [binary.parent.name])


def go_mod(upstream: str, module: str, version: str, name: str) -> str:
    """Make the go.mod that builds a module's programs from outside, under `name`, with upstream's own pins."""
    renamed = upstream.replace(f"module {module}\n", f"module {name}\n", 1)
    return f"{renamed}\nrequire {module} {version}\n"


def storage_provisioner(module: Path, name: str) -> dict[str, str]:
    """Give the sources of minikube's storage provisioner, mended, by their paths in the module `name`.

    As released it dies at once: it elects a leader by Endpoints, which its own library no longer knows. A cluster of
    minikube runs one of it, so that nobody need be elected.
    """
    package = (module / "pkg/storage/storage_provisioner.go").read_text()
    ends = "serverVersion.GitVersion)"
    if package.count(ends) != 1:
        raise ValueError(
            "minikube's storage provisioner is not written as expected: see whether it still needs mending"
        )
    return {
        "storage/storage.go": package.replace(ends, f"{ends[:-1]}, controller.LeaderElection(false))"),
        "storage-provisioner/main.go": (module / "cmd/storage-provisioner/main.go")
        .read_text()
        .replace('"k8s.io/minikube/pkg/storage"', f'"{name}/storage"'),
    }


def image_repository(module: Path) -> str:
    """Read where minikube expects its own images."""
    text = (module / "pkg/minikube/bootstrapper/images/images.go").read_text()
    match = re.search(r'\n\t\tmirror = "([^"]+)"', text)
    if match is None:
        raise ValueError("minikube's source does not say where its images are")
    return match[1]


def preload_name(module: Path, kubernetes: str, architecture: str) -> str:
    """Give the name under which minikube looks for the images of a version in its cache."""
    match = re.search(r'PreloadVersion = "(v\d+)"', (module / "pkg/minikube/download/preload.go").read_text())
    if match is None:
        raise ValueError("minikube's source does not say which preload it expects")
    return f"preloaded-images-k8s-{match[1]}-{kubernetes}-docker-overlay2-{architecture}.tar.lz4"


def write_for_docker(archive: Path, file: IO[bytes]) -> None:
    """Write an OCI archive anew so that `docker load` takes it too, which wants a list of its own in it."""
    index = json.loads(archives.read_member(archive, "index.json"))["manifests"][0]
    manifest = json.loads(archives.read_member(archive, _blob(index)))
    listed = [
        {
            "Config": _blob(manifest["config"]),
            "RepoTags": [index["annotations"]["io.containerd.image.name"]],
            "Layers": [_blob(layer) for layer in manifest["layers"]],
        }
    ]
    archives.rewrite_tar(archive, file, keep=lambda _: True, add=[Entry("manifest.json", json.dumps(listed).encode())])


def _blob(descriptor: dict[str, str]) -> str:
    return f"blobs/{descriptor['digest'].replace(':', '/')}"
