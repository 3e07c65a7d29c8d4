"""ReplicaSets: so many Pods of one template, whatever happens to them.

Where it makes no difference whether a Pod runs, the templates carry a scheduling gate: such Pods are made, counted,
owned and deleted like all others, and cost nothing.
"""

from labkit.words import (
    SOON,
    START,
    Lab,
    Window,
    budgets,
    changed,
    claim,
    failures_in_a_row,
    imprecise,
    instead,
    put,
    ready,
    remove,
    sabotage,
    skip,
    wrong,
)

REPLICASET = "https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/"

UNREACHABLE = "node.kubernetes.io/unreachable"
"""The taint of a node from which nothing is heard."""


@claim(
    "replicasets.copies",
    source=REPLICASET,
    notes=imprecise(
        "a ReplicaSet runs copies of a container", "it runs copies of a Pod, however many containers that has"
    ),
    twin="single: a template with one container instead of two",
    takes_s=1,
)
@sabotage("one container", remove("spec.template.spec.containers[1]", of="replicaset/pair"))
@sabotage("one Pod", put("spec.replicas", 1, of="replicaset/pair"))
def test_a_replicaset_makes_copies_of_a_pod(lab: Lab) -> None:
    """A ReplicaSet makes copies of a Pod template, each with all its containers, not copies of a container."""
    # Given two ReplicaSets of two replicas, one with two containers in its template,
    pair, single = lab.apply("replicasets/copies.yaml")

    # when their Pods are there,
    pairs, singles, *_ = lab.eventually(
        "as many Pods as asked for",
        lab.pods(controlled_by=pair),
        lab.pods(controlled_by=single),
        pair,
        single,
        until=lambda *seen: all(
            len(group) == replicaset.replicas == replicaset.wanted
            for group, replicaset in zip(seen[:2], seen[2:], strict=True)
        ),
    )

    # then each has two Pods, and the containers come by the Pod.
    assert (len(pairs), len(singles)) == (2, 2), "not two Pods each"
    assert [len(pod.raw["spec"]["containers"]) for pod in pairs.pods] == [2, 2]
    assert [len(pod.raw["spec"]["containers"]) for pod in singles.pods] == [1, 1]


@claim(
    "replicasets.control",
    source=REPLICASET + "#how-a-replicaset-works",
    ledger=["replicasets.control", "replicasets.template"],
    twin="by-hand: a Pod of the same spec that a person made",
    takes_s=1,
)
@sabotage("the Pod made by hand is of the ReplicaSet's", put("metadata.labels.app", "web", of="pod/by-hand"))
@sabotage("another template", put("spec.template.metadata.labels.tier", "frontend", of="replicaset/web"))
def test_a_replicaset_makes_its_pods_from_its_template_and_owns_them(lab: Lab) -> None:
    """A ReplicaSet makes its Pods from its template, and each of them names it as its controller."""
    # Given a Pod made by hand,
    # when a ReplicaSet with the same Pod as its template is there too,
    by_hand, web = lab.apply("replicasets/control.yaml")
    pods, _ = lab.eventually(
        "the ReplicaSet makes its Pods",
        lab.pods(controlled_by=web),
        web,
        until=lambda group, replicaset: len(group) == 2 == replicaset.replicas,
    )

    # then its Pods are like the one made by hand, but have an owner, which controls them.
    template = web.manifest["spec"]["template"]
    for pod in pods.pods:
        assert pod.labels == template["metadata"]["labels"]
        assert pod.raw["spec"]["containers"][0]["image"] == template["spec"]["containers"][0]["image"]
        assert [(o["kind"], o["name"], o["controller"]) for o in pod.owners] == [("ReplicaSet", "web", True)]
    lab.never("the Pod made by hand gets an owner", by_hand, lambda pod: pod.owners, until=pods)


@claim(
    "replicasets.self-healing",
    source=REPLICASET + "#how-a-replicaset-works",
    twin="by-hand: the same Pod without a ReplicaSet",
    takes_s=1,
)
@sabotage("the ReplicaSet is deleted too", instead("delete pod/", "delete replicaset/web pod/"))
def test_a_deleted_pod_is_replaced_by_one_other(lab: Lab) -> None:
    """A Pod of a ReplicaSet that is deleted is replaced by a new one, with nobody's help; a Pod on its own is not."""
    # Given a ReplicaSet with two Pods, and a Pod on its own,
    web, by_hand = lab.apply("replicasets/healing.yaml")
    before = lab.given("two Pods", lab.pods(controlled_by=web), until=lambda group: len(group) == 2)

    # when one of the two and the one on its own are deleted,
    victim = before.pods[-1]
    deleted = lab.now("two Pods are deleted")
    lab.kubectl(f"delete pod/{victim.name} pod/by-hand")

    # then there are two again, one of them of another name and uid,
    after = lab.eventually(
        "the ReplicaSet has two Pods again",
        lab.pods(controlled_by=web),
        until=lambda group: len(group) == 2 and victim.uid not in group.uids,
        since=deleted,
    )
    assert len(after.uids - before.uids) == 1, "more than the deleted Pod was replaced"
    assert victim.name not in after.names

    # and the other one never comes back.
    alone = lab.pods(app="by-hand")
    lab.never("a Pod on its own is replaced", alone, lambda group: group.uids - {by_hand.uid}, until=after)


@claim(
    "replicasets.all-at-once",
    source=REPLICASET + "#how-a-replicaset-works",
    ledger=["replicasets.self-healing"],
    twin="by-hand: the same Pod without a ReplicaSet",
    takes_s=1,
)
@sabotage("the ReplicaSet is deleted too", instead("delete pods", "delete replicasets,pods"))
def test_all_pods_at_once_are_replaced(lab: Lab) -> None:
    """A ReplicaSet that loses all its Pods at once makes as many new ones."""
    # Given a ReplicaSet with three Pods, and a Pod on its own,
    web, by_hand = lab.apply("replicasets/all-at-once.yaml")
    before = lab.given("three Pods", lab.pods(controlled_by=web), until=lambda group: len(group) == 3)

    # when every Pod of the namespace is deleted,
    deleted = lab.now("all Pods are deleted")
    lab.kubectl("delete pods --all")

    # then the ReplicaSet has three other ones, and the one on its own never comes back.
    after = lab.eventually(
        "three new Pods",
        lab.pods(controlled_by=web),
        until=lambda group: len(group) == 3 and not group.uids & before.uids,
        since=deleted,
    )
    alone = lab.pods(app="by-hand")
    lab.never("a Pod on its own is replaced", alone, lambda group: group.uids - {by_hand.uid}, until=after)


@claim(
    "replicasets.not-healed",
    source=REPLICASET + "#working-with-replicasets",
    ledger=["replicasets.self-healing"],
    twin="broken: a template whose image does not exist",
    takes_s=5,
)
@sabotage(
    "its image exists", put("spec.template.spec.containers[0].image", "localhost:1/labs/web:1", of="replicaset/broken")
)
@sabotage(
    "its Pod is deleted", instead("set image replicaset/broken web=localhost:1/labs/web:1", "delete pods -l app=broken")
)
def test_a_pod_that_cannot_run_is_not_healed(lab: Lab) -> None:
    """A ReplicaSet replaces a Pod that is gone, never one that cannot run, even once its template is mended."""
    # Given a ReplicaSet whose Pod runs, and one whose Pod cannot,
    sound, broken = lab.apply("replicasets/cannot-run.yaml")
    running = lab.given("one Pod Ready", lab.pods(controlled_by=sound), until=ready(1))
    stuck = lab.given("one Pod there", lab.pods(controlled_by=broken), until=lambda group: len(group) == 1)

    # when the Pod that runs is deleted, and the template of the other one mended,
    lab.kubectl("set image replicaset/broken web=localhost:1/labs/web:1")
    deleted = lab.now("the Pod that runs is deleted")
    lab.kubectl(f"delete pod {running.names[0]}")

    # then the deleted one is replaced,
    healed = lab.eventually(
        "the deleted Pod is replaced",
        lab.pods(controlled_by=sound),
        until=lambda group: ready(1)(group) and group.uids != running.uids,
        within=START,
        since=deleted,
    )

    # and the one that cannot run is still the same, counts as a replica, and is as good as none.
    pods = lab.pods(controlled_by=broken)
    lab.never("the Pod that cannot run is replaced", pods, lambda group: group.uids != stuck.uids, until=healed)
    lab.never("the Pod that cannot run is Ready", pods, lambda group: group.ready, until=healed)
    told = lab.get("ReplicaSet", broken.name)
    assert (told.raw["status"]["replicas"], told.raw["status"].get("readyReplicas", 0)) == (1, 0)


@claim(
    "replicasets.reconcile",
    source="https://kubernetes.io/docs/concepts/architecture/controller/",
    twin="free: the same ReplicaSet, whose Pods the ban does not pick",
    takes_s=6,
    cluster_wide=True,
)
@sabotage(
    "the ban does not pick its Pods",
    remove("spec.template.metadata.labels['labs/replacements']", of="replicaset/banned"),
)
@sabotage("the ban is not lifted", skip("delete validatingadmissionpolicybinding"))
def test_it_is_the_controller_that_brings_the_pods_back(lab: Lab) -> None:
    """It is the ReplicaSet controller that makes up for missing Pods: forbid it to create any and they stay missing."""
    # Given two ReplicaSets of one Pod, and for one of them a ban on Pods that the controller makes, not a person,
    banned, free = lab.apply("replicasets/reconcile.yaml")
    of_banned, of_free = lab.pods(controlled_by=banned), lab.pods(controlled_by=free)
    before, before_free = lab.given("one Pod each", of_banned, of_free, until=lambda b, f: len(b) == len(f) == 1)
    lab.apply("replicasets/no-pods-from-the-controller.yaml")
    by_hand = "run try --image=localhost:1/labs/web:1 --labels=labs/replacements=forbidden --dry-run=server"
    controller = f"{by_hand} --as=system:serviceaccount:kube-system:replicaset-controller"
    lab.poll("the ban is in force", lambda: lab.tried(controller).stderr, until=lambda why: "AdmissionPolicy" in why)
    lab.kubectl(by_hand)

    # when each loses its Pod,
    deleted = lab.now("each loses its Pod")
    lab.kubectl("delete pods --all")

    # then the controller makes another for the one, and says of the other that it could not,
    lab.eventually("the one has a Pod again", of_free, until=lambda group: group.uids - before_free.uids, since=deleted)
    told = lab.eventually(
        "the controller tells of the other", banned, until=lambda rs: rs.raw["status"].get("conditions"), since=deleted
    )
    assert told.raw["status"]["conditions"][0]["reason"] == "FailedCreate", "it was not refused"

    # until the ban is lifted, at its next try: no farther off than all tries took so far, as it doubles the wait.
    lifted = lab.now("the ban is lifted")
    lab.kubectl(f"delete validatingadmissionpolicybinding {lab.namespace}")
    next_try = Window(0.0, lifted.seen_s - deleted.seen_s) + SOON
    lab.eventually(
        "the other has one, too", of_banned, until=lambda g: g.uids - before.uids, within=next_try, since=lifted
    )
    lab.never("a Pod comes under the ban", of_banned, lambda group: group.uids - before.uids, until=lifted)


@claim(
    "replicasets.scale-up",
    source=REPLICASET + "#scaling-a-replicaset",
    twin="left: a ReplicaSet that nobody scales",
    takes_s=1,
)
@sabotage("to two, not to three", instead("--replicas=3", "--replicas=2"))
@sabotage("both are scaled", instead("scale replicaset/scaled", "scale replicaset/left replicaset/scaled"))
def test_scaling_up_adds_pods_and_keeps_those_there_are(lab: Lab) -> None:
    """Asked for more replicas, a ReplicaSet adds the missing Pods and leaves those there are alone."""
    # Given two ReplicaSets of one Pod,
    scaled, left = lab.apply("replicasets/scale-up.yaml")
    before, _ = lab.given(
        "one Pod each",
        lab.pods(controlled_by=scaled),
        lab.pods(controlled_by=left),
        until=lambda *groups: all(len(group) == 1 for group in groups),
    )

    # when one is scaled to three,
    asked = lab.now("three are asked for")
    lab.kubectl("scale replicaset/scaled --replicas=3")

    # then it has the Pod from before and two more (which may be seen after the count: they come by their own watch),
    # and the other one has one throughout.
    done, after = lab.eventually(
        "the ReplicaSet has and counts as many as it is asked for",
        scaled,
        lab.pods(controlled_by=scaled),
        until=lambda rs, group: rs.wanted > 1 and rs.observed and rs.replicas == rs.wanted == len(group),
        since=asked,
    )
    assert len(after) == 3, f"not three: {after}"
    assert before.uids < after.uids, f"the Pod from before is gone: {after}"
    lab.never("the other one is asked for more", left, lambda replicaset: replicaset.wanted > 1, until=done)


@claim(
    "replicasets.autoscaler",
    ledger=["replicasets.scale-up"],
    source="https://kubernetes.io/docs/concepts/workloads/autoscaling/horizontal-pod-autoscale/",
    twin="left: the same ReplicaSet without an autoscaler",
    takes_s=18,
)
@sabotage("one is enough", put("spec.minReplicas", 1, of="horizontalpodautoscaler/scaled"))
@sabotage("the other one is scaled", put("spec.scaleTargetRef.name", "left"))
def test_an_autoscaler_without_metrics_knows_only_its_bounds(lab: Lab) -> None:
    """A HorizontalPodAutoscaler keeps a ReplicaSet within its bounds; by what it does there it needs metrics.

    A cluster has none without the metrics server.
    """
    # Given two ReplicaSets of one Pod, and an autoscaler for the first that has at least two,
    _, scaled, left = lab.apply("replicasets/autoscaled.yaml")

    # when the autoscaler has looked, which it does every 15 s,
    grown = lab.eventually(
        "it has two Pods", scaled, until=lambda rs: rs.wanted == 2 and rs.replicas == 2, within=Window(0, 30)
    )
    lab.never("the other one is scaled", left, lambda rs: rs.wanted != 1, until=grown)

    # then it says that it knows of no load.
    reason = '{.status.conditions[?(@.type=="ScalingActive")].reason}'
    lab.kubectl(f"wait hpa/scaled --for=jsonpath='{reason}'=FailedGetResourceMetric --timeout=60s")


@claim(
    "replicasets.autoscaler-to-none",
    ledger=["replicasets.scale-up"],
    source="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
    twin="one: the same autoscaler that leaves one Pod",
    takes_s=1,
    since="1.37",
)
@sabotage("fewer than none", put("spec.minReplicas", -1, of="horizontalpodautoscaler/none"))
@sabotage(
    "by the CPU of Pods that are not there",
    put(
        "spec.metrics",
        [
            {
                "type": "Resource",
                "resource": {"name": "cpu", "target": {"type": "Utilization", "averageUtilization": 50}},
            }
        ],
        of="horizontalpodautoscaler/none",
    ),
)
def test_an_autoscaler_may_leave_no_pods(lab: Lab) -> None:
    """An autoscaler may scale down to no Pods at all, if it goes by a metric that is there without them."""
    # Given two autoscalers by something that is not measured in Pods, of which one leaves a Pod, and the other none,
    # when both are made, if only for a try, then they are accepted.
    made = lab.apply("replicasets/autoscaled-to-none.yaml", "apply --dry-run=server -f")
    assert [one.manifest["spec"]["minReplicas"] for one in made] == [1, 0]


@claim(
    "replicasets.autoscaler-to-one",
    ledger=["replicasets.scale-up"],
    source="https://kubernetes.io/docs/tasks/run-application/horizontal-pod-autoscale/",
    twin="one: the same autoscaler that leaves one Pod",
    takes_s=1,
    until="1.37",
)
@sabotage("one for both", put("spec.minReplicas", 1, of="horizontalpodautoscaler/none"))
@sabotage("none for both", put("spec.minReplicas", 0, of="horizontalpodautoscaler/one"))
def test_an_autoscaler_leaves_a_pod(lab: Lab) -> None:
    """An autoscaler scales down to one Pod, and not to none, whatever it goes by."""
    # Given two autoscalers by something that is not measured in Pods, of which one leaves a Pod, and the other none,
    refused = lab.apply_refused("replicasets/autoscaled-to-none.yaml", "create --dry-run=server -f")

    # when both are made, if only for a try, then the one is accepted, and the other one refused.
    assert refused.stdout.split()[:1] == ["horizontalpodautoscaler.autoscaling/one"]
    assert "must be greater than or equal to 1" in refused.stderr


@claim(
    "replicasets.scale-down",
    source=REPLICASET + "#scaling-a-replicaset",
    twin="the Pod of the same ReplicaSet that is Ready",
    takes_s=5,
)
@sabotage("it stays Ready", instead('"failNext": -1', '"failNext": 0'), skip("wait"))
def test_scaling_down_takes_the_pod_that_is_not_ready(lab: Lab) -> None:
    """Asked for fewer replicas, a ReplicaSet deletes a Pod that is not Ready before one that is, whatever its cost."""
    # Given a ReplicaSet with two Pods, of which the one that is to be kept, if possible, is not Ready,
    web = lab.apply("replicasets/not-ready-first.yaml")
    pods = lab.pods(controlled_by=web)
    before, _ = lab.given(
        "two Pods Ready, and counted", pods, web, until=lambda group, rs: ready(2)(group) and rs.ready_replicas == 2
    )
    ill, well = before.pods
    lab.kubectl(f"annotate pod {ill.name} controller.kubernetes.io/pod-deletion-cost=100")
    lab.put(ill, "/ready/api", failNext=-1)
    # What the controller counts it has seen: it does not decide by an older state of that Pod.
    lab.kubectl("wait replicaset/web --for=jsonpath={.status.readyReplicas}=1 --timeout=60s")

    # when it is scaled to one,
    asked = lab.now("one is asked for")
    lab.kubectl("scale replicaset/web --replicas=1")

    # then that one goes and the Ready one stays.
    after = lab.eventually("one Pod is left", pods, until=lambda group: len(group.staying) == 1, since=asked)
    assert [pod.uid for pod in after.staying] == [well.uid], f"the Ready one had to go: {after}"


@claim(
    "replicasets.deletion-cost",
    source=REPLICASET + "#pod-deletion-cost",
    ledger=["replicasets.scale-down"],
    twin="the Pods of the same ReplicaSet without the annotation",
    takes_s=1,
)
@sabotage("it is the dearest instead", instead("pod-deletion-cost=-1", "pod-deletion-cost=1"))
def test_scaling_down_takes_the_cheapest_pod(lab: Lab) -> None:
    """Of Pods that are equal otherwise, scaling down deletes the one of the lowest pod-deletion-cost (0 if unset)."""
    # Given a ReplicaSet with two Pods, one of which is cheaper than the other, and a third one made after that:
    # a controller that counts it has seen the price,
    web = lab.apply("replicasets/deletion-cost.yaml")
    pods = lab.pods(controlled_by=web)
    cheap = lab.given("two Pods", pods, until=lambda group: len(group) == 2).pods[0]
    lab.kubectl(f"annotate pod {cheap.name} controller.kubernetes.io/pod-deletion-cost=-1")
    lab.kubectl("scale replicaset/web --replicas=3")
    before, _ = lab.given("three Pods, and counted", pods, web, until=lambda group, rs: len(group) == 3 == rs.replicas)

    # when it is scaled to two,
    asked = lab.now("two are asked for")
    lab.kubectl("scale replicaset/web --replicas=2")

    # then the cheap one goes.
    after = lab.eventually("a Pod goes", pods, until=lambda group: len(group) < 3, since=asked)
    assert after.uids == before.uids - {cheap.uid}, f"{cheap.name} should have gone: {after}"
    lab.eventually("it counts two", web, until=lambda rs: rs.observed and rs.replicas == 2, since=asked)


@claim(
    "replicasets.terminating",
    source=REPLICASET + "#terminating-pods",
    ledger=["replicasets.scale-down"],
    notes=changed(
        "a ReplicaSet's status counts the Pods it has", "those still stopping are counted, too", since="1.35"
    ),
    twin="left: the same ReplicaSet, not scaled",
    takes_s=7,
    since="1.35",
)
@sabotage("both are scaled", instead("scale replicaset/scaled", "scale replicaset/left replicaset/scaled"))
def test_pods_that_are_stopping_are_counted_on_their_own(lab: Lab) -> None:
    """Pods that a ReplicaSet has deleted count as terminatingReplicas until they have stopped, not as replicas."""
    # Given two ReplicaSets of one Pod, which takes its whole grace period to stop,
    scaled, left = lab.apply("replicasets/slow-to-stop.yaml")
    lab.given("both Pods Ready", scaled, left, until=lambda *both: all(rs.ready_replicas == 1 for rs in both))

    # when one is scaled to none,
    asked = lab.now("none is asked for")
    lab.kubectl("scale replicaset/scaled --replicas=0")

    # then its Pod counts as terminating at once, and no more when it has stopped,
    lab.eventually(
        "it counts a Pod that is stopping and none else",
        scaled,
        until=lambda rs: (rs.replicas, rs.terminating_replicas) == (0, 1),
        since=asked,
    )
    done = lab.eventually(
        "the Pod has stopped",
        scaled,
        until=lambda rs: (rs.observed, rs.replicas, rs.terminating_replicas) == (True, 0, 0),
        within=budgets.stops(scaled.manifest["spec"]["template"]) + SOON,
        since=asked,
    )

    # while the other one counts none.
    lab.never("the other one counts a Pod that is stopping", left, lambda rs: rs.terminating_replicas, until=done)


@claim(
    "replicasets.terminating-uncounted",
    source=REPLICASET + "#terminating-pods",
    ledger=["replicasets.scale-down"],
    twin="left: the same ReplicaSet, not scaled",
    takes_s=7,
    until="1.35",
)
@sabotage("nothing is scaled", instead("--replicas=0", "--replicas=1"))
def test_pods_that_are_stopping_are_counted_nowhere(lab: Lab) -> None:
    """Pods that a ReplicaSet has deleted are in none of its counts, although they go on until they have stopped."""
    # Given two ReplicaSets of one Pod, which takes its whole grace period to stop,
    scaled, left = lab.apply("replicasets/slow-to-stop.yaml")
    lab.given("both Pods Ready", scaled, left, until=lambda *both: all(rs.ready_replicas == 1 for rs in both))

    # when one is scaled to none,
    asked = lab.now("none is asked for")
    lab.kubectl("scale replicaset/scaled --replicas=0")

    # then it counts none, and none that is stopping,
    counted = lab.eventually(
        "it counts no Pod", scaled, until=lambda rs: rs.wanted == 0 and rs.replicas == 0, since=asked
    )
    assert counted.terminating_replicas is None

    # while the Pod is still there, and the other ReplicaSet counts its own.
    lab.eventually(
        "its Pod is stopping",
        lab.pods(controlled_by=scaled),
        until=lambda pods: pods.pods and pods.pods[0].terminating,
        since=asked,
    )
    lab.never("the other one counts none", left, lambda rs: rs.replicas != 1, since=asked, until=counted)


@claim(
    "replicasets.adoption",
    source=REPLICASET + "#non-template-pod-acquisitions",
    ledger=["replicasets.decoupled"],
    twin="stranger: the same Pod, but for one label",
    takes_s=1,
)
@sabotage("no matching label", put("metadata.labels.app", "other", of="pod/matching"))
@sabotage("both match", put("metadata.labels.app", "web", of="pod/stranger"))
def test_a_replicaset_adopts_a_matching_pod(lab: Lab) -> None:
    """A ReplicaSet takes over Pods that match its selector and have no controller, and makes only what is missing."""
    # Given two Pods made by hand, of which one carries the label of a ReplicaSet to come, and a controller that has
    # seen them, as it counts a Pod made after them,
    matching, stranger, younger = lab.apply("replicasets/loose-pods.yaml")
    lab.given("a younger Pod is counted", younger, until=lambda replicaset: replicaset.replicas == 1)

    # when the ReplicaSet comes and wants two Pods,
    web = lab.apply("replicasets/adopting.yaml")

    # then it takes that one, makes one more, and leaves the other one alone.
    pods = lab.eventually("it has two Pods", lab.pods(controlled_by=web), until=lambda group: len(group) == 2)
    assert matching.uid in pods.uids, f"it made both: {pods}"
    lab.never("the other one gets an owner", stranger, lambda pod: pod.owners, until=pods)


@claim(
    "replicasets.label-query",
    source=REPLICASET + "#how-a-replicaset-works",
    notes=imprecise(
        "a ReplicaSet finds its Pods by their labels", "labels find candidates, the ownerReference says whose a Pod is"
    ),
    twin="the same Pods before their owner is gone",
    takes_s=2,
)
@sabotage("the Pods go with their owner", instead("--cascade=orphan", "--cascade=background"))
def test_a_pod_belongs_to_the_replicaset_that_owns_it(lab: Lab) -> None:
    """A Pod belongs to the ReplicaSet that controls it; another one with the same selector does not take it away."""
    # Given two ReplicaSets of two Pods with the same selector,
    first, second = lab.apply("replicasets/one-selector-twice.yaml")
    of_first, of_second = lab.pods(controlled_by=first), lab.pods(controlled_by=second)
    firsts, seconds = lab.eventually(
        "each has Pods of its own", of_first, of_second, until=lambda *both: all(len(group) == 2 for group in both)
    )

    # when the first one is deleted, but not its Pods,
    orphaned = lab.now("the first ReplicaSet leaves its Pods behind")
    lab.kubectl("delete replicaset first --cascade=orphan")

    # then the second takes over what nobody controls any more, one by one, and deletes what is too many meanwhile
    # (counted from now: kubectl came back when the garbage collector had set the Pods free);
    for pod in firsts.pods:
        adopted = lab.eventually(
            f"the second adopts {pod.name}", of_second, until=lambda group, uid=pod.uid: uid in group.uids
        )
    lab.eventually(
        "it is down to two",
        lab.pods(app="web"),
        second,
        until=lambda group, replicaset: len(group) == 2 == replicaset.replicas,
        since=adopted,
    )

    # as long as they had an owner it let them be.
    lab.never("the second has other Pods", of_second, lambda group: group.uids - seconds.uids, until=orphaned)


@claim(
    "replicasets.relabel",
    source=REPLICASET + "#isolating-pods-from-a-replicaset",
    twin="its sibling, whose changed label is not in the selector",
    takes_s=5,
)
@sabotage("a label outside of the selector", instead("app=quarantine", "tier=quarantine"))
@sabotage("its sibling is freed too", instead("tier=debug", "app=debug"))
def test_a_relabelled_pod_is_quarantined(lab: Lab) -> None:
    """A Pod whose labels no longer match is set free: it runs on without owner and traffic, and is replaced."""
    # Given a ReplicaSet with two Pods behind a Service,
    service, web = lab.apply("replicasets/quarantine.yaml")
    pods, endpoints = lab.pods(controlled_by=web), lab.endpoints(service)
    before = lab.given("two Pods Ready", pods, until=ready(2))
    lab.given("two endpoints", endpoints, until=lambda seen: len(seen.ready) == 2)
    suspect, sibling = before.pods

    # when one Pod gets another value for a label of the selector, and the other for one that is in no selector,
    relabelled = lab.now("both are relabelled")
    lab.kubectl(f"label pod {sibling.name} tier=debug --overwrite")
    lab.kubectl(f"label pod {suspect.name} app=quarantine --overwrite")

    # then the one is set free as it runs,
    freed = lab.eventually(
        "the Pod has no owner",
        lab.pods(app="quarantine"),
        until=lambda group: group.pods and not group.pods[0].owners,
        since=relabelled,
    )
    assert [(pod.uid, pod.ready, pod.restart_count) for pod in freed.pods] == [(suspect.uid, True, 0)]
    lab.eventually("the Service drops it", endpoints, until=lambda seen: not seen.of(suspect.name), since=relabelled)

    # a new Pod takes its place, and nothing happens to the other one.
    after = lab.eventually("two Pods are Ready", pods, until=ready(2), within=START, since=freed)
    assert sibling.uid in after.uids, f"its sibling is gone: {after}"
    lab.never(
        "the Service drops its sibling",
        endpoints,
        lambda seen: not seen.of(sibling.name),
        since=relabelled,
        until=after,
    )


@claim(
    "replicasets.decoupled",
    source=REPLICASET + "#deleting-just-a-replicaset",
    notes=imprecise(
        "a ReplicaSet and its Pods are decoupled", "its Pods go with it unless it is deleted with --cascade=orphan"
    ),
    twin="doomed: the same ReplicaSet, deleted without the flag",
    takes_s=2,
)
@sabotage("without the flag", instead("--cascade=orphan", "--cascade=background"))
@sabotage("the flag for both", instead("delete replicaset doomed", "delete replicaset doomed --cascade=orphan"))
def test_a_replicaset_can_go_without_its_pods(lab: Lab) -> None:
    """The Pods of a ReplicaSet go with it, unless it is deleted with --cascade=orphan: then they stay and are free."""
    # Given two ReplicaSets of one Pod,
    lab.apply("replicasets/orphaning.yaml")
    of_spared, of_doomed = lab.pods(app="spared"), lab.pods(app="doomed")
    before, _ = lab.given(
        "one Pod each", of_spared, of_doomed, until=lambda *both: all(len(group) == 1 for group in both)
    )

    # when both are deleted, one of them without its Pods,
    deleted = lab.now("both ReplicaSets are deleted")
    lab.kubectl("delete replicaset spared --cascade=orphan")
    lab.kubectl("delete replicaset doomed")

    # then, once the garbage collector has come to both, the Pod of the one is gone, too, and that of the other is
    # there with no owner.
    gone, free = lab.eventually(
        "no Pod has an owner any more",
        of_doomed,
        of_spared,
        until=lambda *both: not any(pod.owners for group in both for pod in group.pods),
        within=START,
        since=deleted,
    )
    assert not gone.pods, f"it stays: {gone}"
    assert free.uids == before.uids, f"not the same Pod: {free}"
    lab.never("the other one goes", of_spared, lambda group: group.uids != before.uids, until=gone)


@claim(
    "replicasets.template",
    source=REPLICASET + "#pod-template",
    twin="rolled: a Deployment with the same template and the same change",
    takes_s=1,
)
@sabotage("its template is not changed", instead("replicaset/web deployment/rolled", "deployment/rolled"))
@sabotage(
    "it is a Deployment, too",
    put("spec.strategy", {"type": "Recreate"}, of="replicaset/web"),
    put("kind", "Deployment", of="replicaset/web"),
    instead("replicaset/web", "deployment/web"),
)
def test_a_changed_template_does_not_touch_the_pods_there_are(lab: Lab) -> None:
    """A changed template is for Pods to come: those that a ReplicaSet has stay as they are, unlike a Deployment's."""
    # Given a ReplicaSet and a Deployment of one Pod,
    lab.apply("replicasets/template-change.yaml")
    of_web, of_rolled = lab.pods(app="web"), lab.pods(app="rolled")
    before, before_rolled = lab.given(
        "one Pod each", of_web, of_rolled, until=lambda *both: all(len(group) == 1 for group in both)
    )

    # when a variable is put into both templates,
    told = lab.now("both templates are changed")
    lab.kubectl("set env replicaset/web deployment/rolled COLOUR=blue")

    # then the Deployment replaces its Pod, and the ReplicaSet does not,
    replaced = lab.eventually(
        "the Deployment's Pod is replaced",
        of_rolled,
        until=lambda group: group.pods and not group.uids & before_rolled.uids,
        since=told,
    )
    lab.never("the ReplicaSet's Pod is replaced", of_web, lambda group: group.uids != before.uids, until=replaced)
    variables = [group.pods[0].raw["spec"]["containers"][0].get("env") for group in (before, replaced)]
    assert variables == [None, [{"name": "COLOUR", "value": "blue"}]]

    # until its Pod is deleted: the next one is made from the new template.
    deleted = lab.now("the ReplicaSet's Pod is deleted")
    lab.kubectl(f"delete pod {before.names[0]}")
    after = lab.eventually("it makes another", of_web, until=lambda group: group.uids - before.uids, since=deleted)
    made = next(pod for pod in after.pods if pod.uid not in before.uids)
    assert made.raw["spec"]["containers"][0].get("env") == variables[1], "made from the former template"


@claim(
    "replicasets.redundancy",
    source=REPLICASET,
    twin="one: the same Service for one of the Pods alone",
    takes_s=10,
)
@sabotage("one Pod here, too", put("spec.selector.behind", "one", of="service/both"))
@sabotage("both there, too", remove("spec.selector.behind", of="service/one"))
def test_the_failure_of_one_pod_of_several_is_hardly_felt(lab: Lab) -> None:
    """While one of several Pods behind a Service fails, the others answer; a single one leaves its clients alone."""
    # Given two Pods behind one Service, one of them alone behind another, and a client of both, ten times a second,
    web = lab.apply("replicasets/redundancy.yaml")
    lab.given("both counted as Ready", web, until=lambda rs: rs.ready_replicas == 2)
    failing, client = lab.given("two Pods Ready", lab.pods(controlled_by=web), until=ready(2)).pods
    lab.kubectl(f"label pod {failing.name} behind=one")
    lab.apply("replicasets/both-and-one.yaml")
    lab.post(client, "/clients", url="http://both/", every_s=0.1, timeout_s=3)
    lab.post(client, "/clients", url="http://one/", every_s=0.1, timeout_s=3)
    lab.poll(
        "both Services answer",
        lambda: lab.answers(client, 1)[-1:] + lab.answers(client, 2)[-1:],
        until=lambda last: [answer.outcome for answer in last] == ["ok", "ok"],
    )

    # when the process of that Pod ends, which takes two seconds to start again,
    failed = lab.post(failing, "/exit", code=1)

    # then the client of the single one meets nobody, fifteen times in a row, until it is back,
    lab.poll(
        "the single one is missed, and answers again",
        lambda: lab.answers(client, 2, since=failed),
        until=lambda met: failures_in_a_row(met) >= 15 and met[-1].outcome == "ok",
        within=START,
        since=failed,
    )

    # and that of both does not: every other connection finds the one that is left, and soon each.
    missed = failures_in_a_row(lab.answers(client, 1, since=failed))
    assert missed < 15, f"{missed} connections in a row found neither of the two"


@claim(
    "replicasets.scale-benefit",
    source="https://kubernetes.io/docs/tutorials/kubernetes-basics/scale/scale-intro/",
    twin="one: the same ReplicaSet of one replica, behind a Service of its own",
    takes_s=14,
)
@sabotage("one Pod here, too", put("spec.replicas", 1, of="replicaset/two"))
@sabotage(
    "the single one works on two at once",
    put("spec.template.spec.containers[0].env[2]", {"name": "CONCURRENCY", "value": "2"}, of="replicaset/one"),
)
def test_more_pods_answer_more_requests(lab: Lab) -> None:
    """Where one Pod works on one request at a time, two answer more requests in the time that clients wait."""
    # Given two Pods behind one Service and a single one behind another, each good for five requests a second,
    two, one = lab.apply("replicasets/two-and-one.yaml")
    lab.given("all replicas Ready", two, one, until=lambda *both: all(rs.ready_replicas == rs.wanted for rs in both))
    client = lab.given("a client", lab.pods(controlled_by=two), until=lambda group: group.ready).ready[0]
    lab.apply("replicasets/their-services.yaml")
    lab.poll(
        "both Services answer",
        lambda: lab.fetch(client, "http://two/") + lab.fetch(client, "http://one/"),
        until=lambda answers: [answer.outcome for answer in answers] == ["ok", "ok"],
    )

    # when sixty requests come at once, more than two can answer in the four seconds that clients wait,
    of_two = lab.fetch(client, "http://two/work", n=60, parallel=60, timeout_s=4)
    of_one = lab.fetch(client, "http://one/work", n=60, parallel=60, timeout_s=4)

    # then the two answer many more of them in time than the one.
    by_two, by_one = (sum(answer.outcome == "ok" for answer in met) for met in (of_two, of_one))
    assert by_two > 1.5 * by_one > 0, f"of 60 two answered {by_two} and one {by_one}"


@claim(
    "replicasets.sharding",
    source="https://kubernetes.io/docs/concepts/workloads/controllers/statefulset/#pod-identity",
    notes=imprecise(
        "with a ReplicaSet different instances can do different tasks",
        "its Pods are all alike; those of a StatefulSet know their number",
    ),
    twin="numbered: a StatefulSet with the same template",
    takes_s=2,
)
@sabotage(
    "a ReplicaSet in its place",
    remove("spec.serviceName", of="statefulset/numbered"),
    remove("spec.podManagementPolicy", of="statefulset/numbered"),
    put("kind", "ReplicaSet", of="statefulset/numbered"),
)
def test_the_pods_of_a_replicaset_have_no_identity(lab: Lab) -> None:
    """Pods of a ReplicaSet are anonymous, and their names die with them; a StatefulSet's have a number that stays."""
    # Given a ReplicaSet and a StatefulSet of two Pods,
    lab.apply("replicasets/identity.yaml")
    of_alike, of_numbered = lab.pods(app="alike"), lab.pods(app="numbered")
    alike, numbered = lab.given(
        "two Pods each", of_alike, of_numbered, until=lambda *groups: all(len(group) == 2 for group in groups)
    )
    index = "apps.kubernetes.io/pod-index"
    assert [pod.labels.get(index) for pod in numbered.pods] == ["0", "1"], "no shard to each"
    assert numbered.names == ("numbered-0", "numbered-1")
    assert alike.pods[0].labels == alike.pods[1].labels == {"app": "alike"}

    # when the first Pod of each is deleted,
    deleted = lab.now("one Pod of each is deleted")
    lab.kubectl(f"delete pod {alike.names[0]} {numbered.names[0]}")

    # then the StatefulSet's comes back under its name, the ReplicaSet's does not.
    new, again = lab.eventually(
        "both have two Pods again",
        of_alike,
        of_numbered,
        until=lambda one, other: all(
            len(now) == 2 and now.uids != was.uids for now, was in ((one, alike), (other, numbered))
        ),
        since=deleted,
    )
    assert again.names == numbered.names, f"another name: {again}"
    assert alike.names[0] not in new.names, f"the same name: {new}"


@claim(
    "replicasets.loadbalancer",
    source="https://kubernetes.io/docs/concepts/services-networking/service/#loadbalancer",
    notes=imprecise(
        "load balancers distribute requests between the Pods of a ReplicaSet",
        "every Service does; a LoadBalancer has an address from outside only where something provides it",
    ),
    twin="sticky: the same Service with sessionAffinity ClientIP",
    takes_s=6,
)
@sabotage("sticky, too", put("spec.sessionAffinity", "ClientIP", of="service/spread"))
@sabotage("neither is sticky", remove("spec.sessionAffinity", of="service/sticky"))
def test_any_service_distributes_requests_over_the_pods(lab: Lab) -> None:
    """Any Service distributes connections over the Pods of a ReplicaSet, a LoadBalancer even without an address."""
    # Given two Pods of a ReplicaSet, which the controllers know as Ready, so that no Service begins with fewer,
    web = lab.apply("replicasets/two-pods.yaml")
    pods, _ = lab.given(
        "two Pods Ready, and counted",
        lab.pods(controlled_by=web),
        web,
        until=lambda group, rs: ready(2)(group) and rs.ready_replicas == 2,
    )
    client = pods.pods[0]

    # when two Services of type LoadBalancer are put before them,
    spread, _ = lab.apply("replicasets/balanced.yaml")
    lab.poll(
        "both Services answer",
        lambda: lab.fetch(client, "http://spread/") + lab.fetch(client, "http://sticky/"),
        until=lambda answers: [answer.outcome for answer in answers] == ["ok", "ok"],
    )

    # then each gets a fair share of the connections of a client in the cluster, here one of them,
    answers = lab.fetch(client, "http://spread/", n=60)
    shares = [sum(answer.name == name for answer in answers) for name in pods.names]
    assert min(shares) > 6, f"one gets less than a tenth of 60: {shares}"

    # while a Service that is told to remember its clients has one Pod for this one,
    names = {answer.name for answer in lab.fetch(client, "http://sticky/", n=60) if answer.outcome == "ok"}
    assert len(names) == 1, f"it does not remember: {names}"

    # and all that without an address from outside: there is a port on the nodes, and no more.
    told = lab.get("Service", spread.name).raw
    assert told["status"]["loadBalancer"] == {}, "something hands out addresses here"
    assert told["spec"]["ports"][0]["nodePort"]


@claim(
    "replicasets.node-failure",
    source="https://kubernetes.io/docs/concepts/scheduling-eviction/taint-and-toleration/#taint-based-evictions",
    ledger=["replicasets.node-failure", "replicasets.node-rejoin"],
    notes=imprecise(
        "a ReplicaSet makes up for nodes that fail and nodes that come back",
        "it replaces a lost Pod once that is evicted, by default minutes later, and moves nothing back",
    ),
    twin="patient: the same ReplicaSet with the default toleration of 300 s",
    takes_s=75,
    takes_a_node=True,
)
@sabotage("the machine goes on", skip("freeze the machine"))
@sabotage(
    "the patient one is as impatient",
    put(
        "spec.template.spec.tolerations[1]",
        {"key": UNREACHABLE, "operator": "Exists", "effect": "NoExecute", "tolerationSeconds": 2},
        of="replicaset/patient",
    ),
)
def test_pods_of_a_lost_node_are_replaced_when_they_are_evicted(lab: Lab) -> None:
    """Pods of a lost node are replaced elsewhere once their toleration ends; when it is back, nothing moves back."""
    # Given two Pods on one node, of which one tolerates for two seconds that its node is out of reach,
    node = lab.spare()
    quick, patient = lab.apply("replicasets/node-failure.yaml")
    of_quick, of_patient = lab.pods(controlled_by=quick), lab.pods(controlled_by=patient)
    before, waiting = lab.given(
        "both are on the spare worker",
        *(of_quick, of_patient),
        until=lambda *both: all(ready(1)(group) and group.pods[0].node == node.name for group in both),
    )
    page = f"get --raw /api/v1/namespaces/{lab.namespace}/pods/{before.names[0]}:8080/proxy/ --request-timeout=4s"
    lab.ask(before.pods[0], "/")

    # when the machine of the node freezes,
    with lab.without(node.name) as frozen:
        # then its Pods answer no more, but it takes Kubernetes most of a minute to give the node up,
        lab.refused(page)
        lost = lab.eventually(
            "the node is given up",
            node,
            until=lambda seen: seen.ready == "Unknown" and f"{UNREACHABLE}:NoExecute" in seen.taints,
            within=budgets.NODE_LOST,
            since=frozen,
        )

        # and the time tolerated more to replace the Pod, whose end nobody can confirm;
        soon = budgets.evicts(quick.manifest["spec"]["template"], UNREACHABLE) + START
        replaced = lab.eventually("another is Ready", of_quick, until=ready(1), within=soon, since=lost)
        assert replaced.ready[0].node != node.name
        assert before.uids < replaced.uids, f"the lost Pod is gone already: {replaced}"

    # and when the node is back, from now on, the lost Pod goes if it has not yet, and nothing else happens.
    settled = lab.eventually(
        "the lost Pod is gone",
        of_quick,
        until=lambda group: not group.uids & before.uids,
        within=budgets.stops(quick.manifest["spec"]["template"]) + SOON,
    )
    assert settled.uids == replaced.uids - before.uids, f"more than that has changed: {settled}"
    lab.never("the patient one is replaced", of_patient, lambda group: group.uids != waiting.uids, until=settled)


@claim(
    "replicasets.api-version",
    source="https://kubernetes.io/docs/reference/using-api/deprecation-guide/#replicaset-v116",
    notes=changed("apiVersion: extensions/v1beta1", "apiVersion: apps/v1", since="1.16"),
    twin="the same manifest with apiVersion apps/v1, which the server reads",
    takes_s=1,
)
@sabotage("the version that is served", put("apiVersion", "apps/v1"))
def test_extensions_v1beta1_is_served_no_more(lab: Lab) -> None:
    """ReplicaSets are of apps/v1; extensions/v1beta1, which the notes use, is not served any more."""
    # Given the versions that the server serves,
    served = lab.kubectl("api-versions").stdout.split()
    assert "apps/v1" in served
    assert "extensions/v1beta1" not in served

    # when the manifest of the notes is applied with the one that is not, and with the one that is,
    unknown = lab.apply_refused("replicasets/notes-1-as-written.yaml")
    known = lab.apply_refused("replicasets/notes-2-served-version.yaml")

    # then kubectl does not find the first kind, and the server reads the second manifest (and misses something in it).
    no_match = 'no matches for kind "ReplicaSet" in version "extensions/v1beta1"'
    assert no_match in unknown.stderr, unknown.stderr
    assert no_match not in known.stderr, known.stderr


@claim(
    "replicasets.manifest",
    source=REPLICASET + "#writing-a-replicaset-manifest",
    ledger=["replicasets.manifest", "replicasets.apply"],
    notes=changed(
        "a name, replicas and a template make a ReplicaSet", "a selector has to be written, too", since="1.16"
    ),
    twin="the same manifest with the selector left out",
    takes_s=4,
)
@sabotage(
    "the selector is in both",
    put("spec.selector", {"matchLabels": {"app": "kuard", "version": "2"}}, of="replicaset/kuard"),
)
@sabotage("the selector is in neither", remove("spec.selector"))
def test_the_notes_manifest_works_with_version_and_selector_mended(lab: Lab) -> None:
    """The ReplicaSet of the notes runs its Pod once its apiVersion is mended and a selector written into it."""
    # Given the manifest of the notes, which is refused as it is, and with the version mended, too,
    lab.apply_refused("replicasets/notes-1-as-written.yaml")
    mended = lab.apply_refused("replicasets/notes-2-served-version.yaml")
    assert "spec.selector: Required value" in mended.stderr, mended.stderr

    # when it is applied with a selector,
    kuard = lab.apply("replicasets/notes-3-selector.yaml")

    # then its Pod gets Ready.
    pods = lab.eventually("its Pod is Ready", lab.pods(controlled_by=kuard), until=ready(1), within=START)
    assert pods.pods[0].labels == {"app": "kuard", "version": "2"}


@claim(
    "replicasets.version-quoted",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/#syntax-and-character-set",
    twin="the same manifest with the quotes",
    takes_s=1,
)
@sabotage("with the quotes", put("spec.template.metadata.labels.version", "2"))
def test_a_version_label_needs_its_quotes(lab: Lab) -> None:
    """A label's value is a string: `version: 2` without quotes is a number to YAML, and is refused."""
    # Given a manifest with version: 2 and the same with version: "2",
    # when the first is applied, it is refused;
    unquoted = lab.apply_refused("replicasets/version-unquoted.yaml")
    assert "cannot unmarshal number into Go struct field" in unquoted.stderr, unquoted.stderr

    # when the second is, it is accepted.
    whole = lab.apply("replicasets/whole.yaml")
    assert whole.manifest["spec"]["template"]["metadata"]["labels"]["version"] == "2"


@claim(
    "replicasets.must-name",
    source="https://kubernetes.io/docs/concepts/overview/working-with-objects/names/#names",
    notes=imprecise(
        "a ReplicaSet must have a unique name",
        "unique among the ReplicaSets of a namespace; the server can make one up",
    ),
    twin="the same manifest with generateName, and the same in another namespace",
    takes_s=1,
)
@sabotage("a name in place of none", put("metadata.name", "other"))
@sabotage("another name for each", remove("metadata.name"), put("metadata.generateName", "whole-"))
def test_a_replicaset_needs_a_name_of_its_own(lab: Lab) -> None:
    """A ReplicaSet needs a name that no other has in its namespace, or a generateName from which one is made."""
    # Given a ReplicaSet,
    lab.apply("replicasets/whole.yaml", "create -f")

    # when another one of that name is created, it is refused here and accepted elsewhere;
    again = lab.apply_refused("replicasets/whole.yaml", "create -f")
    assert "already exists" in again.stderr, again.stderr
    lab.apply("replicasets/whole.yaml", "create --namespace=default --dry-run=server -f")

    # when one without a name is created, it is refused, but not where a name may be generated.
    nameless = lab.apply_refused("replicasets/no-name.yaml", "create -f")
    assert "name or generateName is required" in nameless.stderr, nameless.stderr
    names = {lab.apply("replicasets/generated-name.yaml", "create -f").name for _ in range(2)}
    assert len(names) == 2, f"one name for two: {names}"


@claim(
    "replicasets.must-replicas",
    source=REPLICASET + "#replicas",
    notes=imprecise("the number of replicas must be given", "it is 1 where it is not given, and may be 0"),
    twin="none: the same ReplicaSet with replicas 0",
    takes_s=1,
)
@sabotage("two are asked for", put("spec.replicas", 2, of="replicaset/omitted"))
@sabotage("one is asked for instead of none", put("spec.replicas", 1, of="replicaset/none"))
def test_replicas_is_one_where_nothing_is_said(lab: Lab) -> None:
    """`replicas` need not be given: it is 1 then; and it may be 0, which is no Pod."""
    # Given a ReplicaSet that does not say how many, and one that says none,
    # when the controller has seen them,
    omitted, none = lab.apply("replicasets/replicas-omitted.yaml")
    one, zero = lab.eventually(
        "the controller counts as many as it is asked for",
        omitted,
        none,
        until=lambda *both: all(rs.observed and rs.replicas == rs.wanted for rs in both),
    )

    # then the first has one Pod and the other has none.
    assert (one.raw["spec"]["replicas"], one.replicas) == (1, 1), f"not one: {one}"
    assert (zero.raw["spec"]["replicas"], zero.replicas) == (0, 0), f"not none: {zero}"


@claim(
    "replicasets.must-template",
    source=REPLICASET + "#pod-template",
    notes=imprecise("a ReplicaSet must have a template", "and its restartPolicy can only be Always"),
    twin="the same manifest with a template, which restarts always",
    takes_s=1,
)
@sabotage("restarts always", put("spec.template.spec.restartPolicy", "Always"))
@sabotage(
    "a template, after all",
    put(
        "spec.template",
        {
            "metadata": {"labels": {"app": "whole"}},
            "spec": {"containers": [{"name": "web", "image": "localhost:1/labs/web:1"}]},
        },
    ),
)
def test_a_replicaset_needs_a_template_that_restarts_always(lab: Lab) -> None:
    """A ReplicaSet needs a Pod template, and its restartPolicy can only be Always."""
    # Given a manifest without a template, one with a template whose Pods may end, and one that is whole,
    # when the first two are applied, they are refused;
    without = lab.apply_refused("replicasets/no-template.yaml")
    assert "spec.template.spec.containers: Required value" in without.stderr, without.stderr
    ending = lab.apply_refused("replicasets/restart-on-failure.yaml")
    assert "Unsupported value" in ending.stderr, ending.stderr

    # when the third is, it is accepted, and restarts always, though it does not say so.
    whole = lab.apply("replicasets/whole.yaml")
    assert whole.manifest["spec"]["template"]["spec"]["restartPolicy"] == "Always", "not the default"


@claim(
    "replicasets.must-selector",
    source=REPLICASET + "#pod-selector",
    notes=wrong("a name, replicas and a template are all that a ReplicaSet must have", "it must have a selector, too"),
    twin="the same manifest with a selector that matches",
    takes_s=1,
)
@sabotage("a selector that matches", put("spec.selector", {"matchLabels": {"app": "whole"}}))
def test_a_replicaset_needs_a_selector_that_matches_its_template(lab: Lab) -> None:
    """A ReplicaSet needs a selector, and the labels of its template must match it."""
    # Given a manifest without a selector, one whose selector does not match, and one whose selector does,
    # when the first two are applied, they are refused, the second only because it does not match;
    without = lab.apply_refused("replicasets/no-selector.yaml")
    assert "spec.selector: Required value" in without.stderr, without.stderr
    other = lab.apply_refused("replicasets/other-selector.yaml")
    assert "spec.selector: Required value" not in other.stderr, other.stderr
    assert "`selector` does not match template `labels`" in other.stderr, other.stderr

    # when the third is, it is accepted.
    lab.apply("replicasets/whole.yaml")


@claim(
    "replicasets.selector-immutable",
    source="https://kubernetes.io/docs/reference/using-api/deprecation-guide/#replicaset-v116",
    ledger=["replicasets.must-selector"],
    twin="a label of the template, which may change",
    takes_s=1,
)
@sabotage("nothing of the selector", instead('"selector": {"matchLabels": {"version": "2"}}', '"minReadySeconds": 1'))
def test_a_selector_cannot_be_changed(lab: Lab) -> None:
    """The selector of a ReplicaSet cannot be changed once it is there; its template can."""
    # Given a ReplicaSet,
    lab.apply("replicasets/whole.yaml")

    # when a label is put into its template, and then one that the template has into its selector,
    # then only the selector is refused.
    lab.kubectl("""patch replicaset whole -p '{"spec": {"template": {"metadata": {"labels": {"tier": "web"}}}}}'""")
    refused = lab.refused("""patch replicaset whole -p '{"spec": {"selector": {"matchLabels": {"version": "2"}}}}'""")
    assert "field is immutable" in refused.stderr, refused.stderr
