"""Persistent data with volumes: what outlives a container, a Pod and a node, and what a volume takes in a manifest.

The lesson in its order: what is lost without a volume and with one; volumes and mounts; the notes' manifest, mended
layer by layer; the host's directories; and storage that is claimed.
"""

from labkit.words import SOON, START, Lab, changed, claim, imprecise, instead, put, remove, sabotage, skip, wrong

VOLUMES = "https://kubernetes.io/docs/concepts/storage/volumes/"
CLAIMS = "https://kubernetes.io/docs/concepts/storage/persistent-volumes/"

UNUSED = "Unused"


@claim(
    "volumes.lost-on-restart",
    source=VOLUMES + "#emptydir",
    notes=imprecise(
        "when a container restarts, all data in the filesystem is lost",
        "what it wrote into its own filesystem is; what it wrote on a volume is not",
    ),
    twin="/data: a directory of the same container on a volume",
    takes_s=4,
)
@sabotage("both on the volume", put("spec.containers[0].volumeMounts[0].mountPath", "/tmp"), skip('"/data/x"'))
@sabotage("nothing on the volume", skip('"/data/x"'))
def test_a_volume_outlives_its_container(lab: Lab) -> None:
    """When a container is restarted it begins with a new filesystem; what is on a volume of its Pod is still there."""
    # Given a file in a container's own filesystem, and one on a volume of its Pod,
    web = lab.apply("volumes/restarted.yaml")
    lab.ready(web)
    lab.post(web, "/file", path="/tmp/x", present=True)
    lab.post(web, "/file", path="/data/x", present=True)
    assert lab.kubectl("exec web -- ls /tmp").stdout.split() == ["x"]

    # when the container ends, and is started again,
    ended = lab.post(web, "/exit", code=1)
    lab.eventually(
        "the container runs again",
        web,
        until=lambda pod: pod.restart_count > 0 and pod.ready,
        within=START,
        since=ended,
    )

    # then the first file is gone, and the other is there.
    assert lab.kubectl("exec web -- ls /tmp /data").stdout.split() == ["/data:", "x", "/tmp:"]


@claim(
    "volumes.lost-on-delete",
    source=VOLUMES + "#emptydir",
    twin="kept: a volume of the same Pod that is a directory of its node",
    takes_s=6,
    needs="nodes",
)
@sabotage(
    "both of the node",
    remove("spec.volumes[0].emptyDir"),
    put("spec.volumes[0].hostPath", {"path": "/tmp/labs/both", "type": "DirectoryOrCreate"}),
)
@sabotage(
    "neither of the node",
    remove("spec.volumes[1].hostPath"),
    put("spec.volumes[1].emptyDir", {}),
)
def test_an_empty_dir_ends_with_its_pod(lab: Lab) -> None:
    """An emptyDir is made with its Pod and deleted with it; a directory of the node stays where it is."""
    # Given a Pod with a file on each of two volumes, alike but for their type,
    web = lab.apply("volumes/deleted.yaml")
    before = lab.ready(web)
    lab.post(web, "/file", path="/emptied/x", present=True)
    lab.post(web, "/file", path="/kept/x", present=True)
    directory = f"/pods/{before.uid}/volumes/kubernetes.io~empty-dir"
    look = f"exec web -- sh -c 'ls {directory} 2> /dev/null; echo seen'"
    assert lab.kubectl(look).stdout.split() == ["emptied", "seen"]

    # when the Pod is deleted and made again on its node,
    lab.kubectl("delete pod web")
    lab.apply("volumes/deleted.yaml")
    after = lab.given("it is there again", web, until=lambda pod: pod.ready and pod.uid != before.uid)
    assert after.node == before.node

    # then what was on the emptyDir is gone, from the node as well, and the node's directory has what it had.
    assert lab.kubectl("exec web -- ls /emptied /kept").stdout.split() == ["/emptied:", "/kept:", "x"]
    lab.poll("it is gone from the node", lambda: lab.kubectl(look), until=lambda left: left.stdout == "seen\n")


@claim(
    "volumes.two-things",
    ledger=["volumes.two-things", "volumes.wrong-noun", "volumes.mount-direction"],
    source=VOLUMES + "#how-volumes-work",
    notes=imprecise(
        "a volume needs a definition and a mount for all containers that access the container; it mounts them to it",
        "a mount in each container that is to access the volume: that mounts the volume into the container",
    ),
    twin="without: a container of the same Pod without the mount",
    takes_s=3,
)
@sabotage(
    "both mount it", put("spec.containers[1].volumeMounts", [{"name": "data", "mountPath": "/data"}], of="pod/pair")
)
@sabotage("neither mounts it", remove("spec.containers[0].volumeMounts", of="pod/pair"))
def test_a_volume_is_there_where_it_is_mounted(lab: Lab) -> None:
    """A volume belongs to a Pod, and is in the filesystem of those containers that mount it, at the path they say."""
    # Given a Pod with a volume, which one of its two containers mounts,
    pair = lab.apply("volumes/one-mounts-it.yaml")
    lab.ready(pair)

    # when both are asked for what is mounted in them,
    mounted, not_mounted = (
        [line.split()[1] for line in lab.kubectl(f"exec pair -c {container} -- cat /proc/mounts").stdout.splitlines()]
        for container in ("with", "without")
    )

    # then the volume is in the one, and not in the other.
    assert "/data" in mounted
    assert "/data" not in not_mounted


@claim(
    "volumes.pod-level",
    source=VOLUMES + "#how-volumes-work",
    twin="own: a volume of the same Pod that the other container does not mount",
    takes_s=3,
)
@sabotage("two volumes", put("spec.containers[1].volumeMounts[0].name", "own", of="pod/pair"))
@sabotage("one volume", put("spec.containers[1].volumeMounts[1].name", "own", of="pod/pair"))
def test_containers_of_a_pod_share_a_volume(lab: Lab) -> None:
    """Containers of a Pod that mount the same volume see the same files, each at its own path."""
    # Given two containers that mount one volume both, and one more each,
    pair = lab.apply("volumes/shared-and-own.yaml")
    lab.ready(pair)

    # when one writes a file on both of its volumes,
    lab.post(pair, "/file", path="/in/shared/x", present=True)
    lab.post(pair, "/file", path="/in/own/y", present=True)

    # then the other sees that on the volume that they share.
    seen = lab.kubectl("exec pair -c reader -- ls /out/own /out/shared").stdout.split()
    assert seen == ["/out/own:", "/out/shared:", "x"]


@claim(
    "volumes.read-only",
    ledger=["volumes.two-things"],
    source=VOLUMES + "#read-only-mounts",
    twin="writer: a mount of the same volume that may write",
    takes_s=3,
)
@sabotage("both may write", remove("spec.containers[1].volumeMounts[0].readOnly"))
@sabotage("neither may write", put("spec.containers[0].volumeMounts[0].readOnly", True))
def test_a_mount_may_be_read_only(lab: Lab) -> None:
    """A container that mounts a volume read-only sees what others write there, and cannot write itself."""
    # Given a volume that one container mounts to write, and another to read,
    pair = lab.apply("volumes/read-only.yaml")
    lab.ready(pair)

    # when both write, then one may,
    lab.kubectl("exec pair -c writer -- touch /data/x")
    assert "Read-only file system" in lab.refused("exec pair -c reader -- touch /data/y").stderr

    # and the other reads what was written.
    assert lab.kubectl("exec pair -c reader -- ls /data").stdout.split() == ["x"]


@claim(
    "volumes.renewed",
    ledger=["volumes.two-things"],
    source="https://kubernetes.io/docs/concepts/configuration/configmap/#mounted-configmaps-are-updated-automatically",
    twin="a mount of one file (subPath) of the same ConfigMap",
    takes_s=4,
)
@sabotage("the whole of it twice", remove("spec.containers[0].volumeMounts[1].subPath", of="pod/web"))
@sabotage(
    "one file twice",
    put("spec.containers[0].volumeMounts[0].subPath", "tuning", of="pod/web"),
    put("spec.containers[0].volumeMounts[0].mountPath", "/settings/tuning", of="pod/web"),
)
@sabotage("the Secret stays", skip("patch secret"))
def test_files_of_a_config_map_are_renewed(lab: Lab) -> None:
    """Files from a ConfigMap or a Secret change with it while the container runs; one mounted by subPath does not.

    The kubelet renews them when it next looks at the Pod, after a minute or so, or as soon as the Pod itself changes.
    """
    # Given a Pod with the files of a ConfigMap and of a Secret, and with one file of that ConfigMap on its own,
    _, _, web = lab.apply("volumes/renewed.yaml")
    before = lab.ready(web)
    read = "exec web -- cat /settings/tuning /password/word"
    assert lab.kubectl(read).stdout == "standardbefore"

    # when ConfigMap and Secret are changed, and something about the Pod so that its kubelet looks at it,
    lab.kubectl('patch configmap settings -p \'{"data": {"tuning": "drop D"}}\'')
    lab.kubectl('patch secret password -p \'{"stringData": {"word": "after"}}\'')
    looks = "annotate pod web --overwrite labs/looked={}"
    lab.poll(
        "both are renewed",
        lambda: lab.kubectl(looks.format(lab.clock())) and lab.kubectl(read).stdout,
        until=lambda files: files == "drop Dafter",
        within=START,
    )

    # then the file on its own is as it was, and the container has never stopped.
    assert lab.kubectl("exec web -- cat /one-file/tuning").stdout == "standard"
    assert lab.get("Pod", "web").container("web").container_id == before.container("web").container_id


@claim(
    "volumes.of-an-image",
    ledger=["volumes.two-things"],
    source=VOLUMES + "#image",
    twin="/empty: an emptyDir of the same Pod",
    takes_s=3,
    since="1.35",
)
@sabotage("another emptyDir", put("spec.volumes[0]", {"name": "image", "emptyDir": {}}))
@sabotage(
    "the image twice", put("spec.volumes[1]", {"name": "empty", "image": {"reference": "localhost:1/labs/web:1"}})
)
def test_the_files_of_an_image_are_a_volume(lab: Lab) -> None:
    """A volume may be the files of an image, to be read and not to be written."""
    # Given a Pod with an image as a volume, and an empty one,
    web = lab.apply("volumes/of-an-image.yaml")
    lab.eventually("it runs", web, until=lambda pod: pod.ready, within=START)

    # when it looks into both, then the image's files are in the one,
    assert "usr" in lab.kubectl("exec web -- ls /image").stdout.split()
    assert lab.kubectl("exec web -- ls /empty").stdout == ""

    # and only into the other one it can write.
    assert "Read-only file system" in lab.refused("exec web -- touch /image/x").stderr
    lab.kubectl("exec web -- touch /empty/x")


@claim(
    "volumes.of-no-image",
    ledger=["volumes.two-things"],
    source=VOLUMES + "#image",
    twin="empty: an emptyDir of the same Pod",
    takes_s=1,
    until="1.35",
)
@sabotage("the server is not asked", instead("--dry-run=server", "--dry-run=client"))
@sabotage("another emptyDir", put("spec.volumes[0]", {"name": "image", "emptyDir": {}}))
def test_an_image_as_a_volume_is_dropped(lab: Lab) -> None:
    """A volume that is an image is dropped with its mounts without a word, and the Pod runs without it."""
    # Given a Pod with an image as a volume, and an empty one, when it is made, if only for a try,
    made = lab.kubectl(f"create --dry-run=server -f {lab.file('volumes/of-an-image.yaml')} -o json")

    # then the one volume is left, and the one mount.
    spec = made.parsed["spec"]
    named = [one["name"] for one in spec["volumes"] + spec["containers"][0]["volumeMounts"]]
    assert [name for name in named if not name.startswith("kube-api-access")] == ["empty", "empty"]
    assert made.stderr == ""


@claim(
    "volumes.tabs",
    source="https://yaml.org/spec/1.2.2/#61-indentation-spaces",
    notes=wrong("the manifest is indented with tabs", "YAML is indented with spaces: with tabs it is none"),
    twin="the same lines with spaces in place of tabs",
    takes_s=1,
)
@sabotage("spaces at once", instead("\t", "  "))
@sabotage("tabs to the end", instead("  - name: data", "\t- name: data"))
def test_tabs_do_not_indent_yaml(lab: Lab) -> None:
    """YAML is indented with spaces: a manifest with tabs is refused before anybody looks for objects in it."""
    # Given a manifest that is indented with spaces, which is accepted,
    head = "apiVersion: v1\nkind: Pod\nmetadata:\n  name: web\nspec:\n"
    tail = "  containers:\n  - name: web\n    image: localhost:1/labs/web:1\n"
    lab.kubectl(
        "create --dry-run=client -f -", stdin=f"{head}  volumes:\n    - name: data\n      emptyDir: {{}}\n{tail}"
    )

    # when it has tabs in their place, as in the notes,
    refused = lab.refused(
        "create --dry-run=client -f -", stdin=f"{head}  volumes:\n  \t- name: files\n  \t  emptyDir: {{}}\n{tail}"
    )

    # then kubectl finds no YAML in it.
    assert "found character that cannot start any token" in refused.stderr


@claim(
    "volumes.kind-case",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/#describing-a-kubernetes-object",
    notes=wrong("kind: pod", "kind: Pod; kinds are written with capitals"),
    twin="notes-mended.yaml: the manifest with all its mistakes mended",
    takes_s=1,
    needs="nodes",
)
@sabotage("a capital", put("kind", "Pod", of="pod/kuard"))
@sabotage("the mended one in lower case", put("kind", "pod"))
def test_the_case_of_a_kind_matters(lab: Lab) -> None:
    """The API server knows no kind pod, only Pod."""
    # Given the notes' manifest with all its mistakes mended, which is accepted,
    lab.apply("volumes/notes-mended.yaml")

    # when of these only the tabs are mended,
    refused = lab.apply_refused("volumes/notes-kind.yaml", "create -f")

    # then the server does not know what kind of object this is.
    assert 'no kind "pod" is registered for version "v1"' in refused.stderr


@claim(
    "volumes.name-mismatch",
    ledger=["volumes.name-mismatch", "volumes.name-should-match"],
    source="https://kubernetes.io/docs/reference/kubernetes-api/workload-resources/pod-v1/#volumes-1",
    notes=wrong(
        "the volume is kuard-data, and what is mounted is kaurd-data; the names should match",
        "they must: a mount of a volume that the Pod does not have is refused",
    ),
    twin="notes-mended.yaml: the manifest with the same name twice",
    takes_s=1,
    needs="nodes",
)
@sabotage("the same name", put("spec.containers[0].volumeMounts[0].name", "kuard-data"))
@sabotage("one letter of the volume", put("spec.volumes[0].name", "kaurd-data"))
def test_a_mount_names_a_volume_of_its_pod(lab: Lab) -> None:
    """A Pod is refused if one of its containers mounts a volume that the Pod does not have."""
    # Given the notes' manifest with all its mistakes mended, which is accepted,
    lab.apply("volumes/notes-mended.yaml")

    # when the volume is misspelt where it is mounted,
    refused = lab.apply_refused("volumes/notes-names.yaml", "create -f")

    # then that is no volume of the Pod's.
    assert 'volumeMounts[0].name: Not found: "kaurd-data"' in refused.stderr


@claim(
    "volumes.path-typo",
    source=VOLUMES + "#hostpath",
    notes=imprecise(
        "the host's directory is /var/lib/kaurd",
        "it may be any: a misspelt one is made, and is not the one that others mean",
    ),
    twin="misspelt: a volume of the other Pod with two letters changed in its path",
    takes_s=4,
    needs="nodes",
)
@sabotage("a typo in one more", put("spec.volumes[0].hostPath.path", "/tmp/labs/kaurd", of="pod/other"))
@sabotage(
    "nothing misspelt",
    put("spec.volumes[0].hostPath.path", "/tmp/labs/kuard"),
    put("spec.volumes[1].hostPath.path", "/tmp/labs/kuard", of="pod/other"),
)
def test_a_misspelt_host_path_is_another_directory(lab: Lab) -> None:
    """Pods on one node that name the same hostPath share that directory; a misspelt path is a new, empty one."""
    # Given two Pods on a node with the same directory of it, and one that the second Pod misspells,
    kuard, other = lab.apply("volumes/two-spellings.yaml")
    first, second = lab.ready(kuard, other)
    assert first.node == second.node

    # when the first Pod writes a file into its directory,
    lab.post(kuard, "/file", path="/data/x", present=True)

    # then the other has it there, and not in the misspelt one.
    assert lab.kubectl("exec other -- ls /data /misspelt").stdout.split() == ["/data:", "x", "/misspelt:"]


@claim(
    "volumes.path-found",
    ledger=["volumes.path-typo"],
    source=VOLUMES + "#hostpath-volume-types",
    twin="folder: a volume of the same path and the type that it is of",
    takes_s=3,
    needs="nodes",
    since="1.37",
)
@sabotage("a socket", put("spec.volumes[0].hostPath.type", "Socket"))
def test_a_path_of_another_type_says_what_it_is(lab: Lab) -> None:
    """A hostPath that is not of the type that was asked for cannot be mounted, and the event says what it is."""
    # Given a Pod with a volume of a path that is to be a file, and one of the same that may be a folder,
    web = lab.apply("volumes/not-a-file.yaml")

    # when the kubelet has tried, then it has found a folder, which is nothing to say of the other one.
    told = lab.poll(
        "somebody is told of a path",
        lambda: {e.message for e in lab.events(web, "FailedMount") if "hostPath" in e.message},
        until=lambda messages: messages,
        within=SOON + SOON,
    )
    why = "hostPath type check failed: /etc is not a file, it's a Directory"
    assert told == {f'MountVolume.SetUp failed for volume "file" : {why}'}


@claim(
    "volumes.path-not-found",
    ledger=["volumes.path-typo"],
    source=VOLUMES + "#hostpath-volume-types",
    twin="folder: a volume of the same path and the type that it is of",
    takes_s=3,
    needs="nodes",
    until="1.37",
)
@sabotage("a socket", put("spec.volumes[0].hostPath.type", "Socket"))
def test_a_path_of_another_type_says_what_it_is_not(lab: Lab) -> None:
    """A hostPath that is not of the type that was asked for cannot be mounted, and the event says what it is not."""
    # Given a Pod with a volume of a path that is to be a file, and one of the same that may be a folder,
    web = lab.apply("volumes/not-a-file.yaml")

    # when the kubelet has tried, then it has found no file, which is nothing to say of the other one.
    told = lab.poll(
        "somebody is told of a path",
        lambda: {e.message for e in lab.events(web, "FailedMount") if "hostPath" in e.message},
        until=lambda messages: messages,
        within=SOON + SOON,
    )
    why = "hostPath type check failed: /etc is not a file"
    assert told == {f'MountVolume.SetUp failed for volume "file" : {why}'}


@claim(
    "volumes.hostpath-persistence",
    source=VOLUMES + "#hostpath",
    notes=imprecise(
        "a hostPath volume is persistent storage", "on one node: a Pod that comes to another finds nothing there"
    ),
    twin="here: the Pod that comes to the node of the first",
    takes_s=7,
    needs="nodes",
)
@sabotage(
    "both here",
    put("spec.nodeSelector", {}, of="pod/there"),
    put("spec.tolerations", [], of="pod/there"),
)
@sabotage(
    "an emptyDir",
    remove("spec.volumes[0].hostPath", of="pod/here"),
    put("spec.volumes[0].emptyDir", {}, of="pod/here"),
)
def test_a_host_path_persists_on_its_node_only(lab: Lab) -> None:
    """What a Pod leaves in a hostPath is found by later Pods of that node, and by none of any other."""
    # Given a file that a Pod has left in a directory of its node,
    first = lab.apply("volumes/first-here.yaml")
    node = lab.ready(first).node
    lab.post(first, "/file", path="/data/x", present=True)
    lab.kubectl("delete pod first")

    # when two more Pods look into the directory of that path, one on that node and one on another,
    here, there = lab.apply("volumes/then-here-and-there.yaml", NODE=node)
    lab.ready(here, there)

    # then it is there for the one only.
    assert lab.kubectl("exec here -- ls /data").stdout.split() == ["x"]
    assert lab.kubectl("exec there -- ls /data").stdout.split() == []


@claim(
    "volumes.kuard-cannot-write",
    source=VOLUMES + "#hostpath",
    notes=imprecise(
        "the application keeps its data on a hostPath",
        "one that does not run as root cannot: the directory that is made belongs to root",
    ),
    twin="owned: a directory like it, which is first given to the user of the Pod",
    takes_s=4,
    needs="nodes",
)
@sabotage("root", put("spec.containers[0].securityContext.runAsUser", 0))
@sabotage("nobody gives it away", remove("spec.initContainers"))
def test_a_new_host_path_belongs_to_root(lab: Lab) -> None:
    """A hostPath directory that did not exist is made for root; another user can read there, but not write."""
    # Given a Pod that does not run as root, and two directories that were made for it on the node,
    web = lab.apply("volumes/not-root.yaml")
    lab.ready(web)

    # when it looks into both, it may;
    assert lab.kubectl("exec web -- ls /plain /owned").stdout.split() == ["/owned:", "/plain:"]

    # when it writes, then only into the one that an init container, as root, has given to its user.
    assert "Permission denied" in lab.refused("exec web -- touch /plain/x").stderr
    lab.kubectl("exec web -- touch /owned/x")


@claim(
    "volumes.claims",
    ledger=["volumes.remote-disks", "volumes.hostpath-persistence"],
    source=CLAIMS + "#persistentvolumeclaims",
    twin="unserved: the same claim for a class that nobody provides",
    takes_s=15,
)
@sabotage("nobody serves either", put("spec.storageClassName", "nobody", of="persistentvolumeclaim/served"))
@sabotage("somebody serves both", remove("spec.storageClassName", of="persistentvolumeclaim/unserved"))
def test_a_claim_gets_storage_that_outlives_the_pod(lab: Lab) -> None:
    """A PersistentVolumeClaim asks a StorageClass for storage, and what a Pod writes there outlives the Pod."""
    # Given a Pod with a claim that the cluster's default class serves, and one with a claim that no class does,
    served, unserved, stored, waiting = lab.apply("volumes/claims.yaml")
    before = lab.eventually("the claim is served", stored, until=lambda pod: pod.ready, within=START + START)
    assert lab.get("PersistentVolumeClaim", served.name).raw["status"]["phase"] == "Bound"
    lab.post(stored, "/file", path="/data/x", present=True)

    # when the Pod is deleted and made again,
    lab.kubectl("delete pod stored")
    lab.apply("volumes/claims.yaml")
    after = lab.eventually(
        "it is there again", stored, until=lambda pod: pod.ready and pod.uid != before.uid, within=START
    )

    # then it finds what it had, while the other one still waits for its storage.
    assert lab.kubectl("exec stored -- ls /data").stdout.split() == ["x"]
    assert lab.get("PersistentVolumeClaim", unserved.name).raw["status"]["phase"] == "Pending"
    lab.never("the other Pod is placed", waiting, lambda pod: pod.node, until=after)


@claim(
    "volumes.default-in-the-list",
    ledger=["volumes.remote-disks"],
    source="https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass",
    twin="the list of all classes, which compares them",
    takes_s=1,
    needs="nodes",
    since="1.37",
)
@sabotage("listed for both", instead("get storageclass standard", "get storageclasses"))
@sabotage("alone for both", instead("get storageclasses", "get storageclass standard"))
def test_the_default_class_is_marked_in_the_list_alone(lab: Lab) -> None:
    """kubectl get marks the default StorageClass in the list of all, where it is compared; alone it is not marked."""
    # Given the class of a cluster that is made by kind,
    # when the classes are listed, then it is marked, and when it is got by its name, then it is not.
    assert lab.kubectl("get storageclasses --no-headers").stdout.split()[:2] == ["standard", "(default)"]
    assert lab.kubectl("get storageclass standard --no-headers").stdout.split()[:2] != ["standard", "(default)"]


@claim(
    "volumes.default-everywhere",
    ledger=["volumes.remote-disks"],
    source="https://kubernetes.io/docs/concepts/storage/storage-classes/#default-storageclass",
    twin="the list of all classes",
    takes_s=1,
    needs="nodes",
    until="1.37",
)
@sabotage("its name alone", instead("get storageclass standard", "get storageclass standard -o name"))
def test_the_default_class_is_marked_wherever_it_is_shown(lab: Lab) -> None:
    """kubectl get marks each StorageClass that says it is the default, in the list and alone."""
    # Given the class of a cluster that is made by kind,
    # when the classes are listed, or it is got by its name, then it is marked.
    assert lab.kubectl("get storageclasses --no-headers").stdout.split()[:2] == ["standard", "(default)"]
    assert lab.kubectl("get storageclass standard --no-headers").stdout.split()[:2] == ["standard", "(default)"]


@claim(
    "volumes.claim-unused",
    ledger=["volumes.remote-disks"],
    source=CLAIMS + "#persistentvolumeclaims",
    twin="unbound: a claim of the same Pod that has no volume",
    takes_s=3,
    cluster_wide=True,
    since="1.37",
)
@sabotage("the Pod stays", skip("delete pod user"))
@sabotage("no volume", put("spec.storageClassName", "somebody", of="persistentvolumeclaim/bound"))
def test_a_claim_tells_whether_it_is_used(lab: Lab) -> None:
    """A claim that has a volume says in its condition Unused whether there is a Pod that names it, and since when."""
    # Given two claims of one Pod, of which one has a volume,
    _, bound, unbound, user = lab.apply("volumes/bound.yaml")

    # when the controller has looked at it, then it is used,
    lab.eventually(
        "it says that it is used", bound, until=lambda claim: claim.condition(UNUSED).get("status") == "False"
    )

    # and when the Pod is deleted, then it is not.
    deleted = lab.now("delete")
    lab.kubectl(f"delete pod {user.name} --grace-period=0 --force")
    unused = lab.eventually(
        "it says that it is unused",
        bound,
        until=lambda claim: claim.condition(UNUSED).get("status") == "True",
        since=deleted,
    )
    assert unused.condition(UNUSED)["lastTransitionTime"]

    # The other one says nothing of it.
    lab.never("the one without a volume says so", unbound, lambda claim: claim.condition(UNUSED), until=unused)


@claim(
    "volumes.claim-used-by",
    ledger=["volumes.remote-disks"],
    source=CLAIMS + "#persistentvolumeclaims",
    twin="the same claim while there is a Pod that names it",
    takes_s=2,
    cluster_wide=True,
    until="1.37",
)
@sabotage("the Pod stays", skip("delete pod user"))
def test_a_claim_does_not_tell_whether_it_is_used(lab: Lab) -> None:
    """A claim does not say whether a Pod uses it; kubectl describe looks through the Pods for that."""
    # Given a claim with a volume,
    _, bound, _, user = lab.apply("volumes/bound.yaml")
    lab.given("it has one", bound, until=lambda claim: claim.raw["status"].get("phase") == "Bound")

    # when it is described, then the Pod is found that names it, and when that is deleted, then none.
    used = lab.kubectl("describe persistentvolumeclaim bound").stdout
    lab.kubectl(f"delete pod {user.name} --grace-period=0 --force")
    unused = lab.kubectl("describe persistentvolumeclaim bound").stdout
    assert [line.split() for line in used.splitlines() if "Used By:" in line] == [["Used", "By:", "user"]]
    assert [line.split() for line in unused.splitlines() if "Used By:" in line] == [["Used", "By:", "<none>"]]

    # The claim itself says nothing of it.
    assert "conditions" not in lab.get("PersistentVolumeClaim", bound.name).raw["status"]


@claim(
    "volumes.trust-bundles",
    ledger=["volumes.two-things"],
    source="https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#cluster-trust-bundles",
    twin="certificatesigningrequests: another type of the same group",
    takes_s=1,
    since="1.37",
)
@sabotage("a type that there is not", instead("get clustertrustbundles", "get nodetrustbundles"))
def test_there_are_bundles_of_certificates_for_volumes(lab: Lab) -> None:
    """There are ClusterTrustBundles: certificates for all, which a projected volume gives to a Pod."""
    # Given a cluster as it is, when both types are asked for, then it has them.
    lab.kubectl("get certificatesigningrequests -o name")
    lab.kubectl("get clustertrustbundles -o name")


@claim(
    "volumes.no-trust-bundles",
    ledger=["volumes.two-things"],
    source="https://kubernetes.io/docs/reference/access-authn-authz/certificate-signing-requests/#cluster-trust-bundles",
    twin="certificatesigningrequests: another type of the same group",
    takes_s=1,
    until="1.37",
)
@sabotage("a type that there is", instead("get clustertrustbundles", "get certificatesigningrequests"))
def test_there_are_no_bundles_of_certificates_for_volumes(lab: Lab) -> None:
    """There are no ClusterTrustBundles, unless somebody has turned them on."""
    # Given a cluster as it is, when both types are asked for, then it has the one,
    lab.kubectl("get certificatesigningrequests -o name")

    # and knows nothing of the other one.
    assert "doesn't have a resource type" in lab.refused("get clustertrustbundles -o name").stderr


@claim(
    "volumes.remote-disks",
    source=VOLUMES + "#awselasticblockstore",
    notes=changed("a Pod may use a disk of AWS or GCP", "only where the cloud's CSI driver is installed", since="1.28"),
    twin="on-the-node: the same Pod with an emptyDir",
    takes_s=5,
    needs="nodes",
)
@sabotage(
    "no cloud",
    remove("spec.volumes[0].awsElasticBlockStore", of="pod/on-a-cloud-disk"),
    put("spec.volumes[0].emptyDir", {}, of="pod/on-a-cloud-disk"),
)
def test_a_cloud_disk_waits_for_its_driver(lab: Lab) -> None:
    """A Pod with a disk of a cloud is accepted and placed, but its containers wait for a driver to attach the disk."""
    # Given a cluster without that driver,
    assert "NotFound" in lab.refused("get csidriver ebs.csi.aws.com").stderr

    # when a Pod comes with a disk of AWS, and one with a directory in its place,
    disk, directory = lab.apply("volumes/cloud-disk.yaml")
    waiting, _ = lab.eventually(
        "one is Ready, and the other placed",
        disk,
        directory,
        until=lambda one, other: one.containers and other.ready,
        within=START,
    )

    # then the first one is on a node, where nothing happens.
    assert waiting.node
    assert (waiting.phase, waiting.container("web").reason) == ("Pending", "ContainerCreating")
    columns = "{.spec.attacher} {.status.attached} {.spec.source.inlineVolumeSpec.csi.volumeHandle}"
    asked = lab.poll(
        "somebody has been asked to attach the disk",
        lambda: lab.kubectl(f"get volumeattachments -o jsonpath='{{range .items[*]}}{columns},{{end}}'"),
        until=lambda result: f"vol-{lab.namespace}" in result.stdout,
    )
    assert f"ebs.csi.aws.com false vol-{lab.namespace}" in asked.stdout.split(",")
