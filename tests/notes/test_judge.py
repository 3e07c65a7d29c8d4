"""Whose fault a refusal is, by the words that kubectl and the server of v1.37 say, and how a line may be mended."""

from __future__ import annotations

from collections.abc import Sequence

import pytest
import yaml

from labkit.notes import judge, shell, understand
from labkit.notes.judge import CONTEXT, FAULT, NOT_RUN, Blame, Failure


class Facts:
    """A cluster with a few things."""

    def versions_of(self, kind: str) -> Sequence[str]:
        return {"ReplicaSet": ("apps/v1",), "Pod": ("v1",)}.get(kind, ())

    def kinds(self) -> Sequence[str]:
        return ("Pod", "ReplicaSet", "Deployment")

    def resources(self) -> Sequence[str]:
        return ("pods", "deployments", "po", "deploy", "services")

    def flags(self, verb: str) -> Sequence[str]:
        return ("--namespace", "--output", "--image") if verb else ()

    def fields(self, kind: str, path: str) -> Sequence[str]:
        return ("image", "name", "ports") if (kind, path) == ("Pod", "spec.containers") else ("containers", "volumes")

    def names(self, kind: str, namespace: str, selector: str = "") -> Sequence[str]:
        if (namespace, selector) == ("kube-system", "k8s-app=kube-dns"):
            return ("coredns",)
        return ("web-6d4cf56db6-x2x7k", "frontend") if kind == "Pod" and not selector else ()

    def others(self, name: str, namespace: str) -> Sequence[str]:
        return ("Pod",) if name == "kuard" and namespace else ()


def blamed(text: str, said: str, *, rc: int = 1, manifest: str = "", **given: object) -> Blame:
    calls = understand.kubectls(shell.parse(text))
    return judge.blame(Failure(text, calls, rc, said, "", "ns", manifest, **given), Facts())  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("text", "said", "mended"),
    [
        ("kubcetl get pods", "bash: line 1: kubcetl: command not found", "kubectl get pods"),
        (
            "kubectl exec -it kuard ash",
            "error: exec [POD] [COMMAND] is not supported anymore. Use exec [POD] -- [COMMAND] instead",
            "kubectl exec -it kuard -- ash",
        ),
        ("kubectl gett pods", 'error: unknown command "gett" for "kubectl"', "kubectl get pods"),
        ("kubectl get pod x --export", "error: unknown flag: --export", "kubectl get pod x"),
        ("kubectl get pod x --namespaces=a", "error: unknown flag: --namespaces", "kubectl get pod x --namespace=a"),
        (
            "kubectl run x --image=a --replicas=2",
            "error: unknown flag: --replicas",
            "kubectl create deployment x --image=a --replicas=2",
        ),
        (
            "kubectl get depoyments",
            'error: the server doesn\'t have a resource type "depoyments"',
            "kubectl get deployments",
        ),
        (
            "kubectl get deploy kube-dns -n kube-system",
            'Error from server (NotFound): deployments.apps "kube-dns" not found',
            "kubectl get deploy coredns -n kube-system",
        ),
        (
            "kubectl logs frontent",
            'error: error from server (NotFound): pods "frontent" not found in namespace "ns"',
            "kubectl logs frontend",
        ),
        (
            "kubectl expose deployment web",
            "error: couldn't find port via --port flag or introspection",
            "kubectl expose deployment web --port=80",
        ),
    ],
)
def test_a_lines_own_fault_has_a_candidate(text: str, said: str, mended: str) -> None:
    found = blamed(text, said)
    assert (found.verdict, found.candidates[0].text) == (FAULT, mended)


@pytest.mark.parametrize(
    ("said", "verdict"),
    [
        ('Error from server (NotFound): nodes "node-1" not found', CONTEXT),
        ('Error from server (NotFound): configmaps "a" not found', CONTEXT),
        ("error: Metrics API not available", CONTEXT),
        ('error: the server doesn\'t have a resource type "virtualservices"', CONTEXT),
        ('no matches for kind "Certificate" in version "cert-manager.io/v1"', CONTEXT),
        ("something that nobody has seen before", CONTEXT),
        ("bash: line 1: terraform-x: command not found", NOT_RUN),
        (
            'Error from server (Forbidden): error when creating "a": pods "a" is forbidden: ValidatingAdmissionPolicy'
            " 'kubernetes-notes-pods' with binding 'kubernetes-notes-pods' denied request: it would reach the machine:"
            " hostPID",
            NOT_RUN,
        ),
        (
            "pods \"a\" is forbidden: ValidatingAdmissionPolicy 'my-own' with binding 'b' denied request: no hostPID",
            CONTEXT,
        ),
        ('pods "a" is forbidden: violates PodSecurity "baseline:latest": privileged (container', NOT_RUN),
    ],
)
def test_what_a_line_cannot_bring_is_no_fault(said: str, verdict: str) -> None:
    assert blamed("kubectl get x", said).verdict == verdict


@pytest.mark.parametrize(
    "said",
    [
        'error: invalid label value: "a=b c": a valid label must be an empty string or consist of',
        "error: invalid annotation format: x",
        "error: at least one label update is required",
    ],
)
def test_labels_and_annotations_that_cannot_be_are_a_lines_own_fault(said: str) -> None:
    assert blamed("kubectl label pod a x", said).verdict == FAULT


def test_an_annotation_key_that_cannot_be_is_its_manifests_fault() -> None:
    said = (
        'The ConfigMap "piece" is invalid: metadata.annotations: Invalid value: "http//www.example.com/icon":'
        " a valid label key must have at most one '/'"
    )
    found = blamed("kubectl apply -f a", said, manifest="kind: ConfigMap\n", piece=True)
    assert (found.verdict, found.in_file) == (FAULT, True)


def test_a_generated_name_stands_for_its_successor() -> None:
    found = blamed(
        "kubectl logs web-57767fb8cf-fjtls", 'Error from server (NotFound): pods "web-57767fb8cf-fjtls" not found'
    )
    assert (found.verdict, found.substitutes[0].text) == (CONTEXT, "kubectl logs web-6d4cf56db6-x2x7k")


def test_run_makes_no_deployment_any_more() -> None:
    said = 'Error from server (NotFound): deployments.apps "kuard" not found'
    runs = {"kuard": (0, "kubectl run kuard --image=a")}
    found = blamed("kubectl delete deployments/kuard", said, runs=runs)
    assert [(c.text, c.line) for c in found.candidates] == [
        ("kubectl delete pod/kuard", None),
        ("kubectl create deployment kuard --image=a", 0),
    ]
    assert blamed("kubectl scale deployment kuard --replicas=2", said, runs=runs).candidates[0].line == 0


def test_a_context_without_a_cluster_is_the_cause_of_what_follows() -> None:
    said = "The connection to the server localhost:8080 was refused"
    found = blamed("kubectl get pods", said, contexts={3: "kubectl config set-context a --namespace=b"})
    assert (found.verdict, found.candidates[0].line) == (FAULT, 3)
    assert '--cluster="$(' in found.candidates[0].text


POD = """\
apiVersion: v1
kind: {kind}
metadata:
  name: kuard
spec:
  volumes:
  - name: kuard-data
    emptyDir: {{}}
  containers:
  - name: a
    {image}: b
    volumeMounts:
    - name: kaurd-data
      mountPath: /d
"""


INGRESS = """\
kind: Ingress
metadata:
  name: web
spec:
  rules:
  - http:
      paths:
      - path: /
        backend:
          serviceName: web
          servicePort: 80
"""
STRICT = (
    'error when creating "a": Ingress in version "v1" cannot be handled as a Ingress: strict decoding error:'
    ' unknown field "{at}"'
)
BACKEND = "spec.rules[0].http.paths[0].backend"


@pytest.mark.parametrize(
    ("manifest", "said", "line"),
    [
        (POD.format(kind="pod", image="image"), 'no kind "pod" is registered for version "v1" in scheme', "kind: Pod"),
        (
            POD.format(kind="Pod", image="image"),
            'The Pod "kuard" is invalid: spec.containers[0].volumeMounts[0].name: Not found: "kaurd-data"',
            "    - name: kuard-data",
        ),
        (
            POD.format(kind="Pod", image="imge"),
            'error when creating "a": Pod in version "v1" cannot be handled as a Pod: strict decoding error:'
            ' unknown field "spec.containers[0].imge"',
            "    image: b",
        ),
        (
            "a:\n\tb: 1\n",
            "error: error parsing f: error converting YAML to JSON: yaml: line 2: found character",
            "  b: 1",
        ),
        (
            "apiVersion: extensions/v1beta1\nkind: ReplicaSet\n",
            'no matches for kind "ReplicaSet" in version "extensions/v1beta1"',
            "apiVersion: apps/v1",
        ),
        (
            "kind: Pod\nspec:\n  containers:\n    name: a\n    image: b\n",
            "json: cannot unmarshal object into Go struct field PodSpec.spec.containers of type []v1.Container",
            "    - name: a",
        ),
        (
            "kind: Pod\nspec:\n  containers:\n  - env:\n    - name: A\n      value: 5\n",
            "json: cannot unmarshal number into Go struct field EnvVar.spec.containers.env.value of type string",
            '      value: "5"',
        ),
        (
            "kind: ReplicaSet\nmetadata:\n  name: kuard\nspec:\n  template:\n"
            "    metadata:\n      labels:\n        app: kuard\n",
            'The ReplicaSet "kuard" is invalid: \n* spec.selector: Required value',
            "      app: kuard",
        ),
        (INGRESS, STRICT.format(at=f"{BACKEND}.serviceName"), "          service:"),
        (INGRESS, STRICT.format(at=f"{BACKEND}.servicePort"), "              number: 80"),
        (
            INGRESS,
            'The Ingress "web" is invalid: spec.rules[0].http.paths[0].pathType: Required value',
            "      - pathType: ImplementationSpecific",
        ),
        (
            "kind: Ingress\nmetadata:\n  name: web\nspec:\n  backend:\n    serviceName: web\n    servicePort: http\n",
            STRICT.format(at="spec.backend"),
            "  defaultBackend:",
        ),
    ],
)
def test_a_manifests_own_fault_has_a_candidate(manifest: str, said: str, line: str) -> None:
    found = blamed("kubectl apply -f a.yaml", said, manifest=manifest)
    assert found.verdict == FAULT
    assert found.in_file
    assert line in found.candidates[0].text.split("\n")


def test_all_backends_and_paths_of_an_ingress_are_mended_at_once() -> None:
    two = INGRESS + INGRESS.partition("paths:\n")[2].replace("/", "/api").replace("80", "http")
    found = blamed("kubectl apply -f a.yaml", STRICT.format(at=f"{BACKEND}.serviceName"), manifest=two)
    with_services = found.candidates[0].text
    lacking = ", ".join(f"spec.rules[0].http.paths[{n}].pathType: Required value" for n in (0, 1))
    found = blamed("kubectl apply -f a.yaml", f'The Ingress "web" is invalid: {lacking}', manifest=with_services)
    (rule,) = yaml.safe_load(found.candidates[0].text)["spec"]["rules"]
    path = {"path": "/", "pathType": "ImplementationSpecific"}
    assert rule["http"]["paths"] == [
        path | {"backend": {"service": {"name": "web", "port": {"number": 80}}}},
        path | {"path": "/api", "backend": {"service": {"name": "web", "port": {"name": "http"}}}},
    ]


def test_what_the_writer_has_remarked_on_is_not_mended_away() -> None:
    remarked = INGRESS.replace("servicePort: 80", "servicePort: 80 # of the Service")
    found = blamed("kubectl apply -f a.yaml", STRICT.format(at=f"{BACKEND}.serviceName"), manifest=remarked)
    assert (found.verdict, found.candidates) == (FAULT, ())


def test_deprecations_are_warnings() -> None:
    said = [
        "Flag --record has been deprecated, --record will be removed in the future",
        "Warning: v1 ComponentStatus is deprecated in v1.19+",
    ]
    assert judge.warnings("\n".join(said)) == (
        "Flag --record has been deprecated, --record will be removed in the future",
        "v1 ComponentStatus is deprecated in v1.19+",
    )
    assert judge.warnings("pod/deprecated created\n") == ()
