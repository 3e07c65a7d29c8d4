"""Readiness: how a Pod gets requests only while it can serve them, and what the numbers of its probe decide.

The lesson in its order: what a readiness probe is for, seen on the Pod and from a client; how long it goes on;
how a Pod starts; its numbers; and the notes' manifest, mended layer by layer.

A probe decides about its own container, and a Pod is Ready when all its containers are. So where a lab is about the
numbers it compares two containers of one Pod; as they share the Pod's ports, the second one listens on 8081.
"""

from labkit.words import (
    START,
    Lab,
    Window,
    budgets,
    claim,
    imprecise,
    instead,
    known_bug,
    put,
    remove,
    sabotage,
    wrong,
)

PROBES = "https://kubernetes.io/docs/concepts/workloads/pods/probes/"
SLICES = "https://kubernetes.io/docs/concepts/services-networking/endpoint-slices/"


@claim(
    "readiness.purpose",
    source=PROBES + "#readiness-probe",
    notes=imprecise(
        "a readiness check finds out whether a service can take requests",
        "it decides about one Pod: whether that Pod counts as Ready; nothing is restarted for it",
    ),
    twin="liveness: a container of the same Pod, with the same probe as a liveness probe",
    takes_s=5,
)
@sabotage(
    "a liveness probe",
    remove("spec.containers[0].readinessProbe"),
    put("spec.containers[0].livenessProbe", {"httpGet": {"path": "/ready", "port": 8080}, "periodSeconds": 1}),
)
def test_a_failing_readiness_probe_restarts_nothing(lab: Lab) -> None:
    """A Pod whose readiness probe fails is not Ready, but its container runs on, and may be Ready again."""
    # Given two containers of a Pod, alike but for what the probe is for,
    pair = lab.apply("readiness/readiness-and-liveness.yaml")
    before = lab.ready(pair)

    # when /ready fails in both,
    lab.put(pair, "/ready/api", failNext=-1)
    broken = lab.put(pair, "/ready/api", port=8081, failNext=-1)

    # then one is restarted, and the other, which is no longer ready, nor is its Pod, runs as before,
    failed = lab.eventually(
        "both probes have their effect",
        pair,
        until=lambda pod: (
            pod.container("liveness").restart_count
            and (pod.container("readiness").restart_count or not pod.container("readiness").ready)
        ),
        within=budgets.restarts(pair.manifest, container=1),
        since=broken,
    )
    assert failed.container("readiness").restart_count == 0, "it was restarted"
    assert (failed.phase, failed.ready_reason) == ("Running", "ContainersNotReady")

    # and once /ready answers again, the Pod is Ready, with the container that it always had.
    healed = lab.put(pair, "/ready/api", failNext=0)
    within = budgets.succeeds(budgets.probe_of(pair.manifest, "readinessProbe"))
    again = lab.eventually("it is Ready again", pair, until=lambda pod: pod.ready, within=within, since=healed)
    assert again.container("readiness") == before.container("readiness"), "another container, or started anew"


@claim(
    "readiness.effect-on-traffic",
    source=SLICES + "#conditions",
    twin="web-b: the other Pod of the Service, which asks and goes on answering",
    takes_s=5,
)
@sabotage("publishNotReadyAddresses", put("spec.publishNotReadyAddresses", True, of="service/web"))
def test_a_service_sends_nothing_to_a_pod_that_is_not_ready(lab: Lab) -> None:
    """A Pod that is not Ready stays an endpoint of its Service, but with ready false, and gets no new connections."""
    # Given two Pods behind a Service, one of which asks the Service, and is answered by both,
    web_a, web_b, web = lab.apply("readiness/behind-a-service.yaml")
    lab.ready(web_a, web_b)
    endpoints = lab.endpoints(web)
    lab.given("two ready endpoints", endpoints, until=lambda e: e.ready == ("web-a", "web-b"))
    lab.poll(
        "both Pods answer",
        lambda: lab.fetch(web_b, "http://web/", n=20),
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
        lambda: lab.fetch(web_b, "http://web/", n=60),
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
    # Given a Pod that can ask for itself by way of two Services, alike but for publishNotReadyAddresses,
    pod, web, anyway = lab.apply("readiness/published-anyway.yaml")
    services = lab.endpoints(web), lab.endpoints(anyway)
    lab.given("ready endpoints", *services, until=lambda *both: all(e.ready == ("web-a",) for e in both))
    lab.poll(
        "both connect it with itself",
        lambda: [lab.fetch(pod, f"http://{service}/")[0].name for service in ("web", "anyway")],
        until=lambda names: names == ["web-a", "web-a"],
        within=START,
    )

    # when /ready fails in the Pod,
    broken = lab.put(pod, "/ready/api", failNext=-1)

    # then one Service refuses connections, while the other still makes them,
    within = budgets.fails(budgets.probe_of(pod.manifest, "readinessProbe"))
    turned, published = lab.eventually(
        "none serves", *services, until=lambda *both: not any(e.serving for e in both), within=within, since=broken
    )
    assert (turned.ready, published.ready) == ((), ("web-a",)), "both Services care whether it is Ready, or neither"
    lab.poll(
        "one Service refuses, and the other does not",
        lambda: [{a.outcome for a in lab.fetch(pod, f"http://{service}/", n=10)} for service in ("web", "anyway")],
        until=lambda outcomes: outcomes == [{"refused"}, {"ok"}],
        since=turned,
    )

    # and when /ready answers again, connections are made again.
    healed = lab.put(pod, "/ready/api", failNext=0)
    lab.poll("they are made", lambda: lab.fetch(pod, "http://web/")[0].name, until=lambda name: name, since=healed)


@claim(
    "readiness.startup-only",
    source=PROBES + "#readiness-probe",
    notes=imprecise(
        "readiness checks are there because a service cannot take requests while it starts",
        "that is one use; the probe goes on for as long as the container runs, and its answer may turn at any time",
    ),
    twin="startup: a container of the same Pod, with the same probe as a startup probe",
    takes_s=4,
)
@sabotage(
    "both for life",
    put(
        "spec.containers[1].readinessProbe",
        {"httpGet": {"path": "/ready", "port": 8081}, "periodSeconds": 1, "failureThreshold": 1},
    ),
)
def test_a_readiness_probe_goes_on_after_the_start(lab: Lab) -> None:
    """A readiness probe runs for the whole life of its container; a startup probe ends with its first success."""
    # Given two containers that are ready, alike but for the kind of probe that made them so,
    pair = lab.apply("readiness/readiness-and-startup.yaml")
    lab.ready(pair)

    # when /ready fails in both,
    lab.put(pair, "/ready/api", port=8081, failNext=-1)
    broken = lab.put(pair, "/ready/api", failNext=-1)

    # then the one that is still asked is no longer ready,
    probe = budgets.probe_of(pair.manifest, "readinessProbe")
    turned = lab.eventually(
        "the container with the readiness probe is not ready",
        pair,
        until=lambda pod: not pod.container("readiness").ready,
        within=budgets.fails(probe),
        since=broken,
    )

    # and the other, which nobody has asked since, stays so.
    asked = lab.requests(pair, "/ready", agent="kube-probe", container="startup")
    assert not [r for r in asked if r.faulted], "the startup probe went on"
    lab.never(
        "the other is not ready", pair, lambda pod: not pod.container("startup").ready, since=broken, until=turned
    )


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
    lab.never("the other turns as well", endpoints, lambda e: "staying" not in e.ready, since=deleted, until=unserving)


@claim(
    "readiness.exec-while-terminating",
    ledger=["readiness.startup-only"],
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-beyond-endpoints",
    twin="kept: a container of the same Pod, whose file stays",
    takes_s=4,
    bug=known_bug(
        "https://github.com/kubernetes/kubernetes/issues/140881",
        "1.35.0 to 1.35.8",
        "1.36.3 to 1.36.5",
        sign="the Pod is not Ready: not within",
    ),
)
@sabotage(
    "no probe, and a short end",
    remove("spec.containers[0].readinessProbe"),
    put("spec.terminationGracePeriodSeconds", 5),
)
def test_an_exec_readiness_probe_goes_on_until_the_end(lab: Lab) -> None:
    """A readiness probe that runs a command in the container goes on, too, while the Pod is being deleted."""
    # Given two containers, each ready while a file is there, of a Pod that is being deleted and takes its time to stop,
    pair = lab.apply("readiness/exec-while-terminating.yaml")
    lab.ready(pair)
    lab.kubectl("delete pod pair --wait=false")
    lab.given("it is terminating", pair, until=lambda pod: pod.terminating)

    # when the file is removed from one,
    removed = lab.post(pair, "/file", path="/tmp/ready", present=False)

    # then that one is not ready any more, nor is the Pod, although its process still runs,
    probe = budgets.probe_of(pair.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod is not Ready",
        pair,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=removed,
    )
    assert turned.container("emptied").state == "running", "it was Ready to the last"

    # and the other is ready until then.
    lab.never("the other is not ready", pair, lambda pod: not pod.container("kept").ready, since=removed, until=turned)

    # (They end now, lest their probes go on for as long as they may take to stop.)
    lab.post(pair, "/exit", port=8081, code=0)
    lab.post(pair, "/exit", code=0)


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
    twin="prompt: a container of the same Pod with the default, 0",
    takes_s=6,
)
@sabotage("no delay", put("spec.containers[0].readinessProbe.initialDelaySeconds", 0))
def test_the_first_readiness_probe_waits_for_the_initial_delay(lab: Lab) -> None:
    """With initialDelaySeconds the first readiness probe comes so much later, and a container is not ready before."""
    # Given two containers of a Pod, alike but for initialDelaySeconds,
    pair = lab.apply("readiness/initial-delay.yaml")

    # when they have started, and both are ready at last,
    running = lab.eventually("both are ready", pair, until=lambda pod: pod.ready, within=START)

    # then the first question came to one after the delay, and it was not ready until then,
    first, *_ = lab.requests(pair, "/ready", agent="kube-probe", container="patient")
    delay = budgets.first_probe(budgets.probe_of(pair.manifest, "readinessProbe"))
    start = lab.start_of(running, "patient")
    lab.came("the first probe after the delay", first, since=start, within=delay)
    # (However busy the machine is, the kubelet counts from the very second that the API has.)
    assert first.seen_s - start.seen_s >= delay.earliest_s, "it came before the delay was over"
    lab.never("the one with the delay is ready", pair, lambda pod: pod.container("patient").ready, until=first)

    # and to the other, with a delay of 0 as without any, within the first period.
    first, *_ = lab.requests(pair, "/ready", agent="kube-probe", container="prompt")
    none = budgets.first_probe(budgets.probe_of(pair.manifest, "readinessProbe", container=1))
    lab.came("the first probe without delay", first, since=lab.start_of(running, "prompt"), within=none)


@claim(
    "readiness.http-get",
    source=PROBES + "#http-probes",
    twin="wrong: a container of the same Pod with a path that the application does not know",
    takes_s=4,
)
@sabotage("a path that is there", put("spec.containers[0].readinessProbe.httpGet.path", "/ready"))
@sabotage("a good status", put("spec.containers[0].readinessProbe.httpGet.path", "/status/399"))
def test_an_http_readiness_probe_is_a_get_from_the_kubelet(lab: Lab) -> None:
    """With httpGet the kubelet sends GET requests to a container, which is ready if the answer is a good one."""
    # Given two containers of a Pod, alike but for the path of the probe,
    pair = lab.apply("readiness/http-get.yaml")
    lab.given("both run", pair, until=lambda pod: pod.phase == "Running")

    # when the kubelet asks them,
    lab.eventually("the one with the path is ready", pair, until=lambda pod: pod.container("right").ready, within=START)
    asked = lab.poll(
        "the kubelet asks the other three times",
        lambda: lab.requests(pair, agent="kube-probe", container="wrong"),
        until=lambda requests: len(requests) >= 3,
        within=START,
    )

    # then both see GET requests, of which one answers 200, and the other 404 and is never ready.
    answered = lab.requests(pair, agent="kube-probe", container="right")
    assert {(r.method, r.path, r.status) for r in answered} == {("GET", "/ready", 200)}
    assert {(r.method, r.path, r.status) for r in asked} == {("GET", "/nope", 404)}
    lab.never("the other is ready", pair, lambda pod: pod.container("wrong").ready, until=asked[-1])


@claim(
    "readiness.period",
    source=PROBES + "#configure-probes",
    twin="slow: a container of the same Pod with the default of 10 seconds",
    takes_s=9,
)
@sabotage(
    "every second in the twin",
    put("spec.containers[1].readinessProbe.periodSeconds", 1),
    put("spec.containers[1].readinessProbe.failureThreshold", 1),
)
@sabotage("one failure is enough", put("spec.containers[0].readinessProbe.failureThreshold", 1))
def test_period_seconds_is_the_pace_of_the_probe(lab: Lab) -> None:
    """The kubelet probes every periodSeconds, so a container is not ready after failureThreshold periods at most."""
    # Given two containers of a Pod, alike but for periodSeconds,
    pair = lab.apply("readiness/period.yaml")
    lab.ready(pair)

    # when /ready fails in both, in the one as often as it takes and no more,
    lab.put(pair, "/ready/api", port=8081, failNext=-1)
    broken = lab.put(pair, "/ready/api", failNext=3)

    # then the one that is asked every two seconds is not ready after three failures, so between 4 and 6 seconds,
    probe = budgets.probe_of(pair.manifest, "readinessProbe")
    turned = lab.eventually(
        "the container that is asked often is not ready",
        pair,
        until=lambda pod: not pod.container("quick").ready,
        within=budgets.fails(probe),
        since=broken,
    )
    asked = lab.requests(pair, "/ready", container="quick")
    failed = [r for r in asked if r.faulted and r.seen_s < turned.seen_s]
    assert len(failed) == 3, "it took more failures, or fewer"
    lab.came("the third failure", failed[2], since=failed[0], within=budgets.probed(probe, 2))

    # and the other, which is asked every ten, still counts as ready.
    lab.never("the other is not ready", pair, lambda pod: not pod.container("slow").ready, since=broken, until=turned)


@claim(
    "readiness.failure-threshold",
    source=PROBES + "#configure-probes",
    twin="two: a container of the same Pod, which fails twice only",
    takes_s=10,
)
@sabotage(
    "one failure is enough",
    put("spec.containers[1].readinessProbe.failureThreshold", 1),
    put("spec.containers[1].readinessProbe.successThreshold", 10),
)
@sabotage("one failure is enough for the other", put("spec.containers[0].readinessProbe.failureThreshold", 1))
@sabotage("both fail on", instead('{"failNext": 2}', '{"failNext": 8}'))
def test_only_failures_in_a_row_make_a_pod_not_ready(lab: Lab) -> None:
    """A Pod is not Ready after failureThreshold failures in a row; fewer, and then a success, change nothing."""
    # Given two containers of a Pod, of which the fifth failure in a row counts,
    pair = lab.apply("readiness/failure-threshold.yaml")
    lab.ready(pair)

    # when /ready fails five times in one, and no more, and twice in the other,
    spared = lab.put(pair, "/ready/api", port=8081, failNext=2)
    broken = lab.put(pair, "/ready/api", failNext=5)

    # then the fifth failure makes the one not ready, and the Pod with it,
    probe = budgets.probe_of(pair.manifest, "readinessProbe")
    turned = lab.eventually(
        "the Pod is not Ready",
        pair,
        until=lambda pod: not pod.ready,
        within=budgets.fails(probe),
        since=broken,
    )
    asked = lab.requests(pair, "/ready", container="failing")
    assert len([r for r in asked if r.faulted and r.seen_s < turned.seen_s]) == 5, "fewer failures were enough"

    # and the other, whose next answers are good again, is ready all the time.
    asked = lab.poll(
        "the other's next good answers",
        lambda: lab.requests(pair, "/ready", container="two"),
        until=lambda requests: any(r.faulted for r in requests) and not any(r.faulted for r in requests[-3:]),
    )
    assert len([r for r in asked if r.faulted]) == 2, "it did not fail twice"
    lab.never("it is not ready", pair, lambda pod: not pod.container("two").ready, since=spared, until=asked[-1])
    assert lab.get("Pod", pair.name).container("two").ready, "it is not ready in the end"


@claim(
    "readiness.success-threshold",
    source=PROBES + "#configure-probes",
    twin="trusting: a container of the same Pod with the default, 1",
    takes_s=12,
)
@sabotage("one success is enough", put("spec.containers[0].readinessProbe.successThreshold", 1))
def test_a_pod_is_ready_again_after_so_many_successes_in_a_row(lab: Lab) -> None:
    """A container whose readiness probe failed is ready again after successThreshold successes in a row."""
    # Given two containers of a Pod that are not ready, alike but for successThreshold,
    pair = lab.apply("readiness/success-threshold.yaml")
    lab.ready(pair)
    lab.put(pair, "/ready/api", failNext=-1)
    broken = lab.put(pair, "/ready/api", port=8081, failNext=-1)
    lab.given("neither ready", pair, until=lambda pod: not any(c.ready for c in pod.containers), since=broken)

    # when /ready answers again in both,
    healed_too = lab.put(pair, "/ready/api", port=8081, failNext=0)
    healed = lab.put(pair, "/ready/api", failNext=0)

    # then one is ready after a success, when the other is not,
    soon = lab.eventually(
        "the trusting one is ready", pair, until=lambda pod: pod.container("trusting").ready, since=healed_too
    )
    lab.never("the wary one is as soon", pair, lambda pod: pod.container("wary").ready, since=healed, until=soon)

    # which takes five of them. They may come faster than the period: whatever changes in a Pod has the kubelet ask
    # its containers that are not ready at once, so they are counted, and only their lateness is clocked.
    within = Window(0, budgets.succeeds(budgets.probe_of(pair.manifest, "readinessProbe")).latest_s)
    ready = lab.eventually("both are ready", pair, until=lambda pod: pod.ready, within=within, since=healed)
    asked = lab.requests(pair, "/ready", container="wary")
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
@sabotage("a list", put("spec.containers", [{"name": "web", "image": "localhost:1/labs/web:1"}], of="pod/web"))
@sabotage("an image", put("spec.containers[0].image", "localhost:1/labs/web:1", of="pod/web"))
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
