"""ReplicaSets: so many Pods of one template, whatever happens to them.

Where it makes no difference whether a Pod runs, the templates carry a scheduling gate: such Pods are made, counted,
owned and deleted like all others, and cost nothing.
"""

from labkit.words import (
    START,
    Lab,
    claim,
    imprecise,
    instead,
    put,
    ready,
    remove,
    sabotage,
    skip,
)

REPLICASET = "https://kubernetes.io/docs/concepts/workloads/controllers/replicaset/"


@claim(
    "replicasets.copies",
    source=REPLICASET,
    notes=imprecise(
        "a ReplicaSet runs copies of a container", "it runs copies of a Pod, however many containers that has"
    ),
    twin="single: a template with one container instead of two",
    takes_s=4,
)
@sabotage("one container", remove("spec.template.spec.containers[1]", of="replicaset/pair"))
@sabotage("one Pod", put("spec.replicas", 1, of="replicaset/pair"))
def test_a_replicaset_runs_copies_of_a_pod(lab: Lab) -> None:
    """A ReplicaSet runs copies of a Pod template, each with all its containers, not copies of a container."""
    # Given two ReplicaSets of two replicas, one with two containers in its template,
    pair, single = lab.apply("replicasets/copies.yaml")

    # when their Pods are Ready,
    pairs, singles = lab.eventually(
        "as many Pods as asked for are Ready",
        lab.pods(controlled_by=pair),
        lab.pods(controlled_by=single),
        until=lambda *groups: all(group.pods and len(group.ready) == len(group) for group in groups),
        within=START,
    )

    # then each has two Pods, and the containers come by the Pod.
    assert (len(pairs), len(singles)) == (2, 2), "not two Pods each"
    assert [len(pod.containers) for pod in pairs.pods] == [2, 2]
    assert [len(pod.containers) for pod in singles.pods] == [1, 1]


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
    web, by_hand = lab.apply("replicasets/control.yaml")
    pods = lab.eventually(
        "the ReplicaSet makes its Pods", lab.pods(controlled_by=web), until=lambda group: len(group) == 2
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
    takes_s=5,
)
@sabotage("the Pod made by hand is the ReplicaSet's too", put("metadata.labels.app", "web", of="pod/by-hand"))
def test_a_deleted_pod_is_replaced_by_one_other(lab: Lab) -> None:
    """A Pod of a ReplicaSet that is deleted is replaced by a new one, with nobody's help; a Pod on its own is not."""
    # Given a ReplicaSet with two Pods, and a Pod on its own,
    web, by_hand = lab.apply("replicasets/healing.yaml")
    lab.ready(by_hand)
    before = lab.given("two Pods Ready", lab.pods(controlled_by=web), until=ready(2))

    # when one of the two and the one on its own are deleted,
    victim = before.pods[-1]
    deleted = lab.now("two Pods are deleted")
    lab.kubectl(f"delete pod {victim.name} by-hand")

    # then there are two again, one of them of another name and uid,
    after = lab.eventually(
        "the ReplicaSet has two Pods Ready again",
        lab.pods(controlled_by=web),
        until=lambda group: ready(2)(group) and victim.uid not in group.uids,
        within=START,
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
@sabotage("its image exists", put("spec.template.spec.containers[0].image", "labs/web:1", of="replicaset/broken"))
@sabotage("its Pod is deleted", instead("set image replicaset/broken web=labs/web:1", "delete pods -l app=broken"))
def test_a_pod_that_cannot_run_is_not_healed(lab: Lab) -> None:
    """A ReplicaSet replaces a Pod that is gone, never one that cannot run, even once its template is mended."""
    # Given a ReplicaSet whose Pod runs, and one whose Pod cannot,
    sound, broken = lab.apply("replicasets/cannot-run.yaml")
    running = lab.given("one Pod Ready", lab.pods(controlled_by=sound), until=ready(1))
    stuck = lab.given("one Pod there", lab.pods(controlled_by=broken), until=lambda group: len(group) == 1)

    # when the Pod that runs is deleted, and the template of the other one mended,
    lab.kubectl("set image replicaset/broken web=labs/web:1")
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
)
@sabotage(
    "the ban does not pick its Pods",
    remove("spec.template.metadata.labels['labs/replacements']", of="replicaset/banned"),
)
@sabotage("the ban is not lifted", skip("delete validatingadmissionpolicybinding"))
def test_it_is_the_controller_that_brings_the_pods_back(lab: Lab) -> None:
    """It is the ReplicaSet controller that makes up for missing Pods: forbid it to create any, and they stay missing.

    The ban is on one user of the API server in one namespace; everybody else may still create such Pods.
    """
    # Given two ReplicaSets of two Pods,
    banned, free = lab.apply("replicasets/reconcile.yaml")
    of_banned, of_free = lab.pods(controlled_by=banned), lab.pods(controlled_by=free)
    before, before_free = lab.given(
        "two Pods each", of_banned, of_free, until=lambda *groups: all(len(group) == 2 for group in groups)
    )

    # when the controller may create no more Pods for one of them, and each loses a Pod,
    lab.apply("replicasets/no-pods-from-the-controller.yaml")
    controller = "--as=system:serviceaccount:kube-system:replicaset-controller"
    pod = "run try --image=labs/web:1 --labels=labs/replacements=forbidden --dry-run=server"
    lab.poll("the ban is in force", lambda: lab.tried(f"{pod} {controller}").rc, until=lambda rc: rc != 0)
    lab.kubectl(pod)
    deleted = lab.now("each loses a Pod")
    lab.kubectl(f"delete pod {before.names[0]} {before_free.names[0]}")

    # then the controller has the other one whole again, and of this one it says that it could not,
    told = lab.eventually(
        "the controller counts one Pod of two", banned, until=lambda replicaset: replicaset.replicas == 1, since=deleted
    )
    assert "FailedCreate" in [c["reason"] for c in told.raw["status"].get("conditions") or []], "it was not refused"
    lab.eventually(
        "the other one is whole",
        of_free,
        until=lambda group: len(group) == 2 and not before_free.uids <= group.uids,
        since=deleted,
    )

    # until the ban is lifted.
    lifted = lab.now("the ban is lifted")
    lab.kubectl(f"delete validatingadmissionpolicybinding {lab.namespace}")
    whole = lab.eventually("the one is whole, too", of_banned, until=lambda group: len(group) == 2, since=lifted)
    assert len(whole.uids - before.uids) == 1
    lab.never("a Pod comes under the ban", of_banned, lambda group: len(group) > 1, since=told, until=lifted)


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

    # then it has the Pod from before and two more, and the other one has one throughout.
    done, after = lab.eventually(
        "the ReplicaSet counts as many as it is asked for",
        scaled,
        lab.pods(controlled_by=scaled),
        until=lambda replicaset, _: replicaset.observed and replicaset.replicas == replicaset.wanted,
        since=asked,
    )
    assert len(after) == 3, f"not three: {after}"
    assert before.uids < after.uids, f"the Pod from before is gone: {after}"
    lab.never("the other one is asked for more", left, lambda replicaset: replicaset.wanted > 1, until=done)
