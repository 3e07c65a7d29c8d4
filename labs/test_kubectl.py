"""Kubectl: one program for all kinds of objects, typed as a reader types it.

The lesson in its order: where kubectl looks, and whom it asks; how it shows what is there; how objects are made,
changed, rolled out and deleted; what a Pod goes through at its end; and how to look into one that runs.
"""

from labkit.words import (
    START,
    Lab,
    budgets,
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
KUBECTL = DOCS + "reference/kubectl/"
OBJECTS = DOCS + "concepts/overview/working-with-objects/"
CONTEXTS = DOCS + "tasks/access-application-cluster/configure-access-multiple-clusters/"
APPLY = DOCS + "tasks/manage-kubernetes-objects/declarative-config/"
SERVER_SIDE = DOCS + "reference/using-api/server-side-apply/"
LIFECYCLE = DOCS + "concepts/workloads/pods/pod-lifecycle/"
DEBUG = DOCS + "tasks/debug/debug-application/debug-running-pod/"

REVISION = "deployment.kubernetes.io/revision"
PATCH_REPLICAS = """patch deployment guitar -p '{"spec": {"replicas": 3}}'"""
NO_FINALIZER = """--type=json -p '[{"op": "remove", "path": "/metadata/finalizers"}]'"""


@claim(
    "kubectl.namespace-flag",
    source=OBJECTS + "namespaces/#setting-the-namespace-for-a-request",
    twin="drum-api: a Service in the namespace where kubectl looks by itself",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("both in one namespace", remove("metadata.namespace", of="service/guitar-api"))
@sabotage("not all namespaces", instead("--all-namespaces ", ""))
@sabotage("asked for by its name", instead("--namespace nobody -o name", "--namespace nobody guitar-api -o name"))
def test_get_looks_into_one_namespace(lab: Lab) -> None:
    """kubectl get looks into one namespace, which --namespace names, or into all of them with --all-namespaces."""
    # Given two namespaces with a Service each,
    lab.apply("kubectl/two-namespaces.yaml")

    # when the Services of one are listed, then there are only its own,
    listed = lab.kubectl(f"get services --namespace {lab.namespace}-guitar -o name").stdout.split()
    assert listed == ["service/guitar-api"]
    assert lab.kubectl("get services -o name").stdout.split() == ["service/drum-api"]

    # those of all namespaces can be had as well,
    everywhere = lab.kubectl(f"get services --all-namespaces -l lesson={lab.namespace} -o name").stdout.split()
    assert sorted(everywhere) == ["service/drum-api", "service/guitar-api"]

    # and in a namespace that does not exist there are just none, until one is asked for by its name.
    assert lab.kubectl("get services --namespace nobody -o name").stdout == ""
    assert "NotFound" in lab.refused("get services guitar-api --namespace nobody").stderr


@claim(
    "kubectl.namespace-end",
    ledger=["kubectl.namespace-flag"],
    source=OBJECTS + "finalizers/#how-finalizers-work",
    twin="free: a namespace with an object like that, but without the finalizer",
    takes_s=8,
    cluster_wide=True,
)
@sabotage("nothing holds it", remove("metadata.finalizers", of="configmap/held"))
def test_a_namespace_takes_its_objects_along(lab: Lab) -> None:
    """With a namespace all of its objects are deleted; while a finalizer holds one of them, the namespace stays."""
    # Given two namespaces with an object each, of which one has a finalizer,
    free, held = f"{lab.namespace}-free", f"{lab.namespace}-held"
    lab.apply("kubectl/namespaces-to-delete.yaml")

    # when both namespaces are deleted,
    lab.kubectl(f"delete namespaces {free} {held} --wait=false")

    # then the one goes, and its object with it,
    lab.kubectl(f"wait namespace/{free} --for=delete --timeout=60s")
    lab.refused(f"get configmap free --namespace {free}")

    # and the other one stays, takes nothing in any more,
    assert lab.kubectl(f"get configmap held --namespace {held} -o name").stdout.strip() == "configmap/held"
    assert lab.kubectl(f"get namespace {held} -o jsonpath={{.status.phase}}").stdout == "Terminating"
    refused = lab.refused(f"create configmap late --namespace {held}")
    assert "because it is being terminated" in refused.stderr

    # and goes when whoever put the finalizer there takes it away.
    lab.kubectl(f"patch configmap held --namespace {held} {NO_FINALIZER}")
    lab.kubectl(f"wait namespace/{held} --for=delete --timeout=60s")


@claim(
    "kubectl.contexts-named",
    source=CONTEXTS + "#define-clusters-users-and-contexts",
    twin="lab: the context from which one starts, and to which one returns",
    takes_s=2,
)
@sabotage("the same cluster", instead("--cluster=nowhere", "--cluster=lab"))
@sabotage("the same user", instead("--user=stranger", "--user=lab"))
@sabotage("the same namespace", instead(" --namespace=kube-system", ""))
def test_a_context_is_a_cluster_a_user_and_a_namespace(lab: Lab) -> None:
    """A context is a cluster, a user and a namespace under one name; to use another changes all three at once."""
    # Given, beside the context in use, one of another namespace, one of another user, and one of another cluster,
    lab.kubectl("config set-credentials stranger --token=unknown")
    lab.kubectl("config set-cluster nowhere --server=https://127.0.0.1:9")
    lab.kubectl("config set-context of-the-system --cluster=lab --user=lab --namespace=kube-system")
    lab.kubectl("config set-context of-a-stranger --cluster=lab --user=stranger --namespace=kube-system")
    lab.kubectl("config set-context of-nowhere --cluster=nowhere --user=lab --namespace=kube-system")
    names = lab.kubectl("config get-contexts -o name").stdout.split()
    assert sorted(names) == ["lab", "of-a-stranger", "of-nowhere", "of-the-system"]

    # when each of them is used for the same question,
    lab.kubectl("config use-context of-the-system")
    of_the_system = lab.kubectl("get services -o name").stdout.split()
    lab.kubectl("config use-context of-a-stranger")
    of_a_stranger = lab.refused("get services -o name").stderr
    lab.kubectl("config use-context of-nowhere")
    of_nowhere = lab.refused("get services -o name").stderr
    lab.kubectl("config use-context lab")

    # then it is asked in another namespace, by another user, and of another cluster, until all is as before.
    assert of_the_system == ["service/kube-dns"]
    assert "logged in to the server" in of_a_stranger
    assert "127.0.0.1:9" in of_nowhere
    assert lab.kubectl("get services -o name").stdout.split() == []


@claim(
    "kubectl.set-context-new",
    source=CONTEXTS + "#define-clusters-users-and-contexts",
    notes=wrong(
        "kubectl config set-context backend-api --namespace=guitar-api makes a context for that namespace",
        "a new context knows no cluster and no user unless they are given; or change the current one, with --current",
    ),
    twin="complete: a context that was given its cluster and its user",
    takes_s=2,
)
@sabotage(
    "with cluster and user", instead("backend-api --namespace", "backend-api --cluster=lab --user=lab --namespace")
)
@sabotage("without a user", instead("complete --cluster=lab --user=lab", "complete --cluster=lab --user=nobody"))
def test_a_new_context_needs_its_cluster_and_its_user(lab: Lab) -> None:
    """A new context without cluster and user is no use: kubectl then asks localhost:8080, whoever that may be."""
    # Given a context that is made as in the notes, and a complete one,
    lab.kubectl(f"config set-context backend-api --namespace={lab.namespace}")
    lab.kubectl(f"config set-context complete --cluster=lab --user=lab --namespace={lab.namespace}")

    # when the first one is used, which nothing speaks against,
    lab.kubectl("config use-context backend-api")

    # then nobody is asked who knows the cluster,
    context = lab.kubectl("config view --minify -o jsonpath={.contexts[0].context}").parsed
    assert context == {"cluster": "", "user": "", "namespace": lab.namespace}
    assert "http://localhost:8080/api" in lab.refused("get configmaps -v=6").stderr

    # and the other one works.
    lab.kubectl("config use-context complete")
    assert "configmap/kube-root-ca.crt" in lab.kubectl("get configmaps -o name").stdout.split()


@claim(
    "kubectl.context-default-namespace",
    source=OBJECTS + "namespaces/#setting-the-namespace-preference",
    twin="a copy of the file, made before",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("another context", instead("set-context --current", "set-context another"))
@sabotage("the copy is made afterwards", instead("--kubeconfig=copy get", "get"))
def test_the_default_namespace_is_kept_in_the_file(lab: Lab) -> None:
    """The default namespace is a word in the kubeconfig file: all who read this file look there from then on."""
    # Given two namespaces, and a copy of the kubeconfig file,
    lab.apply("kubectl/two-namespaces.yaml")
    lab.shell("cp $KUBECONFIG copy")

    # when the current context gets another namespace,
    lab.kubectl(f"config set-context --current --namespace={lab.namespace}-guitar")

    # then every kubectl from now on looks there,
    assert lab.kubectl("config view --minify -o jsonpath={..namespace}").stdout == f"{lab.namespace}-guitar"
    assert lab.kubectl("get services -o name").stdout.split() == ["service/guitar-api"]

    # but for one that reads the copy.
    copied = lab.shell("kubectl --kubeconfig=copy get services -o name")
    assert copied.stdout.split() == ["service/drum-api"]


@claim(
    "kubectl.context-shorthand",
    ledger=["kubectl.set-context-new"],
    source=KUBECTL + "generated/kubectl_config/kubectl_config_set-context/",
    twin="long: the same context, written with --namespace",
    takes_s=1,
    since="1.35",
)
@sabotage("another namespace", instead("set-context short -n drum", "set-context short -n other"))
def test_a_context_takes_its_namespace_by_a_letter(lab: Lab) -> None:
    """kubectl config set-context takes a namespace with -n as well as with --namespace."""
    # Given two contexts, when one gets its namespace with the letter and one with the word,
    lab.kubectl("config set-context short -n drum")
    lab.kubectl("config set-context long --namespace=drum")

    # then both have it.
    namespaces = "{.contexts[?(@.name=='short')].context.namespace} {.contexts[?(@.name=='long')].context.namespace}"
    assert lab.kubectl(f'config view -o "jsonpath={namespaces}"').stdout.split() == ["drum", "drum"]


@claim(
    "kubectl.context-no-shorthand",
    ledger=["kubectl.set-context-new"],
    source=KUBECTL + "generated/kubectl_config/kubectl_config_set-context/",
    twin="long: the same context, written with --namespace",
    takes_s=1,
    until="1.35",
)
@sabotage("the word", instead("short -n drum", "short --namespace=drum"))
def test_a_context_takes_its_namespace_by_a_word_only(lab: Lab) -> None:
    """kubectl config set-context knows --namespace, and no -n."""
    # Given two contexts, when one is to get its namespace with the letter, then that is not known,
    assert "unknown shorthand flag" in lab.refused("config set-context short -n drum").stderr

    # and with the word it is.
    lab.kubectl("config set-context long --namespace=drum")
    assert lab.kubectl("config get-contexts -o name").stdout.split() == ["lab", "long"]


@claim(
    "kubectl.context-existing-namespace",
    source=CONTEXTS + "#define-clusters-users-and-contexts",
    notes=imprecise(
        "create a context for an existing namespace",
        "nobody checks that it exists: in a namespace that does not, kubectl finds nothing and can create nothing",
    ),
    twin="the same commands once the namespace is there",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("the lab's own namespace", instead("-later", ""))
def test_nobody_checks_the_namespace_of_a_context(lab: Lab) -> None:
    """A context may name a namespace that does not exist: that shows when something is to be created there."""
    # Given a context of a namespace that does not exist,
    lab.kubectl(f"config set-context --current --namespace={lab.namespace}-later")

    # when it is looked into, then it is as good as empty, and when something is created there, that is refused,
    assert lab.kubectl("get configmaps -o name").stdout == ""
    refused = lab.refused("create configmap guitar")
    assert "not found" in refused.stderr

    # until the namespace is there.
    lab.apply("kubectl/late-namespace.yaml")
    lab.kubectl("create configmap guitar")
    assert "configmap/guitar" in lab.kubectl("get configmaps -o name").stdout.split()


@claim(
    "kubectl.as-user-extra",
    ledger=["kubectl.contexts-named"],
    source=DOCS + "reference/access-authn-authz/authentication/#user-impersonation",
    twin="drummer: asked for in the same way, but without the option",
    takes_s=1,
    since="1.35",
)
@sabotage("a group", instead("--as-user-extra=band=djent", "--as-group=djent"))
@sabotage("both", instead("--as=drummer", "--as=drummer --as-user-extra=band=djent"))
def test_somebody_else_may_be_given_more_than_a_name(lab: Lab) -> None:
    """kubectl may speak for somebody else with more than a name and groups: --as-user-extra gives key and value."""
    # Given two names that are not one's own, when the API server is asked who asks, once with something extra,
    guitarist = lab.kubectl("auth whoami --as=guitarist --as-user-extra=band=djent -o json").parsed["status"][
        "userInfo"
    ]
    drummer = lab.kubectl("auth whoami --as=drummer -o json").parsed["status"]["userInfo"]

    # then it knows that of the one.
    assert (guitarist["username"], guitarist.get("extra")) == ("guitarist", {"band": ["djent"]})
    assert (drummer["username"], drummer.get("extra")) == ("drummer", None)


@claim(
    "kubectl.as-user-no-extra",
    ledger=["kubectl.contexts-named"],
    source=DOCS + "reference/access-authn-authz/authentication/#user-impersonation",
    twin="drummer: asked for in the same way, but without the option",
    takes_s=1,
    until="1.35",
)
@sabotage("a group", instead("--as-user-extra=band=djent", "--as-group=djent"))
def test_somebody_else_is_given_a_name_and_groups(lab: Lab) -> None:
    """kubectl may speak for somebody else by name and groups, and knows no --as-user-extra."""
    # Given two names that are not one's own, when more than that is to be told of one, then that is not known,
    refused = lab.refused("auth whoami --as=guitarist --as-user-extra=band=djent")
    assert "unknown flag: --as-user-extra" in refused.stderr

    # and the name alone is.
    assert lab.kubectl("auth whoami --as=drummer -o jsonpath={.status.userInfo.username}").stdout == "drummer"


@claim(
    "kubectl.proxy-url",
    ledger=["kubectl.contexts-named"],
    source=KUBECTL + "generated/kubectl/",
    twin="the same command without the option",
    takes_s=1,
    since="1.37",
)
@sabotage("no proxy", instead(" --proxy-url=http://127.0.0.1:9", ""))
@sabotage("a proxy for both", instead("configmaps -o name", "configmaps -o name --proxy-url=http://127.0.0.1:9"))
def test_a_proxy_may_be_named_for_one_command(lab: Lab) -> None:
    """kubectl takes a proxy for one command with --proxy-url; else it is a matter of the kubeconfig or environment."""
    # Given a port at which nobody is, when that is to be the proxy, then the API server is out of reach,
    refused = lab.refused("get secrets -o name --proxy-url=http://127.0.0.1:9")
    assert "was refused" in refused.stderr

    # and without the proxy it answers.
    assert "configmap/kube-root-ca.crt" in lab.kubectl("get configmaps -o name").stdout.split()


@claim(
    "kubectl.no-proxy-url",
    ledger=["kubectl.contexts-named"],
    source=KUBECTL + "generated/kubectl/",
    twin="the same command without the option",
    takes_s=1,
    until="1.37",
)
@sabotage("no proxy", instead(" --proxy-url=http://127.0.0.1:9", ""))
def test_a_proxy_is_a_matter_of_the_kubeconfig_or_environment(lab: Lab) -> None:
    """kubectl knows no --proxy-url: a proxy is a matter of the kubeconfig or of the environment."""
    # Given a port at which nobody is, when that is to be the proxy, then the option is not known,
    refused = lab.refused("get secrets -o name --proxy-url=http://127.0.0.1:9")
    assert "unknown flag: --proxy-url" in refused.stderr

    # and without it the API server answers.
    assert "configmap/kube-root-ca.crt" in lab.kubectl("get configmaps -o name").stdout.split()


@claim(
    "kubectl.use-context",
    source=KUBECTL + "generated/kubectl_config/kubectl_config_use-context/",
    twin="unknown: a name that no context has",
    takes_s=1,
)
@sabotage("only listed", instead("use-context backend-api", "get-contexts backend-api"))
@sabotage("a known name", instead("use-context unknown", "use-context lab"))
def test_use_context_switches_to_a_context_that_is_there(lab: Lab) -> None:
    """kubectl config use-context makes a context the current one, if there is one of that name."""
    # Given another context than the current one,
    lab.kubectl("config set-context backend-api --cluster=lab --user=lab")
    assert lab.kubectl("config current-context").stdout.strip() == "lab"

    # when it is switched to, and then to a name that no context has,
    lab.kubectl("config use-context backend-api")
    lab.refused("config use-context unknown")

    # then the first one is current, also for the next kubectl.
    assert lab.kubectl("config current-context").stdout.strip() == "backend-api"


@claim(
    "kubectl.get-filters-context",
    source=KUBECTL + "generated/kubectl_get/",
    notes=imprecise(
        "kubectl get filters by the current context",
        "by the namespace of the current context, unless another is given; and some kinds are in no namespace",
    ),
    twin="drum-api: a Service of another namespace, and the nodes, which are in none",
    takes_s=1,
    cluster_wide=True,
)
@sabotage("the context stays", skip("config set-context"))
@sabotage("a kind that is in a namespace", instead("get nodes", "get pods"))
@sabotage("no other namespace is given", instead("get services --namespace", "get services --selector lesson"))
def test_get_filters_by_the_contexts_namespace(lab: Lab) -> None:
    """kubectl get lists what is in the current context's namespace; nodes, which are in none, are always all listed."""
    # Given a context of one of two namespaces,
    lab.apply("kubectl/two-namespaces.yaml")
    lab.kubectl(f"config set-context --current --namespace={lab.namespace}-guitar")

    # when Services are listed, then they are those of this namespace,
    assert lab.kubectl("get services -o name").stdout.split() == ["service/guitar-api"]

    # or of another one, if that is given,
    assert lab.kubectl(f"get services --namespace={lab.namespace} -o name").stdout.split() == ["service/drum-api"]

    # and nodes are not filtered.
    nodes = lab.kubectl("get nodes -o name").stdout.split()
    assert set(nodes) == {f"node/{node.name}" for node in lab.cluster.nodes}


@claim(
    "kubectl.get-form",
    source=KUBECTL + "generated/kubectl_get/",
    ledger=["kubectl.get-form", "kubectl.get-one"],
    twin="drum-api: the Service whose name is not given",
    takes_s=1,
)
@sabotage("no name is given", instead("get services guitar-api", "get services"))
@sabotage("a type that there is", instead("get service5", "get services"))
@sabotage("a name that there is", instead("get services bass-api", "get services drum-api"))
def test_get_takes_a_type_and_maybe_names(lab: Lab) -> None:
    """kubectl get takes a type of objects and lists all of that type, or takes names as well and shows only these."""
    # Given two Services,
    lab.apply("kubectl/two-services.yaml")

    # when the type is given, then there is a line for each under a header,
    header, *lines = lab.kubectl("get services").stdout.splitlines()
    assert header.split() == ["NAME", "TYPE", "CLUSTER-IP", "EXTERNAL-IP", "PORT(S)", "AGE"]
    assert [line.split()[0] for line in lines] == ["drum-api", "guitar-api"]

    # when a name is given as well, then there is this one,
    _, *lines = lab.kubectl("get services guitar-api").stdout.splitlines()
    assert [line.split()[:2] for line in lines] == [["guitar-api", "ClusterIP"]]

    # and a name or a type that does not exist is an error.
    assert "NotFound" in lab.refused("get services bass-api").stderr
    assert "the server doesn't have a resource type" in lab.refused("get service5").stderr


@claim(
    "kubectl.service-accounts-plain",
    ledger=["kubectl.get-form"],
    source=DOCS + "concepts/security/service-accounts/#get-a-token",
    twin="default: an account that lists no Secret",
    takes_s=1,
    since="1.35",
)
@sabotage("a table that counts", instead("get serviceaccounts", "get configmaps"))
@sabotage("it lists none", skip("patch serviceaccount"))
def test_the_table_of_service_accounts_counts_no_secrets(lab: Lab) -> None:
    """kubectl get serviceaccounts shows name and age: Secrets that an account still lists are not counted."""
    # Given the account that every namespace has, and one that lists a Secret, as all of them did until 1.24,
    lab.kubectl("create serviceaccount band")
    lab.kubectl("""patch serviceaccount band -p '{"secrets": [{"name": "band-token"}]}'""")

    # when both are listed, then there is no column for it,
    header = lab.kubectl("get serviceaccounts").stdout.splitlines()[0]
    assert header.split() == ["NAME", "AGE"]

    # though the field is still there.
    listed = "get serviceaccounts -o custom-columns=NAME:.metadata.name,SECRETS:.secrets[*].name --no-headers"
    rows = {tuple(line.split()) for line in lab.kubectl(listed).stdout.splitlines()}
    assert rows == {("band", "band-token"), ("default", "<none>")}


@claim(
    "kubectl.service-accounts-secrets",
    ledger=["kubectl.get-form"],
    source=DOCS + "concepts/security/service-accounts/#get-a-token",
    twin="default: an account that lists no Secret",
    takes_s=1,
    until="1.35",
)
@sabotage("it lists none", skip("patch serviceaccount"))
def test_the_table_of_service_accounts_counts_their_secrets(lab: Lab) -> None:
    """kubectl get serviceaccounts counts the Secrets that an account lists; since 1.24 most of them list none."""
    # Given the account that every namespace has, and one that lists a Secret, as all of them did until 1.24,
    lab.kubectl("create serviceaccount band")
    lab.kubectl("""patch serviceaccount band -p '{"secrets": [{"name": "band-token"}]}'""")

    # when both are listed, then there is a column for it.
    header, *rows = lab.kubectl("get serviceaccounts").stdout.splitlines()
    assert header.split() == ["NAME", "SECRETS", "AGE"]
    assert {tuple(row.split()[:2]) for row in rows} == {("band", "1"), ("default", "0")}


@claim(
    "kubectl.output-wide",
    source=KUBECTL + "#formatting-output",
    twin="ConfigMaps: a type of which there is no more to show",
    takes_s=1,
)
@sabotage("not wide", instead("get services -o wide", "get services"))
@sabotage("another type that has more to show", instead("get configmaps", "get services"))
def test_wide_output_has_more_columns(lab: Lab) -> None:
    """With -o wide the table of some types has more columns, for Services their selector; that of others has not."""
    # Given two Services and a ConfigMap,
    lab.apply("kubectl/two-services.yaml")
    lab.apply("kubectl/guitar.yaml")

    # when they are listed wide,
    narrow = lab.kubectl("get services").stdout.splitlines()
    wide = lab.kubectl("get services -o wide").stdout.splitlines()

    # then there is a column more, with what the Service selects,
    assert wide[0].split() == [*narrow[0].split(), "SELECTOR"]
    assert wide[-1].split()[-1] == "app=guitar-api"

    # but of ConfigMaps there is no more than ever.
    assert lab.kubectl("get configmaps").stdout.split()[:3] == ["NAME", "DATA", "AGE"]
    assert lab.kubectl("get configmaps -o wide").stdout.split()[:4] == ["NAME", "DATA", "AGE", "guitar"]


@claim(
    "kubectl.kyaml",
    ledger=["kubectl.output-json-yaml"],
    source=KUBECTL + "kyaml/",
    twin="-o yaml: the format without braces",
    takes_s=1,
    since="1.35",
)
@sabotage("YAML twice", instead("-o kyaml", "-o yaml"))
def test_kyaml_is_yaml_with_braces(lab: Lab) -> None:
    """With -o kyaml kubectl shows an object as YAML that depends on no indentation: with braces, and quotes."""
    # Given a Service,
    lab.apply("kubectl/two-services.yaml")

    # when it is got in both formats,
    kyaml = lab.kubectl("get services guitar-api -o kyaml")
    yaml = lab.kubectl("get services guitar-api -o yaml")

    # then they say the same, and only one of them has the braces.
    assert kyaml.parsed == yaml.parsed
    assert kyaml.stdout.splitlines()[1] == "{"
    assert not yaml.stdout.startswith(("{", "---"))


@claim(
    "kubectl.no-kyaml",
    ledger=["kubectl.output-json-yaml"],
    source=KUBECTL + "kyaml/",
    twin="-o yaml: a format that has always been there",
    takes_s=1,
    until="1.35",
)
@sabotage("YAML in its place", instead("-o kyaml", "-o yaml"))
def test_kyaml_is_not_known_yet(lab: Lab) -> None:
    """kubectl knows no format kyaml, unless an environment variable allows it."""
    # Given a Service,
    lab.apply("kubectl/two-services.yaml")

    # when it is got as KYAML, then kubectl has no printer for that,
    assert 'output format "kyaml"' in lab.refused("get services guitar-api -o kyaml").stderr

    # and for YAML it has.
    assert lab.kubectl("get services guitar-api -o yaml").parsed["kind"] == "Service"


@claim(
    "kubectl.output-json-yaml",
    source=KUBECTL + "#formatting-output",
    twin="-o wide: the widest table",
    takes_s=1,
)
@sabotage("another object", instead("guitar-api -o yaml", "drum-api -o yaml"))
@sabotage("no table", instead("guitar-api -o wide", "guitar-api -o yaml"))
def test_json_and_yaml_show_the_whole_object(lab: Lab) -> None:
    """With -o json or -o yaml kubectl shows the whole object, the same in each format; a table shows a choice of it."""
    # Given a Service,
    lab.apply("kubectl/two-services.yaml")

    # when it is got as JSON, and as YAML,
    shown = [lab.kubectl(f"get services guitar-api -o {format}") for format in ("json", "yaml")]

    # then both say the same,
    whole = shown[0].parsed
    assert [one.parsed for one in shown] == [whole, whole]
    assert len({one.stdout for one in shown}) == 2, "it is one format"

    # and more than any table: what the server has filled in, too.
    assert whole["spec"]["sessionAffinity"] == "None"
    table = lab.kubectl("get services guitar-api -o wide").stdout
    assert whole["spec"]["clusterIP"] in table
    assert whole["metadata"]["uid"] not in table


@claim(
    "kubectl.explain-letter",
    ledger=["kubectl.help"],
    source=KUBECTL + "generated/kubectl_explain/",
    twin="--recursive: the word for it",
    takes_s=1,
    since="1.36",
)
@sabotage("without the letter", instead("explain pod.spec -R", "explain pod.spec"))
@sabotage("the other letter", instead("explain pod.spec -R", "explain pod.spec -r"))
def test_explain_takes_recursive_by_a_letter(lab: Lab) -> None:
    """kubectl explain shows the fields of fields with -R as well as with --recursive."""
    # Given nothing but what the API server knows of Pods,
    # when their fields are asked for with the letter and with the word, then the answer is the same.
    told = lab.kubectl("explain pod.spec --recursive").stdout
    assert "containerPort" in told
    assert lab.kubectl("explain pod.spec -R").stdout == told


@claim(
    "kubectl.explain-no-letter",
    ledger=["kubectl.help"],
    source=KUBECTL + "generated/kubectl_explain/",
    twin="--recursive: the word for it",
    takes_s=1,
    until="1.36",
)
@sabotage("the word", instead("explain pod.spec -R", "explain pod.spec --recursive"))
def test_explain_takes_recursive_by_a_word_only(lab: Lab) -> None:
    """kubectl explain shows the fields of fields with --recursive, and knows no -R."""
    # Given nothing but what the API server knows of Pods,
    # when their fields are asked for with the letter, then that is not known,
    assert "unknown shorthand flag" in lab.refused("explain pod.spec -R").stderr

    # and with the word it is.
    assert "containerPort" in lab.kubectl("explain pod.spec --recursive").stdout


@claim(
    "kubectl.explain-depth",
    ledger=["kubectl.help"],
    source=KUBECTL + "generated/kubectl_explain/",
    twin="the same command without a limit",
    takes_s=1,
    since="1.37",
)
@sabotage("no limit", instead(" --max-depth=1", ""))
@sabotage("a limit that is too low for both", instead("--recursive", "--recursive --max-depth=1"))
def test_explain_stops_at_a_depth(lab: Lab) -> None:
    """kubectl explain --recursive goes down to the last field, or as many levels as --max-depth says."""
    # Given nothing but what the API server knows of Pods,
    # when their fields are asked for, all of them, and those of the first level,
    every = lab.kubectl("explain pod.spec --recursive").stdout
    first = lab.kubectl("explain pod.spec --recursive --max-depth=1").stdout

    # then both have the containers, and the one their ports, too.
    assert "containers\t" in every
    assert "containers\t" in first
    assert "containerPort" in every
    assert "containerPort" not in first


@claim(
    "kubectl.explain-no-depth",
    ledger=["kubectl.help"],
    source=KUBECTL + "generated/kubectl_explain/",
    twin="the same command without a limit",
    takes_s=1,
    until="1.37",
)
@sabotage("no limit", instead(" --max-depth=1", ""))
def test_explain_goes_down_to_the_last_field(lab: Lab) -> None:
    """kubectl explain --recursive goes down to the last field, and knows no --max-depth."""
    # Given nothing but what the API server knows of Pods,
    # when no more than the first level is asked for, then that is not known,
    refused = lab.refused("explain pod.spec --recursive --max-depth=1")
    assert "unknown flag: --max-depth" in refused.stderr

    # and without a limit there is everything.
    assert "containerPort" in lab.kubectl("explain pod.spec --recursive").stdout


@claim(
    "kubectl.object-definition",
    source=OBJECTS + "names/#uids",
    notes=imprecise(
        "objects are the components that you deploy",
        "objects are records in the API, each with a UID; many, such as Leases and Events, nobody deploys",
    ),
    twin="drum: the object that is not deleted in between",
    takes_s=1,
)
@sabotage("it is not deleted", put("metadata.finalizers", ["labs.example/hold"], of="configmap/guitar"))
@sabotage("both are deleted", instead("delete configmap guitar", "delete configmap guitar drum"))
def test_an_object_is_a_record_with_an_identity(lab: Lab) -> None:
    """An object is a record in the API with a UID: applied again it is the same, deleted and made anew another one."""
    # Given two objects,
    guitar, drum = lab.apply("kubectl/two-configmaps.yaml")

    # when one is deleted, and both are applied again,
    lab.kubectl("delete configmap guitar --wait=false")
    new_guitar, same_drum = lab.apply("kubectl/two-configmaps.yaml")

    # then under the same name the one is another object, and the other one is the same,
    assert new_guitar.uid != guitar.uid, "it is the same object"
    assert same_drum.uid == drum.uid, "it is another object"

    # and nobody has applied this one, by which a kubelet says that its node is alive.
    lease = lab.kubectl(f"get lease {lab.cluster.workers[0].name} -n kube-node-lease -o yaml").parsed
    assert (lease["apiVersion"], lease["kind"]) == ("coordination.k8s.io/v1", "Lease")
    assert lease["metadata"]["uid"]


@claim(
    "kubectl.objects-json-yaml",
    source=DOCS + "reference/using-api/api-concepts/#alternate-representations-of-resources",
    notes=imprecise(
        "objects are represented as either JSON or YAML",
        "to people; the API itself has them as protobuf, too, and kubectl sends no YAML",
    ),
    twin="image/png: a format in which the API has nothing",
    takes_s=2,
)
@sabotage("YAML in place of protobuf", instead("application/vnd.kubernetes.protobuf", "application/yaml"))
@sabotage("a format that there is", instead("image/png", "application/json"))
@sabotage("JSON in place of YAML", instead("kind: ConfigMap", '{"metadata": {"name": "drum"}}'))
def test_an_object_has_several_representations(lab: Lab) -> None:
    """The API gives the same object as JSON, YAML or protobuf, as it is asked to; kubectl turns YAML into JSON."""
    # Given an object that was written in YAML,
    lab.apply("kubectl/guitar.yaml")
    objects = f"/api/v1/namespaces/{lab.namespace}/configmaps"

    # when it is asked for in several formats,
    with lab.listening("proxy --port=0") as api:
        as_json = lab.browse(f"{api}{objects}/guitar", accept="application/json")
        as_yaml = lab.browse(f"{api}{objects}/guitar", accept="application/yaml")
        as_protobuf = lab.browse(f"{api}{objects}/guitar", accept="application/vnd.kubernetes.protobuf")
        as_image = lab.browse(f"{api}{objects}/guitar", accept="image/png")

    # then it comes in those that the API has: all Kubernetes protobuf begins with the same four bytes,
    assert as_json.json["data"] == {"tuning": "standard"}
    assert "\n  tuning: standard\n" in as_yaml.text
    assert as_protobuf.text.startswith("k8s\x00")
    assert as_image.status == 406

    # and YAML that is sent as it is, is not understood: what kubectl sends, it has made JSON before.
    yaml = "kind: ConfigMap"
    assert "json parse error" in lab.refused(f"create --raw {objects} -f -", stdin=yaml).stderr


@claim(
    "kubectl.create-edit-delete",
    source=KUBECTL + "generated/kubectl_edit/",
    ledger=["kubectl.create-edit-delete", "kubectl.edit"],
    twin="drum: an object like it, in whose editor nothing is changed",
    takes_s=2,
)
@sabotage("no change", instead("sed -i.bak s/standard/drop-d/", "true"))
@sabotage("a change to both", instead("KUBE_EDITOR=true", 'KUBE_EDITOR="sed -i.bak s/standard/drop-d/"'))
@sabotage("nothing is deleted", instead("delete configmap guitar", "get configmap guitar"))
def test_an_object_is_created_edited_and_deleted(lab: Lab) -> None:
    """kubectl creates, edits and deletes objects: edit opens one in the editor of KUBE_EDITOR, and sends a change."""
    # Given two objects that were created by a command,
    lab.kubectl("create configmap guitar --from-literal=tuning=standard")
    lab.kubectl("create configmap drum --from-literal=tuning=standard")
    guitar, drum = lab.get("ConfigMap", "guitar"), lab.get("ConfigMap", "drum")

    # when they are edited, the one by an editor that replaces a word, the other by one that does nothing,
    lab.shell('KUBE_EDITOR="sed -i.bak s/standard/drop-d/" kubectl edit configmap guitar')
    lab.shell("KUBE_EDITOR=true kubectl edit configmap drum")

    # then the one has changed, and is the same object,
    edited = lab.get("ConfigMap", "guitar")
    assert edited.raw["data"] == {"tuning": "drop-d"}
    assert edited.uid == guitar.uid

    # the other one has not even been written,
    assert lab.get("ConfigMap", "drum").resource_version == drum.resource_version

    # and what is deleted is not found any more.
    lab.kubectl("delete configmap guitar")
    assert "NotFound" in lab.refused("get configmap guitar").stderr


@claim(
    "kubectl.edit-typo",
    source=KUBECTL + "generated/kubectl_edit/",
    notes=wrong("kubcetl edit <resource-name> <object-name>", "kubectl edit <type> <name>"),
    twin="the same line with the letters in their order",
    takes_s=1,
)
@sabotage("spelt right", instead("kubcetl", "kubectl"))
@sabotage("the twin spelt wrong", instead("kubectl", "kubcetl"))
def test_kubcetl_is_no_command(lab: Lab) -> None:
    """There is no command kubcetl: the shell says so, with 127."""
    # Given an object,
    lab.apply("kubectl/guitar.yaml")

    # when the notes' line is typed, then there is no such program,
    lab.shell("KUBE_EDITOR=true kubcetl edit configmaps guitar", exits=127)

    # and spelt right there is.
    lab.shell("KUBE_EDITOR=true kubectl edit configmaps guitar")


@claim(
    "kubectl.edit-saves",
    source=KUBECTL + "generated/kubectl_edit/#synopsis",
    notes=imprecise(
        "after saving the file it will update on the cluster",
        "if the API server accepts it; if not, the file opens again, and in the end a copy of it is kept",
    ),
    twin="the same edit with another value",
    takes_s=2,
)
@sabotage("a value that there is", instead("s/None/Nobody/", "s/None/ClientIP/"))
@sabotage("twice a value that there is not", instead("s/None/ClientIP/", "s/None/Nobody/"))
def test_what_is_saved_must_be_accepted(lab: Lab) -> None:
    """What is saved in kubectl edit takes effect if the API server accepts it, and is only kept in a file if not."""
    # Given a Service without session affinity,
    lab.apply("kubectl/two-services.yaml")
    before = lab.get("Service", "guitar-api")

    # when it is given one that there is not,
    lab.shell('KUBE_EDITOR="sed -i.bak s/None/Nobody/" kubectl edit services guitar-api', exits=1)

    # then the Service has not been written, and the work is not lost,
    assert lab.get("Service", "guitar-api").resource_version == before.resource_version
    assert "sessionAffinity: Nobody" in lab.shell("cat kubectl-edit-*.yaml").stdout

    # and one that there is, it takes.
    lab.shell('KUBE_EDITOR="sed -i.bak s/None/ClientIP/" kubectl edit services guitar-api')
    assert lab.get("Service", "guitar-api").raw["spec"]["sessionAffinity"] == "ClientIP"


@claim(
    "kubectl.apply-create-or-update",
    source=APPLY + "#how-to-create-objects",
    twin="create -f: the command that only creates",
    takes_s=2,
)
@sabotage("the file is as before", put("data.tuning", "standard", of="configmap/guitar"))
def test_apply_creates_or_updates(lab: Lab) -> None:
    """kubectl apply -f creates what the file describes, updates it if it is there, and else leaves it alone."""
    # Given a file that was applied,
    created = lab.apply("kubectl/guitar.yaml")

    # when another one of the same name is applied, and then once more,
    updated = lab.apply("kubectl/guitar-in-drop-d.yaml")
    version = lab.get("ConfigMap", "guitar").resource_version
    lab.apply("kubectl/guitar-in-drop-d.yaml")

    # then the object was updated, and not even written the second time,
    after = lab.get("ConfigMap", "guitar")
    assert created.uid == updated.uid == after.uid
    assert after.raw["data"] == {"tuning": "drop-d"}
    assert after.resource_version == version

    # as it cannot be by a command that only creates.
    refused = lab.apply_refused("kubectl/guitar.yaml", verb="create -f")
    assert "already exists" in refused.stderr


@claim(
    "kubectl.three-way-merge",
    ledger=["kubectl.apply-create-or-update"],
    source=APPLY + "#how-apply-calculates-differences-and-merges-changes",
    twin="replaced: the same object with the same history, but kubectl replace in place of apply",
    takes_s=2,
)
@sabotage("the new file has it still", put("data.capo", "2", of="configmap/applied"))
@sabotage("the other file has it", put("data.pick", "thin", of="configmap/replaced"))
@sabotage("nobody else has a say", skip("patch configmap applied"))
def test_apply_merges_three_ways(lab: Lab) -> None:
    """kubectl apply removes what its file has no more since the last time, and leaves alone what others have added."""
    # Given two objects that were applied, and to which somebody else has added a key,
    lab.apply("kubectl/merged-before.yaml")
    lab.kubectl("""patch configmap applied -p '{"data": {"pick": "thin"}}'""")
    lab.kubectl("""patch configmap replaced -p '{"data": {"pick": "thin"}}'""")

    # when the files leave out one key and change another, and are applied to the one, and replace the other,
    lab.apply("kubectl/merged-applied.yaml")
    lab.apply("kubectl/merged-replaced.yaml", verb="replace -f")

    # then apply has removed and changed what came from it, and kept what did not,
    assert lab.get("ConfigMap", "applied").raw["data"] == {"tuning": "drop-d", "pick": "thin"}

    # while the other object is what the file says, and nothing else.
    assert lab.get("ConfigMap", "replaced").raw["data"] == {"tuning": "drop-d"}


@claim(
    "kubectl.server-side-apply",
    ledger=["kubectl.apply-create-or-update"],
    source=SERVER_SIDE + "#conflicts",
    twin="the same file, applied by its own manager",
    takes_s=2,
)
@sabotage("they agree", put("data.tuning", "standard", of="configmap/guitar"))
def test_two_who_apply_the_same_field_are_in_conflict(lab: Lab) -> None:
    """With --server-side the API server knows who applied which field: another one is refused, unless by force."""
    # Given an object that a luthier has applied,
    lab.apply("kubectl/guitar.yaml", verb="apply --server-side --field-manager=luthier -f")

    # when a player applies another value, then that is a conflict, and changes nothing,
    refused = lab.apply_refused("kubectl/guitar-in-drop-d.yaml", verb="apply --server-side --field-manager=player -f")
    assert 'conflict with "luthier"' in refused.stderr
    assert lab.get("ConfigMap", "guitar").raw["data"] == {"tuning": "standard"}

    # with --force-conflicts the field is the player's from then on,
    by_force = "apply --server-side --force-conflicts --field-manager=player -f"
    lab.apply("kubectl/guitar-in-drop-d.yaml", verb=by_force)
    assert lab.get("ConfigMap", "guitar").raw["data"] == {"tuning": "drop-d"}
    managers = lab.kubectl(
        "get configmap guitar --show-managed-fields -o jsonpath={.metadata.managedFields[*].manager}"
    )
    assert managers.stdout.split() == ["player"]

    # who may apply it again and again, and it is the luthier who is refused.
    lab.apply("kubectl/guitar-in-drop-d.yaml", verb="apply --server-side --field-manager=player -f")
    refused = lab.apply_refused("kubectl/guitar.yaml", verb="apply --server-side --field-manager=luthier -f")
    assert 'conflict with "player"' in refused.stderr


@claim(
    "kubectl.diff",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "generated/kubectl_diff/",
    twin="the same file before it was changed",
    takes_s=1,
)
@sabotage("the file is not changed", skip("sed -i.bak"))
@sabotage("applied", instead("kubectl diff", "kubectl apply"))
def test_diff_tells_what_apply_would_change(lab: Lab) -> None:
    """kubectl diff shows what kubectl apply would change, and changes nothing; it exits with 1 if there is anything."""
    # Given an object, and a file with all that it says,
    lab.apply("kubectl/guitar.yaml")
    lab.shell("kubectl get configmap guitar -o yaml > guitar.yaml")
    lab.shell("kubectl diff -f guitar.yaml", exits=0)

    # when a word in the file is changed,
    lab.shell("sed -i.bak s/standard/drop-d/ guitar.yaml")
    told = lab.shell("kubectl diff -f guitar.yaml", exits=1).stdout.splitlines()

    # then the difference is shown, and the object is as before.
    assert "-  tuning: standard" in told
    assert "+  tuning: drop-d" in told
    assert lab.get("ConfigMap", "guitar").raw["data"] == {"tuning": "standard"}


@claim(
    "kubectl.diff-shows-secrets",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "generated/kubectl_diff/",
    twin="the same diff without the option",
    takes_s=1,
    since="1.36",
)
@sabotage("not shown", instead(" --show-secrets", ""))
@sabotage("shown twice", instead("diff -f -", "diff --show-secrets -f -"))
def test_diff_shows_secrets_if_asked(lab: Lab) -> None:
    """kubectl diff masks the values of a Secret, unless --show-secrets asks for them."""
    # Given a Secret, and the same with another value,
    lab.kubectl("create secret generic guitar --from-literal=tuning=standard")
    # "drop-d" in base64
    other = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "guitar"}, "data": {"tuning": "ZHJvcC1k"}}'

    # when they are compared, then the values are stars,
    masked = lab.refused("diff -f -", stdin=other).stdout
    assert "*** (after)" in masked
    assert "ZHJvcC1k" not in masked

    # and what they are if that is asked for.
    assert "ZHJvcC1k" in lab.refused("diff --show-secrets -f -", stdin=other).stdout


@claim(
    "kubectl.diff-masks-secrets",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "generated/kubectl_diff/",
    twin="the same diff without the option",
    takes_s=1,
    until="1.36",
)
@sabotage("not asked for", instead(" --show-secrets", ""))
def test_diff_masks_secrets(lab: Lab) -> None:
    """kubectl diff masks the values of a Secret, and nobody can ask for them."""
    # Given a Secret, and the same with another value,
    lab.kubectl("create secret generic guitar --from-literal=tuning=standard")
    # "drop-d" in base64
    other = '{"apiVersion": "v1", "kind": "Secret", "metadata": {"name": "guitar"}, "data": {"tuning": "ZHJvcC1k"}}'

    # when they are compared, then the values are stars,
    masked = lab.refused("diff -f -", stdin=other).stdout
    assert "*** (after)" in masked
    assert "ZHJvcC1k" not in masked

    # and there is no option for it.
    assert "unknown flag: --show-secrets" in lab.refused("diff -f - --show-secrets", stdin=other).stderr


@claim(
    "kubectl.dry-apply-merges",
    ledger=["kubectl.apply-create-or-update"],
    source=APPLY,
    twin="the same dry run by the server",
    takes_s=1,
    since="1.36",
)
@sabotage("nothing is changed", put("data.tuning", "standard", of="configmap/guitar"))
def test_a_dry_apply_shows_what_would_come_of_it(lab: Lab) -> None:
    """kubectl apply --dry-run=client shows an object as it would be with the change, as --dry-run=server does."""
    # Given a ConfigMap, and a file in which one value of it is another,
    lab.kubectl("create configmap guitar --from-literal=tuning=standard --save-config")
    changed = lab.file("kubectl/guitar-in-drop-d.yaml")

    # when that is applied to no effect, then the new value is shown, whoever tried it,
    shown = "-o jsonpath={.data.tuning}"
    assert lab.kubectl(f"apply -f {changed} --dry-run=client {shown}").stdout == "drop-d"
    assert lab.kubectl(f"apply -f {changed} --dry-run=server {shown}").stdout == "drop-d"

    # and the object is what it was.
    assert lab.kubectl(f"get configmap guitar {shown}").stdout == "standard"


@claim(
    "kubectl.dry-apply-shows-the-old",
    ledger=["kubectl.apply-create-or-update"],
    source=APPLY,
    twin="the same dry run by the server",
    takes_s=1,
    until="1.36",
)
@sabotage("nothing is changed", put("data.tuning", "standard", of="configmap/guitar"))
@sabotage("the server tries both", instead("--dry-run=client", "--dry-run=server"))
def test_a_dry_apply_shows_what_is_there(lab: Lab) -> None:
    """kubectl apply --dry-run=client shows an object that exists as it is; only --dry-run=server shows the change."""
    # Given a ConfigMap, and a file in which one value of it is another,
    lab.kubectl("create configmap guitar --from-literal=tuning=standard --save-config")
    changed = lab.file("kubectl/guitar-in-drop-d.yaml")

    # when that is applied to no effect, then only the server shows the new value.
    shown = "-o jsonpath={.data.tuning}"
    assert lab.kubectl(f"apply -f {changed} --dry-run=client {shown}").stdout == "standard"
    assert lab.kubectl(f"apply -f {changed} --dry-run=server {shown}").stdout == "drop-d"


@claim(
    "kubectl.wait-for-all",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_wait/",
    twin="the same command with two conditions that are met",
    takes_s=2,
    since="1.36",
)
@sabotage("it is met", instead("={.data.tuning}=drop-d", "={.data.tuning}=standard"))
@sabotage("the other one is not met", instead("={.metadata.name}=guitar", "={.metadata.name}=drum"))
def test_wait_waits_for_all_that_it_is_told(lab: Lab) -> None:
    """kubectl wait takes several --for, and waits until all of them are met."""
    # Given a ConfigMap,
    lab.kubectl("create configmap guitar --from-literal=tuning=standard")
    wait = "wait configmap/guitar --timeout=1s"

    # when two conditions are waited for, of which the first is not met, then it is waited for in vain,
    refused = lab.refused(f"{wait} --for=jsonpath={{.data.tuning}}=drop-d --for=jsonpath={{.kind}}=ConfigMap")
    assert "timed out" in refused.stderr

    # and for two that are met nobody waits.
    lab.kubectl(f"{wait} --for=jsonpath={{.metadata.name}}=guitar --for=jsonpath={{.kind}}=ConfigMap")


@claim(
    "kubectl.wait-for-the-last",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_wait/",
    twin="the same two conditions in the other order",
    takes_s=2,
    until="1.36",
)
@sabotage("the last is not met either", instead("={.kind}=ConfigMap", "={.kind}=Secret"))
@sabotage("both are met", instead("={.data.tuning}=drop-d", "={.data.tuning}=standard"))
def test_wait_waits_for_the_last_that_it_is_told(lab: Lab) -> None:
    """kubectl wait takes several --for without a word, and waits for the last of them alone."""
    # Given a ConfigMap,
    lab.kubectl("create configmap guitar --from-literal=tuning=standard")
    wait = "wait configmap/guitar --timeout=1s"

    # when two conditions are waited for, of which the first is not met, then nobody waits for that,
    lab.kubectl(f"{wait} --for=jsonpath={{.data.tuning}}=drop-d --for=jsonpath={{.kind}}=ConfigMap")

    # and the other way round it is waited for in vain.
    refused = lab.refused(f"{wait} --for=jsonpath={{.kind}}=ConfigMap --for=jsonpath={{.data.tuning}}=drop-d")
    assert "timed out" in refused.stderr


@claim(
    "kubectl.warnings",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "kubectl/#options",
    twin="endpointslices: the successor of endpoints, which nobody warns of",
    takes_s=1,
)
@sabotage("nothing to warn of", instead("get endpoints ", "get endpointslices "))
@sabotage("the twin is old as well", instead("get endpointslices", "get endpoints"))
def test_a_warning_is_shown_and_may_be_an_error(lab: Lab) -> None:
    """What the API server warns of kubectl says on stderr, and does; with --warnings-as-errors it fails in the end."""
    # Given two types of which one is deprecated, since Kubernetes 1.33,
    # when both are listed,
    old = lab.kubectl("get endpoints -n kube-system -o name")
    new = lab.kubectl("get endpointslices -n kube-system -o name")

    # then both are, and there is a warning beside the old ones,
    assert "endpoints/kube-dns" in old.stdout.split()
    assert old.stderr.startswith("Warning: ")
    assert new.stderr == ""

    # which can be made an error.
    lab.refused("get endpoints -n kube-system -o name --warnings-as-errors")
    lab.kubectl("get endpointslices -n kube-system -o name --warnings-as-errors")


@claim(
    "kubectl.scale-nothing-found",
    ledger=["kubectl.get-form"],
    source=KUBECTL + "generated/kubectl_scale/",
    twin="there: a Deployment that exists",
    takes_s=1,
    since="1.35",
)
@sabotage("one that exists", instead("scale deployment nothing", "scale deployment there"))
@sabotage("another kind", instead("scale deployment nothing", "scale replicaset nothing"))
def test_scale_says_what_it_has_not_found(lab: Lab) -> None:
    """kubectl scale says of an object that does not exist what get says of it: NotFound."""
    # Given a Deployment, when it is scaled, and one that does not exist, then the one is,
    lab.kubectl("create deployment there --image=localhost:1/labs/web:1 --replicas=0")
    lab.kubectl("scale deployment there --replicas=0")

    # and of the other one it is said that it was not found, in the API server's own words.
    told = lab.refused("scale deployment nothing --replicas=0").stderr
    assert told.startswith("Error from server (NotFound)")
    assert told == lab.refused("get deployment nothing").stderr


@claim(
    "kubectl.scale-nothing-passed",
    ledger=["kubectl.get-form"],
    source=KUBECTL + "generated/kubectl_scale/",
    twin="there: a Deployment that exists",
    takes_s=1,
    until="1.35",
)
@sabotage("one that exists", instead("scale deployment nothing", "scale deployment there"))
def test_scale_says_that_it_was_given_nothing(lab: Lab) -> None:
    """kubectl scale says of an object that does not exist that no objects were passed to it."""
    # Given a Deployment, when it is scaled, and one that does not exist, then the one is,
    lab.kubectl("create deployment there --image=localhost:1/labs/web:1 --replicas=0")
    lab.kubectl("scale deployment there --replicas=0")

    # and of the other one it is said that nothing was passed, where get says NotFound.
    assert lab.refused("scale deployment nothing --replicas=0").stderr.startswith("error: no objects passed to scale")
    assert lab.refused("get deployment nothing").stderr.startswith("Error from server (NotFound)")


@claim(
    "kubectl.scale-shows-the-new",
    ledger=["kubectl.objects-json-yaml"],
    source=KUBECTL + "generated/kubectl_scale/",
    twin="the same Deployment, got: nothing was changed",
    takes_s=1,
    since="1.36",
)
@sabotage("as many as before", instead("--replicas=3", "--replicas=0"))
@sabotage("not only tried", instead(" --dry-run=server", ""))
def test_scale_shows_the_new_number(lab: Lab) -> None:
    """kubectl scale -o shows the object with its new number of replicas."""
    # Given a Deployment of no Pods,
    lab.kubectl("create deployment guitar --image=localhost:1/labs/web:1 --replicas=0")

    # when it is scaled to no effect, then it is shown as it would be,
    shown = "-o jsonpath={.spec.replicas}"
    assert lab.kubectl(f"scale deployment guitar --replicas=3 --dry-run=server {shown}").stdout == "3"

    # and is what it was.
    assert lab.kubectl(f"get deployment guitar {shown}").stdout == "0"


@claim(
    "kubectl.scale-shows-the-old",
    ledger=["kubectl.objects-json-yaml"],
    source=KUBECTL + "generated/kubectl_scale/",
    twin="patch: another command that asks for as many",
    takes_s=1,
    until="1.36",
)
@sabotage("patched twice", instead("scale deployment guitar --replicas=3", PATCH_REPLICAS))
@sabotage("patched to what it has", instead('"replicas": 3', '"replicas": 0'))
def test_scale_shows_the_old_number(lab: Lab) -> None:
    """kubectl scale -o shows the object with the number of replicas that it had."""
    # Given a Deployment of no Pods,
    lab.kubectl("create deployment guitar --image=localhost:1/labs/web:1 --replicas=0")

    # when it is scaled to no effect, then it is shown as it was,
    shown = "--dry-run=server -o jsonpath={.spec.replicas}"
    assert lab.kubectl(f"scale deployment guitar --replicas=3 {shown}").stdout == "0"

    # where other commands show it as it would be.
    assert lab.kubectl(f"{PATCH_REPLICAS} {shown}").stdout == "3"


@claim(
    "kubectl.rollout-pause",
    ledger=["labels.annotations-in-rollouts"],
    source=DOCS + "concepts/workloads/controllers/deployment/#pausing-and-resuming-a-deployment",
    twin="rolling: the same Deployment, which is not paused",
    takes_s=2,
)
@sabotage("not paused", skip("rollout pause"))
def test_a_paused_deployment_gathers_changes(lab: Lab) -> None:
    """Changes of a paused Deployment's template wait until it is resumed, and are then one revision."""
    # Given two Deployments at revision 1, of which one is paused,
    paused, rolling = lab.apply("kubectl/two-deployments.yaml")
    lab.given("revision 1", paused, rolling, until=lambda *both: all(d.annotations.get(REVISION) == "1" for d in both))
    lab.kubectl("rollout pause deployment paused")

    # when the templates of both change twice,
    lab.kubectl("set env deployment paused rolling STRINGS=7")
    lab.eventually("revision 2", rolling, until=lambda d: d.annotations.get(REVISION) == "2")
    lab.kubectl("set env deployment paused rolling STRINGS=8")
    rolled = lab.eventually("revision 3", rolling, until=lambda d: d.annotations.get(REVISION) == "3")

    # then the paused one stays at its revision,
    lab.never("a revision while it is paused", paused, lambda d: d.annotations.get(REVISION) == "2", until=rolled)

    # until it is resumed, and has both changes at once: two ReplicaSets where the other Deployment has three.
    resumed = lab.now("resume")
    lab.kubectl("rollout resume deployment paused")
    lab.eventually("revision 2", paused, until=lambda d: d.annotations.get(REVISION) == "2", since=resumed)
    assert len(lab.kubectl("get replicasets -l app=paused -o name").stdout.split()) == 2
    assert len(lab.kubectl("get replicasets -l app=rolling -o name").stdout.split()) == 3


@claim(
    "kubectl.undo-warns",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "generated/kubectl_rollout/kubectl_rollout_undo/",
    twin="paused: a Deployment like it, without the annotation that apply leaves",
    takes_s=2,
    since="1.36",
)
@sabotage("both with the annotation", skip("last-applied-configuration-"))
@sabotage(
    "neither with the annotation",
    instead("annotate deployment paused", "annotate deployment paused rolling"),
)
def test_undo_warns_of_what_was_applied(lab: Lab) -> None:
    """kubectl rollout undo warns where an object was applied: the next apply would compare with what is no more."""
    # Given two Deployments with a second revision, of which one looks as if it had not been applied,
    paused, rolling = lab.apply("kubectl/two-deployments.yaml")
    lab.kubectl("annotate deployment paused kubectl.kubernetes.io/last-applied-configuration-")
    lab.given("revision 1", paused, rolling, until=lambda *both: all(d.annotations.get(REVISION) == "1" for d in both))
    lab.kubectl("set env deployment paused rolling STRINGS=7")
    lab.given("revision 2", paused, rolling, until=lambda *both: all(d.annotations.get(REVISION) == "2" for d in both))

    # when that is undone in both, then there is a warning for the one that was applied.
    assert "previously managed with 'kubectl apply'" in lab.kubectl("rollout undo deployment/rolling").stderr
    assert lab.kubectl("rollout undo deployment/paused").stderr == ""


@claim(
    "kubectl.undo-silent",
    ledger=["kubectl.apply-create-or-update"],
    source=KUBECTL + "generated/kubectl_rollout/kubectl_rollout_undo/",
    twin="paused: a Deployment like it, without the annotation that apply leaves",
    takes_s=2,
    until="1.36",
)
@sabotage("a revision that there is not", instead("rollout undo", "rollout undo --to-revision=3"))
def test_undo_says_nothing_of_what_was_applied(lab: Lab) -> None:
    """kubectl rollout undo goes back without a word, also where an object was applied."""
    # Given two Deployments with a second revision, of which one looks as if it had not been applied,
    paused, rolling = lab.apply("kubectl/two-deployments.yaml")
    lab.kubectl("annotate deployment paused kubectl.kubernetes.io/last-applied-configuration-")
    lab.given("revision 1", paused, rolling, until=lambda *both: all(d.annotations.get(REVISION) == "1" for d in both))
    lab.kubectl("set env deployment paused rolling STRINGS=7")
    lab.given("revision 2", paused, rolling, until=lambda *both: all(d.annotations.get(REVISION) == "2" for d in both))

    # when that is undone in both, then nothing is said of it.
    assert lab.kubectl("rollout undo deployment/rolling").stderr == ""
    assert lab.kubectl("rollout undo deployment/paused").stderr == ""


@claim(
    "kubectl.rollout-stalls",
    ledger=["labels.annotations-in-rollouts"],
    source=DOCS + "concepts/workloads/controllers/deployment/#strategy",
    twin="recreated: the same Deployment with the strategy Recreate",
    takes_s=6,
)
@sabotage("recreated as well", put("spec.strategy", {"type": "Recreate"}, of="deployment/rolling"))
def test_a_rollout_that_fails_keeps_the_old_pods(lab: Lab) -> None:
    """A rolling update takes no Pod away before a new one is Ready: if none gets Ready, it waits, and can be undone."""
    # Given two Deployments of a Pod each, alike but for the strategy,
    lab.apply("kubectl/strategies.yaml")
    of_rolling, of_recreated = lab.pods(app="rolling"), lab.pods(app="recreated")
    before, before_too = lab.given(
        "a Pod of each Ready", of_rolling, of_recreated, until=lambda *both: all(ready(1)(group) for group in both)
    )

    # when both are to run an image that is nowhere,
    told = lab.now("another image")
    lab.kubectl("set image deployments rolling recreated web=localhost:1/labs/web:none")

    # then the one has a new Pod, but not Ready, and no other any more,
    lost = lab.eventually(
        "the old Pod is gone",
        of_recreated,
        until=lambda group: group.pods and not group.uids & before_too.uids,
        since=told,
    )
    assert not lost.ready

    # and the other has kept its old one, waiting for the new one,
    lab.never("its Pod goes", of_rolling, lambda group: len(group.ready) < 1, since=told, until=lost)
    lab.eventually("a second Pod", of_rolling, until=lambda group: len(group) == 2, since=told)
    lab.refused("rollout status deployment rolling --timeout=1s")

    # which is given up when the rollout is undone.
    undone = lab.now("undo")
    lab.kubectl("rollout undo deployment rolling")
    lab.eventually("the old Pod alone", of_rolling, until=lambda group: group.uids == before.uids, since=undone)
    lab.kubectl("rollout status deployment rolling --timeout=10s")


@claim(
    "kubectl.delete-form",
    source=KUBECTL + "generated/kubectl_delete/",
    twin="drum-api: the Service whose name is not given",
    takes_s=1,
)
@sabotage("both names", instead("delete services guitar-api", "delete services guitar-api drum-api"))
@sabotage("nothing is deleted", instead("delete services guitar-api", "delete services guitar-api --dry-run=server"))
def test_delete_takes_a_type_and_names(lab: Lab) -> None:
    """kubectl delete takes a type and names, and deletes these objects: a second time there is nothing to delete."""
    # Given two Services,
    lab.apply("kubectl/two-services.yaml")

    # when one is deleted,
    lab.kubectl("delete services guitar-api")

    # then it is gone, and cannot be deleted once more,
    assert "NotFound" in lab.refused("delete services guitar-api").stderr

    # and the other one is there.
    assert lab.kubectl("get services -o name").stdout.split() == ["service/drum-api"]


@claim(
    "kubectl.delete-by-file",
    source=KUBECTL + "generated/kubectl_delete/",
    twin="drum-api: a Service that is in no file",
    takes_s=1,
)
@sabotage("another name", instead("metadata: {name: guitar-api}", "metadata: {name: bass-api}"))
@sabotage("the other name as well", instead("delete -f", "delete services drum-api; kubectl delete -f"))
def test_delete_reads_no_more_than_the_name_from_a_file(lab: Lab) -> None:
    """kubectl delete -f deletes the object that the file names; what else the file says does not matter."""
    # Given two Services, and a file that has no more than the name of one,
    lab.apply("kubectl/two-services.yaml")
    lab.shell("echo '{apiVersion: v1, kind: Service, metadata: {name: guitar-api}}' > guitar-api-service.yaml")

    # when what this file names is deleted,
    lab.shell("kubectl delete -f guitar-api-service.yaml")

    # then the Service of this name is gone, and the other one is there.
    assert lab.kubectl("get services -o name").stdout.split() == ["service/drum-api"]


@claim(
    "kubectl.delete-terminating-status",
    source=LIFECYCLE + "#pod-phase",
    notes=imprecise(
        "a pod that is being deleted has the status Terminating",
        "kubectl writes that where a deletionTimestamp is set; the Pod's own phase is Running until its containers end",
    ),
    twin="the same Pod before it is deleted",
    takes_s=3,
)
@sabotage("gone at once", instead("--wait=false", "--grace-period=0 --force"))
@sabotage(
    "another column", instead("get pod deaf", "get pod deaf -o custom-columns=A:.kind,B:.kind,PHASE:.status.phase")
)
def test_terminating_is_no_phase(lab: Lab) -> None:
    """A Pod with a deletionTimestamp is Terminating to kubectl, which is no phase: until its end it goes on Running."""
    # Given a Pod that will take its time to stop,
    deaf = lab.apply("kubectl/deaf.yaml")
    lab.ready(deaf)
    table = "get pod deaf --no-headers"
    assert lab.kubectl(table).stdout.split()[2] == "Running"

    # when it is deleted,
    deleted = lab.now("delete")
    lab.kubectl("delete pod deaf --wait=false")

    # then it has a deletionTimestamp, in which kubectl reads a status,
    lab.eventually("it is being deleted", deaf, until=lambda pod: pod.terminating, since=deleted)
    assert lab.kubectl(table).stdout.split()[2] == "Terminating"

    # and runs as before.
    assert lab.get("Pod", "deaf").phase == "Running"
    assert lab.get("Pod", "deaf").container("web").state == "running"


@claim(
    "kubectl.delete-grace-period",
    source=LIFECYCLE + "#pod-termination",
    notes=imprecise(
        "a pod that is deleted is given a grace period of around 30 seconds",
        "exactly terminationGracePeriodSeconds, 30 if nothing is said, and only if its processes need them",
    ),
    twin="hurried: the same Pod with five seconds; obedient: one that listens",
    takes_s=32,
)
@sabotage("less time for the deaf one", put("spec.terminationGracePeriodSeconds", 1, of="pod/deaf"))
@sabotage("less time for all of them", instead("obedient --wait=false", "obedient --wait=false --grace-period=1"))
def test_the_grace_period_is_a_deadline(lab: Lab) -> None:
    """A deleted Pod is told to stop at once, and killed after its grace period, 30 seconds, if it has not stopped."""
    # Given three Pods, of which one obeys the signal, and two ignore it,
    deaf, hurried, obedient = lab.apply("kubectl/three-ends.yaml")
    lab.ready(deaf, hurried, obedient)

    # when all are deleted,
    deleted = lab.now("delete")
    lab.kubectl("delete pods deaf hurried obedient --wait=false")

    # then the one that obeys is gone long before its 30 seconds are over,
    ended = lab.eventually("it obeys", obedient, until=lambda pod: pod.gone, since=deleted)
    assert ended.container("web").exit_code == 0

    # and the other ones are killed (128 + 9) when their time is over, which is 30 seconds where nothing was said.
    for pod in (hurried, deaf):
        killed = lab.eventually(
            f"{pod} is killed", pod, until=lambda pod: pod.gone, within=budgets.kills(pod.manifest), since=deleted
        )
        assert killed.container("web").exit_code == 137
    assert deaf.manifest["spec"]["terminationGracePeriodSeconds"] == 30


@claim(
    "kubectl.delete-why",
    source=DOCS + "concepts/containers/container-lifecycle-hooks/#container-hooks",
    notes=imprecise(
        "the grace period is there so that pods can finish responding to requests",
        "the process is told to stop at once, and what it does then is its own affair; a preStop hook comes first",
    ),
    twin="hasty: the same Pod without the hook",
    takes_s=5,
)
@sabotage("its request is a short one", skip("PUT pod/hasty"))
@sabotage("none waits", remove("spec.containers[0].lifecycle", of="pod/patient"))
def test_requests_are_finished_if_somebody_waits(lab: Lab) -> None:
    """A deleted Pod's process gets its signal after the preStop hook: until then it answers, afterwards as it likes."""
    # Given two Pods that each have a request under way,
    patient, hasty = lab.apply("kubectl/last-requests.yaml")
    lab.ready(patient, hasty)
    lab.put(patient, "/ready/api", hang=True)
    lab.put(hasty, "/ready/api", hang=True)
    proxy = f"/api/v1/namespaces/{lab.namespace}/pods/{{}}:8080/proxy"
    with (
        lab.running(f"get --raw {proxy.format('patient')}/ready") as to_patient,
        lab.running(f"get --raw {proxy.format('hasty')}/ready") as to_hasty,
    ):
        lab.poll("it has the request", lambda: lab.requests(patient, "/ready"), until=lambda requests: requests)
        lab.poll("it has the request", lambda: lab.requests(hasty, "/ready"), until=lambda requests: requests)

        # when both are deleted,
        deleted = lab.now("delete")
        lab.kubectl("delete pods patient hasty --wait=false")

        # then the one is gone with its request,
        lab.eventually("the hasty one is gone", hasty, until=lambda pod: pod.gone, since=deleted)
        assert '"name"' not in (to_hasty.line(len, timeout_s=10) or ""), "its request was finished"

        # and the other one is still there, and can finish its own.
        lab.kubectl(f"create --raw {proxy.format('patient')}/ready/api -f -", stdin='{"failNext": 0}')
        assert '"name": "patient"' in (to_patient.line(len, timeout_s=10) or ""), "its request was not finished"


@claim(
    "kubectl.delete-no-new-requests",
    source=LIFECYCLE + "#pod-termination-beyond-endpoints",
    notes=imprecise(
        "a pod that is being deleted receives no new requests",
        "a Service sends them to its other Pods if one is ready; if there is none, to those that still serve",
        since="1.28",
    ),
    twin="solo: a Service for the same Pod, which has no other",
    takes_s=5,
)
@sabotage("it is alone in both", put("metadata.labels", {"behind": "nothing"}, of="pod/staying"))
@sabotage("it is alone in none", put("spec.selector", {"behind": "duo"}, of="service/solo"))
def test_a_stopping_pod_serves_where_there_is_no_other(lab: Lab) -> None:
    """A Service has no new requests for a Pod that is being deleted, unless there is no other Pod that is ready."""
    # Given a Service with two Pods, and one with one of them alone,
    leaving, staying, duo, solo = lab.apply("kubectl/leaving.yaml")
    address, _ = lab.ready(leaving, staying)
    lab.given("an endpoint", lab.endpoints(solo), until=lambda e: "leaving" in e.ready)

    # when that one is deleted, and takes its time to stop,
    deleted = lab.now("delete")
    lab.kubectl("delete pod leaving --wait=false")

    # then the first Service sends to its other Pod, and the second one to the Pod that it has,
    ending = lab.eventually(
        "an endpoint is terminating",
        lab.endpoints(duo),
        until=lambda e: e.of("leaving") and e.of("leaving").terminating,
        since=deleted,
    )
    assert ending.ready == ("staying",), "it has no other"
    assert ending.of("leaving").serving
    lab.poll(
        "of 20 requests to each, one Pod answers all",
        lambda: [{a.name for a in lab.fetch(staying, f"http://{service}/", 20)} for service in ("duo", "solo")],
        until=lambda names: names == [{"staying"}, {"leaving"}],
    )
    assert lab.get("Pod", "leaving").terminating

    # and who knows a Pod's own address asks no Service.
    assert lab.fetch(staying, f"http://{address.ip}:8080/")[0].name == "leaving"


@claim(
    "kubectl.logs",
    source=KUBECTL + "generated/kubectl_logs/",
    ledger=["kubectl.logs", "kubectl.debug-commands"],
    twin="writer: a container of the same Pod that writes the same to a file",
    takes_s=3,
)
@sabotage(
    "the writer says it as well",
    put("spec.containers[1].command[2]", "echo one two; echo one two > /tmp/log; exec sleep 3600", of="pod/band"),
)
@sabotage("the same container", instead("-c writer", "-c singer"))
def test_logs_are_what_a_container_writes_to_its_output(lab: Lab) -> None:
    """kubectl logs shows what a container writes to its standard output, and nothing that it writes to files."""
    # Given a Pod with two containers, one that writes to its output, and one that writes to a file,
    band = lab.apply("kubectl/two-voices.yaml")
    lab.ready(band)

    # when the Pod's logs are asked for, then they are those of the first container,
    lab.poll("the logs", lambda: lab.kubectl("logs band").stdout, until=lambda log: log == "one two\n")

    # and of the other one, which -c names, there is nothing.
    assert lab.kubectl("logs band -c writer").stdout == ""
    assert lab.kubectl("exec band -c writer -- cat /tmp/log").stdout == "one two\n"


@claim(
    "kubectl.logs-wait",
    ledger=["kubectl.logs", "kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_logs/",
    twin="the same command without -f, which does not wait",
    takes_s=4,
    since="1.36",
)
@sabotage("not followed", instead("logs -f tuned", "logs tuned"))
def test_logs_are_waited_for_while_a_pod_initialises(lab: Lab) -> None:
    """kubectl logs -f of a Pod that still initialises says so, and waits until there is a log."""
    # Given a Pod whose init container goes on until it is told,
    tuned = lab.apply("kubectl/tuned.yaml")
    its_log = "logs tuned -c tuner"
    lab.given("it initialises", look=lambda: lab.tried(its_log).stdout, until=lambda log: log == "tuning\n")

    # when its log is asked for, then there is none, and when it is followed, then that is said,
    assert "waiting to start" in lab.refused("logs tuned").stderr
    with lab.running("logs -f tuned --pod-running-timeout=2m") as following:
        assert following.line(lambda line: "waiting to start" in line, timeout_s=60), "it did not say so"

        # and it comes when the init container is done.
        lab.kubectl(f"exec {tuned.name} -c tuner -- touch /tmp/go")
        assert following.line(lambda line: line.strip() == "in tune", timeout_s=60), "it did not wait"


@claim(
    "kubectl.logs-do-not-wait",
    ledger=["kubectl.logs", "kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_logs/",
    twin="the init container's own log, which is there",
    takes_s=4,
    until="1.36",
)
@sabotage("the init container's", instead("logs -f tuned", "logs tuned -c tuner"))
def test_there_are_no_logs_while_a_pod_initialises(lab: Lab) -> None:
    """kubectl logs -f of a Pod that still initialises fails at once, with -f as without."""
    # Given a Pod whose init container goes on until it is told,
    lab.apply("kubectl/tuned.yaml")
    its_log = "logs tuned -c tuner"
    lab.given("it initialises", look=lambda: lab.tried(its_log).stdout, until=lambda log: log == "tuning\n")

    # when the log of the container after it is asked for, or followed, then it is an error.
    assert "waiting to start" in lab.refused("logs tuned").stderr
    assert "waiting to start" in lab.refused("logs -f tuned").stderr


@claim(
    "kubectl.container-names",
    ledger=["kubectl.logs", "kubectl.exec-bash", "kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_logs/",
    twin="singer: a container that the Pod has",
    takes_s=1,
    since="1.36",
)
@sabotage("one that it has", instead("drummer", "singer"))
@sabotage("another container", put("spec.containers[1].name", "dancer", of="pod/band"))
def test_a_wrong_container_is_answered_with_those_that_there_are(lab: Lab) -> None:
    """kubectl logs and exec answer the name of a container that the Pod has not with the names of those that it has."""
    # Given a Pod with two containers and one that initialises, none of which needs to run for that,
    lab.apply("kubectl/unplaced.yaml")

    # when another one is named, then it is told which there are,
    those = "out of: singer, writer, tuner (init)"
    assert lab.refused("logs band -c drummer").stderr.strip().endswith(those)
    assert lab.refused("exec band -c drummer -- date").stderr.strip().endswith(those)

    # and for one that there is nothing of the kind is said.
    assert those not in lab.tried("exec band -c singer -- date").stderr


@claim(
    "kubectl.container-no-names",
    ledger=["kubectl.logs", "kubectl.exec-bash", "kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_logs/",
    twin="singer: a container that the Pod has",
    takes_s=1,
    until="1.36",
)
@sabotage("one that it has", instead("drummer", "singer"))
def test_a_wrong_container_is_just_wrong(lab: Lab) -> None:
    """kubectl logs and exec say of a container that the Pod has not just that: not which it has."""
    # Given a Pod with two containers and one that initialises, none of which needs to run for that,
    lab.apply("kubectl/unplaced.yaml")

    # when another one is named, then it is told that there is none of that name, and no more,
    told = "container drummer is not valid for pod band"
    assert lab.refused("logs band -c drummer").stderr.strip().endswith(told)
    assert lab.refused("exec band -c drummer -- date").stderr.strip().endswith(told)

    # and for one that there is nothing of the kind is said.
    assert "is not valid" not in lab.tried("exec band -c singer -- date").stderr


@claim(
    "kubectl.describe-one",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_describe/",
    twin="drum: an object described alone",
    takes_s=1,
    since="1.36",
)
@sabotage("asked for", instead("describe configmaps guitar drum", "describe configmaps guitar drum --show-events"))
@sabotage("not asked for", instead("describe configmap drum", "describe configmap drum --show-events=false"))
def test_describe_shows_events_of_one_object(lab: Lab) -> None:
    """kubectl describe shows the events of one object; of several it shows them if asked, with --show-events."""
    # Given two ConfigMaps,
    lab.apply("kubectl/two-configmaps.yaml")

    # when both are described, then there is nothing about their events, not even that there were none,
    assert lab.kubectl("describe configmaps guitar drum").stdout.count("Events:") == 0

    # and for one, or if asked, there is.
    assert lab.kubectl("describe configmap drum").stdout.count("Events:") == 1
    assert lab.kubectl("describe configmaps drum guitar --show-events").stdout.count("Events:") == 2


@claim(
    "kubectl.describe-each",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_describe/",
    twin="drum: an object described alone",
    takes_s=1,
    until="1.36",
)
@sabotage(
    "not wanted", instead("describe configmaps guitar drum", "describe configmaps guitar drum --show-events=false")
)
def test_describe_shows_events_of_each_object(lab: Lab) -> None:
    """kubectl describe shows the events of each object, of one as of several."""
    # Given two ConfigMaps,
    lab.apply("kubectl/two-configmaps.yaml")

    # when both are described, or one, then there is a word about the events of each.
    assert lab.kubectl("describe configmaps guitar drum").stdout.count("Events:") == 2
    assert lab.kubectl("describe configmap drum").stdout.count("Events:") == 1


@claim(
    "kubectl.events-of-containers",
    ledger=["kubectl.debug-commands"],
    source=DEBUG + "#using-kubectl-describe-pod-to-fetch-details-about-pods",
    twin="whole: an event about the Pod as a whole",
    takes_s=1,
    since="1.35",
)
@sabotage("about the Pod", remove("involvedObject.fieldPath", of="event/container"))
@sabotage("about containers", put("involvedObject.fieldPath", "spec.containers{writer}", of="event/whole"))
def test_describe_says_which_container_an_event_is_about(lab: Lab) -> None:
    """kubectl describe pod says of an event which container it is about: spec.containers{name} before the message."""
    # Given two events, one about a container of a Pod, and one about the Pod,
    lab.apply("kubectl/unplaced.yaml")
    lab.apply("kubectl/two-events.yaml", UID=lab.kubectl("get pod band -o jsonpath={.metadata.uid}").stdout)

    # when the Pod is described, then the one begins with its container, and the other with its message.
    told = lab.kubectl("describe pod band").stdout
    rows = [line.split() for line in told.splitlines() if line.endswith("out of tune")]
    messages = {reason: " ".join(message) for _, reason, _, _, *message in rows}
    assert messages == {"Container": "spec.containers{singer}: out of tune", "Whole": "out of tune"}


@claim(
    "kubectl.events-of-pods",
    ledger=["kubectl.debug-commands"],
    source=DEBUG + "#using-kubectl-describe-pod-to-fetch-details-about-pods",
    twin="whole: an event about the Pod as a whole",
    takes_s=1,
    until="1.35",
)
@sabotage("the container in the message", put("message", "singer is out of tune", of="event/container"))
def test_describe_does_not_say_which_container_an_event_is_about(lab: Lab) -> None:
    """kubectl describe pod shows the message of an event alone, be it about the Pod or about one of its containers."""
    # Given two events, one about a container of a Pod, and one about the Pod,
    lab.apply("kubectl/unplaced.yaml")
    lab.apply("kubectl/two-events.yaml", UID=lab.kubectl("get pod band -o jsonpath={.metadata.uid}").stdout)

    # when the Pod is described, then both are messages alone.
    told = lab.kubectl("describe pod band").stdout
    rows = [line.split() for line in told.splitlines() if line.endswith("out of tune")]
    messages = {reason: " ".join(message) for _, reason, _, _, *message in rows}
    assert messages == {"Container": "out of tune", "Whole": "out of tune"}


@claim(
    "kubectl.dump-private",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_cluster-info/kubectl_cluster-info_dump/",
    twin="plain: a folder and a file that a shell makes, which everybody may read",
    takes_s=2,
    since="1.37",
)
@sabotage("no umask for the twin", instead("umask 022", "umask 077"))
@sabotage("the folder is there already", instead("mkdir plain", "mkdir plain dump"))
def test_a_dump_is_for_its_owner_only(lab: Lab) -> None:
    """kubectl cluster-info dump writes files that only their owner may read, for there may be secrets in them."""
    # Given a shell whose files everybody may read,
    dump = f"kubectl cluster-info dump --namespaces={lab.namespace} --output-directory=dump"

    # when the cluster's state is written into files, then nobody else may read them.
    listed = lab.shell(
        f"umask 022; mkdir plain; touch plain/file; {dump} >/dev/null; ls -ld plain plain/file dump dump/nodes.json"
    )
    modes = {line.split()[-1]: line[:10] for line in listed.stdout.splitlines()}
    assert (modes["dump"], modes["dump/nodes.json"]) == ("drwx------", "-rw-------")
    assert (modes["plain"], modes["plain/file"]) == ("drwxr-xr-x", "-rw-r--r--")


@claim(
    "kubectl.dump-public",
    ledger=["kubectl.debug-commands"],
    source=KUBECTL + "generated/kubectl_cluster-info/kubectl_cluster-info_dump/",
    twin="plain: a folder and a file that a shell makes, which everybody may read",
    takes_s=2,
    until="1.37",
)
@sabotage("a umask for all", instead("umask 022", "umask 077"))
def test_a_dump_is_for_everybody_on_the_machine(lab: Lab) -> None:
    """kubectl cluster-info dump writes files that everybody on the machine may read, unless the umask forbids it."""
    # Given a shell whose files everybody may read,
    dump = f"kubectl cluster-info dump --namespaces={lab.namespace} --output-directory=dump"

    # when the cluster's state is written into files, then everybody may read these, too.
    listed = lab.shell(
        f"umask 022; mkdir plain; touch plain/file; {dump} >/dev/null; ls -ld plain plain/file dump dump/nodes.json"
    )
    modes = {line.split()[-1]: line[:10] for line in listed.stdout.splitlines()}
    assert modes["dump"] == modes["plain"] == "drwxr-xr-x"
    assert modes["dump/nodes.json"] == modes["plain/file"] == "-rw-r--r--"


@claim(
    "kubectl.exec-bash",
    source=DOCS + "tasks/debug/debug-application/get-shell-running-container/",
    ledger=["kubectl.exec-bash", "kubectl.debug-commands"],
    notes=imprecise(
        "kubectl exec -it <pod> -- bash gives access to a container",
        "if there is a bash in it; most small images have sh, and some have no shell at all",
    ),
    twin="sh: the shell that the image has",
    takes_s=3,
)
@sabotage("a shell that is there", instead("exec -it web -- bash", "exec -it web -- sh"))
@sabotage("it gets none", skip("cp /usr/bin/sh"))
def test_exec_starts_what_the_container_has(lab: Lab) -> None:
    """kubectl exec starts a program of the container's own files: no bash without a bash in the image."""
    # Given a Pod of an image in which there is sh, but no bash,
    web = lab.apply("kubectl/web.yaml")
    lab.ready(web)

    # when both shells are asked for, then there is one,
    assert "executable file not found" in lab.refused("exec -it web -- bash").stderr
    assert "42" in lab.terminal("exec -it web -- sh", "echo $((6 * 7))", "exit").stdout.split()

    # and the other one from when the container has a file of that name.
    lab.kubectl("exec web -- cp /usr/bin/sh /usr/bin/bash")
    assert "42" in lab.terminal("exec -it web -- bash", "echo $((6 * 7))", "exit").stdout.split()


@claim(
    "kubectl.exec-needs-create",
    ledger=["kubectl.exec-bash", "kubectl.debug-commands"],
    source=DOCS + "reference/access-authn-authz/authorization/#determine-the-request-verb",
    twin="typist: somebody who may create as well",
    takes_s=4,
    since="1.35",
)
@sabotage("both may create", instead("looker --verb=get ", "looker --verb=get,create "))
@sabotage("neither may create", instead("typist --verb=get,create ", "typist --verb=get "))
def test_exec_takes_the_right_to_create(lab: Lab) -> None:
    """kubectl exec takes the right to create pods/exec; to get it is not enough."""
    # Given a Pod, and two people of whom one may get pods/exec, and the other one create it, too,
    web = lab.apply("kubectl/web.yaml")
    lab.kubectl("create role looker --verb=get --resource=pods,pods/exec")
    lab.kubectl("create role typist --verb=get,create --resource=pods,pods/exec")
    lab.kubectl("create rolebinding looker --role=looker --user=looker")
    lab.kubectl("create rolebinding typist --role=typist --user=typist")
    lab.given(
        "their rights are known",
        look=lambda: [lab.tried(f"auth can-i get pods --as={who}").stdout.strip() for who in ("looker", "typist")],
        until=lambda said: said == ["yes", "yes"],
    )
    lab.ready(web)

    # when both type a command, then that is forbidden to the one, and not to the other.
    assert 'cannot create resource "pods/exec"' in lab.refused("exec web --as=looker -- date").stderr
    lab.kubectl("exec web --as=typist -- date")


@claim(
    "kubectl.exec-needs-get",
    ledger=["kubectl.exec-bash", "kubectl.debug-commands"],
    source=DOCS + "reference/access-authn-authz/authorization/#determine-the-request-verb",
    twin="stranger: somebody who may only look at the Pod",
    takes_s=4,
    until="1.35",
)
@sabotage("neither may", instead("looker --verb=get --resource=pods,pods/exec", "looker --verb=get --resource=pods"))
@sabotage("both may", instead("stranger --verb=get --resource=pods", "stranger --verb=get --resource=pods,pods/exec"))
def test_exec_takes_the_right_to_get(lab: Lab) -> None:
    """kubectl exec takes no more than the right to get pods/exec: who may look may type."""
    # Given a Pod, and two people of whom one may get pods/exec,
    web = lab.apply("kubectl/web.yaml")
    lab.kubectl("create role looker --verb=get --resource=pods,pods/exec")
    lab.kubectl("create role stranger --verb=get --resource=pods")
    lab.kubectl("create rolebinding looker --role=looker --user=looker")
    lab.kubectl("create rolebinding stranger --role=stranger --user=stranger")
    lab.given(
        "their rights are known",
        look=lambda: [lab.tried(f"auth can-i get pods --as={who}").stdout.strip() for who in ("looker", "stranger")],
        until=lambda said: said == ["yes", "yes"],
    )
    lab.ready(web)

    # when both type a command, then the one may, and the other one may not.
    lab.kubectl("exec web --as=looker -- date")
    assert "pods/exec" in lab.refused("exec web --as=stranger -- date").stderr


@claim(
    "kubectl.cp-to-container",
    source=KUBECTL + "generated/kubectl_cp/",
    ledger=["kubectl.cp-to-container", "kubectl.cp-from-container", "kubectl.debug-commands"],
    notes=wrong(
        "kubectl cp <pod>:<path> <path> copies a local file to a container, kubectl cp <path> <pod>:<path> the reverse",
        "what is copied comes first: kubectl cp <path> <pod>:<path> copies to a container",
    ),
    twin="the same two files, with each command the other way round",
    takes_s=5,
)
@sabotage("to the container", instead("cp web:/tmp/here here", "cp here web:/tmp/here"))
@sabotage("from the container", instead("cp there web:/tmp/there", "cp web:/tmp/there there"))
@sabotage("never to the container", instead("cp here web:/tmp/here", "cp web:/tmp/here here"))
def test_cp_takes_first_what_it_copies(lab: Lab) -> None:
    """kubectl cp takes the source first and the target second, as cp does; the one with a colon is in a Pod."""
    # Given a file here, and one in a container,
    web = lab.apply("kubectl/web.yaml")
    lab.ready(web)
    lab.shell("echo from here > here")
    lab.kubectl("exec web -- sh -c 'echo from there > /tmp/there'")

    # when they are copied as the notes have it, then nothing is, be it called an error or not,
    lab.shell("kubectl cp web:/tmp/here here", exits=None)
    lab.shell("kubectl cp there web:/tmp/there", exits=None)
    lab.refused("exec web -- cat /tmp/here")
    lab.shell("cat there", exits=1)

    # and when what is there comes first, then both are.
    lab.shell("kubectl cp here web:/tmp/here")
    lab.shell("kubectl cp web:/tmp/there there")
    assert lab.kubectl("exec web -- cat /tmp/here").stdout == "from here\n"
    assert lab.shell("cat there").stdout == "from there\n"


@claim(
    "kubectl.debug",
    ledger=["kubectl.debug-commands"],
    source=DEBUG + "#ephemeral-container",
    twin="apart: a container added in the same way, without a target",
    takes_s=4,
)
@sabotage("no target", instead(" --target=web", ""))
@sabotage("both have a target", instead("--container=apart", "--container=apart --target=web"))
def test_debug_adds_a_container_beside_another(lab: Lab) -> None:
    """kubectl debug adds a container to a Pod that runs, and with --target it sees the processes of another one."""
    # Given a Pod that runs,
    web = lab.apply("kubectl/web.yaml")
    before = lab.ready(web)

    # when two containers are added that ask who their first process is,
    lab.kubectl("debug web --image=localhost:1/labs/web:1 --container=beside --target=web -- cat /proc/1/cmdline")
    lab.kubectl("debug web --image=localhost:1/labs/web:1 --container=apart -- cat /proc/1/cmdline")
    beside = lab.poll(
        "the one says it",
        lambda: lab.tried("logs web -c beside").stdout,
        until=lambda log: "\0" in log,
        within=START,
    )
    apart = lab.poll(
        "the other one says it",
        lambda: lab.tried("logs web -c apart").stdout,
        until=lambda log: "\0" in log,
        within=START,
    )

    # then the one with a target sees its server, and the other one only itself,
    assert beside.split("\0")[:3] == ["python3", "-m", "instrument"]
    assert apart.split("\0")[:2] == ["cat", "/proc/1/cmdline"]

    # and the Pod is what it was.
    after = lab.get("Pod", "web")
    assert (after.uid, after.restart_count, after.ready) == (before.uid, 0, True)


@claim(
    "kubectl.debug-general",
    ledger=["kubectl.debug-commands"],
    source=DEBUG + "#debugging-profiles",
    twin="baseline: a container added with another profile",
    takes_s=1,
    since="1.36",
)
@sabotage("another profile", instead("--container=plain", "--container=plain --profile=baseline"))
@sabotage("the same profile", instead("--profile=baseline", "--profile=general"))
def test_debug_may_trace_by_itself(lab: Lab) -> None:
    """kubectl debug uses the profile general where none is given: its container may trace processes."""
    # Given a Pod, when a container is added without a profile, and one with a stricter one,
    lab.apply("kubectl/unplaced.yaml")
    said = lab.kubectl("debug band --image=localhost:1/labs/web:1 --container=plain -- date").stderr
    lab.kubectl("debug band --image=localhost:1/labs/web:1 --container=baseline --profile=baseline -- date")

    # then the first one may trace processes, and nobody is warned of a profile.
    added = {c["name"]: c.get("securityContext") for c in lab.get("Pod", "band").raw["spec"]["ephemeralContainers"]}
    assert added == {"plain": {"capabilities": {"add": ["SYS_PTRACE"]}}, "baseline": None}
    assert "--profile" not in said


@claim(
    "kubectl.debug-legacy",
    ledger=["kubectl.debug-commands"],
    source=DEBUG + "#debugging-profiles",
    twin="general: a container added with the profile that is recommended",
    takes_s=1,
    until="1.36",
)
@sabotage("the recommended profile", instead("--container=plain", "--container=plain --profile=general"))
@sabotage("no profile", instead(" --profile=general", ""))
def test_debug_uses_a_profile_that_it_warns_of(lab: Lab) -> None:
    """kubectl debug uses the profile legacy where none is given, and warns of it: its container may not trace."""
    # Given a Pod, when a container is added without a profile, and one with the recommended one,
    lab.apply("kubectl/unplaced.yaml")
    said = lab.kubectl("debug band --image=localhost:1/labs/web:1 --container=plain -- date").stderr
    lab.kubectl("debug band --image=localhost:1/labs/web:1 --container=general --profile=general -- date")

    # then only the second one may trace processes, and the first comes with a warning.
    added = {c["name"]: c.get("securityContext") for c in lab.get("Pod", "band").raw["spec"]["ephemeralContainers"]}
    assert added == {"plain": None, "general": {"capabilities": {"add": ["SYS_PTRACE"]}}}
    assert "--profile=legacy is deprecated" in said


@claim(
    "kubectl.help",
    source=KUBECTL + "generated/kubectl_help/",
    twin="gett: a command that there is not",
    takes_s=1,
)
@sabotage("misspelt", instead("help get", "help gett"))
@sabotage("the twin spelt right", instead("gett", "get"))
def test_help_explains_a_command(lab: Lab) -> None:
    """kubectl help <command> says what <command> --help says; of a command that there is not it says nothing."""
    # Given nothing: no cluster is asked,
    # when help is asked for in two ways, then it is the same,
    told = lab.kubectl("help get").stdout
    assert told.startswith("Display one or many resources.")
    assert lab.kubectl("get --help").stdout == told

    # and of a misspelt command there is none.
    assert "Display one or many resources." not in lab.kubectl("help gett").stdout.splitlines()
