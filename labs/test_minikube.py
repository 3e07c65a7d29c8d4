"""Minikube: a cluster of one's own on one's own machine, from the first start to the end.

These labs have a minikube beside the cluster of all others, and `minikube(...)` types its commands. The lesson in its
order: start and status; the one node and its address; how images come to it; the dashboard; more nodes; stop, delete.
"""

from labkit.words import START, Lab, Minikube, claim, imprecise, instead, sabotage, skip

COMMANDS = "https://minikube.sigs.k8s.io/docs/commands/"
HANDBOOK = "https://minikube.sigs.k8s.io/docs/handbook/"


@claim(
    "minikube.start",
    source="https://minikube.sigs.k8s.io/docs/start/",
    ledger=["minikube.start", "minikube.local-development"],
    twin="the same kubectl before the start",
    needs="minikube",
    takes_s=30,
)
@sabotage("nothing is started", skip("start --container-runtime"))
def test_start_makes_a_cluster_on_this_machine_and_points_kubectl_at_it(lab: Lab, minikube: Minikube) -> None:
    """`minikube start` runs a Kubernetes cluster in one container of this machine, and kubectl then speaks to it."""
    # Given no minikube, and a kubectl that knows no cluster,
    minikube.absent()
    assert minikube.kubectl_tried("config current-context").rc != 0

    # when minikube is started,
    minikube("start --container-runtime=docker")

    # then its node is a container here,
    assert minikube.shell(f"docker inspect -f {{{{.State.Status}}}} {minikube.profile}").stdout.strip() == "running"

    # and kubectl speaks to that cluster without being told to: one of the version that was asked for.
    assert minikube.kubectl("config current-context").stdout.strip() == minikube.profile
    assert minikube.kubectl("get --raw /readyz").stdout == "ok"
    assert f"Server Version: {lab.cluster.kubernetes}" in minikube.kubectl("version").stdout


@claim(
    "minikube.status",
    source=COMMANDS + "status/",
    twin="the machine and the API server, which go on",
    needs="minikube",
    takes_s=8,
)
@sabotage("the kubelet goes on", skip("stop kubelet"))
def test_status_tells_what_runs_and_its_exit_code_whether_all_does(minikube: Minikube) -> None:
    """`minikube status` tells the state of machine, kubelet and API server, and exits 0 only if all of them run."""
    # Given a minikube of which all runs,
    minikube.started()
    assert minikube.tried("status").rc == 0

    # when its kubelet stops,
    minikube("ssh -- sudo systemctl stop kubelet")

    # then the status says so, of the kubelet alone, and the exit code has the bit that stands for the cluster.
    status = minikube.tried("status --format '{{.Host}} {{.Kubelet}} {{.APIServer}}'")
    minikube("ssh -- sudo systemctl start kubelet")
    assert status.stdout.split() == ["Running", "Stopped", "Running"]
    assert status.rc == 2
    assert minikube.tried("status").rc == 0, "the kubelet runs again"


@claim(
    "minikube.single-node",
    source=COMMANDS + "start/",
    notes=imprecise(
        "minikube is a cluster of a single node", "one node is what it starts with if nobody asks for more"
    ),
    twin="the cluster of the other labs, with a control plane and two workers",
    needs="minikube",
    takes_s=2,
)
@sabotage("workers are counted", instead("io/control-plane", "io/worker"))
def test_a_minikube_starts_with_one_node(lab: Lab, minikube: Minikube) -> None:
    """A minikube has one node unless it is told otherwise: the control plane, on which everybody's Pods run too."""
    # Given a minikube that was started without a word about nodes, and a cluster of three,
    minikube.started()
    assert len(lab.kubectl("get nodes -o name").stdout.split()) == 3

    # then its only node is the control plane,
    nodes = minikube.kubectl("get nodes -l node-role.kubernetes.io/control-plane -o name").stdout.split()
    assert nodes == minikube.kubectl("get nodes -o name").stdout.split() == [f"node/{minikube.profile}"]

    # and no taint keeps Pods away from it, now that it is Ready.
    lab.poll("no taint", lambda: minikube.get("Node", minikube.profile).taints, until=lambda taints: not taints)


@claim(
    "minikube.ip",
    source=COMMANDS + "ip/",
    notes=imprecise("it gives the IP of the cluster", "it gives the IP of a node; a cluster has none of its own"),
    twin="the same port at 127.0.0.1, this machine's own address",
    needs="minikube",
    takes_s=10,
)
@sabotage(
    "an address of the whole cluster", instead("ip", "kubectl -- get service kubernetes -o jsonpath={.spec.clusterIP}")
)
def test_ip_is_the_address_of_the_node(lab: Lab, minikube: Minikube) -> None:
    """`minikube ip` prints the address of minikube's node, at which this machine reaches NodePort Services."""
    # Given a Service of type NodePort,
    minikube.started()
    minikube("image load localhost:1/labs/web:1")
    minikube.apply("minikube/node-port.yaml")
    lab.poll("its Pod is Ready", lambda: minikube.get("Pod", "web"), until=lambda pod: pod.ready, within=START)
    port = minikube.kubectl("get service web -o jsonpath={.spec.ports[0].nodePort}").stdout

    # when minikube is asked for its IP,
    ip = minikube("ip").stdout.strip()

    # then that is the internal address of the node,
    addresses = "-o 'jsonpath={.status.addresses[?(@.type==\"InternalIP\")].address}'"
    assert minikube.kubectl(f"get node {minikube.profile} {addresses}").stdout == ip

    # where the Service answers, as it does not at this machine's own.
    lab.poll("the Service answers", lambda: lab.browse(f"http://{ip}:{port}/"), until=lambda page: page.status == 200)
    assert lab.browse(f"http://127.0.0.1:{port}/").outcome == "refused"


@claim(
    "minikube.docker-env",
    source=HANDBOOK + "pushing/",
    ledger=["minikube.docker-env", "minikube.docker-env-registry"],
    notes=imprecise(
        "docker-env sets the docker registry to minikube's",
        "it points the docker command at the Docker in minikube's node; no registry is involved, and from minikube"
        " 1.39 on there is a Docker only after `minikube start --container-runtime=docker`",
    ),
    twin="elsewhere: a Pod with an image that this machine's own Docker has",
    needs="minikube",
    takes_s=8,
)
@sabotage("nothing is built", skip("docker build"))
def test_docker_env_points_docker_at_the_docker_in_the_node(lab: Lab, minikube: Minikube) -> None:
    """After `eval $(minikube docker-env)` what docker builds is in minikube's node at once, and Pods can run it."""
    # Given a node with an image to build on, and another image that only this machine's own Docker has,
    minikube.started()
    minikube("image load localhost:1/labs/web:1")
    minikube.shell("docker image inspect localhost:1/labs/guitar-practice:1")

    # when docker is pointed at the node, and builds an image there,
    image = f"localhost:1/{lab.namespace}/notes"
    minikube.shell(f"eval $(minikube docker-env) && echo FROM localhost:1/labs/web:1 | docker build -t {image} -")

    # then a Pod runs it without a pull,
    minikube.apply("minikube/image-twins.yaml", IMAGE=image)
    built = lab.poll(
        "the Pod has come to an image, or knows that there is none",
        lambda: minikube.get("Pod", "built"),
        until=lambda pod: pod.containers and (pod.ready or pod.container("web").reason == "ErrImageNeverPull"),
        within=START,
    )
    assert built.ready, "what was built is not in the node"

    # this machine's own Docker does not know it, and what that one has is of no use to a Pod.
    minikube.shell(f"! docker image inspect {image}")
    elsewhere = lab.poll(
        "the other Pod has no image",
        lambda: minikube.get("Pod", "elsewhere"),
        until=lambda pod: pod.containers and (pod.ready or pod.container("web").reason == "ErrImageNeverPull"),
    )
    assert not elsewhere.ready


@claim(
    "minikube.image-load",
    source=HANDBOOK + "pushing/",
    ledger=["minikube.docker-env-registry"],
    notes=imprecise(
        "images come to minikube by its registry", "`minikube image load` copies one, whatever the runtime"
    ),
    twin="elsewhere: a Pod with an image that was not loaded",
    needs="minikube",
    takes_s=8,
)
@sabotage("nothing is loaded", skip("image load"))
def test_image_load_copies_an_image_into_the_node(lab: Lab, minikube: Minikube) -> None:
    """`minikube image load` copies an image of this machine into minikube's node, and a Pod runs it without a pull."""
    # Given two images of this machine's own Docker,
    minikube.started()
    minikube.shell("docker image inspect localhost:1/labs/web:1 localhost:1/labs/guitar-practice:1")

    # when one of them is loaded, under a name that the node has never seen,
    image = f"localhost:1/{lab.namespace}/notes"
    minikube.shell(f"docker tag localhost:1/labs/web:1 {image} && minikube image load {image}; docker image rm {image}")

    # then a Pod runs that one,
    minikube.apply("minikube/image-twins.yaml", IMAGE=image)
    loaded, elsewhere = lab.poll(
        "each Pod has come to an image, or knows that there is none",
        lambda: (minikube.get("Pod", "built"), minikube.get("Pod", "elsewhere")),
        until=lambda pods: all(
            pod.containers and (pod.ready or pod.container("web").reason == "ErrImageNeverPull") for pod in pods
        ),
        within=START,
    )
    assert loaded.ready, "what was loaded is not in the node"

    # and none runs the other.
    assert not elsewhere.ready


@claim(
    "minikube.dashboard",
    source=HANDBOOK + "dashboard/",
    notes=imprecise(
        "minikube dashboard shows the dashboard",
        "it first enables an add-on, whose images are downloaded, and then serves it through a kubectl proxy",
    ),
    twin="the cluster before, which has no dashboard",
    needs="minikube",
    takes_s=25,
)
@sabotage("only the Services are listed", instead("dashboard --url", "service list"))
def test_dashboard_enables_an_add_on_and_serves_it_through_a_proxy(lab: Lab, minikube: Minikube) -> None:
    """`minikube dashboard` enables an add-on that no cluster has by itself, and serves it through a kubectl proxy."""
    # Given a minikube without the add-on, and in place of its image, which is far away, one that listens on its port,
    minikube.started()
    minikube("image load localhost:1/labs/web:1")
    lines = 'FROM localhost:1/labs/web:1\\nENV PORT=9090\\nENTRYPOINT ["sh", "-c", "exec python3 -m instrument"]\\n'
    minikube.shell(f"eval $(minikube docker-env) && printf '{lines}' | docker build -t localhost:1/notes/dashboard:1 -")
    minikube("addons enable dashboard --images=Dashboard=notes/dashboard:1 --registries=Dashboard=localhost:1")
    minikube("addons disable dashboard")
    assert minikube.kubectl_tried("get namespace kubernetes-dashboard").rc != 0

    # when the dashboard is asked for,
    with minikube.serving("dashboard --url") as url:
        # then the add-on's Service is there, and this machine reaches it through the API server.
        assert minikube.kubectl("get service kubernetes-dashboard -n kubernetes-dashboard -o name").stdout
        assert "/namespaces/kubernetes-dashboard/services/http:kubernetes-dashboard:/proxy/" in url
        assert lab.browse(url).json["name"].startswith("kubernetes-dashboard-")


@claim(
    "minikube.more-nodes",
    source="https://minikube.sigs.k8s.io/docs/tutorials/multi_node/",
    ledger=["minikube.single-node", "minikube.ip", "minikube.docker-env"],
    notes=imprecise(
        "one node, one IP, and docker-env works",
        "each node has an IP of its own, and docker-env refuses a cluster of more nodes than one",
    ),
    twin="the same minikube before",
    needs="minikube",
    takes_s=40,
)
@sabotage("no node is added", skip("node add"))
def test_a_minikube_can_have_more_nodes(minikube: Minikube) -> None:
    """`minikube node add` adds a node; each has an address of its own, and docker-env then no longer knows which."""
    # Given a minikube with one node,
    minikube.started()
    first = minikube("ip").stdout
    minikube("docker-env")

    # when another one is added,
    minikube("node add")
    nodes = minikube.kubectl("get nodes -o name").stdout.split()
    second = minikube.tried("ip -n m02")
    docker_env = minikube.tried("docker-env")
    minikube("node delete m02")

    # then there are two, with an address each,
    assert nodes == [f"node/{minikube.profile}", f"node/{minikube.profile}-m02"]
    assert second.rc == 0
    assert second.stdout != first

    # and docker-env refuses.
    assert docker_env.rc != 0


@claim(
    "minikube.stop",
    source=COMMANDS + "stop/",
    twin="minikube.delete: the same, deleted",
    needs="minikube",
    takes_s=45,
)
@sabotage("it goes on", skip("stop"))
def test_stop_ends_the_machine_and_start_brings_all_back(minikube: Minikube) -> None:
    """`minikube stop` ends the machine and keeps its data: after the next `minikube start` all objects are there."""
    # Given an object in a minikube that runs,
    minikube.started()
    minikube.kubectl("delete configmap kept --ignore-not-found")
    minikube.kubectl("create configmap kept")
    before = minikube.kubectl("get configmap kept -o jsonpath={.metadata.uid}").stdout

    # when minikube is stopped,
    minikube("stop")

    # then nothing of it runs: neither machine nor cluster, and kubectl's settings lead nowhere,
    assert minikube.tried("status").rc == 1 + 2 + 4
    assert minikube.kubectl_tried("get configmap kept").rc != 0

    # and when it is started again, the object is there, and no other in its place.
    minikube("start")
    assert minikube.kubectl("get configmap kept -o jsonpath={.metadata.uid}").stdout == before


@claim(
    "minikube.delete",
    source=COMMANDS + "delete/",
    ledger=["minikube.stop"],
    twin="minikube.stop: the same, stopped",
    needs="minikube",
    takes_s=15,
)
@sabotage("it is kept", skip("delete"))
def test_delete_leaves_nothing(minikube: Minikube) -> None:
    """`minikube delete` removes the machine with all its data, and kubectl's settings for it."""
    # Given a minikube that runs,
    minikube.started()
    assert minikube.kubectl("config get-contexts -o name").stdout.split() == [minikube.profile]

    # when it is deleted,
    minikube("delete")

    # then neither minikube nor kubectl knows of it, and its container is gone with the volume that held the data.
    assert minikube.tried("status").rc != 0
    assert minikube.kubectl("config get-contexts -o name").stdout.split() == []
    assert not minikube.shell(f"docker ps -aq --filter name={minikube.profile}").stdout
    assert not minikube.shell(f"docker volume ls -q --filter name={minikube.profile}").stdout
