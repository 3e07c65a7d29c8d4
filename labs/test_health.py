"""Health checks: how the kubelet finds out that a container is not well, and what it does then.

The lesson in its order: what happens without any probe; the liveness probe, and whom it judges; its numbers; what
counts as success; the four mechanisms; and the two other kinds of probe, which start-up and traffic need.

As a probe judges its own container only, two containers of one Pod can be compared as two Pods can. They share the
Pod's ports, so that the second one listens on 8081.
"""

from labkit.words import START, Lab, Window, budgets, claim, imprecise, instead, known_bug, put, remove, sabotage, skip

PROBES = "https://kubernetes.io/docs/concepts/workloads/pods/probes/"
LIFECYCLE = "https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/"


@claim(
    "health.restart-it",
    source=LIFECYCLE + "#restart-policy",
    ledger=["health.restart-it", "health.default-process-check"],
    notes=imprecise(
        "a pod that no longer runs is restarted",
        "the container is, in the same Pod on the same node, if the restartPolicy says so",
    ),
    twin="never: the same Pod with restartPolicy Never",
    takes_s=4,
)
@sabotage("both may restart", remove("spec.restartPolicy", of="pod/never"))
def test_a_container_that_ends_is_started_again_in_its_pod(lab: Lab) -> None:
    """Without any probe, a container whose process ends is started again in the same Pod."""
    # Given two Pods without probes, alike but for the restartPolicy,
    always, never = lab.apply("health/restart-policies.yaml")
    before, _ = lab.ready(always, never)

    # when the process ends in both,
    ended_too = lab.post(never, "/exit", code=3)
    ended = lab.post(always, "/exit", code=3)

    # then one Pod, still itself and where it was, gets a new container,
    restarted = lab.eventually(
        "the container is started again", always, until=lambda pod: pod.restart_count > 0, since=ended
    )
    assert (restarted.uid, restarted.node, restarted.ip) == (before.uid, before.node, before.ip)
    assert restarted.container("web").container_id != before.container("web").container_id

    # and the other Pod has failed for good.
    over = lab.eventually(
        "the other container ends, for good or not",
        never,
        until=lambda pod: pod.phase == "Failed" or pod.restart_count > 0,
        since=ended_too,
    )
    assert over.phase == "Failed", "it was started again"
    assert over.container("web").exit_code == 3
    lab.never("the other container is started again", never, lambda pod: pod.restart_count > 0, until=restarted)


@claim(
    "health.own-restart-policy",
    ledger=["health.restart-it"],
    source=LIFECYCLE + "#container-restart-rules",
    twin="once: a container of the same Pod without a policy of its own",
    takes_s=4,
    since="1.35",
)
@sabotage("no rule", remove("spec.containers[0].restartPolicyRules"))
@sabotage("another exit code", put("spec.containers[0].restartPolicyRules[0].exitCodes.values", [3]))
@sabotage("a policy for both", put("spec.containers[1].restartPolicy", "Always"))
def test_a_container_may_have_a_restart_policy_of_its_own(lab: Lab) -> None:
    """A container may have a restartPolicy of its own, and rules that restart it for some exit codes."""
    # Given a Pod that is never restarted, but for a container that is, with exit code 42,
    pair = lab.apply("health/own-restart-policy.yaml")
    lab.ready(pair)

    # when both of its containers end with that code, the other one first,
    ended_too = lab.post(pair, "/exit", port=8081, code=42)
    lab.eventually(
        "the other one is over, or was",
        pair,
        until=lambda pod: pod.container("once").exit_code == 42 or pod.container("once").restart_count > 0,
        since=ended_too,
    )
    ended = lab.post(pair, "/exit", code=42)

    # then the one is started again,
    restarted = lab.eventually(
        "the container is started again", pair, until=lambda pod: pod.container("again").restart_count > 0, since=ended
    )

    # and the other one, which has had longer, is not.
    lab.never("it is restarted, too", pair, lambda pod: pod.container("once").restart_count > 0, until=restarted)


@claim(
    "health.no-restart-policy-of-its-own",
    ledger=["health.restart-it"],
    source=LIFECYCLE + "#container-restart-rules",
    twin="the Pod's own restartPolicy, which is kept",
    takes_s=1,
    until="1.35",
)
@sabotage("the server is not asked", instead("--dry-run=server", "--dry-run=client"))
@sabotage("none for the Pod", remove("spec.restartPolicy"))
def test_the_restart_policy_is_the_pods(lab: Lab) -> None:
    """A container's own restartPolicy and rules are dropped without a word: there is that of the Pod."""
    # Given a Pod with a restartPolicy, and one for a container, when it is made, if only for a try,
    made = lab.kubectl(f"create --dry-run=server -f {lab.file('health/own-restart-policy.yaml')} -o json")

    # then it has that of the Pod, and none for the container.
    spec = made.parsed["spec"]
    assert spec["restartPolicy"] == "Never"
    assert spec["containers"][0].keys() & {"restartPolicy", "restartPolicyRules"} == set()
    assert made.stderr == ""


@claim(
    "health.restart-all",
    ledger=["health.restart-it"],
    source=LIFECYCLE + "#container-restart-rules",
    twin="one: the same Pod with a rule that restarts one container",
    takes_s=5,
    since="1.36",
)
@sabotage("one of them", put("spec.containers[0].restartPolicyRules[0].action", "Restart", of="pod/all"))
@sabotage(
    "all of the other", put("spec.containers[0].restartPolicyRules[0].action", "RestartAllContainers", of="pod/one")
)
def test_a_container_may_have_its_whole_pod_restarted(lab: Lab) -> None:
    """A container's rule may have all containers of its Pod started again, in the same Pod."""
    # Given two Pods, alike but for the rule of their first container,
    one, every = lab.apply("health/all-or-one.yaml")
    _, before = lab.ready(one, every)

    # when that ends in both, and has been started again in the one,
    lab.eventually(
        "it is started again",
        one,
        until=lambda pod: pod.container("web").restart_count > 0,
        since=lab.post(one, "/exit", code=42),
    )
    ended = lab.post(every, "/exit", code=42)

    # then in the other Pod, which is still the same, its other container is started again, too,
    restarted = lab.eventually(
        "both containers are started again",
        every,
        until=lambda pod: all(pod.container(name).restart_count > 0 for name in ("web", "beside")),
        within=START,
        since=ended,
    )
    assert restarted.uid == before.uid

    # and in the one it is not.
    lab.never("the other one is, too", one, lambda pod: pod.container("beside").restart_count > 0, until=restarted)


@claim(
    "health.restart-one",
    ledger=["health.restart-it"],
    source=LIFECYCLE + "#container-restart-rules",
    twin="one: the same Pod with a rule that restarts one container",
    takes_s=1,
    since="1.35",
    until="1.36",
)
@sabotage("one in both", put("spec.containers[0].restartPolicyRules[0].action", "Restart", of="pod/all"))
@sabotage("all in both", put("spec.containers[0].restartPolicyRules[0].action", "RestartAllContainers", of="pod/one"))
def test_a_container_may_have_itself_restarted(lab: Lab) -> None:
    """A container's rule may have itself started again; there is no rule for all containers of its Pod."""
    # Given two Pods, alike but for the rule of their first container, when both are to be made,
    refused = lab.apply_refused("health/all-or-one.yaml", "create --dry-run=server -f")

    # then the rule for one is taken, and that for all is refused.
    assert refused.stdout.split()[:1] == ["pod/one"]
    assert 'Unsupported value: "RestartAllContainers"' in refused.stderr


@claim(
    "health.event-words",
    ledger=["health.monitors-pod"],
    source=LIFECYCLE + "#container-states",
    twin="the event's object, which names the container",
    takes_s=3,
    since="1.35",
)
@sabotage("another name", put("spec.containers[1].name", "drummer"))
def test_events_of_a_container_do_not_name_it(lab: Lab) -> None:
    """The kubelet tells of a container that it was created and started; which one is in the event's object alone."""
    # Given a Pod with two containers, when both run,
    band = lab.apply("kubectl/two-voices.yaml")
    lab.eventually("it runs", band, until=lambda pod: pod.ready, within=START)
    lab.poll("both were told of", lambda: lab.events(band, "Started"), until=lambda events: len(events) == 2)

    # then there was an event of each, in the same words.
    told = {(e.raw["involvedObject"]["fieldPath"], e.message) for e in lab.events(band, "Started")}
    assert told == {
        ("spec.containers{singer}", "Container started"),
        ("spec.containers{writer}", "Container started"),
    }
    assert {e.message for e in lab.events(band, "Created")} == {"Container created"}


@claim(
    "health.event-names",
    ledger=["health.monitors-pod"],
    source=LIFECYCLE + "#container-states",
    twin="the event's object, which names the container as well",
    takes_s=3,
    until="1.35",
)
@sabotage("another name", put("spec.containers[1].name", "drummer"))
def test_events_of_a_container_name_it(lab: Lab) -> None:
    """The kubelet tells of a container by its name that it was created, and then started."""
    # Given a Pod with two containers, when both run,
    band = lab.apply("kubectl/two-voices.yaml")
    lab.eventually("it runs", band, until=lambda pod: pod.ready, within=START)
    lab.poll("both were told of", lambda: lab.events(band, "Started"), until=lambda events: len(events) == 2)

    # then there was an event of each, which names it.
    told = {(e.raw["involvedObject"]["fieldPath"], e.message) for e in lab.events(band, "Started")}
    assert told == {
        ("spec.containers{singer}", "Started container singer"),
        ("spec.containers{writer}", "Started container writer"),
    }
    created = {e.message for e in lab.events(band, "Created")}
    assert created == {"Created container: singer", "Created container: writer"}


@claim(
    "health.crash-loop",
    source=LIFECYCLE + "#container-restarts",
    ledger=["health.restart-it"],
    twin="the first exit of the same container",
    takes_s=18,
)
@sabotage("it ends only once", skip('"code": 2'))
def test_a_container_that_ends_again_has_to_wait(lab: Lab) -> None:
    """A container that ends is started again at once; if it soon ends again, only after a back-off of ten seconds."""
    # Given a container that was started again as soon as it ended,
    crashing = lab.apply("health/crash-loop.yaml")
    lab.ready(crashing)
    first = lab.post(crashing, "/exit", code=1)
    lab.eventually("the first restart", crashing, until=lambda pod: pod.restart_count > 0, since=first)
    assert not lab.events(crashing, "BackOff"), "the kubelet backs off from the first restart"

    # when it ends a second time,
    second = lab.post(crashing, "/exit", code=2)

    # then it waits for the second restart,
    lab.eventually(
        "the second restart",
        crashing,
        until=lambda pod: pod.restart_count > 1,
        within=budgets.BACK_OFF,
        since=second,
    )
    lab.poll("somebody is told of the back-off", lambda: lab.events(crashing, "BackOff"), until=lambda events: events)


@claim(
    "health.process-check-scope",
    source=LIFECYCLE + "#container-state-terminated",
    notes=imprecise(
        "the process check sees whether the pod still runs", "it sees the first process of each container, and no other"
    ),
    twin="child: a container of the same Pod, with the same program as the child of a shell",
    takes_s=9,
)
@sabotage("both run it first", put("spec.containers[1].command[2]", "exec python3 -m instrument"))
def test_only_the_first_process_of_a_container_is_watched(lab: Lab) -> None:
    """Kubernetes restarts a container when its first process ends, and does not see the end of any other process."""
    # Given a web server that is its container's first process, and one that a shell has started,
    pair = lab.apply("health/process-twins.yaml")
    lab.ready(pair)

    # when both servers end,
    ended_too = lab.post(pair, "/exit", port=8081, code=3)
    ended = lab.post(pair, "/exit", code=3)

    # then the container of the first one is restarted,
    lab.eventually(
        "the container is restarted", pair, until=lambda pod: pod.container("main").restart_count > 0, since=ended
    )

    # and the other one stays ready although nobody answers there any more, for longer than a restart would take.
    lab.post(pair, "/clients", url="http://localhost:8081/", every_s=0.5, timeout_s=2)
    answers = lab.poll(
        "ten connections to the other one", lambda: lab.answers(pair), until=lambda answers: len(answers) > 9
    )
    assert {answer.outcome for answer in answers} == {"refused"}, "the end of the child was seen"
    lab.never(
        "the end of the child is seen",
        pair,
        lambda pod: pod.container("child").restart_count > 0 or not pod.container("child").ready,
        since=ended_too,
        until=answers[-1],
    )


@claim(
    "health.deadlock",
    source=PROBES + "#liveness-probe",
    twin="plain: a container of the same Pod without the probe",
    takes_s=7,
)
@sabotage(
    "a probe for both",
    put(
        "spec.containers[1].livenessProbe",
        {"httpGet": {"path": "/healthy", "port": 8081}, "periodSeconds": 1, "failureThreshold": 1},
    ),
)
def test_a_deadlock_is_seen_by_a_liveness_probe_only(lab: Lab) -> None:
    """A process that runs but answers nothing is well to Kubernetes, unless a liveness probe asks it."""
    # Given two servers in containers of one Pod, alike but for the probe,
    pair = lab.apply("health/deadlock-twins.yaml")
    lab.ready(pair)

    # when both servers deadlock,
    lab.put(pair, "/deadlock/api", port=8081, hang=True)
    deadlocked = lab.put(pair, "/deadlock/api", hang=True)

    # then the probed one is restarted, which ends its deadlock,
    lab.eventually(
        "the kubelet restarts the deadlocked container",
        pair,
        until=lambda pod: pod.container("probed").restart_count > 0,
        within=budgets.restarts(pair.manifest, hangs=True),
        since=deadlocked,
    )

    # and when it is up again, the other one is still left hanging.
    up = lab.given(
        "it is up again",
        pair,
        until=lambda pod: pod.container("probed").restart_count > 0 and pod.container("probed").ready,
        since=deadlocked,
    )
    (answer,) = lab.fetch(pair, "http://localhost:8081/", timeout_s=1)
    assert answer.outcome == "timeout"
    lab.never(
        "the unasked container is restarted", pair, lambda pod: pod.container("plain").restart_count > 0, until=up
    )


@claim(
    "health.liveness-restarts",
    source=PROBES + "#liveness-probe",
    twin="plain: the same Pod without the probe",
    takes_s=7,
)
@sabotage("no probe", remove("spec.containers[0].livenessProbe", of="pod/probed"))
def test_a_failing_liveness_probe_restarts_the_container_in_place(lab: Lab) -> None:
    """A container whose liveness probe keeps failing is restarted inside the same Pod."""
    # Given two Pods, alike but for the probe,
    probed, plain = lab.apply("health/liveness-twins.yaml")
    before, _ = lab.ready(probed, plain)

    # when both stop answering /healthy,
    lab.put(plain, "/healthy/api", failNext=-1)
    broken = lab.put(probed, "/healthy/api", failNext=-1)

    # then the kubelet restarts the probed one within the time that its own numbers promise,
    restarted = lab.eventually(
        "the kubelet restarts the probed container",
        probed,
        until=lambda pod: pod.restart_count > 0,
        within=budgets.restarts(probed.manifest),
        since=broken,
    )
    assert restarted.uid == before.uid, "a new Pod, not a new container"
    assert restarted.container("web").container_id != before.container("web").container_id
    failed = [r for r in lab.requests(probed, "/healthy", agent="kube-probe", previous=True) if r.faulted]
    assert len(failed) == probed.manifest["spec"]["containers"][0]["livenessProbe"]["failureThreshold"]

    # and the other one, seen without a gap until then, is left alone.
    lab.never("the plain container is restarted", plain, lambda pod: pod.restart_count > 0, until=restarted)


@claim(
    "health.liveness-in-manifest",
    source=PROBES + "#configure-probes",
    ledger=["health.liveness-in-manifest", "health.every-container"],
    notes=imprecise("each container of a pod will have a liveness check", "each may have one; none is ever added"),
    twin="helper: the container beside it, which asks for no probe",
    takes_s=1,
)
@sabotage(
    "a probe for both",
    put("spec.containers[1].livenessProbe", {"httpGet": {"path": "/healthy", "port": 8080}}, of="pod/pair"),
)
@sabotage("numbers of its own", put("spec.containers[0].livenessProbe.periodSeconds", 5, of="pod/pair"))
def test_a_probe_is_there_only_where_the_manifest_has_one(lab: Lab) -> None:
    """A container has the probes that its manifest gives it: Kubernetes adds numbers to a probe, but never a probe."""
    # Given a Pod that says of one of its two containers where to ask, and nothing else,
    pair = lab.apply("health/one-of-two.yaml")

    # when it is read back,
    web, helper = lab.get("Pod", pair.name).raw["spec"]["containers"]

    # then the one probe has become whole,
    assert web["livenessProbe"] == {
        "httpGet": {"scheme": "HTTP", "path": "/healthy", "port": 8080},
        "timeoutSeconds": 1,
        "periodSeconds": 10,
        "successThreshold": 1,
        "failureThreshold": 3,
    }

    # and there is no other.
    assert "readinessProbe" not in web
    assert "startupProbe" not in web
    assert "livenessProbe" not in helper, "a probe that nobody asked for"


@claim(
    "health.per-container",
    source=PROBES,
    ledger=["health.per-container", "health.monitors-pod"],
    notes=imprecise("health checks monitor a pod", "each watches one container; the Pod is Ready when all of them are"),
    twin="beside: a container of the same Pod with the same probes",
    takes_s=11,
)
@sabotage(
    "both probes ask one container",
    put("spec.containers[1].livenessProbe.httpGet.port", 8080, of="pod/pair"),
    put("spec.containers[1].livenessProbe.failureThreshold", 2, of="pod/pair"),
)
@sabotage("no readiness probe", remove("spec.containers[0].readinessProbe", of="pod/pair"))
def test_probes_judge_one_container(lab: Lab) -> None:
    """A probe restarts its own container only; for the Pod to be Ready, all its containers must be."""
    # Given a Pod with two containers, which have the same probes,
    pair = lab.apply("health/two-containers.yaml")
    before = lab.ready(pair)

    # when one of them fails,
    failed = lab.put(pair, "/healthy/api", failNext=-1)

    # then only that one is not ready, which is enough for the Pod,
    unready = lab.eventually(
        "the Pod is not Ready",
        pair,
        until=lambda pod: not pod.ready,
        within=budgets.fails(budgets.probe_of(pair.manifest, "readinessProbe")),
        since=failed,
    )
    assert (unready.container("web").ready, unready.container("beside").ready) == (False, True)
    # (A container is not ready, either, while it is being restarted, which is not due for some seconds.)
    assert (unready.container("web").state, unready.restart_count) == ("running", 0), "not Ready for a restart only"

    # and only that one is restarted.
    restarted = lab.eventually(
        "the kubelet restarts the failed container",
        pair,
        until=lambda pod: pod.container("web").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=failed,
    )
    assert restarted.container("beside").container_id == before.container("beside").container_id, "both restarted"
    lab.never("its neighbour is restarted", pair, lambda pod: pod.container("beside").restart_count, until=restarted)


@claim(
    "health.manifest",
    source=PROBES + "#http-probes",
    ledger=["health.manifest", "health.http-get"],
    twin="unprobed: a container of the same Pod without the probe",
    takes_s=13,
)
@sabotage("another path", put("spec.containers[0].livenessProbe.httpGet.path", "/nope"))
@sabotage("the path is not served", put("spec.containers[0].env", [{"name": "FAIL", "value": "healthy=404"}]))
def test_the_notes_probe_asks_by_http_from_outside_the_container(lab: Lab) -> None:
    """The kubelet sends the GET requests that a container's httpGet probe describes, and signs them kube-probe."""
    # Given the notes' container, kept as it was written, and one without the probe beside it,
    kuard = lab.apply("health/notes.yaml")
    probe = lab.get("Pod", kuard.name).raw["spec"]["containers"][0]["livenessProbe"]
    assert probe["httpGet"] == {"scheme": "HTTP", "path": "/healthy", "port": 8080}
    assert (probe["initialDelaySeconds"], probe["timeoutSeconds"]) == (5, 1)
    assert (probe["periodSeconds"], probe["failureThreshold"], probe["successThreshold"]) == (10, 3, 1)
    running = lab.ready(kuard)

    # when its first probe comes,
    asked, *_ = lab.poll(
        "the kubelet asks",
        lambda: lab.requests(kuard, agent="kube-probe/", container="kuard"),
        until=lambda requests: requests,
        within=budgets.first_probe(budgets.probe_of(kuard.manifest, "livenessProbe")),
    )

    # then it is a request over the network for that path, which the server answers,
    assert (asked.method, asked.path, asked.status) == ("GET", "/healthy", 200)
    assert asked.source != running.ip, "asked from inside the Pod"

    # and the other server was not asked.
    assert lab.requests(kuard, agent="kube-probe/", container="unprobed") == []


@claim(
    "health.initial-delay",
    source=PROBES + "#configure-probes",
    notes=imprecise(
        "initialDelaySeconds is the time of the first check",
        "it is the least time: the first check comes with the next tick of periodSeconds",
    ),
    twin="prompt: a container of the same Pod without a delay",
    takes_s=10,
)
@sabotage("no delay", remove("spec.containers[0].livenessProbe.initialDelaySeconds"))
@sabotage("a delay for both", put("spec.containers[1].livenessProbe.initialDelaySeconds", 6))
def test_no_probe_comes_before_the_initial_delay(lab: Lab) -> None:
    """A container is not probed until it has run for initialDelaySeconds, and then within the next periodSeconds."""
    # Given two containers of a Pod, alike but for the delay,
    pair = lab.apply("health/delay-twins.yaml")
    running = lab.ready(pair)
    window = budgets.first_probe(budgets.probe_of(pair.manifest, "livenessProbe"))

    # when the first probe of the patient one comes,
    (asked, *_) = lab.poll(
        "the kubelet asks after the delay",
        lambda: lab.requests(pair, agent="kube-probe", container="patient"),
        until=lambda requests: requests,
        within=window,
    )

    # then its delay is over, by no more than a period,
    start = lab.start_of(running, "patient")
    lab.came("the first probe", asked, since=start, within=window)
    # (However busy the machine is, the kubelet counts from the very second that the API has.)
    assert asked.seen_s - start.seen_s >= window.earliest_s, "it came before the delay was over"

    # and the other one, which may have started sooner or later, was asked again and again before it was that old.
    until_s = lab.start_of(running, "prompt").seen_s + asked.seen_s - start.seen_s
    asked_too = lab.poll(
        "the kubelet asks without delay, and after it",
        lambda: lab.requests(pair, agent="kube-probe", container="prompt"),
        until=lambda requests: requests and requests[-1].seen_s > until_s,
        within=START,
    )
    earlier = [r for r in asked_too if r.seen_s < until_s]
    assert len(earlier) > 1, "the container without a delay was not probed meanwhile"


@claim(
    "health.period",
    source=PROBES + "#configure-probes",
    twin="often: a container of the same Pod with periodSeconds 1",
    takes_s=10,
)
@sabotage("both often", put("spec.containers[0].livenessProbe.periodSeconds", 1))
@sabotage("both seldom", put("spec.containers[1].livenessProbe.periodSeconds", 3))
def test_a_container_is_probed_once_a_period(lab: Lab) -> None:
    """A container that is well is probed once every periodSeconds, for as long as it runs."""
    # Given two containers of a Pod, alike but for the period,
    pair = lab.apply("health/period-twins.yaml")
    lab.ready(pair)
    both = lab.now("both are up")
    probe = budgets.probe_of(pair.manifest, "livenessProbe")

    # when one of them has been asked three times,
    first, _, third = lab.poll(
        "the third probe",
        lambda: [r for r in lab.requests(pair, "/healthy", container="seldom") if r.seen_s > both.seen_s][:3],
        until=lambda requests: len(requests) == 3,
        within=budgets.first_probe(probe) + budgets.probed(probe, 2),
    )

    # then two periods have passed since the first,
    lab.came("the third probe", third, since=first, within=budgets.probed(probe, 2))

    # in which the other one was asked three times as often.
    asked = lab.requests(pair, "/healthy", container="often")
    between = [r for r in asked if first.seen_s <= r.seen_s < third.seen_s]
    most = 2 + third.seen_s - first.seen_s
    assert 4 <= len(between) <= most, "not about three probes of the one to each of the other"


@claim(
    "health.timeout",
    source=PROBES + "#configure-probes",
    twin="lenient: a container of the same Pod with timeoutSeconds 3",
    takes_s=10,
)
@sabotage(
    "too little time for both",
    put("spec.containers[1].livenessProbe.timeoutSeconds", 1),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_an_answer_after_the_timeout_is_a_failure(lab: Lab) -> None:
    """A probe whose answer takes longer than timeoutSeconds has failed, whatever the answer is."""
    # Given two containers of a Pod, alike but for the timeout,
    pair = lab.apply("health/timeout-twins.yaml")
    lab.ready(pair)

    # when both take a second and a half for each answer,
    lab.put(pair, "/healthy/api", port=8081, delay_s=1.5)
    slow = lab.put(pair, "/healthy/api", delay_s=1.5)

    # then the one whose probe waits a second is restarted,
    restarted = lab.eventually(
        "the kubelet restarts the slow container",
        pair,
        until=lambda pod: pod.container("hasty").restart_count > 0,
        within=budgets.restarts(pair.manifest, hangs=True),
        since=slow,
    )

    # and the other one goes on, though it answers more often that slowly than its probe may fail.
    lab.never(
        "the lenient one is restarted", pair, lambda pod: pod.container("lenient").restart_count > 0, until=restarted
    )
    lab.poll(
        "four slow answers of one container",
        lambda: [r for r in lab.requests(pair, "/healthy", container="lenient") if r.faulted],
        until=lambda requests: len(requests) > 3,
    )


@claim(
    "health.thresholds-named",
    ledger=["health.failure-threshold"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_describe/",
    twin="defaults: the same probe without a number",
    takes_s=1,
    since="1.37",
)
@sabotage("no number", remove("spec.containers[0].livenessProbe.failureThreshold"))
@sabotage("numbers for both", put("spec.containers[1].livenessProbe.failureThreshold", 4))
def test_describe_names_a_probes_thresholds(lab: Lab) -> None:
    """kubectl describe shows a probe's thresholds under the names that they have in a manifest."""
    # Given a Pod with two probes, one of them with a number of its own,
    lab.apply("health/described.yaml")

    # when it is described, then the thresholds are there by name.
    told = [line.split()[-2:] for line in lab.kubectl("describe pod pair").stdout.splitlines() if "Liveness:" in line]
    assert told == [["successThreshold=1", "failureThreshold=4"], ["successThreshold=1", "failureThreshold=3"]]


@claim(
    "health.thresholds-short",
    ledger=["health.failure-threshold"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_describe/",
    twin="defaults: the same probe without a number",
    takes_s=1,
    until="1.37",
)
@sabotage("no number", remove("spec.containers[0].livenessProbe.failureThreshold"))
@sabotage("numbers for both", put("spec.containers[1].livenessProbe.failureThreshold", 4))
def test_describe_abbreviates_a_probes_thresholds(lab: Lab) -> None:
    """kubectl describe shows a probe's thresholds as #success and #failure."""
    # Given a Pod with two probes, one of them with a number of its own,
    lab.apply("health/described.yaml")

    # when it is described, then the thresholds are there in short.
    told = [line.split()[-2:] for line in lab.kubectl("describe pod pair").stdout.splitlines() if "Liveness:" in line]
    assert told == [["#success=1", "#failure=4"], ["#success=1", "#failure=3"]]


@claim(
    "health.failure-threshold",
    source=PROBES + "#configure-probes",
    twin="flaky: a container of the same Pod, which fails as often but recovers in between",
    takes_s=10,
)
@sabotage("two are enough", put("spec.containers[0].livenessProbe.failureThreshold", 2))
@sabotage("any is enough", put("spec.containers[1].livenessProbe.failureThreshold", 1))
def test_only_failures_in_a_row_count(lab: Lab) -> None:
    """A container is restarted after failureThreshold failed probes in a row: one success forgets those before."""
    # Given two containers of a Pod, with the same probe,
    pair = lab.apply("health/threshold-twins.yaml")
    lab.ready(pair)

    # when one fails it three times in a row and the other one only twice,
    lab.put(pair, "/healthy/api", port=8081, failNext=2)
    failed = lab.put(pair, "/healthy/api", failNext=3)

    # then the third failure is the end of the one container,
    restarted = lab.eventually(
        "the kubelet restarts the failing container",
        pair,
        until=lambda pod: pod.container("failing").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=failed,
    )
    asked = lab.requests(pair, "/healthy", container="failing", previous=True)
    assert [r.faulted for r in asked][-3:] == [True, True, True]

    # and the other one goes on, even when it fails twice again after a success.
    lab.never("it is restarted, too", pair, lambda pod: pod.container("flaky").restart_count > 0, until=restarted)
    lab.poll(
        "a success after two failures",
        lambda: [r.faulted for r in lab.requests(pair, "/healthy", container="flaky")],
        until=lambda faulted: faulted.count(True) == 2 and not faulted[-1],
    )
    lab.put(pair, "/healthy/api", port=8081, failNext=2)
    lab.poll(
        "a success after four failures of one container",
        lambda: [r.faulted for r in lab.requests(pair, "/healthy", container="flaky")],
        until=lambda faulted: faulted.count(True) == 4 and not faulted[-1],
    )


@claim(
    "health.http-success-range",
    source=PROBES + "#check-mechanisms",
    notes=imprecise("the endpoint has to return a successful response", "anything from 200 to 399 will do"),
    twin="edge: a container of the same Pod, whose liveness path answers 399",
    takes_s=8,
)
@sabotage(
    "both answer 400",
    put("spec.containers[1].livenessProbe.httpGet.path", "/status/400"),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
@sabotage(
    "404 in place of 304",
    put("spec.containers[1].startupProbe.httpGet.path", "/status/404"),
    put("spec.containers[1].startupProbe.failureThreshold", 1),
)
def test_200_to_399_is_healthy_and_400_is_not(lab: Lab) -> None:
    """An HTTP probe succeeds with every status from 200 to 399, and fails with 400 and more."""
    # Given two containers of a Pod, both asked for their health once a startup probe has been answered 304,
    pair = lab.apply("health/status-twins.yaml")

    # when one answers 400 and the other one 399,
    restarted = lab.eventually(
        "the container that answers 400 is restarted",
        pair,
        until=lambda pod: pod.container("over").restart_count > 0,
        within=START + budgets.restarts(pair.manifest),
    )

    # then the first is restarted after as many answers as its probe may fail,
    assert len(lab.requests(pair, "/status/400", container="over", previous=True)) == 3

    # and the second goes on, although it has given more of them.
    lab.never(
        "304 or 399 restarts a container", pair, lambda pod: pod.container("edge").restart_count > 0, until=restarted
    )
    lab.poll(
        "four answers of 399 by one container",
        lambda: lab.requests(pair, "/status/399", container="edge"),
        until=lambda asked: len(asked) > 3,
        within=START,
    )


@claim(
    "health.redirects",
    source=PROBES + "#http-probes-redirects",
    ledger=["health.http-success-range"],
    twin="other-host: a container of the same Pod, which redirects to another host",
    takes_s=7,
)
@sabotage(
    "both to the same host",
    put("spec.containers[1].livenessProbe.httpGet.path", "/status/302?location=/status/500"),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_a_redirect_to_another_host_counts_as_success(lab: Lab) -> None:
    """An HTTP probe follows a redirect on the same host; one to another host is not followed and counts as success."""
    # Given two containers of a Pod that redirect their probe,
    pair = lab.apply("health/redirect-twins.yaml")

    # when one sends it to a path of its own that fails,
    restarted = lab.eventually(
        "the redirect to a failing path is followed",
        pair,
        until=lambda pod: pod.container("same-host").restart_count > 0,
        within=START + budgets.restarts(pair.manifest),
    )

    # then that answer is the one that counts,
    assert len(lab.requests(pair, "/status/500", container="same-host", previous=True)) == 3

    # and the other one, which sends it to a host that does not exist, is well.
    lab.never(
        "a host nobody has makes it fail",
        pair,
        lambda pod: pod.container("other-host").restart_count > 0,
        until=restarted,
    )
    lab.poll(
        "four redirects by one container",
        lambda: lab.requests(pair, "/status/302", container="other-host"),
        until=lambda asked: len(asked) > 3,
        within=START,
    )


@claim(
    "health.port-not-found",
    ledger=["health.http-get"],
    source=PROBES + "#http-probes",
    twin="the readiness probe, whose port is named as the container's",
    takes_s=3,
    since="1.37",
)
@sabotage("another name", put("spec.containers[0].livenessProbe.httpGet.port", "htp"))
@sabotage("a port that refuses", put("spec.containers[0].livenessProbe.httpGet.port", 9))
def test_a_probe_of_a_port_that_there_is_not_says_so(lab: Lab) -> None:
    """A probe of a port by a name that its container does not have says that it was not found."""
    # Given a container with a probe whose port is misspelt, and one whose is not,
    web = lab.apply("health/no-such-port.yaml")

    # when it runs, then the one succeeds,
    lab.eventually("it is ready", web, until=lambda pod: pod.ready, within=START)

    # and the other one has no port to ask.
    told = lab.poll(
        "somebody is told of a port",
        lambda: [e.message for e in lab.events(web, "Unhealthy") if e.message.startswith("Liveness")],
        until=lambda messages: messages,
    )
    assert told[0].startswith("Liveness probe errored and resulted in unknown state: ")
    assert told[0].endswith(': port "htpp" not found')


@claim(
    "health.port-not-a-number",
    ledger=["health.http-get"],
    source=PROBES + "#http-probes",
    twin="the readiness probe, whose port is named as the container's",
    takes_s=3,
    until="1.37",
)
@sabotage("another name", put("spec.containers[0].livenessProbe.httpGet.port", "htp"))
@sabotage("a port that refuses", put("spec.containers[0].livenessProbe.httpGet.port", 9))
def test_a_probe_of_a_port_that_there_is_not_takes_it_for_a_number(lab: Lab) -> None:
    """A probe of a port by a name that its container does not have says that this is no number, in words of Go."""
    # Given a container with a probe whose port is misspelt, and one whose is not,
    web = lab.apply("health/no-such-port.yaml")

    # when it runs, then the one succeeds,
    lab.eventually("it is ready", web, until=lambda pod: pod.ready, within=START)

    # and the other one has no port to ask.
    told = lab.poll(
        "somebody is told of a port",
        lambda: [e.message for e in lab.events(web, "Unhealthy") if e.message.startswith("Liveness")],
        until=lambda messages: messages,
    )
    assert told[0].startswith("Liveness probe errored and resulted in unknown state: ")
    assert told[0].endswith('strconv.Atoi: parsing "htpp": invalid syntax')


@claim(
    "health.tcp-socket",
    source=PROBES + "#check-mechanisms",
    twin="open: a container of the same Pod, whose probe knocks at the port that stays open",
    takes_s=7,
)
@sabotage(
    "both knock at the closed port",
    put("spec.containers[1].livenessProbe.tcpSocket.port", 9004),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_a_tcp_probe_asks_for_no_more_than_an_open_port(lab: Lab) -> None:
    """A tcpSocket probe succeeds as long as the port can be connected to, whether or not anything is said there."""
    # Given two containers with two mute ports, which differ in the one that is probed,
    pair = lab.apply("health/tcp-twins.yaml")
    lab.ready(pair)

    # when the second port is closed in both,
    lab.post(pair, "/listeners/9004/close", port=8081)
    shut = lab.post(pair, "/listeners/9002/close")

    # then the container is restarted where that one is probed,
    restarted = lab.eventually(
        "the kubelet restarts the container with the closed port",
        pair,
        until=lambda pod: pod.container("closed").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=shut,
    )

    # and not where the kubelet still finds an open port, mute or not.
    lab.never("the mute port makes it fail", pair, lambda pod: pod.container("open").restart_count > 0, until=restarted)
    lab.poll(
        "four more connections to the mute port of one container",
        lambda: [r for r in lab.requests(pair, "tcp:9003", container="open") if r.seen_s > shut.seen_s],
        until=lambda knocks: len(knocks) > 3,
    )


@claim(
    "health.exec-arbitrary",
    source=PROBES + "#check-mechanisms",
    ledger=["health.exec-arbitrary", "health.exec-exit-zero"],
    twin="lax: a container of the same Pod, whose command ends with 0 all the same",
    takes_s=8,
)
@sabotage(
    "both commands fail",
    put("spec.containers[1].livenessProbe.exec.command", ["cat", "/tmp/healthy"]),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_a_command_is_healthy_if_it_exits_with_0(lab: Lab) -> None:
    """An exec probe runs a command in the container and succeeds if that exits with 0."""
    # Given two containers of a Pod, whose probes read a file of their own,
    pair = lab.apply("health/exec-twins.yaml")
    lab.ready(pair)

    # when the file is gone in both,
    lab.post(pair, "/file", port=8081, path="/tmp/healthy", present=False)
    gone = lab.post(pair, "/file", path="/tmp/healthy", present=False)

    # then the container is restarted whose command exits with 1,
    lab.eventually(
        "the kubelet restarts the container without the file",
        pair,
        until=lambda pod: pod.container("strict").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=gone,
    )

    # and not, until that one is up again, the one whose command complains but exits with 0.
    up = lab.given(
        "it is up again",
        pair,
        until=lambda pod: pod.container("strict").restart_count > 0 and pod.container("strict").ready,
        since=gone,
    )
    lab.never("a complaint is a failure", pair, lambda pod: pod.container("lax").restart_count > 0, until=up)


@claim(
    "health.exec-cannot-start",
    source=PROBES + "#probe-results",
    ledger=["health.exec-exit-zero"],
    twin="direct: a container of the same Pod, whose probe names the program without a shell",
    takes_s=7,
)
@sabotage(
    "a shell for both",
    put("spec.containers[1].livenessProbe.exec.command", ["sh", "-c", "nosuchthing"]),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_a_command_that_cannot_be_started_is_no_failure(lab: Lab) -> None:
    """An exec probe whose command cannot be started has no result: it never restarts the container."""
    # Given two containers whose probes name a program that the image does not have, one by way of a shell,
    pair = lab.apply("health/no-such-command.yaml")

    # when the shell has exited with 127 often enough,
    lab.eventually(
        "the container whose shell exits with 127 is restarted",
        pair,
        until=lambda pod: pod.container("shell").restart_count > 0,
        within=START + budgets.restarts_from_start(pair.manifest),
    )

    # then the other container, whose probe could not be run more often than it may fail, still does.
    lab.poll(
        "four attempts to start the command",
        lambda: [
            event
            for event in lab.events(pair, "Unhealthy")
            if event.raw["involvedObject"]["fieldPath"] == "spec.containers{direct}"
        ],
        until=lambda events: sum(event.count for event in events) > 3,
        within=START,
    )
    tried = lab.now("the command was tried four times")
    lab.never(
        "a probe without a result restarts it",
        pair,
        lambda pod: pod.container("direct").restart_count > 0,
        until=tried,
    )


@claim(
    "health.probe-types",
    source=PROBES + "#grpc-probes",
    notes=imprecise("besides httpGet there are tcpSocket and exec", "and grpc, which asks the gRPC health service"),
    twin="knocked: a container of the same Pod with a tcpSocket probe in place of the grpc probe",
    takes_s=7,
)
@sabotage(
    "both ask",
    remove("spec.containers[1].livenessProbe.tcpSocket"),
    put("spec.containers[1].livenessProbe.grpc", {"port": 9001}),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
def test_a_grpc_probe_asks_the_health_service(lab: Lab) -> None:
    """A grpc probe succeeds only if the gRPC health service answers that it is SERVING."""
    # Given two containers of a Pod that serve gRPC, one probed by a call and one by a connection,
    pair = lab.apply("health/grpc-twins.yaml")
    lab.ready(pair)

    # when the health service of both says NOT_SERVING,
    lab.put(pair, "/grpc/api", port=8081, failNext=-1)
    unwell = lab.put(pair, "/grpc/api", failNext=-1)

    # then the container that is asked is restarted after as many answers as its probe may fail,
    lab.eventually(
        "the kubelet restarts the container that does not serve",
        pair,
        until=lambda pod: pod.container("asked").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=unwell,
    )
    checks = lab.requests(pair, "grpc:/grpc.health.v1.Health/Check", container="asked", previous=True)
    assert [c.status for c in checks].count("NOT_SERVING") == 3

    # and not, until that one is up again, the one whose port is still open.
    up = lab.given(
        "it is up again",
        pair,
        until=lambda pod: pod.container("asked").restart_count > 0 and pod.container("asked").ready,
        since=unwell,
    )
    lab.never("the connection tells as much", pair, lambda pod: pod.container("knocked").restart_count > 0, until=up)


@claim(
    "health.one-mechanism",
    source=PROBES + "#check-mechanisms",
    ledger=["health.probe-types"],
    twin="two-probes: the same Pod with the second mechanism in a probe of its own",
    takes_s=1,
)
@sabotage("one mechanism only", remove("spec.containers[0].livenessProbe.tcpSocket", of="pod/one-probe"))
@sabotage(
    "two there as well", put("spec.containers[0].readinessProbe.exec", {"command": ["true"]}, of="pod/two-probes")
)
def test_a_probe_has_one_mechanism(lab: Lab) -> None:
    """A Pod is refused if one of its probes has two mechanisms; two probes may have one each."""
    # Given a Pod that is accepted with two mechanisms in two probes,
    lab.apply("health/two-probes.yaml")

    # when another has both in one,
    refusal = lab.apply_refused("health/two-mechanisms.yaml")

    # then it is refused for that reason.
    assert "may not specify more than 1 handler type" in refusal.stderr


@claim(
    "health.initial-delay-why",
    source=PROBES + "#startup-probe",
    notes=imprecise(
        "initialDelaySeconds gives a container the time to start up",
        "it guesses that time; a startupProbe holds the others back until the container has started",
        since="1.20",
    ),
    twin="hurried: a container of the same Pod without the startupProbe",
    takes_s=10,
)
@sabotage(
    "no startupProbe",
    remove("spec.containers[1].startupProbe"),
    put("spec.containers[1].livenessProbe.failureThreshold", 1),
)
@sabotage("a startupProbe without patience", put("spec.containers[1].startupProbe.failureThreshold", 1))
def test_a_startup_probe_holds_back_the_liveness_probe(lab: Lab) -> None:
    """While a startupProbe has not succeeded, no liveness probe is made: a slow first start is not interrupted."""
    # Given two containers of a Pod that take longer to start than their liveness probe allows,
    pair = lab.apply("health/slow-start-twins.yaml")

    # when the one without a startupProbe is restarted before it is up,
    restarted = lab.eventually(
        "the slow start is interrupted",
        pair,
        until=lambda pod: pod.container("hurried").restart_count > 0,
        within=START + budgets.restarts_from_start(pair.manifest),
    )

    # then the other one is left in peace,
    lab.never("it is interrupted, too", pair, lambda pod: pod.container("guarded").restart_count > 0, until=restarted)

    # until it has started, and only then is asked for its health.
    asked = lab.poll(
        "the guarded container is up and asked for its health",
        lambda: lab.requests(pair, agent="kube-probe", container="guarded"),
        until=lambda requests: any(r.path == "/healthy" for r in requests),
        within=START,
    )
    assert asked[0].path == "/started"
    lab.never("it is restarted later", pair, lambda pod: pod.container("guarded").restart_count > 0, until=asked[-1])


@claim(
    "health.startup-after-restart",
    ledger=["health.initial-delay-why"],
    source=PROBES + "#startup-probe",
    twin="hurried: a container of the same Pod without the startupProbe",
    takes_s=16,
    bug=known_bug(
        "https://github.com/kubernetes/kubernetes/issues/141155",
        "1.35.0 to 1.35.8",
        "1.36.0 to 1.36.5",
        "1.37.0 to 1.37.2",
        sign="its second start was interrupted",
    ),
)
@sabotage("no startupProbe", remove("spec.containers[0].startupProbe"))
@sabotage("no liveness probe", remove("spec.containers[0].livenessProbe"))
@sabotage("no liveness probe for the other one", remove("spec.containers[1].livenessProbe"))
def test_a_startup_probe_holds_back_the_liveness_probe_after_a_restart_too(lab: Lab) -> None:
    """Whether a container starts for the first time or after a restart, its liveness probe waits for the startupProbe.

    The kubelet looks for a startup probe's turn every periodSeconds: ten here, so that whatever the liveness probe
    does before that, which has a turn every second, is seen.
    """
    # Given two containers of a Pod that take longer for each start than their liveness probe allows,
    pair = lab.apply("health/slow-starts-twins.yaml")

    # when the one with a startupProbe has come through its first start, which the other one has not,
    within = START + Window(0, budgets.probe_of(pair.manifest, "startupProbe")["periodSeconds"])
    first = lab.eventually(
        "the guarded container's first start is over, or interrupted",
        pair,
        until=lambda pod: pod.container("guarded").ready or pod.container("guarded").restart_count > 0,
        within=within,
    )
    assert first.container("guarded").restart_count == 0, "its first start was interrupted"
    assert first.container("hurried").restart_count > 0, "a slow start was not interrupted without a startupProbe"

    # and is restarted for a failed liveness probe,
    failed = lab.put(pair, "/healthy/api", failNext=1)
    restarted = lab.eventually(
        "the guarded container is restarted",
        pair,
        until=lambda pod: pod.container("guarded").restart_count > 0,
        within=budgets.restarts(pair.manifest),
        since=failed,
    )

    # then it comes through its second start, too,
    second = lab.eventually(
        "its second start is over, or interrupted",
        pair,
        until=lambda pod: pod.container("guarded").ready or pod.container("guarded").state != "running",
        within=within,
        since=restarted,
    )
    assert second.container("guarded").ready, "its second start was interrupted"
    assert second.container("guarded").restart_count == 1

    # and is asked for its health after it was asked whether it has started.
    asked = lab.poll(
        "it is asked for its health",
        lambda: lab.requests(pair, agent="kube-probe", container="guarded"),
        until=lambda requests: any(r.path == "/healthy" for r in requests),
    )
    assert asked[0].path == "/started"


@claim(
    "health.liveness-purpose",
    source=PROBES + "#types-of-probe",
    ledger=["health.liveness-purpose", "health.readiness-sentence"],
    notes=imprecise(
        "a readiness probe checks whether the application is ready",
        "and if it fails it takes the Pod's traffic away, but never restarts it; a liveness probe does the reverse",
    ),
    twin="gated: the same Pod with a readiness probe in place of the liveness probe",
    takes_s=10,
)
@sabotage(
    "liveness for both",
    put(
        "spec.containers[0].livenessProbe",
        {"httpGet": {"path": "/healthy", "port": 8080}, "periodSeconds": 1},
        of="pod/gated",
    ),
)
@sabotage(
    "readiness for both",
    put("spec.containers[0].readinessProbe", {"httpGet": {"path": "/healthy", "port": 8080}, "periodSeconds": 1}),
)
def test_liveness_restarts_and_readiness_gates_traffic(lab: Lab) -> None:
    """A failing liveness probe restarts and does not take traffic away; a failing readiness probe does the reverse."""
    # Given two Pods behind one Service, alike but for the kind of their probe,
    service, live, gated = lab.apply("health/traffic-twins.yaml")
    endpoints = lab.endpoints(service)
    lab.given("both get traffic", endpoints, until=lambda now: len(now.ready) == 2)

    # when both fail it,
    lab.put(live, "/healthy/api", failNext=-1)
    failed = lab.put(gated, "/healthy/api", failNext=-1)

    # then the Service gives up the one with the readiness probe, and the kubelet restarts the other one's container,
    within = budgets.fails(budgets.probe_of(gated.manifest, "readinessProbe"))
    lab.eventually("no traffic", endpoints, until=lambda e: "gated" not in e.ready, within=within, since=failed)
    within = budgets.restarts(live.manifest)
    restarted = lab.eventually("a restart", live, until=lambda pod: pod.restart_count, within=within, since=failed)

    # which had its traffic for as long as its container ran, while the first one's was not restarted. (The new one is
    # now and then started in the very status in which it is not ready yet.)
    lab.never(
        "it loses it",
        live,
        lambda pod: not pod.restart_count and pod.container("web").started and not pod.ready,
        since=failed,
        until=restarted,
    )
    lab.never("the gated one is restarted", gated, lambda pod: pod.restart_count, until=restarted)
