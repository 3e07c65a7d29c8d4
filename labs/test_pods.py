"""Pods: what containers of one Pod share, who makes a Pod run and where, and how a person makes one and gets at it.

Where it makes no difference whether a Pod runs, its manifest keeps it from running: with a scheduling gate nobody
places it, and without a volume that it asks for no kubelet starts it.
"""

from labkit.words import (
    SOON,
    START,
    Lab,
    budgets,
    changed,
    claim,
    imprecise,
    instead,
    known_bug,
    put,
    remove,
    sabotage,
    skip,
    wrong,
)

PODS = "https://kubernetes.io/docs/concepts/workloads/pods/"
SCHEDULING = "https://kubernetes.io/docs/concepts/scheduling-eviction/"
ARCHITECTURE = "https://kubernetes.io/docs/concepts/architecture/"
KUBECTL = "https://kubernetes.io/docs/reference/kubectl/"
TASKS = "https://kubernetes.io/docs/tasks/"

OVER = ("Failed", "Succeeded")
TO_START = "PodReadyToStartContainers"
OTHER_LINE = """echo "TUNING='standard'" > /settings/guitar.env"""
TWO_LINES = """echo "TUNING='drop-d'" > /settings/guitar.env; echo "STRINGS='7'" >> /settings/guitar.env"""


@claim(
    "pods.one-or-more-containers",
    source=f"{PODS}#how-pods-manage-multiple-containers",
    twin="one-and-two.yaml: the same Pod with one container, and with two",
    takes_s=1,
)
@sabotage(
    "a container after all", put("spec.containers", [{"name": "web", "image": "localhost:1/labs/web:1"}], of="pod/none")
)
@sabotage("only one", remove("spec.containers[1]", of="pod/two"))
def test_a_pod_has_one_container_or_more(lab: Lab) -> None:
    """A Pod has one container or more: a Pod without any is refused."""
    # Given a Pod with one container, and one with two,
    one, two = lab.apply("pods/one-and-two.yaml")
    assert len(lab.get("Pod", one.name).raw["spec"]["containers"]) == 1
    assert len(lab.get("Pod", two.name).raw["spec"]["containers"]) == 2

    # when a Pod without containers is applied,
    refused = lab.apply_refused("pods/no-container.yaml")

    # then it is no Pod.
    assert "spec.containers: Required value" in refused.stderr


@claim(
    "pods.shared-filesystem",
    source=f"{PODS}#resource-sharing-and-communication",
    notes=imprecise(
        "containers of a pod share its file system",
        "each has files and processes of its own; they share the network, IPC, the host name, and volumes",
    ),
    twin="a file beside the volume, and the namespaces that each container has for itself",
    takes_s=3,
)
@sabotage("no volume in the helper", remove("spec.containers[1].volumeMounts", of="pod/pair"))
@sabotage(
    "the volume on /tmp, too",
    put("spec.containers[0].volumeMounts[1]", {"name": "shared", "mountPath": "/tmp"}, of="pod/pair"),
    put("spec.containers[1].volumeMounts[1]", {"name": "shared", "mountPath": "/tmp"}, of="pod/pair"),
)
@sabotage("shared processes", put("spec.shareProcessNamespace", True, of="pod/pair"))
def test_containers_of_a_pod_share_volumes_and_not_a_file_system(lab: Lab) -> None:
    """Containers of one Pod share its network, IPC, host name and volumes, but neither file system nor processes."""
    # Given a Pod with two containers, which mount one volume,
    pair = lab.apply("pods/pair.yaml")
    lab.ready(pair)

    # when one of them writes a file into the volume, and one beside it,
    lab.post(pair, "/file", path="/shared/common", present=True)
    lab.post(pair, "/file", path="/tmp/own", present=True)

    # then the other one sees the first file only,
    seen = lab.kubectl("exec pair -c helper -- ls /shared /tmp").stdout.split()
    assert seen == ["/shared:", "common", "/tmp:"]

    # as they are one machine to the network and to each other's messages, but each has its own files and processes.
    of_web = lab.kubectl("exec pair -c web -- ls -l /proc/self/ns").stdout.split()
    of_helper = lab.kubectl("exec pair -c helper -- ls -l /proc/self/ns").stdout.split()
    shared = {word.partition(":")[0] for word in set(of_web) & set(of_helper) if ":[" in word}
    assert {"net", "ipc", "uts"} <= shared, "not one machine"
    assert not {"mnt", "pid"} & shared, "not two file systems, or not two sets of processes"


@claim(
    "pods.shared-ip-ports",
    source=f"{PODS}#pod-networking",
    ledger=["pods.shared-ip-ports", "pods.isolated"],
    notes=imprecise(
        "applications in different pods are isolated from each other",
        "each Pod has an address and ports of its own, which all other Pods reach unless a NetworkPolicy forbids it",
    ),
    twin="alone: a Pod without the second server, on the same node",
    takes_s=4,
)
@sabotage(
    "a second server in the other Pod",
    put("spec.containers[0].env", [{"name": "LISTENERS", "value": "9090:close"}], of="pod/alone"),
)
@sabotage("another port is free", instead('("", 9090)', '("", 9091)'))
def test_containers_of_a_pod_share_its_address_and_ports(lab: Lab) -> None:
    """Containers of one Pod share its IP address, its ports and localhost; other Pods have their own, and reach it."""
    # Given a Pod with two servers, and another Pod beside it,
    pair, alone = lab.apply("pods/neighbours.yaml")
    paired, other = lab.ready(pair, alone)
    assert paired.ip != other.ip, "one address for two Pods"

    # when the second server is asked for at localhost, then it answers in its own Pod only,
    inside = lab.fetch(pair, "http://localhost:9090/", timeout_s=10)[0]
    outside = lab.fetch(alone, "http://localhost:9090/", timeout_s=10)[0]
    assert (inside.outcome, inside.name) == ("ok", "helper")
    assert outside.outcome == "refused", "localhost is also the other Pod's"

    # when its port is asked for once more, then it is free in the other Pod only,
    listen = """-- python3 -c 'import socket; socket.create_server(("", 9090))'"""
    refused = lab.refused(f"exec pair -c web {listen}")
    assert "Address already in use" in refused.stderr
    lab.kubectl(f"exec alone {listen}")

    # and when the other Pod asks at the Pod's address, then it gets an answer: Pods are no walls.
    answer = lab.fetch(alone, f"http://{paired.ip}:9090/", timeout_s=10)[0]
    assert (answer.outcome, answer.name) == ("ok", "helper")


@claim(
    "pods.different-hostnames",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-hostname/",
    ledger=["pods.different-hostnames", "pods.isolated"],
    notes=imprecise(
        "different pods have different addresses and hostnames",
        "unless they take those of their node (hostNetwork) or are given the same host name",
    ),
    twin="of-the-node: the same Pod with hostNetwork",
    takes_s=4,
    needs="nodes",
)
@sabotage("another name is given", put("spec.hostname", "guitar", of="pod/own"))
@sabotage("no network of the node", remove("spec.hostNetwork", of="pod/of-the-node"))
def test_a_pod_has_its_own_address_and_host_name(lab: Lab) -> None:
    """A Pod has its own IP address, and its name for a host name; with hostNetwork it has both from its node."""
    # Given two Pods, alike but for the network,
    own, of_the_node = lab.apply("pods/host-network.yaml")
    apart, node = lab.ready(own, of_the_node)

    # when they are asked for their host names,
    name = lab.kubectl("exec own -- cat /proc/sys/kernel/hostname").stdout.strip()
    name_of_node = lab.kubectl("exec of-the-node -- cat /proc/sys/kernel/hostname").stdout.strip()

    # then the one has its own, as it has an address of its own,
    assert name == "own"
    assert apart.ip != apart.raw["status"]["hostIP"]

    # and the other has both from its node.
    assert name_of_node == node.node
    assert node.ip == node.raw["status"]["hostIP"]


@claim(
    "pods.hostname-override",
    ledger=["pods.different-hostnames"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-hostname/",
    twin="drum: the same Pod with the older field hostname, which takes no dots",
    takes_s=3,
    since="1.35",
)
@sabotage("no other name", remove("spec.hostnameOverride", of="pod/guitar"))
@sabotage("neither has one", remove("spec.hostname", of="pod/drum"))
def test_a_pod_may_have_any_hostname(lab: Lab) -> None:
    """A Pod's hostname may be any name with dots, by hostnameOverride; hostname takes one without."""
    # Given two Pods with another hostname than their own, by one field and by the other,
    guitar, drum = lab.apply("pods/hostname-override.yaml")
    lab.ready(guitar, drum)

    # when they are asked who they are, then they have the names that they were given.
    assert lab.ask(guitar, "/")["name"] == "stratocaster.example.com"
    assert lab.ask(drum, "/")["name"] == "snare"


@claim(
    "pods.hostname-dropped",
    ledger=["pods.different-hostnames"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-hostname/",
    twin="hostname: the older field, which is kept",
    takes_s=1,
    until="1.35",
)
@sabotage("the server is not asked", instead("--dry-run=server", "--dry-run=client"))
@sabotage("not the older field", remove("spec.hostname", of="pod/drum"))
def test_a_hostname_to_override_is_dropped(lab: Lab) -> None:
    """A Pod with hostnameOverride is taken without a word, and without the field."""
    # Given two Pods with another hostname than their own, by one field and by the other,
    pods = lab.file("pods/hostname-override.yaml")

    # when they are made, if only for a try, then the newer field is not there any more.
    made = lab.kubectl(f"apply --dry-run=server -f {pods} -o json")
    guitar, drum = (pod["spec"] for pod in made.parsed["items"])
    assert "hostnameOverride" not in guitar
    assert drum.get("hostname") == "snare"
    assert made.stderr == ""


@claim(
    "pods.env-from-a-file",
    ledger=["pods.shared-filesystem"],
    source=f"{TASKS}inject-data-application/define-environment-variable-via-file/",
    twin="STRINGS: a variable that nobody has written, and that may be left out",
    takes_s=3,
    since="1.35",
)
@sabotage("another value", put("spec.initContainers[0].command", ["sh", "-c", OTHER_LINE]))
@sabotage("both are written", put("spec.initContainers[0].command", ["sh", "-c", TWO_LINES]))
def test_an_init_container_may_write_the_environment(lab: Lab) -> None:
    """Environment variables may come from a file that an init container has written, by fileKeyRef."""
    # Given a Pod whose init container writes one of two variables into a file,
    guitar = lab.apply("pods/env-from-a-file.yaml")
    lab.eventually("it runs, or cannot", guitar, until=lambda pod: pod.ready, within=START)

    # when its environment is looked at, then the one is there.
    lines = lab.kubectl("exec guitar -c web -- env").stdout.splitlines()
    assert [line for line in lines if line.startswith(("TUNING", "STRINGS"))] == ["TUNING=drop-d"]


@claim(
    "pods.env-from-no-file",
    ledger=["pods.shared-filesystem"],
    source=f"{TASKS}inject-data-application/define-environment-variable-via-file/",
    twin="the same Pod with a value in that place",
    takes_s=1,
    until="1.35",
)
@sabotage("values", put("spec.containers[0].env", [{"name": "TUNING", "value": "drop-d"}]))
def test_the_environment_comes_from_no_file(lab: Lab) -> None:
    """A fileKeyRef is no source of an environment variable: it is dropped, and then there is none, which is refused."""
    # Given a Pod that takes its variables from a file, when it is to be made,
    refused = lab.apply_refused("pods/env-from-a-file.yaml", "create --dry-run=server -f")

    # then it is as if no source were named.
    assert "must specify one of: `fieldRef`, `resourceFieldRef`, `configMapKeyRef` or `secretKeyRef`" in refused.stderr

    # while one with a value is taken.
    lab.kubectl("run guitar --image=localhost:1/labs/web:1 --env=TUNING=drop-d --dry-run=server")


@claim(
    "pods.init-containers",
    ledger=["pods.one-or-more-containers"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/init-containers/",
    twin="unprepared: the same Pod, whose first init container fails",
    takes_s=5,
)
@sabotage("no first step", remove("spec.initContainers[0]", of="pod/prepared"))
@sabotage("both are prepared", put("spec.initContainers[0].command", ["true"], of="pod/unprepared"))
@sabotage("the other way about", put("spec.initContainers[1].command", ["sh", "-c", "echo 1st > /data/steps"]))
def test_init_containers_come_first_and_one_by_one(lab: Lab) -> None:
    """Init containers run one after another, each to its end, before the other containers start; all must succeed."""
    # Given two Pods with two init containers each, of which one fails,
    prepared, unprepared = lab.apply("pods/init-containers.yaml")

    # when the one Pod is Ready, and what must fail in the other has failed,
    runs, waits = lab.eventually(
        "one is Ready, and the other has failed to start",
        prepared,
        unprepared,
        until=lambda one, other: one.ready and "Error" in str(other.raw["status"].get("initContainerStatuses")),
        within=START,
    )

    # then all of its steps were taken in their order,
    assert lab.kubectl("exec prepared -- cat /data/steps").stdout.split() == ["first", "second"]

    # and in the other nothing came after the failure.
    first, second = waits.raw["status"]["initContainerStatuses"]
    assert (first["name"], second["state"].keys()) == ("first", {"waiting"})
    lab.never("its server starts", unprepared, lambda pod: pod.container("web").started, until=waits)
    assert runs.container("web").started


@claim(
    "pods.otherwise-separate",
    source="https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/",
    notes=imprecise(
        "containers that share nothing belong in different pods",
        "most that share something do, too; only what helps a single container goes with it, as a sidecar",
        since="1.33",
    ),
    twin="ordinary: the helper as a container like any other",
    takes_s=5,
)
@sabotage(
    "an ordinary helper",
    remove("spec.initContainers", of="pod/sidecar"),
    put(
        "spec.containers[1]",
        {"name": "helper", "image": "localhost:1/labs/web:1", "env": [{"name": "PORT", "value": "9090"}]},
        of="pod/sidecar",
    ),
)
@sabotage("the other server goes on", skip("POST pod/ordinary /exit"))
def test_a_sidecar_does_not_keep_its_pod_alive(lab: Lab) -> None:
    """A sidecar runs as long as the containers that it helps, and its Pod ends with them; other containers hold it."""
    # Given two Pods, of a server and its helper each,
    sidecar, ordinary = lab.apply("pods/sidecars.yaml")
    lab.ready(sidecar, ordinary)

    # when both servers are done,
    lab.post(ordinary, "/exit", code=0)
    done = lab.post(sidecar, "/exit", code=0)

    # then the sidecar is stopped, and its Pod has succeeded,
    over, left = lab.eventually(
        "the Pod with the sidecar succeeds, and the other one's server is done",
        sidecar,
        ordinary,
        until=lambda pod, other: pod.phase == "Succeeded" and other.container("web").state == "terminated",
        within=budgets.stops(sidecar.manifest),
        since=done,
    )
    assert over.raw["status"]["initContainerStatuses"][0]["state"].keys() == {"terminated"}

    # and the other Pod goes on for the helper's sake.
    assert left.container("helper").state == "running"
    lab.never("the other Pod ends", ordinary, lambda pod: pod.phase != "Running", since=done, until=over)


@claim(
    "pods.manifest-declarative",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/object-management/",
    ledger=["pods.manifest-declarative", "pods.imperative"],
    twin="strings: a ConfigMap that a command has created",
    takes_s=2,
)
@sabotage("the Pod is made anew", instead("label pod kuard app-", "delete pod kuard"))
@sabotage("another object", instead("strings --from-literal=gauge=11", "more-strings --from-literal=gauge=11"))
def test_a_manifest_says_what_is_to_be_and_a_command_what_to_do(lab: Lab) -> None:
    """A manifest can be applied again and again, and brings back what it says; a create command works only once."""
    # Given a Pod that a manifest describes, and a ConfigMap that a command has created,
    kuard = lab.apply("pods/declared.yaml")
    lab.kubectl("create configmap strings --from-literal=gauge=10")

    # when somebody changes the Pod, and both are said once more,
    lab.kubectl("label pod kuard app-")
    again = lab.apply("pods/declared.yaml")
    refused = lab.refused("create configmap strings --from-literal=gauge=11")

    # then the same Pod is as described again,
    assert again.uid == kuard.uid
    assert again.manifest["metadata"]["labels"] == {"app": "guitar"}

    # and the command is refused, even where it says something new.
    assert "already exists" in refused.stderr
    assert lab.get("ConfigMap", "strings").raw["data"] == {"gauge": "10"}


@claim(
    "pods.stored-in-etcd",
    source=f"{ARCHITECTURE}#etcd",
    twin="tried: a Pod that the API server has answered for, but was told not to keep",
    takes_s=4,
    cluster_wide=True,
    needs="nodes",
)
@sabotage("both are kept", instead("--dry-run=server", "--restart=Never"))
@sabotage("nothing is deleted", skip("delete pod"))
def test_a_pod_is_an_entry_in_etcd(lab: Lab) -> None:
    """A Pod that the API server has accepted is an entry in etcd, from its creation until its deletion."""
    # Given a Pod that is to be kept, and one that the API server only tries,
    lab.apply("pods/kept.yaml")
    lab.kubectl("run tried --image=localhost:1/labs/web:1 --dry-run=server")

    # when etcd is asked for the Pods of the namespace,
    etcd = lab.kubectl("get pods --namespace kube-system --selector component=etcd -o name").stdout.strip()
    certificates = "--cacert=/etc/kubernetes/pki/etcd/ca.crt --cert=/etc/kubernetes/pki/etcd/server.crt"
    etcdctl = f"etcdctl --endpoints=https://127.0.0.1:2379 {certificates} --key=/etc/kubernetes/pki/etcd/server.key"
    listing = (
        f"exec --namespace kube-system {etcd} -- {etcdctl} get --prefix --keys-only /registry/pods/{lab.namespace}/"
    )
    stored = lab.kubectl(listing).stdout.split()

    # then it knows the one,
    assert stored == [f"/registry/pods/{lab.namespace}/kept"]

    # and no longer when that is deleted.
    lab.kubectl("delete pod kept")
    assert lab.kubectl(listing).stdout.split() == []


@claim(
    "pods.scheduler-places",
    source=f"{SCHEDULING}kube-scheduler/",
    twin="unseen: a Pod for another scheduler, which is not there",
    takes_s=3,
)
@sabotage("the scheduler sees it", remove("spec.schedulerName", of="pod/unseen"))
@sabotage("a modest request", put("spec.containers[0].resources.requests.cpu", "1m", of="pod/greedy"))
def test_the_scheduler_gives_a_pod_its_node(lab: Lab) -> None:
    """A Pod has no node until its scheduler gives it one, which has what the Pod requests; nobody else does."""
    # Given a Pod for a scheduler that is not there,
    # when two more are created, of which one requests more than any node has,
    unseen, greedy, plain = lab.apply("pods/scheduler.yaml")

    # then the scheduler has a node for the modest one, whose kubelet knows of it, and none for the greedy one,
    tried, placed = lab.eventually(
        "the scheduler decides",
        greedy,
        plain,
        until=lambda tried, placed: (tried.node or tried.condition("PodScheduled")) and placed.containers,
        within=START,
    )
    assert (bool(placed.node), placed.condition("PodScheduled")["status"]) == (True, "True")
    assert (tried.node, tried.condition("PodScheduled").get("reason")) == (None, "Unschedulable")

    # and the first one is left as it was made: not even refused.
    lab.never(
        "anybody cares for the first Pod",
        unseen,
        lambda pod: pod.node or pod.raw["status"].get("conditions"),
        until=placed,
    )


@claim(
    "pods.kubelet-creates",
    source=f"{ARCHITECTURE}#kubelet",
    twin="nowhere: the same Pod on a node of which there is no kubelet",
    takes_s=6,
)
@sabotage("a node is found for it", remove("spec.nodeName", of="pod/nowhere"))
@sabotage("the process goes on", skip("/exit"))
def test_the_kubelet_of_its_node_runs_a_pod(lab: Lab) -> None:
    """The kubelet of a Pod's node, and nobody else, starts its containers and keeps an eye on them."""
    # Given two Pods that have a node already, of which one is no node of the cluster,
    here, nowhere = lab.apply("pods/kubelet.yaml")

    # when the one runs without any scheduler's help, and its process ends,
    lab.eventually("the kubelet starts the container", here, until=lambda pod: pod.ready, within=START)
    ended = lab.post(here, "/exit", code=3)

    # then the kubelet tells of that, and starts it again,
    restarted = lab.eventually(
        "the kubelet starts the container again", here, until=lambda pod: pod.restart_count > 0, since=ended
    )
    assert restarted.container("web").last_exit_code == 3

    # and nobody starts anything for the other Pod.
    lab.never(
        "the other Pod gets a container",
        nowhere,
        lambda pod: pod.containers,
        until=restarted,
    )


@claim(
    "pods.no-sandbox",
    ledger=["pods.kubelet-creates"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-has-network",
    twin="started: the same Pod without the volume that it waits for",
    takes_s=3,
    since="1.37",
)
@sabotage("nothing to wait for", put("spec.volumes[0]", {"name": "settings", "emptyDir": {}}, of="pod/waiting"))
def test_a_pod_says_why_its_containers_cannot_be_started(lab: Lab) -> None:
    """A Pod whose containers cannot be started says why, in its condition PodReadyToStartContainers."""
    # Given two Pods, of which one waits for a ConfigMap that there is not,
    waiting, started = lab.apply("pods/waits-for-a-volume.yaml")

    # when the kubelet has tried to start both,
    lab.poll(
        "somebody is told what it waits for",
        lambda: [event for event in lab.events(waiting, "FailedMount") if '"nobody" not found' in event.message],
        until=lambda events: events,
        within=SOON + SOON,
    )
    not_yet, running = lab.eventually(
        "one is not started, the other one is",
        waiting,
        started,
        until=lambda w, s: w.condition(TO_START) and s.condition(TO_START).get("status") == "True",
        within=START,
    )

    # then the one says that it has no sandbox, and the other one has nothing to say.
    assert not_yet.condition(TO_START)["status"] == "False"
    assert not_yet.condition(TO_START).get("message") == "no pod sandbox exists"
    assert "message" not in running.condition(TO_START)


@claim(
    "pods.no-sandbox-unsaid",
    ledger=["pods.kubelet-creates"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-has-network",
    twin="started: the same Pod without the volume that it waits for",
    takes_s=3,
    until="1.37",
)
@sabotage("nothing to wait for", put("spec.volumes[0]", {"name": "settings", "emptyDir": {}}, of="pod/waiting"))
def test_a_pod_says_only_that_its_containers_cannot_be_started(lab: Lab) -> None:
    """A Pod whose containers cannot be started says so in its condition PodReadyToStartContainers, but not why."""
    # Given two Pods, of which one waits for a ConfigMap that there is not,
    waiting, started = lab.apply("pods/waits-for-a-volume.yaml")

    # when the kubelet has tried to start both,
    lab.poll(
        "somebody is told what it waits for",
        lambda: [event for event in lab.events(waiting, "FailedMount") if '"nobody" not found' in event.message],
        until=lambda events: events,
        within=SOON + SOON,
    )
    not_yet, running = lab.eventually(
        "one is not started, the other one is",
        waiting,
        started,
        until=lambda w, s: w.condition(TO_START) and s.condition(TO_START).get("status") == "True",
        within=START,
    )

    # then the one is not ready for it, and neither has anything to say.
    assert not_yet.condition(TO_START)["status"] == "False"
    assert "message" not in not_yet.condition(TO_START)
    assert "message" not in running.condition(TO_START)


@claim(
    "pods.same-node",
    source=f"{PODS}#how-pods-manage-multiple-containers",
    twin="the other Pod of the ReplicaSet, which is on another node",
    takes_s=6,
)
@sabotage("one node for both", remove("spec.template.spec.tolerations", of="replicaset/pairs"))
@sabotage(
    "the helper says something else",
    put("spec.template.spec.containers[1].env[1]", {"name": "POD_NAME", "value": "elsewhere"}, of="replicaset/pairs"),
)
def test_all_containers_of_a_pod_are_on_its_node(lab: Lab) -> None:
    """All containers of a Pod run on one node, whichever it is; Pods of one ReplicaSet may run on several."""
    # Given a ReplicaSet of two Pods that must not share a node,
    pairs = lab.apply("pods/two-nodes.yaml")

    # when both are Ready,
    placed = lab.given(
        "two Pods are Ready",
        lab.pods(controlled_by=pairs),
        until=lambda group: len(group) == 2 and all(pod.ready for pod in group.pods),
    )
    first, second = placed.pods

    # then each container finds the other at localhost, and both name the node of their Pod,
    names = [lab.ask(first, "/")["name"], lab.fetch(first, "http://localhost:9090/", timeout_s=10)[0].name]
    names_of_second = [lab.ask(second, "/")["name"], lab.fetch(second, "http://localhost:9090/", timeout_s=10)[0].name]
    assert names == [first.node, first.node]
    assert names_of_second == [second.node, second.node]

    # which is not the other Pod's.
    assert first.node != second.node


@claim(
    "pods.replica-spread",
    source=f"{SCHEDULING}topology-spread-constraints/#internal-default-constraints",
    notes=imprecise(
        "replicas of the same object are placed on different nodes",
        "the scheduler prefers that; where only one node will do, they are all placed there",
    ),
    twin="one-node: the same ReplicaSet, whose Pods may be on one node only",
    takes_s=2,
    needs="nodes",
)
@sabotage(
    "only the control plane",
    put("spec.template.spec.nodeSelector", {"node-role.kubernetes.io/control-plane": ""}, of="replicaset/two-nodes"),
)
@sabotage(
    "both may be on two nodes",
    put(
        "spec.template.spec.tolerations",
        [{"key": "node-role.kubernetes.io/control-plane", "operator": "Exists", "effect": "NoSchedule"}],
        of="replicaset/one-node",
    ),
)
def test_replicas_are_spread_over_nodes_where_that_is_possible(lab: Lab) -> None:
    """The scheduler spreads a ReplicaSet's Pods over the nodes that they may be on; if that is one, it takes all."""
    # Given two ReplicaSets of three Pods, alike but for the nodes that they may be on,
    two_nodes, one_node = lab.apply("pods/replicas.yaml")

    # when all are placed,
    spread, packed = lab.eventually(
        "all Pods have a node",
        lab.pods(controlled_by=two_nodes),
        lab.pods(controlled_by=one_node),
        until=lambda *groups: all(len(group) == 3 and all(pod.node for pod in group.pods) for group in groups),
        within=START,
    )

    # then those that may be on two nodes are on both,
    assert len({pod.node for pod in spread.pods}) == 2

    # and nothing keeps the others from being on one.
    assert len({pod.node for pod in packed.pods}) == 1


@claim(
    "pods.spread-demanded",
    source=f"{SCHEDULING}topology-spread-constraints/#spread-constraint-definition",
    ledger=["pods.replica-spread"],
    twin="wish: the same constraint with ScheduleAnyway",
    takes_s=2,
    needs="nodes",
)
@sabotage(
    "only a wish",
    put("spec.template.spec.topologySpreadConstraints[0].whenUnsatisfiable", "ScheduleAnyway", of="replicaset/demand"),
)
@sabotage(
    "demanded of both",
    put("spec.template.spec.topologySpreadConstraints[0].whenUnsatisfiable", "DoNotSchedule", of="replicaset/wish"),
)
def test_a_demanded_spread_rather_leaves_a_pod_pending(lab: Lab) -> None:
    """Replicas that must be spread (DoNotSchedule) stay Pending where they would crowd a node."""
    # Given two ReplicaSets of two Pods, which may be on one of the cluster's nodes only,
    demand, wish = lab.apply("pods/spread.yaml")

    # when the scheduler has decided on all of them,
    demanded, wished = lab.eventually(
        "each Pod has a node, or a refusal",
        lab.pods(controlled_by=demand),
        lab.pods(controlled_by=wish),
        until=lambda demanded, wished: (
            len(demanded) == len(wished) == 2
            and any(pod.node for pod in demanded.pods)
            and all(pod.condition("PodScheduled") for pod in demanded.pods)
            and all(pod.node for pod in wished.pods)
        ),
        within=START,
    )

    # then where it was demanded one has a node and one has not,
    assert sorted(pod.condition("PodScheduled")["status"] for pod in demanded.pods) == ["False", "True"]

    # and where it was wished for both are on the same.
    assert [pod.condition("PodScheduled")["status"] for pod in wished.pods] == ["True", "True"]
    assert len({pod.node for pod in wished.pods}) == 1


@claim(
    "pods.apart-by-namespace",
    source=f"{SCHEDULING}assign-pod-node/#namespace-selector",
    ledger=["pods.scheduler-places"],
    twin="everywhere: a Pod whose namespaceSelector matches every namespace",
    takes_s=2,
    bug=known_bug(
        "https://github.com/kubernetes/kubernetes/issues/141526",
        "1.34.0 to 1.34.12",
        "1.35.0 to 1.35.8",
        "1.36.0 to 1.36.5",
        sign="it keeps away from a Pod that its selector leaves out",
    ),
)
@sabotage(
    "every namespace for both",
    put(
        "spec.affinity.podAntiAffinity.requiredDuringSchedulingIgnoredDuringExecution[0].namespaceSelector",
        {},
        of="pod/elsewhere",
    ),
)
@sabotage("no affinity for the other one", remove("spec.affinity", of="pod/everywhere"))
def test_anti_affinity_is_to_the_pods_of_the_selected_namespaces(lab: Lab) -> None:
    """A Pod's anti-affinity is to Pods of the namespaces that its namespaceSelector matches, and to no others."""
    # Given a Pod that has a node,
    neighbour = lab.apply("pods/neighbour.yaml")
    lab.given("the neighbour has a node", neighbour, until=lambda pod: pod.node)

    # when there are two that may not be where such a Pod is in namespaces without a name, and in those with one,
    elsewhere, everywhere = lab.apply("pods/apart-by-namespace.yaml")
    placed, refused = lab.eventually(
        "the scheduler decides",
        elsewhere,
        everywhere,
        # Neither asks for anything that other labs could have taken: the first answer is about the affinity.
        until=lambda *both: all(pod.condition("PodScheduled") for pod in both),
        within=START,
    )

    # then the first one has a node, as every namespace has a name, and the second one has none.
    assert refused.condition("PodScheduled").get("reason") == "Unschedulable"
    assert placed.condition("PodScheduled")["status"] == "True", "it keeps away from a Pod that its selector leaves out"


@claim(
    "pods.run-creates",
    source=f"{KUBECTL}conventions/#kubectl-run",
    ledger=["pods.run-creates", "pods.run-name", "pods.delete-deployment"],
    notes=changed(
        "kubectl run makes a deployment of that name, and that is what is to be deleted",
        "it makes one Pod of exactly that name, which nobody controls; create deployment makes a Deployment",
        since="1.18",
    ),
    twin="drum: what `kubectl create deployment` makes",
    takes_s=4,
)
@sabotage("a Deployment", instead("run kuard", "create deployment kuard"))
@sabotage("the Pod is deleted at once", instead("delete deployments/kuard", "delete pods/kuard"))
def test_kubectl_run_makes_one_pod_and_no_deployment(lab: Lab) -> None:
    """kubectl run makes a single Pod of the given name, and no Deployment that would replace it."""
    # Given the Pod of a Deployment, in a namespace where no Pod has to run,
    lab.apply("pods/nowhere-to-run.yaml")
    run, of_drum = lab.pod("kuard"), lab.pods(app="drum")
    lab.kubectl("create deployment drum --image=localhost:1/labs/web:1")
    (drum,) = lab.eventually("the Deployment has a Pod", of_drum, until=lambda group: len(group) == 1).names
    assert drum.startswith("drum-"), "a Deployment's Pod has a name of its own"

    # when a Pod is run,
    lab.kubectl("run kuard --image=localhost:1/labs/web:1")

    # then it has the name that it was given, and nobody but its kubelet to care for it,
    kuard = lab.get("Pod", "kuard")
    assert (kuard.labels, kuard.owners) == ({"run": "kuard"}, [])
    assert lab.kubectl("get pod kuard -o jsonpath={.spec.restartPolicy}").stdout == "Always"
    assert lab.kubectl("get deployments -o name").stdout.split() == ["deployment.apps/drum"]

    # so that there is no Deployment to delete, but the Pod itself,
    refused = lab.refused("delete deployments/kuard")
    assert "not found" in refused.stderr
    assert not lab.get("Pod", "kuard").terminating

    # and when that is deleted it is gone, where the other one is replaced.
    deleted = lab.now("both Pods are deleted")
    lab.kubectl(f"delete pod/kuard pod/{drum}")
    after = lab.eventually(
        "the Deployment has another Pod",
        of_drum,
        until=lambda group: len(group) == 1 and drum not in group.names,
        since=deleted,
    )
    lab.never("somebody replaces it", run, lambda pod: pod.uid != kuard.uid, until=after)


@claim(
    "pods.run-image-flag",
    source=f"{KUBECTL}generated/kubectl_run/",
    ledger=["pods.run-image-flag", "pods.run-deprecation"],
    notes=changed(
        "kubectl run will be deprecated",
        "only that it made anything but Pods was, and is gone; the command itself stays",
        since="1.18",
    ),
    twin="the command without the flag; and one that is deprecated",
    takes_s=2,
)
@sabotage(
    "another image", instead("run kuard --image=localhost:1/labs/web:1", "run kuard --image=localhost:1/labs/web:2")
)
@sabotage("an image for both", instead("run drum", "run drum --image=localhost:1/labs/web:1"))
@sabotage(
    "a deprecated command",
    instead("run kuard --image=localhost:1/labs/web:1 --dry-run=server", "get componentstatuses"),
)
def test_kubectl_run_needs_an_image_and_is_not_deprecated(lab: Lab) -> None:
    """kubectl run takes the Pod's image from --image, will not do without, and is not deprecated."""
    # Given a command that is deprecated and says so,
    deprecated = lab.kubectl("get componentstatuses -o name")
    assert "deprecated" in deprecated.stderr

    # when Pods are run with and without an image,
    made = lab.kubectl(
        "run kuard --image=localhost:1/labs/web:1 --dry-run=server -o jsonpath={.spec.containers[*].image}"
    )
    refused = lab.refused("run drum --dry-run=server")

    # then the one has it, without a word of warning, and the other is not made.
    assert "deprecated" not in made.stderr
    assert made.stdout == lab.image("localhost:1/labs/web:1")
    assert 'required flag(s) "image" not set' in refused.stderr


@claim(
    "pods.run-file-deprecated",
    ledger=["pods.run-deprecation"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_run/#options",
    twin="without: the same command without a file",
    takes_s=1,
    since="1.37",
)
@sabotage("no file for either", instead(" -f nothing.yaml", ""))
@sabotage("a file for both", instead("run without", "run without -f nothing.yaml"))
def test_kubectl_run_warns_of_a_file(lab: Lab) -> None:
    """kubectl run makes a Pod of its arguments alone: a file given with -f is ignored, and a warning says so."""
    # Given a command that runs an image, when it is given a file that does not even exist, and when it is not,
    with_file = lab.kubectl("run with --image=localhost:1/labs/web:1 --dry-run=client -o name -f nothing.yaml")
    without = lab.kubectl("run without --image=localhost:1/labs/web:1 --dry-run=client -o name")

    # then both make a Pod, the first with a warning.
    assert (with_file.stdout.strip(), without.stdout.strip()) == ("pod/with", "pod/without")
    assert "deprecated" in with_file.stderr
    assert without.stderr == ""


@claim(
    "pods.run-file-ignored",
    ledger=["pods.run-deprecation"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_run/#options",
    twin="without: the same command without a file",
    takes_s=1,
    until="1.37",
)
@sabotage("another option", instead(" -f nothing.yaml", " --namespace nothing"))
def test_kubectl_run_ignores_a_file(lab: Lab) -> None:
    """kubectl run makes a Pod of its arguments alone: a file given with -f is ignored, and nothing is said of it."""
    # Given a command that runs an image, when it is given a file that does not even exist, and when it is not,
    with_file = lab.kubectl("run web --image=localhost:1/labs/web:1 --dry-run=client -o yaml -f nothing.yaml")
    without = lab.kubectl("run web --image=localhost:1/labs/web:1 --dry-run=client -o yaml")

    # then it is the same Pod, and nothing else is said.
    assert with_file.stdout == without.stdout
    assert with_file.stderr == ""


@claim(
    "pods.run-restart-choices",
    ledger=["pods.run-creates"],
    source=f"{KUBECTL}generated/kubectl_run/#options",
    twin="Never: a policy that there is",
    takes_s=1,
    since="1.37",
)
@sabotage("one that there is", instead("--restart=Sometimes", "--restart=OnFailure"))
def test_kubectl_run_lists_the_policies(lab: Lab) -> None:
    """kubectl run answers a restartPolicy that there is not with those that there are."""
    # Given a command that runs an image, when it is to be restarted sometimes, then it is told what there is,
    refused = lab.refused("run guitar --image=localhost:1/labs/web:1 --dry-run=client --restart=Sometimes")
    assert "Sometimes, valid values are: Always, OnFailure, Never" in refused.stderr

    # and one of that is taken.
    lab.kubectl("run guitar --image=localhost:1/labs/web:1 --dry-run=client --restart=Never")


@claim(
    "pods.run-restart-invalid",
    ledger=["pods.run-creates"],
    source=f"{KUBECTL}generated/kubectl_run/#options",
    twin="Never: a policy that there is",
    takes_s=1,
    until="1.37",
)
@sabotage("one that there is", instead("--restart=Sometimes", "--restart=OnFailure"))
def test_kubectl_run_refuses_a_policy(lab: Lab) -> None:
    """kubectl run refuses a restartPolicy that there is not, and names none that there is."""
    # Given a command that runs an image, when it is to be restarted sometimes, then that is refused,
    refused = lab.refused("run guitar --image=localhost:1/labs/web:1 --dry-run=client --restart=Sometimes")
    assert "invalid restart policy: Sometimes" in refused.stderr
    assert "OnFailure" not in refused.stderr

    # and one that there is is taken.
    lab.kubectl("run guitar --image=localhost:1/labs/web:1 --dry-run=client --restart=Never")


@claim(
    "pods.run-image-typo",
    source="https://kubernetes.io/docs/concepts/containers/images/",
    notes=wrong(
        "run kuard from an image at grc.io", "the registry was gcr.io; a Pod of an image that is nowhere never starts"
    ),
    twin="right: a Pod of an image that is on its node",
    takes_s=3,
)
@sabotage("the right image", instead("grc.io/kuar-demo/kuard-amd64:1", "localhost:1/labs/web:1"))
def test_a_wrong_image_is_taken_and_shows_only_in_the_pod(lab: Lab) -> None:
    """kubectl and the API server take any image name; that there is no such image shows in a Pod that does not start.

    The policy Never keeps the kubelet from asking whoever has the misspelt domain; it would wait for a pull otherwise.
    """
    # Given a Pod of an image that every node has,
    lab.kubectl("run right --image=localhost:1/labs/web:1 --image-pull-policy=Never")

    # when the notes' command is typed as it was written, then it is taken,
    lab.kubectl("run kuard --image=grc.io/kuar-demo/kuard-amd64:1 --image-pull-policy=Never")

    # but the kubelet finds no such image, where the other Pod runs.
    kuard, right = lab.eventually(
        "one Pod runs, and the other one waits or runs",
        lab.pod("kuard"),
        lab.pod("right"),
        until=lambda kuard, right: (
            right.ready and (kuard.ready or kuard.container("kuard").reason == "ErrImageNeverPull")
        ),
        within=START,
    )
    assert not kuard.ready, "the image is there"
    assert right.container("right").state == "running"


@claim(
    "pods.pull-secret-unneeded",
    ledger=["pods.run-image-typo"],
    source="https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod",
    twin="elsewhere: the same Pod of an image that the node does not have",
    takes_s=4,
    since="1.37",
)
@sabotage("both elsewhere", put("spec.containers[0].image", "localhost:1/labs/nobody:1", of="pod/here"))
@sabotage("both here", put("spec.containers[0].image", "localhost:1/labs/web:1", of="pod/elsewhere"))
def test_a_secret_that_was_not_needed_is_not_missed(lab: Lab) -> None:
    """An imagePullSecret that does not exist is complained of when an image cannot be pulled, and only then."""
    # Given two Pods with a Secret that there is not, of which one has its image on the node,
    here, elsewhere = lab.apply("pods/no-such-pull-secret.yaml")
    lab.eventually("it runs", here, until=lambda pod: pod.ready, within=START)

    # when the image of the other one could not be pulled, then the Secret is missed there, and not here.
    missed = "FailedToRetrieveImagePullSecret"
    lab.poll("somebody is told", lambda: lab.events(elsewhere, missed), until=lambda events: events, within=START)
    assert lab.events(here, missed) == []


@claim(
    "pods.pull-secret-missed",
    ledger=["pods.run-image-typo"],
    source="https://kubernetes.io/docs/concepts/containers/images/#specifying-imagepullsecrets-on-a-pod",
    twin="plain: a Pod of the same image without the Secret",
    takes_s=4,
    until="1.37",
)
@sabotage("none is named", remove("spec.imagePullSecrets"))
def test_a_secret_is_missed_though_it_was_not_needed(lab: Lab) -> None:
    """An imagePullSecret that does not exist is complained of with every Pod, also where no image is pulled."""
    # Given a Pod with a Secret that there is not, and one without, both of an image that the node has,
    here, _ = lab.apply("pods/no-such-pull-secret.yaml")
    lab.kubectl("run plain --image=localhost:1/labs/web:1")
    plain = lab.pod("plain")

    # when both run,
    lab.eventually("they run", here, plain, until=lambda *pods: all(pod.ready for pod in pods), within=START)

    # then the Secret is missed in the one.
    missed = "FailedToRetrieveImagePullSecret"
    lab.poll("somebody is told", lambda: lab.events(here, missed), until=lambda events: events)
    assert lab.events(plain, missed) == []


@claim(
    "pods.a-failure-shows",
    ledger=["pods.get-pods"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase",
    twin="failed-first: the same Pod, whose other container fails",
    takes_s=3,
    since="1.35",
)
@sabotage("none has failed", put("spec.containers[1].command", ["true"], of="pod/failed-last"))
def test_the_table_of_pods_shows_a_failure(lab: Lab) -> None:
    """In the table of kubectl get pods a Pod of which a container has failed is in Error, whichever it was."""
    # Given two Pods of two containers, of which the first or the last one fails,
    first, last = lab.apply("pods/exit-codes.yaml")
    lab.eventually(
        "both are over", first, last, until=lambda *pods: all(pod.phase in OVER for pod in pods), within=START
    )

    # when they are listed, then both have failed.
    rows = [line.split() for line in lab.kubectl("get pods --no-headers").stdout.splitlines()]
    assert {row[0]: row[2] for row in rows} == {"failed-last": "Error", "failed-first": "Error"}


@claim(
    "pods.a-failure-hides",
    ledger=["pods.get-pods"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-phase",
    twin="failed-first: the same Pod, whose other container fails",
    takes_s=3,
    until="1.35",
)
@sabotage("the first one has failed", put("spec.containers[0].command", ["false"], of="pod/failed-last"))
def test_the_table_of_pods_may_hide_a_failure(lab: Lab) -> None:
    """In the table of kubectl get pods a Pod that is over shows its first container: Completed, though another failed.

    What its phase says is Failed all the same.
    """
    # Given two Pods of two containers, of which the first or the last one fails,
    first, last = lab.apply("pods/exit-codes.yaml")
    both = lab.eventually(
        "both are over", first, last, until=lambda *pods: all(pod.phase in OVER for pod in pods), within=START
    )
    assert [pod.phase for pod in both] == ["Failed", "Failed"]

    # when they are listed, then the one looks as if all were well.
    rows = [line.split() for line in lab.kubectl("get pods --no-headers").stdout.splitlines()]
    assert {row[0]: row[2] for row in rows} == {"failed-last": "Completed", "failed-first": "Error"}


@claim(
    "pods.manifest",
    source=f"{PODS}#using-pods",
    ledger=["pods.manifest", "pods.get-pods"],
    twin="portless: the same Pod without ports",
    takes_s=4,
)
@sabotage("a misspelt field", put("spec.containers[0].ports[0].containerPorts", 8080, of="pod/kuard"))
@sabotage("another namespace", instead("get pods", "get pods --namespace default"))
@sabotage("somebody else answers", put("spec.hostname", "drum", of="pod/portless"))
def test_the_notes_manifest_makes_a_pod_that_would_do_without_ports(lab: Lab) -> None:
    """The notes' manifest, but for its image, makes a Pod that runs; its ports only inform, and none are needed."""
    # Given the notes' Pod, checked strictly, and one that names no ports,
    kuard, portless = lab.apply("pods/kuard.yaml", verb="apply --validate=strict -f")
    running, running_too = lab.ready(kuard, portless)

    # when they are listed, then there is a line for it,
    header, line, *others = lab.kubectl("get pods kuard").stdout.splitlines()
    assert header.split() == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert line.split()[:4] == ["kuard", "1/1", "Running", "0"]
    assert not others

    # and when each asks the other, then both answer.
    lab.poll(
        "both Pods answer",
        lambda: [
            lab.fetch(portless, f"http://{running.ip}:8080/")[0].name,
            lab.fetch(kuard, f"http://{running_too.ip}:8080/")[0].name,
        ],
        until=lambda names: names == ["kuard", "portless"],
    )


@claim(
    "pods.apply",
    source=f"{PODS}#pod-update-and-replacement",
    twin="other-image.yaml: the same Pod with another image",
    takes_s=1,
)
@sabotage("the same port", put("spec.containers[0].ports[0].containerPort", 8080))
def test_most_of_a_pod_cannot_be_changed(lab: Lab) -> None:
    """A Pod is made and changed by applying its manifest, but little can be changed: the image can, a port cannot."""
    # Given a Pod that was applied,
    kuard = lab.apply("pods/applied.yaml")

    # when it is applied with another port, and with another image,
    refused = lab.apply_refused("pods/other-port.yaml")
    changed_too = lab.apply("pods/other-image.yaml")

    # then the port is refused, and the image changes in the same Pod.
    assert "pod updates may not change fields other than" in refused.stderr
    assert changed_too.uid == kuard.uid
    assert lab.get("Pod", "kuard").raw["spec"]["containers"][0]["image"] == lab.image("localhost:1/labs/web:2")


@claim(
    "pods.port-forward",
    source=f"{TASKS}access-application-cluster/port-forward-access-application-cluster/",
    ledger=["pods.port-forward", "pods.port-forward-localhost"],
    twin="another address of the same machine, and another port of the same Pod",
    takes_s=4,
)
@sabotage("nobody listens there", instead("kuard :8080", "kuard :9999"))
@sabotage("at all addresses", instead("port-forward", "port-forward --address=0.0.0.0"))
def test_port_forward_brings_a_pod_to_localhost(lab: Lab) -> None:
    """kubectl port-forward makes a port of a Pod answer at localhost, and nowhere else, for as long as it runs."""
    # Given a Pod that listens on one port,
    kuard = lab.apply("pods/web.yaml")
    lab.ready(kuard)
    lab.ask(kuard, "/")

    # when that port is forwarded,
    with lab.listening("port-forward kuard :8080") as url:
        at_localhost = lab.browse(url)
        elsewhere = lab.browse(url.replace("127.0.0.1", "127.0.0.2"))

    # then the Pod answers at localhost, and not at another address of this machine,
    assert at_localhost.outcome == "ok"
    assert at_localhost.json["name"] == "kuard"
    assert elsewhere.outcome == "refused", "the port is open to others"

    # nor when kubectl is gone; and a port where nobody listens is no door.
    assert lab.browse(url).outcome == "refused"
    with lab.listening("port-forward kuard :9999") as url:
        assert lab.browse(url).outcome == "reset"


@claim(
    "pods.port-forward-not-production",
    source=f"{KUBECTL}generated/kubectl_port-forward/",
    twin="a port-forward that is begun afterwards",
    takes_s=6,
)
@sabotage("the Pod stays", instead("delete pod", "get pod"))
def test_port_forward_ends_with_its_pod(lab: Lab) -> None:
    """A port-forward, even to a Service, is tied to one Pod: when that is gone it fails, whoever else is there."""
    # Given a Service with two Pods, of which the one is forwarded to,
    _, first, second = lab.apply("pods/behind-a-service.yaml")
    lab.ready(first, second)
    lab.ask(first, "/")
    lab.ask(second, "/")
    with lab.listening("port-forward service/web :80") as url:
        before = lab.browse(url)
        assert before.outcome == "ok"

        # when that Pod is deleted,
        lab.kubectl(f"delete pod {before.json['name']}")

        # then the forward fails: kubectl has gone, or closes the connection,
        assert lab.browse(url).outcome in ("refused", "reset"), "it has gone over to the other Pod"

    # though the Service has another Pod, which a new one finds.
    with lab.listening("port-forward service/web :80") as url:
        after = lab.browse(url)
    assert after.outcome == "ok"
    assert after.json["name"] != before.json["name"]


@claim(
    "pods.logs-previous",
    source=f"{KUBECTL}generated/kubectl_logs/",
    twin="the Pod of the same name that takes its place when it is deleted",
    takes_s=6,
)
@sabotage("no second instance", put("spec.restartPolicy", "Never"))
@sabotage("the same logs twice", instead(" --previous", ""))
def test_logs_previous_shows_the_last_instance_of_a_container(lab: Lab) -> None:
    """kubectl logs --previous shows what a container said before its restart; a new Pod of the same name has none."""
    # Given a Pod that runs,
    kuard = lab.apply("pods/web.yaml")
    lab.ready(kuard)

    # when its process ends, and is started again,
    ended = lab.post(kuard, "/exit", code=3)
    old = lab.eventually("the container is restarted", kuard, until=lambda pod: pod.restart_count > 0, since=ended)

    # then there are the logs of both instances, each by itself,
    lab.poll(
        "the logs of the former instance",
        lambda: lab.tried("logs kuard --previous").stdout,
        until=lambda log: '"path": "/exit"' in log,
    )
    assert '"path": "/exit"' not in lab.kubectl("logs kuard").stdout

    # and when the Pod is deleted and applied again, then that is a new one, without any former instance.
    lab.kubectl("delete pod kuard")
    lab.apply("pods/web.yaml")
    lab.given("the Pod is there again", kuard, until=lambda pod: pod.ready and pod.uid != old.uid)
    refused = lab.refused("logs kuard --previous")
    assert "not found" in refused.stderr


@claim(
    "pods.exec-date",
    source=f"{KUBECTL}generated/kubectl_exec/",
    ledger=["pods.exec-date", "pods.exec-ash"],
    notes=changed(
        "kubectl exec takes the command right after the pod",
        "the command comes after two dashes, and without them kubectl does not even ask the cluster",
        since="1.31",
    ),
    twin="the same commands after two dashes",
    takes_s=4,
)
@sabotage("two dashes", instead("exec kuard date", "exec kuard -- date"))
@sabotage("two dashes and a shell", instead("exec -it kuard ash", "exec -i kuard -- ash"))
@sabotage("no terminal", instead("-it kuard -- ash", "-i kuard -- ash"))
@sabotage("another shell", instead("-- ash", "-- bash"))
def test_exec_wants_two_dashes_before_the_command(lab: Lab) -> None:
    """kubectl exec runs a command of the container's image, which must come after two dashes; -it gives a terminal."""
    # Given a Pod,
    kuard = lab.apply("pods/web.yaml")
    lab.ready(kuard)

    # when commands are typed as the notes have them, then they are refused, even where no cluster is,
    date = lab.refused("--server=https://127.0.0.1:9 exec kuard date")
    ash = lab.refused("--server=https://127.0.0.1:9 exec -it kuard ash")
    assert "is not supported anymore. Use exec [POD] -- [COMMAND] instead" in date.stderr
    assert "is not supported anymore. Use exec [POD] -- [COMMAND] instead" in ash.stderr

    # and when they come after two dashes, then the one prints the date,
    assert lab.kubectl("exec kuard -- date +%Y").stdout.strip().isdigit()

    # and the other is a shell at a terminal.
    shown = lab.terminal("exec -it kuard -- ash", "test -t 0; echo not a terminal: $?", "echo $((6 * 7))", "exit")
    assert "not a terminal: 0" in shown.stdout
    assert "42" in shown.stdout.split()
