"""Resource management: what a container asks for, what it may take at most, and what Kubernetes does with both.

The lesson in its order: the two numbers, how they are written, and what a Pod's add up to; requests, which decide
where a Pod may be; limits, which decide what it may take there, and how they are changed while it runs.
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
    quantity,
    remove,
    sabotage,
    wrong,
)

RESOURCES = "https://kubernetes.io/docs/concepts/configuration/manage-resources-containers/"
STORAGE = "https://kubernetes.io/docs/concepts/storage/ephemeral-storage/"
QOS = "https://kubernetes.io/docs/concepts/workloads/pods/pod-qos/"
RESIZE = "https://kubernetes.io/docs/tasks/configure-pod-container/resize-container-resources/"


@claim(
    "resources.manifest",
    source=RESOURCES + "#example-1",
    twin="bare: the same Pod without resources",
    takes_s=4,
)
@sabotage(
    "misspelt",
    remove("spec.containers[0].resources", of="pod/kuard"),
    put("spec.containers[0].resource", {"requests": {"cpu": "500m"}}, of="pod/kuard"),
)
@sabotage("no requests", remove("spec.containers[0].resources", of="pod/kuard"))
@sabotage("requests for both", put("spec.containers[0].resources", {"requests": {"cpu": "500m"}}, of="pod/bare"))
def test_a_request_weighs_a_container_and_limits_nothing(lab: Lab) -> None:
    """The notes' requests give their container a weight for CPU, and set no limit to it."""
    # Given the notes' Pod, kept as it was written, and the same without its requests,
    kuard, bare = lab.apply("resources/notes.yaml")
    kept = lab.get("Pod", kuard.name).raw
    assert kept["spec"]["containers"][0]["resources"] == {"requests": {"cpu": "500m", "memory": "128Mi"}}
    assert kept["status"]["qosClass"] == "Burstable"
    assert lab.get("Pod", bare.name).raw["status"]["qosClass"] == "BestEffort"

    # when both run,
    lab.ready(kuard, bare)
    weighed, unweighed = lab.cgroup(kuard), lab.cgroup(bare)

    # then where CPU is short the first gets the larger part of it, and where it is not, both get what they like.
    assert weighed.cpu_weight > unweighed.cpu_weight
    assert (weighed.cpu_limit, weighed.memory_limit) == (None, None)


@claim(
    "resources.two-metrics",
    source=RESOURCES + "#requests-and-limits",
    twin="lower-request: the same Pod with a request of its own",
    takes_s=1,
)
@sabotage("a lower request", put("spec.containers[0].resources.requests", {"cpu": "100m"}, of="pod/limits"))
@sabotage("limits only", remove("spec.containers[0].resources.requests", of="pod/lower-request"))
def test_a_limit_without_a_request_is_the_request_too(lab: Lab) -> None:
    """A container has a request and a limit for each resource; where only the limit is given, the request equals it."""
    # Given a Pod that names limits alone, and one that requests less of the CPU,
    limits, lower, _, _ = lab.apply("resources/qos-classes.yaml")

    # when they are read back,
    alone, both = (
        lab.get("Pod", pod.name).raw["spec"]["containers"][0]["resources"].get("requests") for pod in (limits, lower)
    )

    # then each limit that came alone was copied, and the given request was left.
    assert alone == {"cpu": "500m", "memory": "128Mi"}
    assert both == {"cpu": "100m", "memory": "128Mi"}


@claim(
    "resources.qos-classes",
    ledger=["resources.two-metrics"],
    source=QOS + "#quality-of-service-classes",
    twin="four Pods that each differ from the first in one field",
    takes_s=1,
)
@sabotage("a lower request", put("spec.containers[0].resources.requests", {"cpu": "100m"}, of="pod/limits"))
@sabotage("a limit for all", put("spec.containers[0].resources.limits.memory", "128Mi", of="pod/one-limit"))
@sabotage("a request", put("spec.containers[0].resources.requests", {"cpu": "1m"}, of="pod/neither"))
def test_requests_and_limits_make_the_class_of_a_pod(lab: Lab) -> None:
    """A Pod whose containers limit CPU and memory to what they request is Guaranteed, one with neither BestEffort.

    All others are Burstable. The class says who goes first when a node runs out of memory: BestEffort, then Burstable.
    """
    # Given a Pod with requests equal to limits, and three that lack something of it,
    pods = lab.apply("resources/qos-classes.yaml")

    # when they are read back,
    classes = {pod.name: lab.get("Pod", pod.name).raw["status"]["qosClass"] for pod in pods}

    # then their class tells.
    assert classes == {
        "limits": "Guaranteed",
        "lower-request": "Burstable",
        "one-limit": "Burstable",
        "neither": "BestEffort",
    }


@claim(
    "resources.empty-level",
    ledger=["resources.pod-sum"],
    source=QOS + "#guaranteed",
    twin="none: the same Pod without the field",
    takes_s=1,
    since="1.37",
)
@sabotage("nothing for the containers", remove("spec.containers[0].resources", of="pod/empty"))
@sabotage("nothing for the other one", remove("spec.containers[0].resources", of="pod/none"))
def test_resources_of_a_pod_count_if_there_are_any(lab: Lab) -> None:
    """A Pod's class of service is that of its containers where its own resources are empty, as where there are none."""
    # Given two Pods whose containers are Guaranteed, one of them with empty resources of its own,
    empty, none = lab.apply("resources/empty-level.yaml")

    # when their class is read, then both are Guaranteed, too.
    assert lab.get("Pod", none.name).raw["status"]["qosClass"] == "Guaranteed"
    assert lab.get("Pod", empty.name).raw["status"]["qosClass"] == "Guaranteed"


@claim(
    "resources.empty-level-counts",
    ledger=["resources.pod-sum"],
    source=QOS + "#guaranteed",
    twin="none: the same Pod without the field",
    takes_s=1,
    until="1.37",
)
@sabotage("nothing at all", remove("spec.resources", of="pod/empty"))
@sabotage("empty in both", put("spec.resources", {}, of="pod/none"))
def test_empty_resources_of_a_pod_count(lab: Lab) -> None:
    """A Pod with empty resources of its own is BestEffort, whatever its containers have."""
    # Given two Pods whose containers are Guaranteed, one of them with empty resources of its own,
    empty, none = lab.apply("resources/empty-level.yaml")

    # when their class is read, then only the one without is Guaranteed, too.
    assert lab.get("Pod", none.name).raw["status"]["qosClass"] == "Guaranteed"
    assert lab.get("Pod", empty.name).raw["status"]["qosClass"] == "BestEffort"


@claim(
    "resources.quantities",
    source=RESOURCES + "#resource-units-in-kubernetes",
    twin="decimal: a Pod with 128M in place of 128Mi",
    takes_s=2,
)
@sabotage("no difference", put("spec.containers[0].resources.requests.memory", "128Mi", of="pod/decimal"))
@sabotage("another amount", put("spec.containers[0].resources.requests.cpu", "0.05", of="pod/numbers"))
@sabotage("a whole number of bytes", instead('"128m"', '"128Mi"'))
def test_suffixes_of_quantities_mean_powers(lab: Lab) -> None:
    """500m is half a core; 128Mi are 128 times 2^20 bytes, 128M are 128 million, and 128m is not even a byte."""
    # Given a quota, which adds up what Pods request, and the notes' amounts, with suffixes and without,
    quota = lab.apply("resources/quota.yaml")
    lab.given("the quota counts", quota, until=lambda q: "used" in q.raw.get("status", {}))
    pods = lab.apply("resources/one-amount-twice.yaml")

    # when it has counted both, then they are the same,
    used = lab.get("ResourceQuota", quota.name).raw["status"]["used"]
    assert len(pods) == 2
    assert quantity(used["requests.cpu"]) == 1
    assert quantity(used["requests.memory"]) == 2 * 128 * 2**20

    # when one comes without the i, then it is a smaller amount;
    lab.apply("resources/decimal-suffix.yaml")
    used = lab.get("ResourceQuota", quota.name).raw["status"]["used"]
    assert quantity(used["requests.memory"]) == 2 * 128 * 2**20 + 128 * 10**6

    # and of a thousandth of a byte kubectl is told that it makes no sense.
    milli = (
        '{"name": "web", "image": "localhost:1/labs/web:1", "resources": {"requests": {"cpu": "1m", "memory": "128m"}}}'
    )
    overrides = f'{{"spec": {{"containers": [{milli}]}}}}'
    warned = lab.kubectl(f"run milli --image=localhost:1/labs/web:1 --dry-run=server --overrides='{overrides}'").stderr
    assert 'fractional byte value "128m"' in warned


@claim(
    "resources.pod-sum",
    source="https://kubernetes.io/docs/concepts/workloads/pods/sidecar-containers/#resource-sharing-within-containers",
    notes=imprecise(
        "a Pod's request is the sum of its containers'",
        "or that of its largest init container, if that is more; sidecars count with both",
    ),
    twin="summed: the Pod without an init container",
    takes_s=2,
)
@sabotage("no init container", remove("spec.initContainers", of="pod/with-init"))
@sabotage("no sidecar", remove("spec.initContainers[0].restartPolicy", of="pod/with-sidecar"))
def test_a_pod_requests_what_its_largest_step_needs(lab: Lab) -> None:
    """A Pod's request is the sum of its containers', or what an init container needs where that is more.

    Sidecars (init containers that run on) are added to the sum, and to each init container after them.
    """
    # Given a quota, which adds up what Pods request,
    quota = lab.apply("resources/cpu-quota.yaml")
    lab.given("the quota counts", quota, until=lambda q: "used" in q.raw.get("status", {}))

    # when a Pod comes whose containers request 100m and 200m,
    lab.apply("resources/two-containers.yaml")
    summed = quantity(lab.get("ResourceQuota", quota.name).raw["status"]["used"]["requests.cpu"])

    # and one with an init container of a whole core besides,
    lab.apply("resources/init-container.yaml")
    with_init = quantity(lab.get("ResourceQuota", quota.name).raw["status"]["used"]["requests.cpu"]) - summed

    # and one of 100m with a sidecar of 150m and after it an init container of 120m,
    lab.apply("resources/sidecar.yaml")
    total = quantity(lab.get("ResourceQuota", quota.name).raw["status"]["used"]["requests.cpu"])

    # then they count as the sum, as the init container alone, and as the two that start the Pod.
    assert round(summed, 3) == 0.3
    assert round(with_init, 3) == 1
    assert round(total - summed - with_init, 3) == 0.27


@claim(
    "resources.per-container",
    source=RESOURCES + "#pod-level-resource-specification",
    notes=changed("resources are requested by container, not by Pod", "by either, or by both", since="1.34"),
    twin="none: the same Pod without any request",
    takes_s=2,
)
@sabotage("no request at all", remove("spec.resources", of="pod/whole"))
@sabotage("a request for both", put("spec.resources", {"requests": {"cpu": "500m"}}, of="pod/none"))
@sabotage("enough for the containers", put("spec.resources.requests.cpu", "300m", of="pod/too-small"))
def test_a_pod_may_request_as_a_whole(lab: Lab) -> None:
    """A Pod may request resources for all its containers together; that wins over the sum, and may not be less."""
    # Given a quota, for which every Pod has to say how much CPU it requests,
    quota = lab.apply("resources/cpu-quota.yaml")
    lab.given("the quota counts", quota, until=lambda q: "used" in q.raw.get("status", {}))
    assert "must specify requests.cpu" in lab.apply_refused("resources/no-level.yaml").stderr

    # when two Pods say it at their own level, the second of them besides its containers, which request 300m,
    whole, _ = lab.apply("resources/pod-level.yaml")

    # then it is kept there, and counts once for each;
    assert lab.get("Pod", whole.name).raw["spec"]["resources"] == {"requests": {"cpu": "500m"}}
    used = lab.get("ResourceQuota", quota.name).raw["status"]["used"]
    assert quantity(used["requests.cpu"]) == 0.5 + 0.5

    # and where it would be less than its containers request, the Pod is refused.
    assert "must be greater than or equal to" in lab.apply_refused("resources/pod-level-too-small.yaml").stderr


@claim(
    "resources.scheduling",
    source=RESOURCES + "#how-pods-with-resource-requests-are-scheduled",
    notes=imprecise(
        "Pods are put on nodes by their resource requirements", "by their requests alone; limits play no part"
    ),
    twin="demanding: the same Pod, which requests all of its limit",
    takes_s=3,
)
@sabotage("a small request", put("spec.containers[0].resources.requests.cpu", "10m", of="pod/demanding"))
@sabotage("a large request", put("spec.containers[0].resources.requests.cpu", "1000", of="pod/generous"))
def test_requests_decide_where_a_pod_may_be_and_limits_do_not(lab: Lab) -> None:
    """A Pod is put on a node that has its requests left, whatever its limits; where none has, it waits and says so."""
    # Given two Pods that may take a thousand cores, and differ in how many they request,
    # when the scheduler has looked at both,
    generous, demanding = lab.apply("resources/requests-and-limits.yaml")
    placed, waiting = lab.eventually(
        "the scheduler has decided about both",
        generous,
        demanding,
        until=lambda little, much: little.node and much.condition("PodScheduled"),
    )

    # then the one that requests little is on a node, and the other one waits, and says for what.
    assert placed.condition("PodScheduled")["status"] == "True"
    assert (waiting.phase, waiting.node) == ("Pending", None)
    assert waiting.condition("PodScheduled")["reason"] == "Unschedulable"
    assert "Insufficient cpu" in waiting.condition("PodScheduled")["message"]


@claim(
    "resources.improves-utilisation",
    ledger=["resources.improves-utilisation", "resources.utilisation"],
    source=RESOURCES + "#how-pods-with-resource-requests-are-scheduled",
    notes=imprecise(
        "resource management improves the utilisation of what was purchased",
        "it fills nodes by what is requested; requests larger than what is used make utilisation worse",
    ),
    twin="small: the Pod with a smaller request",
    takes_s=5,
    takes_a_node=True,
)
@sabotage("both small", put("spec.containers[0].resources.requests.cpu", "10m", of="pod/large"))
@sabotage("both large", put("spec.containers[0].resources.requests.cpu", "1000", of="pod/small"))
def test_an_idle_node_may_be_full(lab: Lab) -> None:
    """A node is full when the requests on it add up to what it can allocate, however little of it is used."""
    # Given a node of which an idle Pod has requested three fifths,
    spare = lab.spare().name
    millicores = 1000 * quantity(lab.get("Node", spare).raw["status"]["allocatable"]["cpu"])
    first = lab.apply("resources/first-on-a-node.yaml", LARGE=f"{millicores * 0.6:.0f}m")
    lab.ready(first)

    # when two more come to that node, one as large and one of a quarter,
    large, small = lab.apply(
        "resources/more-on-a-node.yaml", LARGE=f"{millicores * 0.6:.0f}m", SMALL=f"{millicores * 0.25:.0f}m"
    )
    waiting, placed = lab.eventually(
        "the scheduler has decided about both",
        large,
        small,
        until=lambda large, small: small.node and large.condition("PodScheduled"),
    )

    # then the small one still fits in, and the large one does not,
    assert placed.node == spare, "there is no room for the small one"
    assert waiting.node is None, "there is room for the large one"
    assert waiting.condition("PodScheduled")["reason"] == "Unschedulable"

    # although hardly anything of what was requested is used: the node's books tell of requests alone.
    lab.poll(
        "describe tells of 85 % and little more",
        lambda: [line.split() for line in lab.kubectl(f"describe node {spare}").stdout.splitlines()],
        until=lambda lines: any(line[:1] == ["cpu"] and 84 <= int(line[2].strip("(%)")) <= 95 for line in lines),
    )
    assert lab.cgroup(first).used_s < 1


@claim(
    "resources.cpu-memory-common",
    source=RESOURCES + "#extended-resources",
    twin="unknown: the same Pod, which wants one thing more",
    takes_s=3,
)
@sabotage("nothing more", remove("spec.containers[0].resources.limits", of="pod/unknown"))
@sabotage("both want it", put("spec.containers[0].resources.limits", {"example.com/guitar": "1"}, of="pod/known"))
def test_a_node_has_only_the_resources_it_says_it_has(lab: Lab) -> None:
    """Every node has CPU, memory, ephemeral storage and room for Pods; others only if it says so."""
    # Given a node that has what every node has,
    allocatable = lab.get("Node", lab.cluster.workers[0].name).raw["status"]["allocatable"]
    assert {"cpu", "memory", "ephemeral-storage", "pods"} <= allocatable.keys()

    # when two Pods request of that, and one of them something besides that nobody has,
    known, unknown = lab.apply("resources/known-resources.yaml")
    placed, waiting = lab.eventually(
        "the scheduler has decided about both",
        known,
        unknown,
        until=lambda known, unknown: known.node and unknown.condition("PodScheduled"),
    )

    # then that one waits for it.
    assert placed.condition("PodScheduled")["status"] == "True"
    assert waiting.node is None
    assert "Insufficient example.com/guitar" in waiting.condition("PodScheduled")["message"]


@claim(
    "resources.request-minimum",
    source=RESOURCES + "#requests-and-limits",
    notes=imprecise(
        "a request is the minimum that is required",
        "it is what is reserved; a container may use less of it, and more where there is more",
    ),
    twin="idle: a container of the same Pod with nothing to do",
    takes_s=5,
)
@sabotage("a limit", put("spec.containers[0].resources.limits", {"cpu": "100m"}))
@sabotage("both idle", put("spec.containers[0].command", ["sleep", "3600"]))
def test_a_container_may_use_more_than_its_request_and_less(lab: Lab) -> None:
    """A request does not bound what a container uses, neither above nor below."""
    # Given two containers that request a hundredth of a core, of which only one has something to do,
    pair = lab.apply("resources/busy-and-idle.yaml")
    lab.ready(pair)

    # when that one has used as much as its request would give it in 50 seconds,
    # (The 14th number of a process' statistics is how many hundredths of a second it has run.)
    statistics = "exec pair -c {} -- cat /proc/1/stat"
    lab.poll(
        "half a second of CPU time",
        lambda: int(lab.kubectl(statistics.format("busy")).stdout.split()[13]),
        until=lambda hundredths: hundredths >= 50,
        within=START,
    )

    # then that has not taken so long, and nobody has held it back,
    used = lab.cgroup(pair, "busy")
    assert (used.cpu_limit, used.throttled) == (None, 0)

    # nor has the other one been made to use anything.
    assert int(lab.kubectl(statistics.format("idle")).stdout.split()[13]) < 50


@claim(
    "resources.cpu-limit",
    ledger=["resources.limit-maximum"],
    source=RESOURCES + "#how-pods-with-resource-limits-are-run",
    twin="free: a container of the same Pod without the limit",
    takes_s=9,
)
@sabotage("no limit", remove("spec.containers[0].resources.limits"))
@sabotage("a limit for both", put("spec.containers[1].resources.limits", {"cpu": "100m"}))
def test_a_container_at_its_cpu_limit_is_made_to_wait(lab: Lab) -> None:
    """A container that wants more CPU than its limit is held back for part of each tenth of a second, and lives on."""
    # Given two containers that compute, one of which may have a tenth of a core,
    pair = lab.apply("resources/capped-and-free.yaml")
    lab.ready(pair)

    # when both have had half a second of CPU time,
    held_back, unhindered = lab.poll(
        "half a second of CPU time for both",
        lambda: (lab.cgroup(pair, "capped"), lab.cgroup(pair, "free")),
        until=lambda groups: all(group.used_s >= 0.5 for group in groups),
        within=START,
    )

    # then the one has been held back again and again, and not restarted for it,
    assert held_back.cpu_limit == 0.1
    assert held_back.throttled >= 4
    assert lab.get("Pod", pair.name).restart_count == 0

    # and the other never.
    assert (unhindered.cpu_limit, unhindered.throttled) == (None, 0)


@claim(
    "resources.limit-maximum",
    source=RESOURCES + "#how-pods-with-resource-limits-are-run",
    notes=imprecise(
        "a limit is the maximum that is required",
        "it is the maximum that is allowed: who wants more CPU waits, who takes more memory is killed",
    ),
    twin="roomy: a container of the same Pod with a larger limit",
    takes_s=5,
)
@sabotage("no limit", remove("spec.containers[0].resources.limits"))
@sabotage("too tight for both", put("spec.containers[1].resources.limits.memory", "32Mi"))
def test_a_container_over_its_memory_limit_is_killed(lab: Lab) -> None:
    """A container that takes more memory than its limit is killed at once, and restarted as after any other end."""
    # Given two containers of a Pod that are about to hold 64 MiB, and differ in how much they may have,
    # when both have taken what they can,
    pair = lab.apply("resources/tight-and-roomy.yaml")
    pod = lab.eventually(
        "both hold their memory, or are killed for it",
        pair,
        until=lambda pod: len(pod.containers) == 2 and all(one.ready or one.last_reason for one in pod.containers),
        within=START,
    )
    tight, roomy = pod.container("tight"), pod.container("roomy")

    # then the one with the lower limit was killed for it,
    assert tight.last_exit_code == 137
    # With cgroup v1 the runtime may see the end before it hears what the reason was.
    assert tight.last_reason in ("OOMKilled", "Error")
    assert tight.restart_count > 0

    # and the other holds it under a limit of its own.
    assert (roomy.ready, roomy.restart_count) == (True, 0)
    assert lab.cgroup(pair, "roomy").memory_limit == 128 * 2**20


@claim(
    "resources.evicted-has-failed",
    ledger=["resources.limit-maximum"],
    source=STORAGE + "#resource-ephemeral-storage-consumption",
    twin="one: the same Pod, whose process ends with 1 when it is told to stop",
    takes_s=10,
    bug=known_bug(
        "https://github.com/kubernetes/kubernetes/pull/142761",
        "1.34.0 to 1.37.2",
        sign="an evicted Pod counts as Succeeded",
    ),
)
@sabotage("no limit", remove("spec.containers[0].resources", of="pod/zero"))
@sabotage("no limit for the other one", remove("spec.containers[0].resources", of="pod/one"))
def test_a_pod_over_its_ephemeral_storage_is_evicted_and_has_failed(lab: Lab) -> None:
    """A Pod that writes more than its limit of ephemeral storage is evicted: it has failed, whatever its process says.

    What a container logs is ephemeral storage, too. The kubelet looks every ten seconds.
    """
    # Given Pods that are about to log 3 MB, may keep 1 MiB, and differ in how they end,
    # when the kubelet has noticed,
    *zeros, one = lab.apply("resources/evicted-twins.yaml")
    *ended, failed = lab.eventually(
        "all Pods are ended",
        *zeros,
        one,
        until=lambda *pods: all(pod.phase in ("Succeeded", "Failed") for pod in pods),
        within=START + budgets.EVICTED,
    )

    # then all are evicted,
    lab.poll(
        "the kubelet tells of all that it evicts them",
        lambda: [lab.events(pod, "Evicted") for pod in (*zeros, one)],
        until=all,
    )

    # and all have failed.
    assert (failed.phase, failed.raw["status"].get("reason")) == ("Failed", "Evicted")
    assert "Succeeded" not in {pod.phase for pod in ended}, "an evicted Pod counts as Succeeded"


@claim(
    "resources.sidecar-storage",
    ledger=["resources.limit-maximum"],
    source=STORAGE + "#resource-ephemeral-storage-consumption",
    twin="beside: a Pod in which the same container is an ordinary one",
    takes_s=12,
    bug=known_bug(
        "https://github.com/kubernetes/kubernetes/issues/138371",
        "1.34.0 to 1.36.5",
        sign="the sidecar's Pod is evicted: not within",
    ),
)
@sabotage("no limit", remove("spec.initContainers[0].resources", of="pod/sidecar"))
@sabotage("no limit for the other one", remove("spec.containers[0].resources", of="pod/beside"))
def test_a_sidecar_is_held_to_its_ephemeral_storage(lab: Lab) -> None:
    """A Pod is evicted for a sidecar that writes more than its limit of ephemeral storage, as for any container."""
    # Given two Pods with a container that is about to log 3 MB and may keep 1 MiB, a sidecar in one of them,
    # when the kubelet has noticed,
    sidecar, beside = lab.apply("resources/sidecar-storage.yaml")
    lab.eventually(
        "the other Pod is evicted",
        beside,
        until=lambda pod: pod.phase in ("Succeeded", "Failed"),
        within=START + budgets.EVICTED,
    )

    # then it ends both Pods.
    lab.eventually(
        "the sidecar's Pod is evicted",
        sidecar,
        until=lambda pod: pod.phase in ("Succeeded", "Failed"),
        within=budgets.EVICTED,
    )
    lab.poll(
        "the kubelet tells of both that it evicts them",
        lambda: [lab.events(pod, "Evicted") for pod in (sidecar, beside)],
        until=all,
    )


@claim(
    "resources.resize",
    ledger=["resources.limit-maximum"],
    source=RESIZE,
    twin="anew: a container of the same Pod with a resizePolicy that restarts it",
    takes_s=6,
)
@sabotage(
    "both anew",
    put("spec.containers[0].resizePolicy", [{"resourceName": "cpu", "restartPolicy": "RestartContainer"}]),
)
@sabotage("neither anew", remove("spec.containers[1].resizePolicy"))
def test_limits_are_changed_while_the_container_runs(lab: Lab) -> None:
    """The limits of a running container are changed in place, through the Pod's subresource resize.

    A container that has to read its limits at the start can ask to be restarted for it.
    """
    # Given two running containers that may have a fifth of a core,
    pair = lab.apply("resources/resize.yaml")
    lab.ready(pair)
    assert lab.cgroup(pair, "in-place").cpu_limit == 0.2

    # when they are to have two fifths, which cannot just be written into a Pod,
    limits = '"resources": {"limits": {"cpu": "400m"}}'
    more = f'{{"spec": {{"containers": [{{"name": "in-place", {limits}}}, {{"name": "anew", {limits}}}]}}}}'
    assert "pod updates may not change fields" in lab.refused(f"patch pod pair -p '{more}'").stderr
    resized = lab.now("resize")
    lab.kubectl(f"patch pod pair --subresource resize -p '{more}'")

    # then the kernel gives it to both,
    pod = lab.eventually(
        "the kubelet has changed both limits",
        pair,
        until=lambda pod: (
            pod.ready
            and all(
                (status.get("resources") or {}).get("limits", {}).get("cpu") == "400m"
                for status in pod.raw["status"]["containerStatuses"]
            )
        ),
        within=START,
        since=resized,
    )
    assert lab.cgroup(pair, "in-place").cpu_limit == 0.4

    # and only the container that asked for it was restarted.
    assert (pod.container("in-place").restart_count, pod.container("anew").restart_count) == (0, 1)


@claim(
    "resources.resize-announced",
    ledger=["resources.limit-maximum"],
    source=RESIZE,
    twin="modest: the same Pod, of which nothing is changed",
    takes_s=4,
    since="1.35",
)
@sabotage("nothing is changed", instead('"cpu": "20m"', '"cpu": "10m"'))
@sabotage("both are changed", instead("patch pod greedy", "patch pods greedy modest"))
def test_a_resize_is_announced(lab: Lab) -> None:
    """There are events of a resize when the kubelet begins with it, and when it is done."""
    # Given two running Pods,
    greedy, modest = lab.apply("resources/beyond-the-node.yaml")
    lab.ready(greedy, modest)

    # when one of them is to have more,
    more = '{"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "20m"}}}]}}'
    lab.kubectl(f"patch pod greedy --subresource resize -p '{more}'")

    # then it is told that this began, and that it is done, and nothing of the other one.
    lab.poll(
        "it has begun and is done",
        lambda: [lab.events(greedy, reason) for reason in ("ResizeStarted", "ResizeCompleted")],
        until=all,
        within=SOON + SOON,
    )
    assert lab.events(modest, "ResizeStarted") + lab.events(modest, "ResizeCompleted") == []
    assert lab.get("Pod", modest.name).raw["spec"]["containers"] == modest.manifest["spec"]["containers"]


@claim(
    "resources.resize-done",
    ledger=["resources.limit-maximum"],
    source=RESIZE,
    twin="modest: the same Pod, of which nothing is changed",
    takes_s=4,
    until="1.35",
)
@sabotage("nothing is changed", instead('"cpu": "20m"', '"cpu": "10m"'))
@sabotage("both are changed", instead("patch pod greedy", "patch pods greedy modest"))
def test_a_resize_is_told_of_when_it_is_done(lab: Lab) -> None:
    """There is an event of a resize when the kubelet is done with it, and none when it begins."""
    # Given two running Pods,
    greedy, modest = lab.apply("resources/beyond-the-node.yaml")
    lab.ready(greedy, modest)

    # when one of them is to have more,
    more = '{"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "20m"}}}]}}'
    lab.kubectl(f"patch pod greedy --subresource resize -p '{more}'")

    # then it is told that this is done, and nothing else, and nothing of the other one.
    lab.poll("it is done", lambda: lab.events(greedy, "ResizeCompleted"), until=lambda e: e, within=SOON + SOON)
    assert lab.events(greedy, "ResizeStarted") == []
    assert lab.events(modest, "ResizeCompleted") == []
    assert lab.get("Pod", modest.name).raw["spec"]["containers"] == modest.manifest["spec"]["containers"]


@claim(
    "resources.resize-refused",
    ledger=["resources.scheduling"],
    source=RESIZE,
    twin="modest: the same Pod, which is to have little more",
    takes_s=2,
    since="1.36",
)
@sabotage("little more for both", instead('"cpu": "1000"', '"cpu": "20m"'))
@sabotage("too much for both", instead('"cpu": "20m"', '"cpu": "1000"'))
def test_a_resize_beyond_the_node_is_refused(lab: Lab) -> None:
    """A Pod that is to have more than its node can give keeps what it has: that is refused at once."""
    # Given two Pods with a node,
    greedy, modest = lab.apply("resources/beyond-the-node.yaml")
    lab.given("they have one", greedy, modest, until=lambda *pods: all(pod.node for pod in pods))

    # when one is to have little more, and the other one a thousand cores, then only the first is taken.
    more = '{{"spec": {{"containers": [{{"name": "web", "resources": {{"requests": {{"cpu": "{}"}}}}}}]}}}}'
    lab.kubectl(f"patch pod modest --subresource resize --dry-run=server -p '{more.format('20m')}'")
    refused = lab.refused(f"patch pod greedy --subresource resize --dry-run=server -p '{more.format('1000')}'")
    assert "node didn't have enough allocatable resources: cpu, requested: 1000000" in refused.stderr


@claim(
    "resources.resize-infeasible",
    ledger=["resources.scheduling"],
    source=RESIZE,
    twin="modest: the same Pod, which is to have little more",
    takes_s=4,
    until="1.36",
)
@sabotage("little more for both", instead('"cpu": "1000"', '"cpu": "20m"'))
@sabotage("too much for both", instead('"cpu": "20m"', '"cpu": "1000"'))
def test_a_resize_beyond_the_node_is_pending(lab: Lab) -> None:
    """A Pod may be asked to have more than its node can give: that is taken, and its condition says Infeasible."""
    # Given two Pods that run,
    greedy, modest = lab.apply("resources/beyond-the-node.yaml")
    lab.ready(greedy, modest)

    # when one is to have little more, and the other one a thousand cores, then both is taken,
    more = '{{"spec": {{"containers": [{{"name": "web", "resources": {{"requests": {{"cpu": "{}"}}}}}}]}}}}'
    asked = lab.now("more is asked for")
    lab.kubectl(f"patch pod modest --subresource resize -p '{more.format('20m')}'")
    lab.kubectl(f"patch pod greedy --subresource resize -p '{more.format('1000')}'")

    # and the kubelet does the one, and says of the other that it never can.
    pending = "PodResizePending"
    _, never = lab.eventually(
        "it has said so",
        modest,
        greedy,
        until=lambda m, g: (
            m.raw["status"]["containerStatuses"][0].get("resources", {}).get("requests") == {"cpu": "20m"}
            and g.condition(pending)
        ),
        within=SOON + SOON,
        since=asked,
    )
    assert never.condition(pending)["reason"] == "Infeasible"
    lab.never("the modest one has to wait", modest, lambda pod: pod.condition(pending), until=never)


@claim(
    "resources.resize-pod-level",
    ledger=["resources.pod-sum"],
    source="https://kubernetes.io/docs/tasks/configure-pod-container/resize-pod-resources/",
    twin="parts: a Pod whose containers have resources of their own",
    takes_s=1,
    since="1.36",
)
@sabotage("by a plain patch", instead(" --subresource resize", ""))
@sabotage("more than a request", instead('"cpu": "200m"', '"nvidia.com/gpu": "1"'))
def test_resources_of_a_pod_can_be_resized(lab: Lab) -> None:
    """Resources that are given to a Pod as a whole can be changed as those of its containers can."""
    # Given a Pod that has resources as a whole, and one whose containers have some,
    lab.apply("resources/resized-unplaced.yaml")

    # when both are to have more, if only for a try, then that is taken.
    level = '{"spec": {"resources": {"requests": {"cpu": "200m"}}}}'
    shown = "-o jsonpath={.spec.resources.requests.cpu}"
    resized = lab.kubectl(f"patch pod whole --subresource resize --dry-run=server -p '{level}' {shown}")
    assert resized.stdout == "200m"
    part = '{"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "200m"}}}]}}'
    lab.kubectl(f"patch pod parts --subresource resize --dry-run=server -p '{part}'")


@claim(
    "resources.no-resize-pod-level",
    ledger=["resources.pod-sum"],
    source="https://kubernetes.io/docs/tasks/configure-pod-container/resize-pod-resources/",
    twin="parts: a Pod whose containers have resources of their own",
    takes_s=1,
    until="1.36",
)
@sabotage(
    "the container's",
    instead("patch pod whole", "patch pod parts"),
    instead('{"spec": {"resources": {"requests": {"cpu": "200m"}}}}', '{"metadata": {"labels": {"cpu": "200m"}}}'),
)
def test_resources_of_a_pod_cannot_be_resized(lab: Lab) -> None:
    """Resources that are given to a Pod as a whole cannot be changed, as those of its containers can."""
    # Given a Pod that has resources as a whole, and one whose containers have some,
    lab.apply("resources/resized-unplaced.yaml")

    # when both are to have more, if only for a try, then that is refused for the Pod as a whole,
    level = '{"spec": {"resources": {"requests": {"cpu": "200m"}}}}'
    refused = lab.refused(f"patch pod whole --subresource resize --dry-run=server -p '{level}'")
    assert "pods with pod-level resources" in refused.stderr

    # and taken for a container.
    part = '{"spec": {"containers": [{"name": "web", "resources": {"requests": {"cpu": "200m"}}}]}}'
    lab.kubectl(f"patch pod parts --subresource resize --dry-run=server -p '{part}'")


@claim(
    "resources.resize-init",
    ledger=["resources.pod-sum"],
    source=RESIZE,
    twin="web: the container after it",
    takes_s=1,
    since="1.36",
)
@sabotage("by a plain patch", instead(" --subresource resize", ""))
@sabotage("more than a request", instead('{"requests": {"cpu": "200m"}}', '{"requests": {"nvidia.com/gpu": "1"}}'))
def test_an_init_container_can_be_resized(lab: Lab) -> None:
    """The resources of an init container can be changed as those of the containers after it can."""
    # Given a Pod with an init container and another one,
    lab.apply("resources/resized-unplaced.yaml")

    # when both are to have more, if only for a try, then that is taken.
    more = '{{"spec": {{"{}": [{{"name": "{}", "resources": {{"requests": {{"cpu": "200m"}}}}}}]}}}}'
    resize = "patch pod parts --subresource resize --dry-run=server"
    shown = "-o jsonpath={.spec.initContainers[0].resources.requests.cpu}"
    resized = lab.kubectl(f"{resize} -p '{more.format('initContainers', 'prepare')}' {shown}")
    assert resized.stdout == "200m"
    lab.kubectl(f"{resize} -p '{more.format('containers', 'web')}'")


@claim(
    "resources.no-resize-init",
    ledger=["resources.pod-sum"],
    source=RESIZE,
    twin="web: the container after it",
    takes_s=1,
    until="1.36",
)
@sabotage("the container after it", instead('"initContainers": [{"name": "prepare"', '"containers": [{"name": "web"'))
def test_an_init_container_cannot_be_resized(lab: Lab) -> None:
    """The resources of an init container cannot be changed, as those of the containers after it can."""
    # Given a Pod with an init container and another one,
    lab.apply("resources/resized-unplaced.yaml")

    # when both are to have more, if only for a try, then that is refused for the init container,
    more = '{{"spec": {{"{}": [{{"name": "{}", "resources": {{"requests": {{"cpu": "200m"}}}}}}]}}}}'
    resize = "patch pod parts --subresource resize --dry-run=server"
    refused = lab.refused(f"{resize} -p '{more.format('initContainers', 'prepare')}'")
    assert "resources for non-sidecar init containers are immutable" in refused.stderr

    # and taken for the container after it.
    lab.kubectl(f"{resize} -p '{more.format('containers', 'web')}'")


@claim(
    "resources.image-typo",
    source="https://kubernetes.io/docs/concepts/containers/images/#image-pull-policy",
    notes=wrong(
        "the image is gcr.io/kuard-demo/kuard-amd64:1",
        "its project was kuar-demo; Kubernetes takes either name, and only the kubelet finds that there is no image",
    ),
    twin="right: a container of the same Pod with an image that is on the node",
    takes_s=3,
)
@sabotage("a right name", put("spec.containers[0].image", "localhost:1/labs/web:1"))
@sabotage("two wrong names", put("spec.containers[1].image", "localhost:1/labs/wbe:1"))
def test_an_image_that_does_not_exist_is_accepted(lab: Lab) -> None:
    """A Pod is accepted and placed whatever its image is called; a misspelt name comes out when it is to run."""
    # Given two containers that may take images of their node alone, one of them with the notes' misspelt name,
    # when they are to run there,
    pair = lab.apply("resources/image-typo.yaml")
    pod = lab.eventually(
        "each has its image or has missed it",
        pair,
        until=lambda pod: all(
            pod.container(name).state == "running" or pod.container(name).reason == "ErrImageNeverPull"
            for name in ("typo", "right")
        ),
        within=START,
    )

    # then the Pod was accepted, and placed, and the container with the misspelt one does not run.
    assert pod.condition("PodScheduled")["status"] == "True"
    assert pod.container("typo").reason == "ErrImageNeverPull"
    assert pod.container("right").state == "running"
