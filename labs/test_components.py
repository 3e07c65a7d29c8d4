"""Cluster components: what a cluster is made of, where each part runs, who runs it, and how to look at it.

The lesson in its order: kubectl and the API; the nodes; what tells of the cluster's health; namespaces; the parts of
the control plane, kube-proxy and DNS; and the dashboard, of which only the way to it is left.
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
    put,
    ready,
    remove,
    sabotage,
    skip,
    wrong,
)

DOCS = "https://kubernetes.io/docs/"
COMPONENTS = DOCS + "concepts/overview/components/"
NAMESPACES = DOCS + "concepts/overview/working-with-objects/namespaces/"
TAINTS = DOCS + "concepts/scheduling-eviction/taint-and-toleration/"
DAEMONSET = DOCS + "concepts/workloads/controllers/daemonset/"
STATIC = DOCS + "tasks/configure-pod-container/static-pod/"
HEALTH = DOCS + "reference/using-api/health-checks/"
DESCRIBE = DOCS + "reference/kubectl/generated/kubectl_describe/"
DNS = DOCS + "concepts/services-networking/dns-pod-service/"
PROXY = DOCS + "tasks/extend-kubernetes/http-proxy-access-api/"
DASHBOARD = DOCS + "tasks/access-application-cluster/web-ui-dashboard/"

CONTROL_PLANE = "node-role.kubernetes.io/control-plane"
NO_HEADER = "--no-headers"
INSTALLED = "nothing is done: it is read what the installer has left"


@claim(
    "components.kubectl-api-client",
    source=DOCS + "concepts/overview/kubernetes-api/",
    twin="a dry run on the client: the same command, of which the server never hears",
    takes_s=1,
)
@sabotage("the dry run in earnest", instead(" --dry-run=client", ""))
@sabotage("another API server", instead("get configmap guitar", "get configmap guitar --server=https://127.0.0.1:9"))
@sabotage("another verb", instead("label configmap guitar tuned=yes", "get configmap guitar"))
def test_kubectl_speaks_to_the_api(lab: Lab) -> None:
    """What kubectl does are HTTP requests to the Kubernetes API: it gets, posts, patches and deletes at a path."""
    # Given the path at which the API serves the ConfigMaps of a namespace,
    path = f"/api/v1/namespaces/{lab.namespace}/configmaps"

    # when kubectl is asked to tell its requests (-v=6), then there is one with the fitting verb for each command,
    expected = {
        "create configmap guitar --from-literal=strings=6": "POST",
        "label configmap guitar tuned=yes": "PATCH",
        "get configmap guitar": "GET",
    }
    for command, verb in expected.items():
        told = lab.kubectl(f"{command} -v=6").stderr
        assert any(f'"{verb}"' in line and path in line for line in told.splitlines()), f"{command}: no {verb}"

    # the same can be had without any command of kubectl's own,
    assert '"name":"guitar"' in lab.kubectl(f"get --raw {path}").stdout

    # and what it only would have done makes no request.
    dry = lab.kubectl("create configmap drum --from-literal=sticks=2 --dry-run=client -v=6").stderr
    assert '"POST"' not in dry, "the server was asked"


@claim(
    "components.kubectl-manages",
    source=DOCS + "reference/kubectl/#operations",
    twin="listener: a user who may look, and nothing else",
    takes_s=2,
)
@sabotage("the listener may touch", put("rules[0].verbs", ["get", "list", "patch"], of="role/audience"))
@sabotage("no health", instead("get --raw /readyz", "get --raw /readyz/none"))
@sabotage("nothing deleted", instead("delete daemonset crew", "get daemonset crew"))
def test_kubectl_manages_objects_as_far_as_its_user_may(lab: Lab) -> None:
    """With kubectl one creates, reads, changes and deletes objects of all kinds, as far as one's user is allowed to."""
    # Given a Pod, a Deployment and a DaemonSet,
    lab.apply("components/three-kinds.yaml")
    kinds = "get pods,deployments,daemonsets -o name"
    assert set(lab.kubectl(kinds).stdout.split()) == {"pod/solo", "deployment.apps/band", "daemonset.apps/crew"}

    # when one is changed and one is deleted, by a user who may look, and by one who may do everything,
    looked = lab.poll(
        "the listener may look", lambda: lab.tried("get deployments --as=listener"), until=lambda r: not r.rc
    )
    refused = lab.refused('patch deployment band --as=listener -p \'{"spec": {"paused": true}}\'')
    lab.kubectl('patch deployment band -p \'{"spec": {"paused": true}}\'')
    lab.kubectl("delete daemonset crew")

    # then only the one who may has done it; and how the API server is can be asked in the same way.
    assert "band" in looked.stdout
    assert "forbidden" in refused.stderr
    assert lab.get("Deployment", "band").raw["spec"].get("paused")
    assert set(lab.kubectl(kinds).stdout.split()) == {"pod/solo", "deployment.apps/band"}
    assert lab.kubectl("get --raw /readyz").stdout == "ok"


@claim(
    "components.get-nodes",
    source=DOCS + "concepts/architecture/nodes/",
    twin="the spare worker, which another lab may have taken away: it is listed in any case",
    takes_s=1,
    needs="nodes",
)
@sabotage("one is left out", instead("get nodes -o", "get nodes -l '!labs/spare' -o"))
@sabotage("no control plane", instead(f"-l {CONTROL_PLANE}", f"-l '!{CONTROL_PLANE}'"))
def test_get_nodes_lists_the_machines(lab: Lab) -> None:
    """The nodes are the machines of a cluster: kubectl get nodes lists all, with their role, version and readiness."""
    # Given a cluster of a control plane and two workers,
    control_plane, worker, spare = lab.cluster.nodes

    # when its nodes are listed,
    columns = "custom-columns=NAME:.metadata.name,VERSION:.status.nodeInfo.kubeletVersion"
    rows = lab.kubectl(f"get nodes -o {columns} {NO_HEADER}").stdout.splitlines()

    # then there are these three, each with the version of its kubelet,
    assert {tuple(row.split()) for row in rows} == {
        (node.name, lab.cluster.kubernetes) for node in (control_plane, worker, spare)
    }

    # those that run are Ready, and the role is a label.
    status = dict(line.split()[:2] for line in lab.kubectl(f"get nodes {NO_HEADER}").stdout.splitlines())
    assert status[control_plane.name] == status[worker.name] == "Ready"
    assert lab.kubectl(f"get nodes -l {CONTROL_PLANE} -o name").stdout.split() == [f"node/{control_plane.name}"]


@claim(
    "components.kernel-architecture",
    ledger=["components.get-nodes"],
    source=DOCS + "reference/kubectl/generated/kubectl_get/",
    twin="nodeInfo: where kernel and architecture are two things",
    takes_s=1,
    since="1.36",
)
@sabotage("a smaller table", instead("get nodes -o wide", "get nodes"))
def test_the_widest_table_of_nodes_tells_their_architecture(lab: Lab) -> None:
    """kubectl get nodes -o wide shows the architecture behind the version of the kernel."""
    # Given what a node says of its kernel and its architecture,
    node, info = lab.cluster.nodes[0].name, "jsonpath={.status.nodeInfo"
    kernel = lab.kubectl(f"get node {node} -o {info}.kernelVersion}}").stdout
    architecture = lab.kubectl(f"get node {node} -o {info}.architecture}}").stdout

    # when the nodes are listed with all that there is, then both are in one column.
    (row,) = [line for line in lab.kubectl("get nodes -o wide").stdout.splitlines() if line.split()[0] == node]
    assert f"   {kernel} ({architecture})   " in row


@claim(
    "components.kernel-alone",
    ledger=["components.get-nodes"],
    source=DOCS + "reference/kubectl/generated/kubectl_get/",
    twin="nodeInfo: where kernel and architecture are two things",
    takes_s=1,
    until="1.36",
)
@sabotage("a smaller table", instead("get nodes -o wide", "get nodes"))
def test_the_widest_table_of_nodes_does_not_tell_their_architecture(lab: Lab) -> None:
    """kubectl get nodes -o wide shows the version of the kernel, but not the architecture."""
    # Given what a node says of its kernel and its architecture,
    node, info = lab.cluster.nodes[0].name, "jsonpath={.status.nodeInfo"
    kernel = lab.kubectl(f"get node {node} -o {info}.kernelVersion}}").stdout
    architecture = lab.kubectl(f"get node {node} -o {info}.architecture}}").stdout

    # when the nodes are listed with all that there is, then the one is there alone.
    (row,) = [line for line in lab.kubectl("get nodes -o wide").stdout.splitlines() if line.split()[0] == node]
    assert f"   {kernel}   " in row
    assert f"({architecture})" not in row


@claim(
    "components.declared-features",
    ledger=["components.get-nodes"],
    source=DOCS + "reference/node/node-status/",
    twin="nodeInfo: what has always been there",
    takes_s=1,
    since="1.36",
)
@sabotage("something else", instead(".status.declaredFeatures", ".status.volumesInUse"))
def test_a_node_says_what_its_kubelet_can_do(lab: Lab) -> None:
    """A Node lists the features of its kubelet that the control plane must know of, in status.declaredFeatures."""
    # Given the nodes, when they are asked, then each has such a list beside its version.
    for node in lab.cluster.nodes:
        declared = lab.kubectl(f"get node {node.name} -o jsonpath={{.status.declaredFeatures}}").stdout
        version = lab.kubectl(f"get node {node.name} -o jsonpath={{.status.nodeInfo.kubeletVersion}}").stdout
        assert "InPlacePodLevelResourcesVerticalScaling" in declared
        assert version == lab.cluster.kubernetes


@claim(
    "components.no-declared-features",
    ledger=["components.get-nodes"],
    source=DOCS + "reference/node/node-status/",
    twin="nodeInfo: what has always been there",
    takes_s=1,
    until="1.36",
)
@sabotage("something that there is", instead(".status.declaredFeatures", ".status.conditions"))
def test_a_node_says_of_its_kubelet_what_version_it_is(lab: Lab) -> None:
    """A Node tells which version its kubelet is, and nothing of the features of that."""
    # Given the nodes, when they are asked, then each has its version and no such list.
    for node in lab.cluster.nodes:
        declared = lab.kubectl(f"get node {node.name} -o jsonpath={{.status.declaredFeatures}}").stdout
        version = lab.kubectl(f"get node {node.name} -o jsonpath={{.status.nodeInfo.kubeletVersion}}").stdout
        assert declared == ""
        assert version == lab.cluster.kubernetes


@claim(
    "components.describe-node",
    source=DESCRIBE,
    twin="node-1: a name that no node has here",
    takes_s=1,
    needs="nodes",
)
@sabotage("get in place of describe", instead("describe nodes", "get nodes"))
@sabotage("all nodes", instead("describe nodes node-1", "describe nodes"))
def test_describe_needs_the_name_of_a_node(lab: Lab) -> None:
    """kubectl describe tells what a node has, how it is and what runs there; a name that does not exist is an error."""
    # Given the name of a node,
    name = lab.cluster.control_plane.name

    # when it is described, then there are sections on its state, its resources, its system and its Pods,
    told = lab.kubectl(f"describe nodes {name}").stdout
    sections = {line.rstrip(":") for line in told.splitlines() if line.endswith(":")}
    assert {"Conditions", "Capacity", "Allocatable", "System Info", "Allocated resources"} <= sections
    assert "Non-terminated Pods:" in told

    # and a name from somebody else's cluster is not found.
    assert "not found" in lab.refused("describe nodes node-1").stderr


@claim(
    "components.describe-labels-pods",
    source=DESCRIBE,
    twin="the control plane: the same command for a node that the Pod is not on",
    takes_s=3,
    needs="nodes",
)
@sabotage(
    "on the other node",
    put("spec.nodeSelector", {CONTROL_PLANE: ""}),
    put("spec.tolerations", [{"operator": "Exists"}]),
)
@sabotage("get in place of describe", instead("describe node", "get node"))
def test_describe_shows_labels_and_pods_of_one_node(lab: Lab) -> None:
    """kubectl describe node shows the node's labels, and the Pods on it from all namespaces, but no other node's."""
    # Given a Pod on a worker,
    guest = lab.apply("components/guest.yaml")
    lab.given("the Pod on a node", guest, until=lambda pod: pod.node)
    worker, control_plane = lab.cluster.workers[0].name, lab.cluster.control_plane.name

    # when both nodes are described,
    here = lab.kubectl(f"describe node {worker}").stdout
    there = lab.kubectl(f"describe node {control_plane}").stdout

    # then each shows its own labels, and only one of them the Pod.
    assert f"kubernetes.io/hostname={worker}" in here
    assert f"kubernetes.io/hostname={control_plane}" in there
    assert [lab.namespace, "guest"] in [line.split()[:2] for line in here.splitlines()]
    assert [lab.namespace, "guest"] not in [line.split()[:2] for line in there.splitlines()]


@claim(
    "components.describe-pressure",
    source=DOCS + "reference/node/node-status/#condition",
    notes=imprecise(
        "describe tells whether a node has enough memory, disk space and CPU",
        "conditions tell of memory, disk and process ids; of CPU there is only what is allocatable and what is taken",
    ),
    twin="modest: the same Pod that asks for next to no CPU",
    takes_s=3,
)
@sabotage("the greedy one is modest", put("spec.containers[0].resources.requests.cpu", "1m", of="pod/greedy"))
@sabotage("a condition of CPU", instead(".conditions[*].type}", ".conditions[*].type} CPUPressure"))
@sabotage("no conditions", instead(".conditions[*].type}", ".addresses[*].type}"))
def test_no_condition_of_a_node_tells_of_its_cpu(lab: Lab) -> None:
    """A node's conditions tell of pressure on memory, disk and process ids; without enough CPU a Pod just waits.

    OutOfDisk, which a node had as well when the notes were written, is no more.
    """
    # Given a Pod that asks for little CPU, and one that asks for more than there is,
    modest, greedy = lab.apply("components/too-much-cpu.yaml")

    # when the scheduler has looked at both,
    placed, waiting = lab.eventually(
        "one has a node, the other was looked at",
        modest,
        greedy,
        until=lambda m, g: m.node and g.condition("PodScheduled"),
    )

    # then the greedy one has no node,
    assert waiting.node is None, "there is room for it"
    assert waiting.condition("PodScheduled")["reason"] == "Unschedulable"

    # and no condition of a node is about that.
    found = lab.kubectl(f"get node {placed.node} -o 'jsonpath={{.status.conditions[*].type}}'").stdout.split()
    assert {"MemoryPressure", "DiskPressure", "PIDPressure", "Ready"} <= set(found)
    assert [type for type in found if "CPU" in type or type == "OutOfDisk"] == []


@claim(
    "components.storage-in-bytes",
    ledger=["components.describe-node"],
    source=DOCS + "concepts/storage/ephemeral-storage/",
    twin="memory: which is in Ki as ever",
    takes_s=1,
    since="1.37",
)
@sabotage("the memory of both", instead(".status.capacity.ephemeral-storage", ".status.capacity.memory"))
def test_a_nodes_disk_is_given_in_bytes(lab: Lab) -> None:
    """A node's capacity for ephemeral storage is given in bytes, that for memory in Ki."""
    # Given a node, when its capacity is read, then that of the disk has no binary suffix, and that of memory has.
    node = lab.cluster.nodes[0].name
    storage = lab.kubectl(f"get node {node} -o jsonpath={{.status.capacity.ephemeral-storage}}").stdout
    memory = lab.kubectl(f"get node {node} -o jsonpath={{.status.capacity.memory}}").stdout
    assert storage
    assert not storage.endswith("i")
    assert memory.endswith("i")


@claim(
    "components.storage-in-ki",
    ledger=["components.describe-node"],
    source=DOCS + "concepts/storage/ephemeral-storage/",
    twin="memory: which is in Ki, too",
    takes_s=1,
    until="1.37",
)
@sabotage("a number", instead(".status.capacity.ephemeral-storage", ".status.capacity.cpu"))
def test_a_nodes_disk_is_given_in_ki(lab: Lab) -> None:
    """A node's capacity for ephemeral storage is given in Ki, as that for memory is."""
    # Given a node, when its capacity is read, then that of the disk has a binary suffix, as that of memory has.
    node = lab.cluster.nodes[0].name
    capacity = lab.kubectl(f"get node {node} -o jsonpath={{.status.capacity.ephemeral-storage}}").stdout
    memory = lab.kubectl(f"get node {node} -o jsonpath={{.status.capacity.memory}}").stdout
    assert capacity.endswith("i")
    assert memory.endswith("i")


@claim(
    "components.describe-usage",
    source=DOCS + "concepts/configuration/manage-resources-containers/#how-pods-with-resource-limits-are-run",
    notes=imprecise(
        "describe shows a node's CPU usage and limits",
        "it adds up what the Pods request and are limited to; usage needs the metrics server, and kubectl top",
    ),
    twin="idle: the same Pod, doing nothing",
    takes_s=5,
    needs="nodes",
)
@sabotage("another request", put("spec.containers[0].resources.requests.cpu", "20m", of="pod/busy"))
@sabotage("something that needs no metrics", instead("top nodes", "get nodes"))
def test_describe_shows_requests_not_usage(lab: Lab) -> None:
    """kubectl describe node shows what Pods request and are limited to; how much they use it does not know."""
    # Given two Pods with the same requests, of which one uses ten times its request,
    busy, idle = lab.apply("components/usage.yaml")
    running, _ = lab.ready(busy, idle)
    # The 14th number of a process' statistics is how many hundredths of a second it has run.
    statistics = "exec {} -- cat /proc/1/stat"
    lab.poll(
        "it has run for 0.3 seconds",
        lambda: int(lab.kubectl(statistics.format("busy")).stdout.split()[13]),
        until=lambda hundredths: hundredths >= 30,
        within=START,
    )
    assert int(lab.kubectl(statistics.format("idle")).stdout.split()[13]) < 10

    # when their node is described,
    told = lab.kubectl(f"describe node {running.node}").stdout

    # then both are the same to it: request and limit,
    rows = [line.split() for line in told.splitlines() if lab.namespace in line.split()[:1]]
    assert {row[1]: (row[2], row[4]) for row in rows} == {"busy": ("10m", "100m"), "idle": ("10m", "100m")}

    # and the command for usage has nobody to ask.
    assert "Metrics API not available" in lab.refused("top nodes").stderr


@claim(
    "components.componentstatus-command",
    source=HEALTH + "#api-endpoints-for-health",
    notes=changed(
        "kubectl get componentstatus gives the state of the components",
        "it still does, with a warning that it is deprecated; ask /readyz and /livez of the API server",
        since="1.19",
    ),
    twin="/readyz: the successor, which comes without a warning",
    takes_s=1,
    needs="nodes",
)
@sabotage("another kind", instead("get componentstatuses", "get nodes"))
@sabotage("without etcd", instead("/readyz?verbose", "/readyz?verbose&exclude=etcd"))
def test_componentstatus_is_deprecated(lab: Lab) -> None:
    """kubectl get componentstatuses works, but is deprecated; the API server's /readyz tells the same of etcd."""
    # Given the three components that the API server knows how to ask,
    components = {"controller-manager", "scheduler", "etcd-0"}

    # when their status is got in the old way and in the new one,
    columns = 'custom-columns=NAME:.metadata.name,HEALTHY:.conditions[?(@.type=="Healthy")].status'
    old = lab.kubectl(f"get componentstatuses -o '{columns}' {NO_HEADER}")
    new = lab.kubectl("get --raw /readyz?verbose")

    # then the old one still answers, and says that it is out of date,
    assert {tuple(row.split()) for row in old.stdout.splitlines()} == {(name, "True") for name in components}
    assert "ComponentStatus is deprecated" in old.stderr

    # and the new one lists what it has checked, etcd as well.
    assert "[+]etcd ok" in new.stdout.splitlines()
    assert new.stdout.splitlines()[-1] == "readyz check passed"
    assert new.stderr == ""


@claim(
    "components.livez-readyz",
    ledger=["components.componentstatus-command"],
    source=HEALTH + "#individual-health-checks",
    twin="/livez: the same question about life",
    takes_s=1,
)
@sabotage("the same question twice", instead("/livez?verbose", "/readyz?verbose"))
@sabotage("no such check", instead("/readyz/etcd", "/readyz/etcd-1"))
def test_an_api_server_is_alive_before_it_is_ready(lab: Lab) -> None:
    """An API server is ready when what keeps it alive is well, it knows its objects, and it does not shut down."""
    # Given an API server in service,
    # when it is asked whether it is alive, and whether it is ready,
    of_life = set(lab.kubectl("get --raw /livez?verbose").stdout.splitlines()[:-1])
    of_service = set(lab.kubectl("get --raw /readyz?verbose").stdout.splitlines()[:-1])

    # then readiness takes more checks,
    assert "[+]etcd ok" in of_life & of_service
    assert {"[+]informer-sync ok", "[+]shutdown ok"} <= of_service - of_life

    # and each of them can be asked for alone.
    assert lab.kubectl("get --raw /readyz/etcd").stdout == "ok"


@claim(
    "components.statusz",
    ledger=["components.componentstatus-command"],
    source=DOCS + "reference/instrumentation/zpages/",
    twin="/readyz: the question that could always be asked",
    takes_s=1,
    since="1.36",
)
@sabotage("another question", instead("--raw /statusz", "--raw /livez"))
@sabotage("a question that there is not", instead("--raw /flagz", "--raw /flags"))
def test_an_api_server_tells_of_itself(lab: Lab) -> None:
    """The API server tells at /statusz its version and since when it runs, and at /flagz how it was started."""
    # Given an API server that is ready,
    assert lab.kubectl("get --raw /readyz").stdout == "ok"

    # when it is asked for more, then it tells its version (the sign before it differs from start to start) and options.
    status = lab.kubectl("get --raw /statusz").stdout.splitlines()
    told = [line for line in status if line.startswith("Binary version")]
    assert [line.endswith(lab.cluster.kubernetes.removeprefix("v")) for line in told] == [True]
    assert "service-cluster-ip-range" in lab.kubectl("get --raw /flagz").stdout


@claim(
    "components.no-statusz",
    ledger=["components.componentstatus-command"],
    source=DOCS + "reference/instrumentation/zpages/",
    twin="/readyz: a question that could always be asked",
    takes_s=1,
    until="1.36",
)
@sabotage("another question", instead("--raw /statusz", "--raw /livez"))
@sabotage("the other one, too", instead("--raw /flagz", "--raw /livez"))
def test_an_api_server_tells_little_of_itself(lab: Lab) -> None:
    """The API server tells whether it is ready; /statusz and /flagz it does not know."""
    # Given an API server that is ready,
    assert lab.kubectl("get --raw /readyz").stdout == "ok"

    # when it is asked for more, then it knows nothing of that.
    assert "NotFound" in lab.refused("get --raw /statusz").stderr
    assert "NotFound" in lab.refused("get --raw /flagz").stderr


@claim(
    "components.componentstatus-coverage",
    source=DOCS + "reference/kubernetes-api/cluster-resources/component-status-v1/",
    notes=imprecise(
        "kubectl tells the health of the different components on the cluster",
        "of the scheduler, the controller manager and etcd; nothing of nodes, their kubelets, kube-proxy and DNS",
    ),
    twin="the same status while the machine runs",
    takes_s=8,
    takes_a_node=True,
)
@sabotage("the machine goes on", skip("freeze the machine"))
def test_componentstatus_does_not_see_the_nodes(lab: Lab) -> None:
    """ComponentStatus knows the control plane alone: with a node's machine frozen, all that it lists is healthy."""
    # Given a node whose kubelet says that it is well,
    node = lab.spare()
    kubelet = f"get --raw /api/v1/nodes/{node.name}/proxy/healthz --request-timeout=4s"
    status = f"get componentstatuses {NO_HEADER}"
    assert lab.kubectl(kubelet).stdout == "ok"
    before = {tuple(line.split()[:2]) for line in lab.kubectl(status).stdout.splitlines()}

    # when its machine freezes,
    with lab.without(node.name):
        # then its kubelet is silent, and the status of the components is what it was.
        lab.refused(kubelet)
        assert {tuple(line.split()[:2]) for line in lab.kubectl(status).stdout.splitlines()} == before
        assert {health for _, health in before} == {"Healthy"}


@claim(
    "components.namespace-grouping",
    source=NAMESPACES,
    twin="the lab's own namespace: there the name is taken",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("the same namespace", instead("-payments", ""))
@sabotage("a kind that has no namespace", instead("get configmaps -n", "get nodes -n"))
def test_a_namespace_makes_names_unique(lab: Lab) -> None:
    """A namespace groups objects, and a name is unique within it alone; nodes and namespaces are in none."""
    # Given two namespaces, and an object in one of them,
    lab.apply("components/second-namespace.yaml")
    lab.kubectl("create configmap settings --from-literal=currency=euro")

    # when one of the same kind and name is created in each,
    refused = lab.refused("create configmap settings --from-literal=currency=yen")
    lab.kubectl(f"create configmap settings --from-literal=currency=yen -n {lab.namespace}-payments")

    # then the name is taken in the one, and free in the other: they are two objects,
    assert "already exists" in refused.stderr
    value = "-o jsonpath={.data.currency}"
    assert lab.kubectl(f"get configmap settings {value}").stdout == "euro"
    assert lab.kubectl(f"get configmap settings -n {lab.namespace}-payments {value}").stdout == "yen"
    listed = lab.kubectl(f"get configmaps -n {lab.namespace}-payments -o name").stdout.split()
    assert "configmap/settings" in listed

    # and some kinds are in no namespace at all.
    without = lab.kubectl("api-resources --namespaced=false -o name").stdout.split()
    assert {"nodes", "namespaces"} <= set(without)
    assert "configmaps" not in without


@claim(
    "components.kube-system-case",
    source=DOCS + "concepts/overview/working-with-objects/names/#dns-label-names",
    notes=wrong(
        "the components run in the Kube-system namespace",
        "it is kube-system: a namespace's name has no capitals, and looking into one that does not exist is no error",
    ),
    twin="kube-system: the same command in lower case",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("in lower case", instead("Kube-system", "kube-system"))
@sabotage("the twin with a capital", instead("-n kube-system", "-n Kube-system"))
def test_no_namespace_has_a_capital_letter(lab: Lab) -> None:
    """A namespace's name is in lower case: Kube-system cannot exist, but listing its Pods just finds none."""
    # Given Pods in kube-system,
    assert lab.kubectl("get pods -n kube-system -o name").stdout

    # when they are looked for under the name with a capital, then there are none, and kubectl sees no fault in that;
    assert lab.kubectl("get pods -n Kube-system -o name").stdout == ""

    # and when that namespace is to be made, it is refused.
    refused = lab.refused("create namespace Kube-system")
    assert "a lowercase RFC 1123 label must consist of" in refused.stderr


@claim(
    "components.deployed-automatically",
    source=COMPONENTS,
    notes=imprecise(
        "Kubernetes deploys its components when the cluster is created",
        "the installer does: it writes files for each kubelet, and gives kube-proxy and DNS to the new API server",
    ),
    no_twin=INSTALLED,
    takes_s=1,
    needs="nodes",
)
@sabotage("kube-proxy in their place", instead("-l tier=control-plane", "-l k8s-app=kube-proxy"))
@sabotage("DNS in its place", instead("-l k8s-app=kube-proxy", "-l k8s-app=kube-dns"))
def test_the_owner_tells_who_runs_a_component(lab: Lab) -> None:
    """The control plane's Pods belong to a node, whose kubelet runs them from files; kube-proxy and DNS to controllers.

    The four are static Pods, and what the API shows of them are mirrors, with an annotation that says so.
    """
    # Given the Pods that an installer leaves in kube-system,
    mirror = r"MIRROR:.metadata.annotations.kubernetes\.io/config\.mirror"
    columns = f"custom-columns=OWNER:.metadata.ownerReferences[0].kind,NAME:.metadata.labels.component,{mirror}"
    look = f"get pods -n kube-system {NO_HEADER} -o '{columns}'"

    # when their owners are looked at, then those of the control plane are owned by a Node and are mirrors,
    rows = [line.split() for line in lab.kubectl(f"{look} -l tier=control-plane").stdout.splitlines()]
    assert {(owner, name) for owner, name, _ in rows} == {
        ("Node", name) for name in ("etcd", "kube-apiserver", "kube-controller-manager", "kube-scheduler")
    }
    assert "<none>" not in {mirror for _, _, mirror in rows}

    # and the others by controllers, which make ordinary Pods.
    proxies = {tuple(line.split()) for line in lab.kubectl(f"{look} -l k8s-app=kube-proxy").stdout.splitlines()}
    dns = {tuple(line.split()) for line in lab.kubectl(f"{look} -l k8s-app=kube-dns").stdout.splitlines()}
    assert proxies == {("DaemonSet", "<none>", "<none>")}
    assert dns == {("ReplicaSet", "<none>", "<none>")}


@claim(
    "components.static-pods",
    ledger=["components.deployed-automatically"],
    source=STATIC + "#behavior-of-static-pods",
    twin="ordinary: the same Pod, created through the API",
    takes_s=8,
    needs="nodes",
)
@sabotage(
    "created through the API",
    put("spec.volumes[1].hostPath.path", "/var/tmp", of="pod/installer"),
    put("metadata.labels.app", "static", of="pod/ordinary"),
)
@sabotage("the ordinary one stays", instead("delete pods --wait=false ordinary", "delete pods --wait=false"))
def test_deleting_a_mirror_does_not_stop_a_static_pod(lab: Lab) -> None:
    """A static Pod is run by a kubelet from a file on its node: through the API it can be seen, but not stopped.

    The kubelet makes another mirror for one that was deleted: at once up to 1.36, since 1.37 when it next looks at all
    its Pods, 60 to 90 s later.
    """
    # Given a Pod whose manifest was laid into the kubelet's folder on a node, and an ordinary one,
    _, _, ordinary = lab.apply("components/static-pod.yaml")
    static = lab.pods(app="static")
    lab.ready(ordinary)
    (mirror,) = lab.eventually("the file becomes a Pod", static, until=ready(1), within=START + START).pods
    assert [owner["kind"] for owner in mirror.owners] == ["Node"]

    # when both are deleted through the API,
    deleted = lab.now("both are deleted")
    lab.kubectl(f"delete pods --wait=false ordinary {mirror.name}")

    # then the ordinary Pod is gone,
    stops = budgets.stops(ordinary.manifest)
    lab.eventually("the ordinary Pod is gone", ordinary, until=lambda pod: pod.gone, within=stops, since=deleted)

    # and of the static one no more than its mirror was touched: the container has never stopped.
    (touched,) = lab.eventually(
        "its mirror is marked, or another is there",
        static,
        until=lambda pods: (
            any(pod.terminating for pod in pods.pods)
            if lab.minor >= 37
            else ready(1)(pods) and pods.uids != {mirror.uid}
        ),
        within=START,
        since=deleted,
    ).pods
    assert touched.container("web").container_id == mirror.container("web").container_id
    assert lab.ask(touched, "/")["name"] == mirror.name


@claim(
    "components.all-in-kube-system",
    source=COMPONENTS + "#node-components",
    notes=imprecise(
        "all components run in the kube-system namespace",
        "those that are Pods mostly do; the kubelet and the container runtime are programs of the node, and no Pods",
    ),
    twin="own: the same Pod, which sees its own processes only",
    takes_s=3,
    needs="nodes",
)
@sabotage("processes of its own only", remove("spec.hostPID", of="pod/node"))
@sabotage("both see the node", put("spec.hostPID", True, of="pod/own"))
def test_the_kubelet_and_the_runtime_are_no_pods(lab: Lab) -> None:
    """kube-proxy runs in a Pod of kube-system, but the kubelet and containerd run on the node itself, in no namespace.

    A component may also have a namespace of its own, as kind's storage provisioner has.
    """
    # Given a Pod that sees all processes of its node,
    node, own = lab.apply("components/processes.yaml")
    place, _ = lab.ready(node, own)

    # when it looks for the components that each node has,
    look = "exec {} -- sh -c 'cat /proc/[0-9]*/comm 2> /dev/null || true'"
    processes = set(lab.kubectl(look.format("node")).stdout.split())
    assert {"kubelet", "containerd", "kube-proxy"} <= processes
    assert not {"kubelet", "containerd", "kube-proxy"} & set(lab.kubectl(look.format("own")).stdout.split())

    # then one of them is a container of a Pod there, and the others are of none.
    columns = "custom-columns=NAMESPACE:.metadata.namespace,CONTAINERS:.spec.containers[*].name"
    pods = lab.kubectl(f"get pods -A --field-selector spec.nodeName={place.node} -o {columns} {NO_HEADER}").stdout
    homes = {name: line.split()[0] for line in pods.splitlines() for name in line.split()[1].split(",")}
    assert homes["kube-proxy"] == "kube-system"
    assert not {"kubelet", "containerd"} & homes.keys()
    assert lab.kubectl("get deployments -n local-path-storage -o name").stdout


@claim(
    "components.master-no-schedule",
    source=TAINTS,
    notes=changed(
        "Kubernetes schedules nothing on the master node",
        "the installer gives the control plane a taint, which Pods may tolerate; it is no longer called master",
        since="1.25",
    ),
    twin="ordinary: the same Pod without the toleration",
    takes_s=3,
    needs="nodes",
)
@sabotage("both tolerate", put("spec.tolerations", [{"operator": "Exists"}], of="pod/ordinary"))
@sabotage("the taint of a worker", instead(f"-l {CONTROL_PLANE}", "-l labs/spare"))
def test_a_taint_keeps_pods_off_the_control_plane(lab: Lab) -> None:
    """The control plane has the taint control-plane:NoSchedule, so only Pods that tolerate it are scheduled there."""
    # Given the taint that the installer has put on the control plane, and on no node one with the name of old,
    taint = "-o 'jsonpath={range .items[*].spec.taints[*]}{.key}:{.effect}{\" \"}{end}'"
    assert f"{CONTROL_PLANE}:NoSchedule" in lab.kubectl(f"get nodes -l {CONTROL_PLANE} {taint}").stdout.split()
    assert "master" not in lab.kubectl(f"get nodes {taint}").stdout

    # when two Pods ask for that node, of which one tolerates the taint,
    tolerant, ordinary = lab.apply("components/control-plane.yaml")

    # then that one is placed there, and for the other there is no node.
    placed, waits = lab.eventually(
        "one has a node, the other was looked at",
        tolerant,
        ordinary,
        until=lambda t, o: t.node and o.condition("PodScheduled"),
        within=START,
    )
    assert placed.node == lab.cluster.control_plane.name
    assert waits.condition("PodScheduled").get("reason") == "Unschedulable", "it was scheduled"
    lab.never("it has a node", ordinary, lambda pod: pod.node, until=placed)


@claim(
    "components.single-node-exception",
    source=TAINTS,
    notes=imprecise(
        "only Minikube is an exception, as it has one node",
        "the exception is any node without the taint, and an installer puts none on an only node",
    ),
    twin="on-the-plain-one: the same Pod, for the worker without a taint",
    takes_s=2,
)
@sabotage("it tolerates the taint", put("spec.tolerations", [{"operator": "Exists"}], of="pod/on-the-tainted-one"))
def test_the_taint_decides_not_the_role(lab: Lab) -> None:
    """What keeps Pods off a node is a taint: any node may have one, and one without takes Pods, whatever its role."""
    # Given two workers, alike but for a taint on one of them,
    # when a Pod asks for each,
    plain, tainted = lab.apply("components/workers.yaml")

    # then the one without a taint takes its Pod, and the other one does not.
    placed, waits = lab.eventually(
        "one has a node, the other was looked at",
        plain,
        tainted,
        until=lambda p, t: p.node and t.condition("PodScheduled"),
    )
    assert waits.condition("PodScheduled").get("reason") == "Unschedulable", "it was scheduled"
    lab.never("it has a node", tainted, lambda pod: pod.node, until=placed)
    assert lab.kubectl(f"get node {placed.node} -o 'jsonpath={{.spec.taints}}'").stdout == ""


@claim(
    "components.kube-proxy-role",
    source=DOCS + "reference/labels-annotations-taints/#servicekubernetesioservice-proxy-name",
    notes=imprecise(
        "the proxy routes network traffic and balances its load",
        "it makes the addresses of Services work, on every node; traffic from Pod to Pod does without it",
    ),
    twin="twin: the same Service, which kube-proxy takes care of",
    takes_s=5,
)
@sabotage("no label", remove("metadata.labels", of="service/web"))
@sabotage("the label stays", skip("label service web"))
def test_kube_proxy_makes_service_addresses_work(lab: Lab) -> None:
    """A Service's address works because kube-proxy routes it to Pods; a Pod's own address works without it."""
    # Given a Pod behind a Service that kube-proxy is told to leave alone,
    service, web = lab.apply("components/proxy-name.yaml")
    lab.given("both of it", web, lab.endpoints(service), until=lambda w, e: w.ready and e.ready == ("web",))

    # when there is a second Service for the same Pod, later, and the Pod asks both,
    twin = lab.apply("components/twin-service.yaml")
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]
    url = f"http://{lab.get('Service', twin.name).raw['spec']['clusterIP']}/"
    lab.poll("the second one answers", lambda: lab.fetch(web, url)[0], until=lambda answer: answer.name == "web")

    # then nobody answers for the first one, although it has its endpoint, and at its own address the Pod does answer,
    # (where the API server asks it, from the node of the control plane)
    assert [a.name for a in lab.fetch(web, f"http://{address}/", n=3)] == [None] * 3
    assert lab.ask(web, "/")["name"] == "web"

    # until it is kube-proxy's as well.
    lab.kubectl("label service web service.kubernetes.io/service-proxy-name-")
    lab.poll(
        "the first one answers",
        lambda: lab.fetch(web, f"http://{address}/")[0],
        until=lambda answer: answer.name == "web",
    )


@claim(
    "components.kube-proxy-every-node",
    source=DAEMONSET + "#taints-and-tolerations",
    notes=imprecise(
        "the proxy is on every node of the cluster",
        "where the installer made it a DaemonSet that tolerates all taints, as kubeadm does; some networks need none",
    ),
    twin="ordinary: the same DaemonSet without tolerations",
    takes_s=2,
    needs="nodes",
)
@sabotage("both tolerate all", put("spec.template.spec.tolerations", [{"operator": "Exists"}], of="daemonset/ordinary"))
@sabotage("Pods of something else", instead("-l k8s-app=kube-proxy", "-l k8s-app=kube-dns"))
def test_a_daemonset_that_tolerates_all_is_on_every_node(lab: Lab) -> None:
    """kube-proxy is on each node, the control plane too, because its DaemonSet's Pods tolerate every taint."""
    # Given kube-proxy on all nodes, and what its Pods tolerate,
    nodes = {node.name for node in lab.cluster.nodes}
    columns = f"-o custom-columns=NODE:.spec.nodeName {NO_HEADER}"
    assert set(lab.kubectl(f"get pods -n kube-system -l k8s-app=kube-proxy {columns}").stdout.split()) == nodes
    tolerations = "-o jsonpath={.spec.template.spec.tolerations}"
    assert lab.kubectl(f"get daemonset -n kube-system kube-proxy {tolerations}").stdout == '[{"operator":"Exists"}]'

    # when another DaemonSet tolerates the same, and one like it tolerates nothing,
    everywhere, ordinary = lab.apply("components/daemonset-twins.yaml")

    # then the first one is wanted on every node, and the other one where there is no taint.
    all_of_them, few = lab.eventually(
        "both are counted",
        everywhere,
        ordinary,
        until=lambda *both: all(ds.raw["status"].get("observedGeneration") for ds in both),
    )
    assert all_of_them.raw["status"]["desiredNumberScheduled"] == len(nodes)
    assert few.raw["status"]["desiredNumberScheduled"] == 1


@claim(
    "components.kube-proxy-daemonset",
    source=DAEMONSET,
    twin="bare: the same Pod, which belongs to no DaemonSet",
    takes_s=3,
    needs="nodes",
)
@sabotage("Pods of something else", instead("-l k8s-app=kube-proxy", "-l tier=control-plane"))
@sabotage("the other Pod", instead("delete pods --wait=false -l app=daemon", "delete pods --wait=false -l app=bare"))
def test_a_daemonset_replaces_its_pod_on_the_same_node(lab: Lab) -> None:
    """kube-proxy's Pods are those of a DaemonSet, which makes a new Pod on the same node where one is deleted."""
    # Given that kube-proxy is a DaemonSet, another one with its Pod, and a Pod like it,
    owners = f"-o custom-columns=OWNER:.metadata.ownerReferences[0].kind {NO_HEADER}"
    assert set(lab.kubectl(f"get pods -n kube-system -l k8s-app=kube-proxy {owners}").stdout.split()) == {"DaemonSet"}
    daemon, bare = lab.apply("components/daemonset-and-pod.yaml")
    pods = lab.pods(controlled_by=daemon)
    before, _ = lab.given("both have a node", pods, bare, until=lambda d, b: len(d) == 1 and d.pods[0].node and b.node)

    # when both Pods are deleted,
    deleted = lab.now("both are deleted")
    lab.kubectl("delete pods --wait=false -l app=bare")
    lab.kubectl("delete pods --wait=false -l app=daemon")

    # then the DaemonSet makes a new one on the same node,
    after = lab.eventually(
        "a new Pod of the DaemonSet",
        pods,
        until=lambda group: any(pod.uid not in before.uids and pod.node for pod in group.pods),
        within=budgets.stops(bare.manifest) + SOON,
        since=deleted,
    )
    assert {pod.node for pod in after.pods} == {before.pods[0].node}

    # and nobody the other.
    lab.eventually("it is gone", bare, until=lambda pod: pod.gone, within=budgets.stops(bare.manifest), since=deleted)
    lab.never("another comes", lab.pods(app="bare"), lambda group: group.uids - {bare.uid}, until=after)


@claim(
    "components.get-daemonsets-case",
    source=DOCS + "reference/kubectl/#resource-types",
    twin="daemonSet5: a kind that there is not",
    takes_s=1,
    needs="nodes",
)
@sabotage("misspelled", instead("daemonSets ", "daemonSet5 "))
@sabotage("the other one spelled right", instead("daemonSet5 ", "daemonSets "))
@sabotage("another object", instead("get ds kube-proxy", "get deploy coredns"))
def test_the_kind_may_be_written_in_several_ways(lab: Lab) -> None:
    """kubectl takes a kind's name in the plural, in the singular, in any case, and short: it means the same object."""
    # Given a DaemonSet,
    uid = "--namespace=kube-system -o jsonpath={.metadata.uid}"

    # when it is got under all names of its kind, then it is always the same,
    kinds = ("daemonSets", "DaemonSets", "daemonsets", "daemonset", "ds")
    uids = {kind: lab.kubectl(f"get {kind} kube-proxy {uid}").stdout for kind in kinds}
    assert len(set(uids.values())) == 1, uids
    assert uids["ds"]

    # and a kind that does not exist is an error.
    assert "the server doesn't have a resource type" in lab.refused(f"get daemonSet5 kube-proxy {uid}").stderr


@claim(
    "components.dns-server",
    source=DNS + "#services",
    twin="elsewhere: the same Pod, which asks another name server",
    takes_s=4,
)
@sabotage(
    "another name server for both",
    put("spec.dnsPolicy", "None", of="pod/web"),
    put("spec.dnsConfig", {"nameservers": ["127.0.0.1"]}, of="pod/web"),
)
@sabotage(
    "the twin as well", remove("spec.dnsConfig", of="pod/elsewhere"), remove("spec.dnsPolicy", of="pod/elsewhere")
)
def test_dns_finds_services_by_name(lab: Lab) -> None:
    """The cluster's DNS server, which each Pod is set to ask, gives a Service's address for its name.

    Within its namespace the Service's name is enough, from elsewhere the namespace follows it.
    """
    # Given a Service with a Pod behind it, which asks the cluster's DNS server as every Pod does,
    service, web, elsewhere = lab.apply("components/names.yaml")
    lab.ready(web, elsewhere)
    server = lab.kubectl("get service kube-dns -n kube-system -o jsonpath={.spec.clusterIP}").stdout
    assert f"nameserver {server}" in lab.kubectl("exec web -- cat /etc/resolv.conf").stdout.splitlines()

    # when it looks for its own Service by name, alone, with its namespace, and in full,
    names = ("guitar", f"guitar.{lab.namespace}", f"guitar.{lab.namespace}.svc.cluster.local")
    answers = lab.poll(
        "the Service is found by all its names",
        lambda: [lab.fetch(web, f"http://{name}/")[0] for name in names],
        until=lambda answers: all(answer.name == "web" for answer in answers),
    )

    # then each leads to the Service's own address,
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]
    assert [answer.to for answer in answers] == [f"{address}:80"] * 3

    # and who asks somebody else finds nothing.
    (lost,) = lab.fetch(elsewhere, f"http://{names[-1]}/", timeout_s=10)
    assert lost.outcome == "no name"


@claim(
    "components.dns-deployment-name",
    ledger=["components.dns-deployment-name", "components.dns-multiple"],
    source=DOCS + "tasks/administer-cluster/coredns/",
    notes=changed(
        "the DNS servers are deployments called kube-dns, more of them on a large cluster",
        "CoreDNS took their place: one Deployment, coredns, with two replicas or more; the label stayed kube-dns",
        since="1.13",
    ),
    no_twin=INSTALLED,
    takes_s=1,
    needs="nodes",
)
@sabotage("the new name", instead("deployments --namespace=kube-system kube-dns", "deployments -n kube-system coredns"))
@sabotage("another label", instead("-l k8s-app=kube-dns", "-l k8s-app=kube-proxy"))
def test_the_dns_server_is_one_deployment_of_coredns(lab: Lab) -> None:
    """The DNS server is CoreDNS: one Deployment of two Pods, under a label that keeps the name of its forerunner."""
    # Given a cluster as kubeadm installs it,
    # when its DNS is looked for by the name of old, then there is none,
    assert "NotFound" in lab.refused("get deployments --namespace=kube-system kube-dns").stderr

    # and by the label there is one Deployment under the new name, with two Pods.
    columns = f"-o custom-columns=NAME:.metadata.name,REPLICAS:.spec.replicas {NO_HEADER}"
    found = lab.kubectl(f"get deployments -n kube-system -l k8s-app=kube-dns {columns}").stdout
    assert [line.split() for line in found.splitlines()] == [["coredns", "2"]]


@claim(
    "components.dns-service",
    source=DOCS + "tasks/administer-cluster/coredns/",
    no_twin=INSTALLED,
    takes_s=1,
)
@sabotage("another Service", instead("services --namespace=kube-system kube-dns", "services -n default kubernetes"))
@sabotage("other Pods", instead("-l k8s-app=kube-dns", "-l tier=control-plane"))
def test_the_dns_service_balances_over_all_dns_pods(lab: Lab) -> None:
    """DNS has one address for all its Pods: the Service kube-dns, of type ClusterIP, for UDP and TCP at port 53."""
    # Given the Pods of DNS,
    pods = lab.kubectl("get pods -n kube-system -l k8s-app=kube-dns -o jsonpath={.items[*].status.podIP}").stdout

    # when their Service is got by the name that it has always had,
    columns = "custom-columns=TYPE:.spec.type,PORTS:.spec.ports[*].port,PROTOCOLS:.spec.ports[*].protocol"
    service = lab.kubectl(f"get services --namespace=kube-system kube-dns -o {columns} {NO_HEADER}").stdout.split()

    # then it is no load balancer of a cloud but an address within the cluster; 9153 is for metrics,
    assert service == ["ClusterIP", "53,53,9153", "UDP,TCP,TCP"]

    # and behind it are all these Pods.
    of_kube_dns = "-n kube-system -l kubernetes.io/service-name=kube-dns"
    addresses = "-o jsonpath={.items[*].endpoints[*].addresses[*]}"
    behind = lab.kubectl(f"get endpointslices {of_kube_dns} {addresses}").stdout
    assert set(behind.split()) == set(pods.split())


@claim(
    "components.kubectl-proxy",
    source=PROXY,
    twin="the same question by somebody without credentials, straight to the API server",
    takes_s=2,
)
@sabotage("a proxy without credentials", instead("proxy --port=0", "proxy --port=0 --as=system:anonymous"))
@sabotage("a proxy that rejects nothing", instead("proxy --port=0", "proxy --port=0 --reject-paths=^$"))
def test_kubectl_proxy_lends_its_credentials(lab: Lab) -> None:
    """kubectl proxy opens the API on this machine to everybody, with its user's credentials, except exec and attach."""
    # Given a proxy at a port that was free,
    path = f"/api/v1/namespaces/{lab.namespace}"
    with lab.listening("proxy --port=0") as api:
        # when somebody asks there who shows no credentials,
        page = lab.browse(f"{api}{path}")
        execution = lab.browse(f"{api}{path}/pods/none/exec?command=date")
        log = lab.browse(f"{api}{path}/pods/none/log")

    # then the API answers, as it does not without the proxy,
    assert page.status == 200
    assert "forbidden" in lab.refused(f"get --raw {path} --as=system:anonymous").stderr

    # and no command may be run in a Pod: the proxy refuses before the API can say that there is none.
    assert execution.status == 403
    assert log.status == 404


@claim(
    "components.proxy-port",
    source=DOCS + "reference/kubectl/generated/kubectl_proxy/#options",
    twin="a proxy that was told to take any free port",
    takes_s=2,
)
@sabotage("any free port for both", instead("proxy", "proxy --port=0"))
def test_kubectl_proxy_listens_on_8001(lab: Lab) -> None:
    """kubectl proxy serves this machine only, at 127.0.0.1:8001 unless it is told another port."""
    # Given a proxy that was told nothing, and one that may take any port,
    with lab.running("proxy") as proxy, lab.running("proxy --port=0") as other:
        # when they say where they serve,
        told = proxy.line(lambda line: "127.0.0.1:" in line, timeout_s=60)
        theirs = other.line(lambda line: "127.0.0.1:" in line, timeout_s=60)

    # then it is that port, be it that somebody else has taken it already.
    assert told
    assert "127.0.0.1:8001" in told
    assert theirs
    assert "127.0.0.1:8001" not in theirs


@claim(
    "components.dashboard-builtin",
    source=DASHBOARD,
    notes=imprecise(
        "Kubernetes has a built-in dashboard",
        "no cluster gets one by itself, and the project was archived in 2026: its page names Headlamp as successor",
    ),
    twin="kube-dns: a Service that is there, found in the same way",
    takes_s=1,
    needs="nodes",
)
@sabotage("one that is there", instead("=kubernetes-dashboard", "=kube-dns"))
@sabotage("the twin is not there", instead("=kube-dns", "=kube-dms"))
def test_there_is_no_dashboard(lab: Lab) -> None:
    """A new cluster has no dashboard, neither a Service nor a Deployment of that name, in no namespace."""
    # Given a cluster as it was installed,
    # when the dashboard is looked for by its name in all namespaces, then there is none,
    kinds = "get services,deployments --all-namespaces -o name --field-selector metadata.name"
    assert lab.kubectl(f"{kinds}=kubernetes-dashboard").stdout == ""

    # where something that does exist is found.
    assert lab.kubectl(f"{kinds}=kube-dns").stdout.split() == ["service/kube-dns"]


@claim(
    "components.dashboard-ui-shortcut",
    source="https://github.com/kubernetes/kubernetes/pull/53766",
    notes=changed(
        "through the proxy the dashboard is at /ui",
        "the API server knows no such path and redirects nowhere",
        since="1.10",
    ),
    twin="/version: a path that the API server knows",
    takes_s=2,
)
@sabotage("a path that is there", instead("/ui", "/version"))
@sabotage("a path that redirects", instead("/ui", "/api/v1/namespaces/kube-system/services/kube-dns:metrics/proxy"))
def test_the_shortcut_to_the_dashboard_is_gone(lab: Lab) -> None:
    """The API server answers 404 at /ui; the redirect to a dashboard's Service is gone."""
    # Given a proxy to the API,
    with lab.listening("proxy --port=0") as api:
        # when a browser goes to the shortcut, and to another path,
        shortcut, version = lab.browse(f"{api}/ui"), lab.browse(f"{api}/version")

    # then the one is not found and leads nowhere, and the other is there.
    assert shortcut.status == 404
    assert "location" not in shortcut.headers
    assert version.status == 200


@claim(
    "components.dashboard-long-url",
    source=DOCS
    + "tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls",
    notes=imprecise(
        "through the proxy the dashboard is at the path of its Service in kube-system",
        "that Service is in no new cluster, but under such a path the API server leads to any Service",
    ),
    twin="web: a Service of the lab's own, under a path of the same form",
    takes_s=4,
    needs="nodes",
)
@sabotage(
    "a Service that is there",
    instead("services/kubernetes-dashboard/proxy/", "services/kube-dns:metrics/proxy/metrics"),
)
@sabotage("a Service without Pods", put("spec.selector.app", "webs", of="service/web"))
def test_the_api_server_leads_to_any_service(lab: Lab) -> None:
    """Under .../namespaces/<namespace>/services/<name>/proxy/ the API server leads to a Service, if it is there."""
    # Given a Service with a Pod behind it, and a proxy to the API,
    _, web = lab.apply("components/page.yaml")
    lab.ready(web)
    with lab.listening("proxy --port=0") as api:
        namespaces = f"{api}/api/v1/namespaces"

        # when a browser goes to that Service, and to the dashboard's,
        page = lab.poll(
            "the Service answers",
            lambda: lab.browse(f"{namespaces}/{lab.namespace}/services/web/proxy/"),
            until=lambda page: page.status == 200,
        )
        dashboard = lab.browse(f"{namespaces}/kube-system/services/kubernetes-dashboard/proxy/")

    # then the first one's page comes, and from the other an error.
    assert '"name": "web"' in page.text
    assert dashboard.status, "the API server did not answer"
    assert dashboard.status >= 400, "there is a dashboard"


@claim(
    "components.no-service-unavailable",
    ledger=["components.dashboard-long-url"],
    source=DOCS
    + "tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls",
    twin="empty: a Service that is there, but has no Pods",
    takes_s=1,
    since="1.37",
)
@sabotage("another object", instead("services/none", "configmaps/none"))
@sabotage("the Service itself", instead("services/none/proxy/", "services/none"))
def test_a_service_that_does_not_exist_is_unavailable(lab: Lab) -> None:
    """Where no Service is, its path through the API server answers 503, as that of a Service without Pods does."""
    # Given a Service without Pods,
    lab.apply("components/no-pods.yaml")

    # when its path is asked for, and that of a Service that does not exist,
    services = f"/api/v1/namespaces/{lab.namespace}/services"
    empty = lab.refused(f"get --raw {services}/empty/proxy/")
    none = lab.refused(f"get --raw {services}/none/proxy/")

    # then both have no endpoints, and that is all that is told of either.
    assert 'ServiceUnavailable): no endpoints available for service "empty"' in empty.stderr
    assert 'ServiceUnavailable): no endpoints available for service "none"' in none.stderr


@claim(
    "components.no-service-not-found",
    ledger=["components.dashboard-long-url"],
    source=DOCS
    + "tasks/access-application-cluster/access-cluster-services/#manually-constructing-apiserver-proxy-urls",
    twin="empty: a Service that is there, but has no Pods",
    takes_s=1,
    until="1.37",
)
@sabotage("the Service without Pods is that one", put("metadata.name", "none", of="service/empty"))
def test_a_service_that_does_not_exist_is_not_found(lab: Lab) -> None:
    """Where no Service is, its path through the API server answers 404, and that of a Service without Pods 503."""
    # Given a Service without Pods,
    lab.apply("components/no-pods.yaml")

    # when its path is asked for, and that of a Service that does not exist,
    services = f"/api/v1/namespaces/{lab.namespace}/services"
    empty = lab.refused(f"get --raw {services}/empty/proxy/")
    none = lab.refused(f"get --raw {services}/none/proxy/")

    # then the one has no endpoints, and the other is not found.
    assert "ServiceUnavailable): no endpoints available" in empty.stderr
    assert 'NotFound): services "none" not found' in none.stderr
