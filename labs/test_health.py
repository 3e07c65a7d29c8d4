"""Health checks: how the kubelet finds out that a container is not well, and what it does then."""

from labkit.words import Lab, budgets, claim, remove, sabotage

PROBES = "https://kubernetes.io/docs/concepts/workloads/pods/probes/"


@claim(
    "health.liveness-restarts",
    source=PROBES,
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
        until=lambda pod: pod.restart_count == 1,
        within=budgets.restarts(probed.manifest),
        since=broken,
    )
    assert restarted.uid == before.uid, "a new Pod, not a new container"
    assert restarted.container("web").container_id != before.container("web").container_id
    failed = [r for r in lab.requests(probed, "/healthy", agent="kube-probe", previous=True) if r.faulted]
    assert len(failed) == probed.manifest["spec"]["containers"][0]["livenessProbe"]["failureThreshold"]

    # and the other one, seen without a gap until then, is left alone.
    lab.never("the plain container is restarted", plain, lambda pod: pod.restart_count > 0, until=restarted)
