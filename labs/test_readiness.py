"""Readiness: how a Pod gets requests only while it can serve them, and what the numbers of its probe decide.

The lesson in its order: what a readiness probe is for, seen on the Pod and from a client; how long it goes on;
how a Pod starts; its numbers; and the notes' manifest, mended layer by layer.
"""

from labkit.words import START, Lab, budgets, claim, imprecise, instead, put, remove, sabotage, wrong

PROBES = "https://kubernetes.io/docs/concepts/workloads/pods/probes/"
SLICES = "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/"


@claim(
    "readiness.purpose",
    source=PROBES + "#readiness-probe",
    notes=imprecise(
        "a readiness check finds out whether a service can take requests",
        "it decides about one Pod: whether that Pod counts as Ready; nothing is restarted for it",
    ),
    twin="liveness: the same probe as a liveness probe",
    takes_s=5,
)
@sabotage(
    "a liveness probe",
    remove("spec.containers[0].readinessProbe", of="pod/readiness"),
    put(
        "spec.containers[0].livenessProbe",
        {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 2},
        of="pod/readiness",
    ),
)
def test_a_failing_readiness_probe_restarts_nothing(lab: Lab) -> None:
    """A Pod whose readiness probe fails is not Ready, but its container runs on, and may be Ready again."""
    # Given two Pods, alike but for what the probe is for,
    readiness, liveness = lab.apply("readiness/readiness-and-liveness.yaml")
    before, _ = lab.ready(readiness, liveness)

    # when /ready fails in both,
    lab.put(readiness, "/ready/api", failNext=-1)
    broken = lab.put(liveness, "/ready/api", failNext=-1)

    # then the container of one is restarted, and the other Pod, which is no longer Ready, runs as before,
    failed, _ = lab.eventually(
        "both probes have their effect",
        readiness,
        liveness,
        until=lambda pod, twin: twin.restart_count and (pod.restart_count or not pod.ready),
        within=budgets.restarts(liveness.manifest),
        since=broken,
    )
    assert failed.restart_count == 0, "its container was restarted"
    assert (failed.phase, failed.ready_reason) == ("Running", "ContainersNotReady")

    # and once /ready answers again, the Pod is Ready, with the container that it always had.
    healed = lab.put(readiness, "/ready/api", failNext=0)
    probe = budgets.probe_of(readiness.manifest, "readinessProbe")
    again = lab.eventually(
        "the Pod is Ready again",
        readiness,
        until=lambda pod: pod.ready,
        within=budgets.succeeds(probe),
        since=healed,
    )
    assert again.container("web") == before.container("web"), "it is another container, or was started anew"


@claim(
    "readiness.effect-on-traffic",
    source=SLICES + "#conditions",
    twin="web-b: the other Pod of the Service, which goes on answering",
    takes_s=5,
)
@sabotage("publishNotReadyAddresses", put("spec.publishNotReadyAddresses", True, of="service/web"))
def test_a_service_sends_nothing_to_a_pod_that_is_not_ready(lab: Lab) -> None:
    """A Pod that is not Ready stays an endpoint of its Service, but with ready false, and gets no new connections."""
    # Given two Pods behind a Service, both of which answer a client,
    web_a, web_b, client, web = lab.apply("readiness/behind-a-service.yaml")
    lab.ready(web_a, web_b, client)
    endpoints = lab.endpoints(web)
    lab.given("two ready endpoints", endpoints, until=lambda e: e.ready == ("web-a", "web-b"))
    lab.poll(
        "both Pods answer",
        lambda: lab.fetch(client, "http://web/", n=20),
        until=lambda answers: {a.name for a in answers} == {"web-a", "web-b"},
        within=START,
    )

    # when /ready fails in one,
    broken = lab.put(web_a, "/ready/api", failNext=-1)

    # then its endpoint is still listed, but no longer as ready,
    probe = budgets.probe_of(web_a.manifest, "readinessProbe")
    turned = lab.eventually(
        "the endpoint of web-a serves no more",
        endpoints,
        until=lambda e: "web-a" not in e.serving,
        within=budgets.fails(probe),
        since=broken,
    )
    assert turned.ready == ("web-b",), "a Pod that is not Ready is a ready endpoint"

    # and soon every new connection reaches the other Pod.
    lab.poll(
        "only web-b answers",
        lambda: lab.fetch(client, "http://web/", n=60),
        until=lambda answers: {(a.outcome, a.name) for a in answers} == {("ok", "web-b")},
        since=turned,
    )
    lab.never("the endpoint of web-b turns", endpoints, lambda e: "web-b" not in e.ready, since=broken, until=turned)


@claim(
    "readiness.no-pod-ready",
    ledger=["readiness.effect-on-traffic"],
    source="https://kubernetes.io/docs/reference/kubernetes-api/service-resources/service-v1/#ServiceSpec",
    twin="anyway: a Service for the same Pod with publishNotReadyAddresses",
    takes_s=6,
)
@sabotage("publishNotReadyAddresses on both", put("spec.publishNotReadyAddresses", True, of="service/web"))
@sabotage("on neither", remove("spec.publishNotReadyAddresses", of="service/anyway"))
def test_a_service_without_a_ready_pod_refuses_connections(lab: Lab) -> None:
    """Where no Pod of a Service is Ready, new connections are refused, until one is Ready again.

    With publishNotReadyAddresses a Service does not care and sends requests all the same.
    """
    # Given two Services for one Pod, alike but for publishNotReadyAddresses,
    pod, client, web, anyway = lab.apply("readiness/published-anyway.yaml")
    lab.ready(pod, client)
    services = lab.endpoints(web), lab.endpoints(anyway)
    lab.given("ready endpoints", *services, until=lambda *both: all(e.ready == ("web",) for e in both))
    lab.poll(
        "the Pod answers through both",
        lambda: lab.fetch(client, "http://web/") + lab.fetch(client, "http://anyway/"),
        until=lambda answers: {a.name for a in answers} == {"web"},
        within=START,
    )

    # when /ready fails in the Pod,
    broken = lab.put(pod, "/ready/api", failNext=-1)

    # then one Service refuses connections, while the other still makes them,
    probe = budgets.probe_of(pod.manifest, "readinessProbe")
    turned, published = lab.eventually(
        "its endpoints serve no more",
        *services,
        until=lambda *both: not any("web" in e.serving for e in both),
        within=budgets.fails(probe),
        since=broken,
    )
    assert turned.ready == (), "a Pod that is not Ready is a ready endpoint"
    assert published.ready == ("web",), "the other Service cares as well"
    lab.poll(
        "new connections are refused",
        lambda: lab.fetch(client, "http://web/", n=10),
        until=lambda answers: {a.outcome for a in answers} == {"refused"},
        since=turned,
    )
    answers = lab.poll(
        "the other Service decides",
        lambda: lab.fetch(client, "http://anyway/", n=10),
        until=lambda answers: {a.outcome for a in answers} <= {"ok", "refused"},
    )
    assert {a.name for a in answers} == {"web"}, "the other Service refuses as well"

    # and when /ready answers again, connections are made again.
    healed = lab.put(pod, "/ready/api", failNext=0)
    lab.poll(
        "the Pod answers again",
        lambda: lab.fetch(client, "http://web/", n=10),
        until=lambda answers: {a.name for a in answers} == {"web"},
        within=budgets.succeeds(probe),
        since=healed,
    )


@claim(
    "readiness.startup-only",
    source=PROBES + "#readiness-probe",
    notes=imprecise(
        "readiness checks are there because a service cannot take requests while it starts",
        "that is one use; the probe goes on for as long as the container runs, and its answer may turn at any time",
    ),
    twin="startup: the same probe as a startup probe",
    takes_s=4,
)
@sabotage(
    "both for life",
    put(
        "spec.containers[0].readinessProbe",
        {"httpGet": {"path": "/ready", "port": "http"}, "periodSeconds": 1, "failureThreshold": 1},
        of="pod/startup",
    ),
)
def test_a_readiness_probe_goes_on_after_the_start(lab: Lab) -> None:
    """A readiness probe runs for the whole life of its container; a startup probe ends with its first success."""
    # Given two Pods that are Ready, alike but for the kind of probe that made them so,
    readiness, startup = lab.apply("readiness/readiness-and-startup.yaml")
    lab.ready(readiness, startup)

    # when /ready fails in both,
    lab.put(startup, "/ready/api", failNext=-1)
    broken = lab.put(readiness, "/ready/api", failNext=-1)

    # then the one that is still asked is no longer Ready,
    probe = budgets.probe_of(readiness.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod with the readiness probe is not Ready",
        readiness,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=broken,
    )

    # and the other, which nobody has asked since, stays so.
    asked = lab.requests(startup, "/ready", agent="kube-probe")
    assert not [r for r in asked if r.faulted], "the startup probe went on"
    lab.never("the other Pod is not Ready", startup, lambda pod: not pod.ready, since=broken, until=turned)


@claim(
    "readiness.while-terminating",
    ledger=["readiness.startup-only"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-beyond-endpoints",
    twin="staying: the Pod that is not deleted",
    takes_s=4,
)
@sabotage(
    "no probe, and a short end",
    remove("spec.containers[0].readinessProbe", of="pod/leaving"),
    put("spec.terminationGracePeriodSeconds", 5, of="pod/leaving"),
)
def test_a_readiness_probe_goes_on_until_the_end(lab: Lab) -> None:
    """A Pod that is being deleted is no ready endpoint, but until it is gone its probe still says whether it serves."""
    # Given two Pods behind a Service, which take their time to stop,
    leaving, staying, web = lab.apply("readiness/while-terminating.yaml")
    lab.ready(leaving, staying)
    endpoints = lab.endpoints(web)
    lab.given("two ready endpoints", endpoints, until=lambda e: e.ready == ("leaving", "staying"))

    # when one is deleted,
    deleted = lab.now("delete")
    lab.kubectl("delete pod leaving --wait=false")

    # then it is at once no ready endpoint any more, although it serves,
    stopping = lab.eventually(
        "its endpoint is terminating", endpoints, until=lambda e: e.of("leaving").terminating, since=deleted
    )
    assert (stopping.of("leaving").ready, stopping.of("leaving").serving) == (False, True)

    # and when then /ready fails, it serves no more, before it is gone.
    broken = lab.put(leaving, "/ready/api", failNext=-1)
    probe = budgets.probe_of(leaving.manifest, "readinessProbe")
    unserving = lab.eventually(
        "its endpoint serves no more",
        endpoints,
        until=lambda e: "leaving" not in e.serving,
        within=budgets.fails(probe),
        since=broken,
    )
    assert unserving.of("leaving") is not None, "its endpoint served to the last"
    lab.never(
        "the endpoint of the other turns",
        endpoints,
        lambda e: "staying" not in e.ready,
        since=deleted,
        until=unserving,
    )


@claim(
    "readiness.exec-while-terminating",
    ledger=["readiness.startup-only"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-beyond-endpoints",
    twin="kept: the same Pod, deleted as well, whose file stays",
    takes_s=4,
)
@sabotage(
    "no probe, and a short end",
    remove("spec.containers[0].readinessProbe", of="pod/emptied"),
    put("spec.terminationGracePeriodSeconds", 5, of="pod/emptied"),
)
def test_an_exec_readiness_probe_goes_on_until_the_end(lab: Lab) -> None:
    """A readiness probe that runs a command in the container goes on, too, while the Pod is being deleted.

    Not so in Kubernetes 1.35, where the Pod was Ready to the last: https://github.com/kubernetes/kubernetes/issues/140881
    """
    # Given two Pods that are Ready while a file is there, being deleted, and taking their time to stop,
    emptied, kept = lab.apply("readiness/exec-while-terminating.yaml")
    lab.ready(emptied, kept)
    lab.kubectl("delete pod emptied kept --wait=false")
    lab.given("both terminating", emptied, kept, until=lambda *pods: all(pod.terminating for pod in pods))

    # when the file is removed from one,
    removed = lab.post(emptied, "/file", path="/tmp/ready", present=False)

    # then that one is not Ready any more, although its process still runs,
    probe = budgets.probe_of(emptied.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod without its file is not Ready",
        emptied,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=removed,
    )
    assert turned.container("web").state == "running", "it was Ready to the last"

    # and the other is Ready until then.
    lab.never("the Pod with its file is not Ready", kept, lambda pod: not pod.ready, since=removed, until=turned)


@claim(
    "readiness.never-starts-ready",
    ledger=["readiness.initial-delay"],
    source=PROBES + "#when-should-you-use-a-readiness-probe",
    twin="bare: the same Pod without the probe",
    takes_s=3,
)
@sabotage("no probe", remove("spec.containers[0].readinessProbe", of="pod/probed"))
def test_a_pod_with_a_readiness_probe_never_starts_ready(lab: Lab) -> None:
    """Before its readiness probe has succeeded once a Pod is not Ready; without such a probe it is Ready at once."""
    # Given two Pods, alike but for the probe, whose /ready fails from the start,
    # when their containers run,
    probed, bare = lab.apply("readiness/fails-from-the-start.yaml")
    running, _ = lab.eventually(
        "both containers run, and the bare Pod is Ready",
        probed,
        bare,
        until=lambda pod, twin: pod.container("web").state == "running" and twin.ready,
        within=START,
    )

    # then one is Ready without a question, and the other is not, however often it is asked,
    assert not running.ready, "it was Ready before any answer"
    lab.poll(
        "the kubelet asks twice",
        lambda: lab.requests(probed, "/ready", agent="kube-probe"),
        until=lambda requests: len(requests) >= 2,
        within=START,
    )
    assert not lab.requests(bare, "/ready", agent="kube-probe")

    # until the first good answer.
    healed = lab.put(probed, "/ready/api", failNext=0)
    lab.never("the probed Pod is Ready", probed, lambda pod: pod.ready, until=healed)
    within = budgets.succeeds(budgets.probe_of(probed.manifest, "readinessProbe"))
    lab.eventually("the probed Pod is Ready", probed, until=lambda pod: pod.ready, within=within, since=healed)


@claim(
    "readiness.initial-delay",
    source=PROBES + "#configure-probes",
    twin="prompt: the same Pod with the default, 0",
    takes_s=6,
)
@sabotage("no delay", put("spec.containers[0].readinessProbe.initialDelaySeconds", 0, of="pod/patient"))
def test_the_first_readiness_probe_waits_for_the_initial_delay(lab: Lab) -> None:
    """With initialDelaySeconds the first readiness probe comes so much later, and until then the Pod is not Ready."""
    # Given two Pods, alike but for initialDelaySeconds,
    patient, prompt = lab.apply("readiness/initial-delay.yaml")

    # when their containers have started, and they are Ready at last,
    running, running_twin = lab.eventually(
        "both are Ready", patient, prompt, until=lambda *pods: all(p.ready for p in pods), within=START
    )

    # then the first question came to one after the delay, and it was not Ready until then,
    first, *_ = lab.requests(patient, "/ready", agent="kube-probe")
    delay = budgets.first_probe(budgets.probe_of(patient.manifest, "readinessProbe"))
    start = lab.start_of(running, "web")
    lab.came("the first probe after the delay", first, since=start, within=delay)
    # (However busy the machine is, the kubelet counts from the very second that the API has.)
    assert first.seen_s - start.seen_s >= delay.earliest_s, "it came before the delay was over"
    lab.never("the Pod with the delay is Ready", patient, lambda pod: pod.ready, until=first)

    # and to the other, with a delay of 0 as without any, within the first period.
    first, *_ = lab.requests(prompt, "/ready", agent="kube-probe")
    none = budgets.first_probe(budgets.probe_of(prompt.manifest, "readinessProbe"))
    lab.came("the first probe without delay", first, since=lab.start_of(running_twin, "web"), within=none)


@claim(
    "readiness.http-get",
    source=PROBES + "#http-probes",
    twin="wrong: the same Pod with a path that the application does not know",
    takes_s=4,
)
@sabotage("a path that is there", put("spec.containers[0].readinessProbe.httpGet.path", "/ready", of="pod/wrong"))
@sabotage("a good status", put("spec.containers[0].readinessProbe.httpGet.path", "/status/399", of="pod/wrong"))
def test_an_http_readiness_probe_is_a_get_from_the_kubelet(lab: Lab) -> None:
    """With httpGet the kubelet sends GET requests to the Pod, and it is Ready if the answer is a good one."""
    # Given two Pods, alike but for the path of the probe,
    wrong, right = lab.apply("readiness/http-get.yaml")
    lab.given("both containers run", wrong, right, until=lambda *pods: all(p.phase == "Running" for p in pods))

    # when the kubelet asks them,
    lab.eventually("the Pod that knows the path is Ready", right, until=lambda pod: pod.ready, within=START)
    asked = lab.poll(
        "the kubelet asks the other Pod three times",
        lambda: lab.requests(wrong, agent="kube-probe"),
        until=lambda requests: len(requests) >= 3,
        within=START,
    )

    # then both see GET requests, of which one answers 200, and the other 404 and is never Ready.
    answered = lab.requests(right, agent="kube-probe")
    assert {(r.method, r.path, r.status) for r in answered} == {("GET", "/ready", 200)}
    assert {(r.method, r.path, r.status) for r in asked} == {("GET", "/nope", 404)}
    lab.never("the other Pod is Ready", wrong, lambda pod: pod.ready, until=asked[-1])


@claim(
    "readiness.period",
    source=PROBES + "#configure-probes",
    twin="slow: the same Pod with the default of 10 seconds",
    takes_s=9,
)
@sabotage(
    "every second in the twin",
    put("spec.containers[0].readinessProbe.periodSeconds", 1, of="pod/slow"),
    put("spec.containers[0].readinessProbe.failureThreshold", 1, of="pod/slow"),
)
@sabotage("one failure is enough", put("spec.containers[0].readinessProbe.failureThreshold", 1, of="pod/quick"))
def test_period_seconds_is_the_pace_of_the_probe(lab: Lab) -> None:
    """The kubelet probes every periodSeconds, so a Pod is found not Ready after failureThreshold periods at most."""
    # Given two Pods, alike but for periodSeconds,
    quick, slow = lab.apply("readiness/period.yaml")
    lab.ready(quick, slow)

    # when /ready fails in both,
    lab.put(slow, "/ready/api", failNext=-1)
    broken = lab.put(quick, "/ready/api", failNext=-1)

    # then the one that is asked every two seconds is not Ready after three failures, so between 4 and 6 seconds,
    probe = budgets.probe_of(quick.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod that is asked often is not Ready",
        quick,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=broken,
    )
    failed = [r for r in lab.requests(quick, "/ready", agent="kube-probe") if r.faulted]
    assert len(failed) >= 3, "fewer failures were enough"
    lab.came("the third failure", failed[2], since=failed[0], within=budgets.probed(probe, 2))

    # and the other, which is asked every ten, still counts as Ready.
    lab.never("the other Pod is not Ready", slow, lambda pod: not pod.ready, since=broken, until=turned)


@claim(
    "readiness.failure-threshold",
    source=PROBES + "#configure-probes",
    twin="two: the same Pod, which fails twice only",
    takes_s=8,
)
@sabotage(
    "one failure is enough",
    put("spec.containers[0].readinessProbe.failureThreshold", 1, of="pod/two"),
    put("spec.containers[0].readinessProbe.successThreshold", 10, of="pod/two"),
)
@sabotage(
    "one failure is enough for both",
    put("spec.containers[0].readinessProbe.failureThreshold", 1),
    put("spec.containers[0].readinessProbe.successThreshold", 10, of="pod/two"),
)
@sabotage("both fail on", instead('pod/two /ready/api {"failNext": 2}', 'pod/two /ready/api {"failNext": 4}'))
def test_only_failures_in_a_row_make_a_pod_not_ready(lab: Lab) -> None:
    """A Pod is not Ready after failureThreshold failures in a row; fewer, and then a success, change nothing."""
    # Given two Pods that may fail three times,
    failing, two = lab.apply("readiness/failure-threshold.yaml")
    lab.ready(failing, two)

    # when /ready fails from now on in one and twice in the other,
    spared = lab.put(two, "/ready/api", failNext=2)
    broken = lab.put(failing, "/ready/api", failNext=-1)

    # then the third failure makes the one not Ready,
    probe = budgets.probe_of(failing.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod that fails on is not Ready",
        failing,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=broken,
    )
    asked = lab.requests(failing, "/ready", agent="kube-probe")
    assert len([r for r in asked if r.faulted and r.seen_s < turned.seen_s]) >= 3, "fewer failures were enough"

    # and the other, whose next answers are good again, is Ready all the time.
    asked = lab.poll(
        "the other Pod's next good answers",
        lambda: lab.requests(two, "/ready", agent="kube-probe"),
        until=lambda requests: any(r.faulted for r in requests) and not any(r.faulted for r in requests[-3:]),
    )
    assert len([r for r in asked if r.faulted]) == 2, "it did not fail twice"
    lab.never("the other Pod is not Ready", two, lambda pod: not pod.ready, since=spared, until=asked[-1])
    assert lab.get("Pod", "two").ready, "the other Pod is not Ready in the end"


@claim(
    "readiness.success-threshold",
    source=PROBES + "#configure-probes",
    twin="trusting: the same Pod with the default, 1",
    takes_s=12,
)
@sabotage("one success is enough", put("spec.containers[0].readinessProbe.successThreshold", 1, of="pod/wary"))
def test_a_pod_is_ready_again_after_so_many_successes_in_a_row(lab: Lab) -> None:
    """A Pod whose readiness probe failed is Ready again after successThreshold successes in a row."""
    # Given two Pods that are not Ready, alike but for successThreshold,
    wary, trusting = lab.apply("readiness/success-threshold.yaml")
    lab.ready(wary, trusting)
    lab.put(wary, "/ready/api", failNext=-1)
    broken = lab.put(trusting, "/ready/api", failNext=-1)
    lab.given("both not Ready", wary, trusting, until=lambda *pods: not any(p.ready for p in pods), since=broken)

    # when /ready answers again in both,
    healed_too = lab.put(trusting, "/ready/api", failNext=0)
    healed = lab.put(wary, "/ready/api", failNext=0)

    # then one is Ready after a success, when the other is not,
    soon = lab.eventually("the trusting Pod is Ready", trusting, until=lambda pod: pod.ready, since=healed_too)
    lab.never("the wary Pod is Ready as soon", wary, lambda pod: pod.ready, since=healed, until=soon)

    # which takes five of them.
    probe = budgets.probe_of(wary.manifest, "readinessProbe")
    ready = lab.eventually(
        "the wary Pod is Ready", wary, until=lambda pod: pod.ready, within=budgets.succeeds(probe), since=healed
    )
    asked = lab.requests(wary, "/ready", agent="kube-probe")
    good = [r for r in asked if healed.seen_s < r.seen_s < ready.seen_s and not r.faulted]
    assert len(good) >= 5, "fewer successes were enough"


@claim(
    "readiness.successes-of-liveness",
    ledger=["readiness.success-threshold"],
    source=PROBES + "#configure-probes",
    twin="successes-of-readiness.yaml: the same Pod with a readiness probe",
    takes_s=1,
)
@sabotage("one success of liveness", put("spec.containers[0].livenessProbe.successThreshold", 1))
@sabotage("one success of startup", put("spec.containers[0].startupProbe.successThreshold", 1))
@sabotage("fewer successes than none", put("spec.containers[0].readinessProbe.successThreshold", -1))
def test_only_readiness_probes_may_need_more_than_one_success(lab: Lab) -> None:
    """A successThreshold other than 1 is refused in liveness and startup probes."""
    # Given a Pod whose readiness probe has to succeed three times,
    lab.apply("readiness/successes-of-readiness.yaml", verb="apply --dry-run=server -f")

    # when the same is asked of the other kinds of probe,
    liveness = lab.apply_refused("readiness/successes-of-liveness.yaml")
    startup = lab.apply_refused("readiness/successes-of-startup.yaml")

    # then the Pod is refused.
    assert "livenessProbe.successThreshold" in liveness.stderr
    assert "must be 1" in liveness.stderr
    assert "startupProbe.successThreshold" in startup.stderr
    assert "must be 1" in startup.stderr


@claim(
    "readiness.manifest",
    ledger=["readiness.fragment", "readiness.containers-map"],
    source="https://kubernetes.io/docs/tasks/configure-pod-container/configure-liveness-readiness-startup-probes/#define-readiness-probes",
    notes=wrong(
        "a Pod with a readiness check is a spec whose containers are a name and a probe",
        "that lacks apiVersion, kind and metadata; containers are a list; and each of them needs an image",
    ),
    twin="notes-mended.yaml: the manifest with all three mended",
    takes_s=2,
)
@sabotage("a whole object", put("apiVersion", "v1"), put("kind", "Pod"), put("metadata", {"name": "web"}))
@sabotage("a list", put("spec.containers", [{"name": "web", "image": "labs/web:1"}], of="pod/web"))
@sabotage("an image", put("spec.containers[0].image", "labs/web:1", of="pod/web"))
def test_a_manifest_is_refused_for_one_reason_after_another(lab: Lab) -> None:
    """A Pod's manifest must be a whole object, its containers a list, each with an image; each fault hides the next."""
    # Given a Pod's spec as the notes have it,
    # when it is applied, mended layer by layer,
    fragment = lab.apply_refused("readiness/notes-fragment.yaml")
    containers_map = lab.apply_refused("readiness/notes-containers-map.yaml")
    no_image = lab.apply_refused("readiness/notes-no-image.yaml")

    # then it is no object at first, then it holds an object where a list belongs, then a container is not whole,
    assert "apiVersion not set, kind not set" in fragment.stderr
    assert "cannot unmarshal object into Go struct field PodSpec.spec.containers" in containers_map.stderr
    assert "spec.containers[0].image: Required value" in no_image.stderr

    # and with an image it becomes a Pod that is Ready.
    pod = lab.apply("readiness/notes-mended.yaml")
    lab.eventually("the mended Pod is Ready", pod, until=lambda pod: pod.ready, within=START)
