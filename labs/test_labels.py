"""Labels and annotations: what may be written on an object, how labels find it again, and who reads what is written."""

from labkit.words import Lab, claim, imprecise, instead, put, remove, sabotage, skip, wrong

LABELS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/labels/"
ANNOTATIONS = "https://kubernetes.io/docs/concepts/overview/working-with-objects/annotations/"
KUBECTL = "https://kubernetes.io/docs/reference/kubectl/generated/"
DEPLOYMENT = "https://kubernetes.io/docs/concepts/workloads/controllers/deployment/"

REVISION = "deployment.kubernetes.io/revision"
CAUSE = "kubernetes.io/change-cause"
RESTARTED = "kubectl.kubernetes.io/restartedAt"
ZONE = "topology.kubernetes.io/zone"


@claim(
    "labels.key-value",
    source=f"{ANNOTATIONS}#attaching-metadata-to-objects",
    twin="text.yaml: the same ConfigMap with both values in quotes",
    takes_s=1,
)
@sabotage("the number in quotes", put("metadata.labels.strings", "12"))
@sabotage("the boolean in quotes", put("metadata.annotations['example.com/electric']", "true"))
@sabotage("no quotes anywhere", put("metadata.labels.strings", 12))
def test_labels_and_annotations_map_strings_to_strings(lab: Lab) -> None:
    """Labels and annotations are pairs of strings: a number or a boolean as a value is refused."""
    # Given a ConfigMap whose values look like a number and a boolean, but are in quotes: both are kept as text.
    lab.apply("labels/text.yaml")
    kept = lab.get("ConfigMap", "guitar")
    assert kept.labels["strings"] == "12"
    assert kept.annotations["example.com/electric"] == "true"

    # When the quotes around one of them are left out,
    number = lab.apply_refused("labels/number.yaml")
    boolean = lab.apply_refused("labels/boolean.yaml")

    # then YAML reads no string, and the object is refused.
    assert "cannot unmarshal number into Go struct field" in number.stderr
    assert "cannot unmarshal bool into Go struct field" in boolean.stderr


@claim(
    "labels.grouping",
    source=f"{LABELS}#motivation",
    twin="the drum app: objects of the same kinds with another label",
    takes_s=1,
)
@sabotage("a Service without the label", remove("metadata.labels.app", of="service/guitar-api"))
@sabotage("a stranger with the label", put("metadata.labels.app", "guitar", of="configmap/drum-settings"))
def test_a_label_groups_objects_of_any_kind(lab: Lab) -> None:
    """One label makes a group of objects of different kinds, and one selector finds all of it and nothing else."""
    # Given two apps, each of several objects that carry its label,
    lab.apply("labels/two-apps.yaml")

    # when objects of all their kinds are asked for by the label of one,
    guitar = lab.kubectl("get configmaps,services,deployments -l app=guitar -o name").stdout.split()

    # then its own come back, whatever their kind.
    assert set(guitar) == {"configmap/guitar-settings", "service/guitar-api", "deployment.apps/guitar-api"}


@claim(
    "labels.comparisons",
    ledger=["labels.selector", "labels.comparisons"],
    source=f"{LABELS}#label-selectors",
    twin="each selector has its opposite in the table, with the other Services",
    takes_s=4,
)
@sabotage("the missing key added", put("metadata.labels.version", "0.0.2", of="service/website"))
@sabotage("another version", put("metadata.labels.version", "0.0.3", of="service/drum-api"))
@sabotage("another app", put("metadata.labels.app", "drum", of="service/guitar-api"))
def test_selectors_compare_labels(lab: Lab) -> None:
    """A selector compares labels with =, !=, in and notin, asks whether a key is there, and a comma means AND.

    Not equal (!= and notin) is also every object that does not have the key at all. There is no OR between keys.
    """
    # Given four Services, of which three carry a version,
    lab.apply("labels/services.yaml")

    # when they are selected in all the ways that there are,
    expected = {
        "version=0.0.2": {"guitar-shop", "drum-api"},
        "version==0.0.2": {"guitar-shop", "drum-api"},
        "version!=0.0.2": {"guitar-api", "website"},
        "version in (0.0.1, 0.0.2)": {"guitar-api", "guitar-shop", "drum-api"},
        "version notin (0.0.1, 0.0.2)": {"website"},
        "version": {"guitar-api", "guitar-shop", "drum-api"},
        "!version": {"website"},
        "app=guitar,version=0.0.2": {"guitar-shop"},
        "app=guitar,version!=0.0.2": {"guitar-api"},
        "app=guitar,app=drum": set(),
    }
    names = "-o custom-columns=NAME:.metadata.name --no-headers"
    found = {how: set(lab.kubectl(f"get services --selector '{how}' {names}").stdout.split()) for how in expected}

    # then each gives exactly those that it describes.
    assert found == expected


@claim(
    "labels.selectors-in-objects",
    ledger=["labels.comparisons"],
    source=f"{LABELS}#set-references-in-api-objects",
    twin="service-selector.yaml: the Service with a selector that can only mean equal",
    takes_s=1,
)
@sabotage("a map of strings", put("spec.selector", {"app": "guitar"}, of="service/guitar-api"))
@sabotage("sets in the twin", put("spec.selector.app", ["guitar", "drum"], of="service/guitar-api"))
def test_a_service_selects_by_equality_only(lab: Lab) -> None:
    """A Service's selector is a map of labels that must be equal; a Deployment's may also have in, notin and exists."""
    # Given a Deployment that selects its Pods by a set of values,
    lab.apply("labels/deployment-selector-of-sets.yaml")

    # when a Service is written with the same selector,
    refused = lab.apply_refused("labels/service-selector-of-sets.yaml")

    # then there is no place for it, as there is for one with a label that must be equal.
    assert "cannot be handled as a Service" in refused.stderr
    lab.apply("labels/service-selector.yaml")


@claim(
    "labels.show-labels",
    ledger=["labels.show-labels", "labels.dash-L"],
    source=f"{KUBECTL}kubectl_get/#options",
    twin="the same command without the flag, and a Service without the label",
    takes_s=1,
)
@sabotage("no --show-labels", instead(" --show-labels", ""))
@sabotage("a key that nobody has", instead("-L version", "-L versions"))
@sabotage("another version", put("metadata.labels.version", "0.0.3", of="service/guitar-shop"))
def test_kubectl_get_shows_labels_in_columns(lab: Lab) -> None:
    """kubectl get prints all labels in a last column with --show-labels, and those of one key in its own with -L."""
    # Given Services with labels, three of the four with a version,
    lab.apply("labels/services.yaml")

    # when they are listed without a flag, with all labels, and with one,
    plain, *_ = lab.kubectl("get services").stdout.splitlines()
    header, row = lab.kubectl("get service guitar-shop --show-labels").stdout.splitlines()
    columns, *rows = lab.kubectl("get services -L version").stdout.splitlines()

    # then labels are shown where they are asked for only: each as key=value in one column,
    assert "LABELS" not in plain
    assert header.split()[-1] == "LABELS"
    assert row.split()[-1] == "app=guitar,version=0.0.2"

    # or the values of one key under its name, with an empty cell for the Service that has no such label.
    version = {line.split()[0]: line[columns.index("VERSION") :].strip() for line in rows}
    assert version == {"drum-api": "0.0.2", "guitar-api": "0.0.1", "guitar-shop": "0.0.2", "website": ""}


@claim(
    "labels.dash-l-refused",
    ledger=["labels.dash-L"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/#options",
    twin="the table, which takes another column",
    takes_s=1,
    since="1.37",
)
@sabotage("without the label", instead(" -L app -o custom-columns", " -o custom-columns"))
def test_columns_of_ones_own_take_no_column_for_a_label(lab: Lab) -> None:
    """The option -L adds a column to kubectl's own table, and is refused beside columns of one's own."""
    # Given a ConfigMap with a label,
    lab.kubectl("create configmap guitar")
    lab.kubectl("label configmap guitar app=band")

    # when its label is asked for in the table, then there is a column for it,
    assert lab.kubectl("get configmap guitar -L app --no-headers").stdout.split()[-1] == "band"

    # and among columns of one's own it is an error.
    refused = lab.refused("get configmap guitar -L app -o custom-columns=NAME:.metadata.name")
    assert "cannot be used with" in refused.stderr


@claim(
    "labels.dash-l-ignored",
    ledger=["labels.dash-L"],
    source="https://kubernetes.io/docs/reference/kubectl/generated/kubectl_get/#options",
    twin="the table, which takes another column",
    takes_s=1,
    until="1.37",
)
@sabotage("another column", instead("NAME:.metadata.name", "NAME:.metadata.name,APP:.metadata.labels.app"))
def test_columns_of_ones_own_ignore_a_column_for_a_label(lab: Lab) -> None:
    """The option -L adds a column to kubectl's own table, and does nothing beside columns of one's own."""
    # Given a ConfigMap with a label,
    lab.kubectl("create configmap guitar")
    lab.kubectl("label configmap guitar app=band")

    # when its label is asked for in the table, then there is a column for it,
    assert lab.kubectl("get configmap guitar -L app --no-headers").stdout.split()[-1] == "band"

    # and among columns of one's own there are only those.
    shown = lab.kubectl("get configmap guitar -L app -o custom-columns=NAME:.metadata.name --no-headers")
    assert shown.stdout.split() == ["guitar"]


@claim(
    "labels.list-alone",
    ledger=["labels.show-labels"],
    source=KUBECTL + "kubectl_label/#options",
    twin="--list alone, which shows them",
    takes_s=1,
    since="1.38",
)
@sabotage("without the option", instead("guitar --list strings=12", "guitar strings=12"))
def test_a_list_of_labels_takes_no_change(lab: Lab) -> None:
    """The option --list of `kubectl label` shows an object's labels, and is refused beside a change of them."""
    # Given a ConfigMap with a label, when its labels are asked for, then they are told,
    lab.kubectl("create configmap guitar")
    lab.kubectl("label configmap guitar app=band")
    assert lab.kubectl("label configmap guitar --list").stdout.split() == ["app=band"]

    # and with a change nothing is done.
    refused = lab.refused("label configmap guitar --list strings=12")
    assert "cannot modify labels" in refused.stderr
    assert lab.get("ConfigMap", "guitar").labels == {"app": "band"}


@claim(
    "labels.list-as-if-changed",
    ledger=["labels.show-labels"],
    source=KUBECTL + "kubectl_label/#options",
    twin="--list alone, which shows those that there are",
    takes_s=1,
    until="1.38",
)
@sabotage("no change", instead("guitar --list strings=12", "guitar --list"))
@sabotage("without the option", instead("guitar --list strings=12", "guitar strings=12"))
def test_a_list_of_labels_shows_a_change_that_is_not_made(lab: Lab) -> None:
    """The option --list of `kubectl label`, beside a change, shows the labels as if it had been made; it is not."""
    # Given a ConfigMap with a label, when its labels are asked for, then they are told,
    lab.kubectl("create configmap guitar")
    lab.kubectl("label configmap guitar app=band")
    assert lab.kubectl("label configmap guitar --list").stdout.split() == ["app=band"]

    # and with a change that is told as well, and nothing is done.
    told = lab.kubectl("label configmap guitar --list strings=12").stdout.split()
    assert sorted(told) == ["app=band", "strings=12"]  # kubectl tells them in no order
    assert lab.get("ConfigMap", "guitar").labels == {"app": "band"}


@claim(
    "labels.key-prefixed",
    ledger=["labels.key-unprefixed", "labels.key-prefixed"],
    source=f"{LABELS}#syntax-and-character-set",
    twin="the same keys with one character changed",
    takes_s=1,
)
@sabotage("no dash in front", instead("-- -appVersion", "-- appVersion"))
@sabotage("a lower-case domain", instead("GCR.io", "gcr.io"))
@sabotage("a domain with an underscore", instead("app.version=1 gcr.io", "app.version=1 gcr_io"))
def test_a_label_key_is_a_name_that_a_domain_may_stand_before(lab: Lab) -> None:
    """A label's key is a name, and it may have a prefix: a lower-case DNS domain and a slash."""
    # Given an object,
    lab.apply("labels/text.yaml")

    # when it is given keys with and without a prefix, then all of them are kept as written;
    lab.kubectl("label configmap guitar appVersion=1 app.version=1 gcr.io/appVersion=1")
    assert {"appVersion", "app.version", "gcr.io/appVersion"} <= lab.get("ConfigMap", "guitar").labels.keys()

    # but a name must begin with a letter or a digit (-- says that no flag follows), and a prefix is in lower case.
    assert "name part must consist of" in lab.refused("label configmap guitar -- -appVersion=1").stderr
    assert "prefix part" in lab.refused("label configmap guitar GCR.io/appVersion=1").stderr


@claim(
    "labels.key-format-list",
    source=f"{LABELS}#syntax-and-character-set",
    notes=imprecise(
        "a label key has one of three formats: appVersion, app.version, gcr.io/appVersion",
        "those are examples: up to 63 letters, digits, -, _ and . between letters or digits, and maybe a prefix",
    ),
    twin="keys-accepted.yaml: for each refused key one that just keeps the rule",
    takes_s=1,
)
@sabotage("63 characters", put("metadata.labels", {"k" * 63: "x"}, of="configmap/64-characters"))
@sabotage("one slash", put("metadata.labels", {"example.com/api": "x"}, of="configmap/two-slashes"))
@sabotage("64 characters", put("metadata.labels", {"k" * 64: "x"}, of="configmap/63-characters"))
def test_label_keys_keep_a_rule_not_three_formats(lab: Lab) -> None:
    """A label key's name has up to 63 letters, digits, dashes, underscores and dots, a letter or digit at both ends."""
    # Given keys that just keep the rule in one respect each: all five objects are taken,
    assert len(lab.apply("labels/keys-accepted.yaml")) == 5

    # when each breaks it by one character,
    refused = lab.apply_refused("labels/keys-refused.yaml")

    # then all five are refused, each for its own label.
    assert refused.stdout == "", "one of the keys was accepted"
    assert refused.stderr.count("metadata.labels: Invalid value") == 5


@claim(
    "labels.value-format",
    ledger=["labels.key-format-list"],
    source=f"{LABELS}#syntax-and-character-set",
    twin="values-accepted.yaml: for each refused value one that just keeps the rule",
    takes_s=1,
)
@sabotage("63 characters", put("metadata.labels.about", "v" * 63, of="configmap/64-characters"))
@sabotage("no space", put("metadata.labels.about", "six-strings", of="configmap/space"))
@sabotage("64 characters", put("metadata.labels.about", "v" * 64, of="configmap/63-characters"))
def test_label_values_are_short_words_or_nothing(lab: Lab) -> None:
    """A label's value may be empty; otherwise it has up to 63 characters of the alphabet of names, and no spaces."""
    # Given values that just keep the rule, an empty one among them: all four objects are taken,
    assert len(lab.apply("labels/values-accepted.yaml")) == 4

    # when each breaks it by one character,
    refused = lab.apply_refused("labels/values-refused.yaml")

    # then all four are refused, each for its own label.
    assert refused.stdout == "", "one of the values was accepted"
    assert refused.stderr.count("metadata.labels: Invalid value") == 4


@claim(
    "labels.modify",
    source=f"{KUBECTL}kubectl_label/#synopsis",
    notes=imprecise(
        "the label command changes labels of an object that is there",
        "it adds new ones; to give an existing one another value it must be told --overwrite",
    ),
    twin="the same command with --overwrite",
    takes_s=1,
)
@sabotage("--overwrite", instead("version=0.0.2", "version=0.0.2 --overwrite"))
@sabotage("the overwriting command without --overwrite", instead(" --overwrite", ""))
def test_changing_a_label_needs_overwrite(lab: Lab) -> None:
    """kubectl label adds labels to an object, but gives an existing one another value only with --overwrite."""
    # Given a Deployment with version 0.0.1, to which a label can be added as it is,
    lab.apply("labels/deployment.yaml")
    lab.kubectl("label deployment guitar-api owner=backline")

    # when the version is to be another one,
    refused = lab.refused("label deployment guitar-api version=0.0.2")

    # then kubectl refuses, and nothing has changed,
    assert "--overwrite is false" in refused.stderr
    before = lab.get("Deployment", "guitar-api")
    assert before.labels == {"version": "0.0.1", "tier": "backend", "owner": "backline"}

    # until it is told that this is meant.
    lab.kubectl("label deployment guitar-api version=0.0.3 --overwrite")
    assert lab.get("Deployment", "guitar-api").labels == {**before.labels, "version": "0.0.3"}


@claim(
    "labels.remove",
    source=f"{KUBECTL}kubectl_label/#synopsis",
    twin="tier: the other label of the same Deployment",
    takes_s=1,
)
@sabotage("no dash", instead("version-", "version"))
@sabotage("both labels", instead("version-", "version- tier-"))
def test_a_dash_after_the_key_removes_a_label(lab: Lab) -> None:
    """kubectl label with a key and a dash removes that label; doing it again changes nothing and is no error."""
    # Given a Deployment with two labels,
    lab.apply("labels/deployment.yaml")

    # when one is removed,
    lab.kubectl("label deployment guitar-api version-")

    # then the other is left,
    left = lab.get("Deployment", "guitar-api")
    assert left.labels == {"tier": "backend"}

    # and to remove it once more is accepted, although it is not there.
    lab.kubectl("label deployment guitar-api version-")
    assert lab.get("Deployment", "guitar-api").labels == left.labels


@claim(
    "labels.modified",
    ledger=["labels.modify", "labels.remove"],
    source=f"{KUBECTL}kubectl_label/",
    twin="drum: an object that only gets a label",
    takes_s=1,
    since="1.36",
)
@sabotage("only taken away", instead("guitar app=band tuning-", "guitar tuning-"))
@sabotage("only given", instead("guitar app=band tuning-", "guitar app=band"))
def test_a_label_given_and_one_taken_away_are_a_modification(lab: Lab) -> None:
    """kubectl label says modified where one label is given and another one taken away, else labeled or unlabeled."""
    # Given two objects with a label,
    lab.apply("kubectl/two-configmaps.yaml")
    lab.kubectl("label configmaps guitar drum tuning=standard")

    # when one of them gets another label and loses its own, and the other one only gets one,
    said = lab.kubectl("label configmap guitar app=band tuning-").stdout
    assert lab.kubectl("label configmap drum app=band").stdout == "configmap/drum labeled\n"

    # then that has a name of its own.
    assert said == "configmap/guitar modified\n"


@claim(
    "labels.longer-or-shorter",
    ledger=["labels.modify", "labels.remove"],
    source=f"{KUBECTL}kubectl_label/",
    twin="drum: an object that gets a longer label than it loses",
    takes_s=1,
    until="1.36",
)
@sabotage("a longer one", instead("guitar app=band tuning-", "guitar app=a-longer-one-than-that tuning-"))
@sabotage("a shorter one", instead("drum app=a-longer-one-than-that tuning-", "drum app=band tuning-"))
def test_a_label_given_and_one_taken_away_are_one_or_the_other(lab: Lab) -> None:
    """kubectl label says labeled or unlabeled where it does both: whether the object became shorter decides."""
    # Given two objects with a label,
    lab.apply("kubectl/two-configmaps.yaml")
    lab.kubectl("label configmaps guitar drum tuning=standard")

    # when both lose it, and get a shorter and a longer one, then the one was unlabeled, and the other one labeled.
    said = lab.kubectl("label configmap guitar app=band tuning-").stdout
    assert said == "configmap/guitar unlabeled\n"
    said = lab.kubectl("label configmap drum app=a-longer-one-than-that tuning-").stdout
    assert said == "configmap/drum labeled\n"


@claim(
    "labels.deployment-only",
    source=f"{DEPLOYMENT}#updating-a-deployment",
    notes=imprecise(
        "kubectl label on a Deployment gives the application a new version label",
        "it labels the Deployment object alone; its Pods have the labels of its template",
    ),
    twin="drum-api: a Deployment whose template gets the label",
    takes_s=1,
)
@sabotage(
    "into the template",
    instead(
        "label deployment guitar-api version=0.0.2",
        """patch deployment guitar-api -p '{"spec": {"template": {"metadata": {"labels": {"version": "0.0.2"}}}}}'""",
    ),
)
@sabotage("on the Pods", instead("label deployment guitar-api", "label pods -l app=guitar-api"))
def test_a_label_on_a_deployment_does_not_reach_its_pods(lab: Lab) -> None:
    """A label on a Deployment is not passed on to its Pods; only a label in its template is, by a rollout."""
    # Given two Deployments with a Pod each,
    lab.apply("labels/two-deployments.yaml")
    guitar, drum = lab.pods(app="guitar-api"), lab.pods(app="drum-api")
    before, _ = lab.given("a Pod of each", guitar, drum, until=lambda g, d: len(g) == len(d) == 1)

    # when one is labelled itself, and the template of the other,
    act = lab.now("the label is written")
    lab.kubectl("label deployment guitar-api version=0.0.2")
    template = '{"spec": {"template": {"metadata": {"labels": {"version": "0.0.2"}}}}}'
    lab.kubectl(f"patch deployment drum-api -p '{template}'")

    # then the changed template makes a new Pod with the label,
    rolled = lab.eventually(
        "a Pod with the template's new label",
        drum,
        until=lambda pods: any(pod.labels.get("version") == "0.0.2" for pod in pods.pods),
        since=act,
    )

    # and the labelled Deployment keeps its Pod as it was.
    lab.never("another Pod", guitar, lambda pods: pods.uids != before.uids, since=act, until=rolled)
    lab.never("a labelled Pod", guitar, lambda pods: any("version" in pod.labels for pod in pods.pods), until=rolled)
    assert lab.get("Deployment", "guitar-api").labels == {"version": "0.0.2"}


@claim(
    "labels.of-the-node",
    ledger=["labels.deployment-only"],
    source="https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone",
    twin="here: a Pod for a node without that label",
    takes_s=2,
    takes_a_node=True,
    cluster_wide=True,
    since="1.35",
)
@sabotage("another zone", instead(f"{ZONE}=garage", f"{ZONE}=cellar"))
@sabotage("a zone for both", put("metadata.labels", {ZONE: "cellar"}, of="pod/here"))
def test_a_pod_gets_the_zone_of_its_node(lab: Lab) -> None:
    """A Pod that is put on a node gets the node's labels of zone and region as its own."""
    # Given a node in a zone, and another one in none,
    spare = lab.spare().name
    lab.undo(lambda: lab.tried(f"label node {spare} {ZONE}-"))
    lab.kubectl(f"label node {spare} {ZONE}=garage")
    pods = lab.file("labels/two-places.yaml", SPARE=spare)

    # when Pods for both nodes are made, if only for a try, then only the one is in that zone, too.
    tried = f"apply --dry-run=server -f {pods} -o json"
    there, here = lab.poll(
        "the one is in a zone",
        lambda: [pod["metadata"].get("labels", {}).get(ZONE) for pod in lab.kubectl(tried).parsed["items"]],
        until=lambda zones: zones[0],
    )
    assert (there, here) == ("garage", None)


@claim(
    "labels.not-of-the-node",
    ledger=["labels.deployment-only"],
    source="https://kubernetes.io/docs/reference/labels-annotations-taints/#topologykubernetesiozone",
    twin="the node, which has the label that its Pod does not get",
    takes_s=2,
    takes_a_node=True,
    cluster_wide=True,
    until="1.35",
)
@sabotage("the Pod has it itself", put("metadata.labels", {ZONE: "garage"}, of="pod/there"))
def test_a_pod_does_not_get_the_zone_of_its_node(lab: Lab) -> None:
    """A Pod has the labels that it was given, and none of its node, not even that of the zone."""
    # Given a node in a zone,
    spare = lab.spare().name
    lab.undo(lambda: lab.tried(f"label node {spare} {ZONE}-"))
    lab.kubectl(f"label node {spare} {ZONE}=garage")
    assert lab.kubectl(f"get nodes -l {ZONE}=garage -o name").stdout.split() == [f"node/{spare}"]

    # when Pods for it and for another node are made, if only for a try, then neither is in that zone.
    pods = lab.file("labels/two-places.yaml", SPARE=spare)
    tried = lab.kubectl(f"apply --dry-run=server -f {pods} -o json").parsed["items"]
    assert [pod["metadata"].get("labels", {}).get(ZONE) for pod in tried] == [None, None]


@claim(
    "labels.annotations-non-identifying",
    source=ANNOTATIONS,
    twin="labelled: the ConfigMap with the same pair as a label",
    takes_s=1,
)
@sabotage("the pair as a label", put("metadata.labels", {"team": "backline"}, of="configmap/annotated"))
@sabotage("the text as a label", instead("annotate configmap annotated", "label configmap annotated"))
@sabotage("no text", instead("Turn it up to eleven. ", ""))
def test_annotations_are_free_text_that_no_selector_finds(lab: Lab) -> None:
    """An annotation does not identify its object: no selector finds it, and it may hold long text that no label may."""
    # Given the same pair, as a label on one ConfigMap and as an annotation on another,
    lab.apply("labels/label-or-annotation.yaml")

    # when it is selected, then only the label is found;
    assert lab.kubectl("get configmaps -l team=backline -o name").stdout.split() == ["configmap/labelled"]

    # and when a text of 1,800 characters is written on both,
    manual = "Turn it up to eleven. " * 82
    lab.kubectl(f"annotate configmap annotated manual='{manual}'")
    refused = lab.refused(f"label configmap labelled manual='{manual}'")

    # then the annotation keeps it to the letter, and as a label it is refused.
    assert lab.get("ConfigMap", "annotated").annotations["manual"] == manual
    assert "a valid label must be" in refused.stderr


@claim(
    "labels.annotation-manifest",
    ledger=["labels.annotation-manifest", "labels.annotation-url"],
    source=f"{ANNOTATIONS}#attaching-metadata-to-objects",
    notes=wrong(
        "metadata with an annotation makes a manifest, and the annotation's value is an icon's URL",
        "a manifest needs apiVersion and kind; the URL lacks its colon, and Kubernetes, which reads no value, keeps it",
    ),
    twin="annotation.yaml: the same metadata in a whole ConfigMap",
    takes_s=1,
)
@sabotage("a whole manifest", put("apiVersion", "v1"), put("kind", "ConfigMap"), put("metadata.name", "guitar-api"))
@sabotage("the URL mended", put("metadata.annotations['guitar.api/icon-url']", "https://www.example.com/icon.png"))
@sabotage(
    "no DNS name as prefix", put("metadata.annotations", {"Guitar_API/icon-url": "http//www.example.com/icon.png"})
)
def test_an_annotation_keeps_whatever_is_written_in_it(lab: Lab) -> None:
    """Annotations are part of an object's metadata, and their values are opaque: a URL without its colon is kept."""
    # Given the metadata of an object alone, which is not yet an object,
    fragment = lab.apply_refused("labels/annotation-fragment.yaml")
    assert "apiVersion not set, kind not set" in fragment.stderr

    # when it becomes that of a ConfigMap,
    lab.apply("labels/annotation.yaml")

    # then the annotation is kept to the letter, although no program could follow that URL.
    assert lab.get("ConfigMap", "guitar-api").annotations["guitar.api/icon-url"] == "http//www.example.com/icon.png"


@claim(
    "labels.annotation-prefix",
    ledger=["labels.annotation-manifest", "labels.key-prefixed"],
    source=f"{ANNOTATIONS}#syntax-and-character-set",
    twin="the same key as a label",
    takes_s=1,
)
@sabotage(
    "an underscore in the prefix", instead("annotate configmap guitar GUITAR.", "annotate configmap guitar GUI_TAR.")
)
@sabotage(
    "a lower-case label", instead("label configmap guitar GUITAR.example", "label configmap guitar guitar.example")
)
def test_an_upper_case_prefix_is_legal_in_annotations_alone(lab: Lab) -> None:
    """An annotation's key may have its prefix in upper case, which a label's key may not."""
    # Given an object,
    lab.apply("labels/text.yaml")

    # when the same key is written on it as an annotation and as a label,
    lab.kubectl("annotate configmap guitar GUITAR.example/pickups=3")
    refused = lab.refused("label configmap guitar GUITAR.example/pickups=3")

    # then the annotation has it as it was written, and the label is refused.
    assert lab.get("ConfigMap", "guitar").annotations["GUITAR.example/pickups"] == "3"
    assert "prefix part" in refused.stderr


@claim(
    "labels.annotation-icon",
    source=ANNOTATIONS,
    notes=imprecise(
        "an annotation sets the icon that the Kubernetes dashboard shows for an object",
        "an annotation works where a program knows its key; neither a cluster nor the archived Dashboard has an icon's",
    ),
    twin="labelled: a Service that gets the icon as a label, which a controller passes on",
    takes_s=1,
)
@sabotage("the icon as a label", instead("annotate service annotated", "label service annotated"))
@sabotage("nothing written", skip("annotate service annotated"))
def test_nothing_in_the_cluster_reacts_to_an_icon(lab: Lab) -> None:
    """An annotation for an icon is kept and given back, and nothing in the cluster does anything about it.

    An object's resourceVersion grows with every write, so one that stays tells that nobody wrote.
    """
    # Given two Services, of each of which a controller has made an EndpointSlice,
    annotated, labelled = lab.apply("labels/two-services.yaml")
    slices = lab.endpoints(annotated), lab.endpoints(labelled)
    lab.given("their EndpointSlices", *slices, until=lambda *found: found)
    versions = "-o custom-columns=VERSION:.metadata.resourceVersion --no-headers"
    its_slice = f"get endpointslices -l kubernetes.io/service-name=annotated {versions}"
    untouched = lab.kubectl(its_slice).stdout

    # when an icon is written on one as an annotation and on the other as a label,
    lab.kubectl("annotate service annotated guitar.api/icon=strat.png")
    written = lab.get("Service", "annotated")
    lab.kubectl("label service labelled guitar.api/icon=strat.png")

    # then the controller reacts to the label,
    lab.poll(
        "an EndpointSlice with the label of its Service",
        lambda: lab.kubectl("get endpointslices -l guitar.api/icon=strat.png -o name").stdout,
        until=lambda slices: slices,
    )

    # and of the annotation nobody takes notice.
    assert lab.kubectl(its_slice).stdout == untouched, "something was written on its EndpointSlice"
    assert written.annotations.get("guitar.api/icon") == "strat.png", "the annotation was not kept"
    assert lab.get("Service", "annotated").resource_version == written.resource_version, "it was written once more"


@claim(
    "labels.annotations-in-rollouts",
    source=f"{DEPLOYMENT}#checking-rollout-history-of-a-deployment",
    twin="drum-api: a Deployment of which only the number of replicas changes",
    takes_s=1,
)
@sabotage("both templates", instead("scale deployment drum-api --replicas=2", "set env deployment drum-api STICKS=2"))
def test_a_rollout_counts_its_revisions_in_an_annotation(lab: Lab) -> None:
    """A change of a Deployment's template makes a new ReplicaSet, and annotations number both as the next revision."""
    # Given two Deployments at revision 1,
    guitar, drum = lab.apply("labels/two-deployments.yaml")
    lab.given(
        "revision 1 of both", guitar, drum, until=lambda *both: all(d.annotations.get(REVISION) == "1" for d in both)
    )

    # when the template of one changes, and the number of replicas of the other,
    act = lab.now("a change of each")
    lab.kubectl("scale deployment drum-api --replicas=2")
    lab.kubectl("set env deployment guitar-api STRINGS=7")

    # then the first is at revision 2 with a ReplicaSet for each, while the other got its Pod,
    _, scaled = lab.eventually(
        "revision 2 of the one, two Pods of the other",
        guitar,
        drum,
        until=lambda g, d: g.annotations.get(REVISION) == "2" and d.replicas == 2,
        since=act,
    )
    revision = r"-o 'custom-columns=R:.metadata.annotations.deployment\.kubernetes\.io/revision' --no-headers"
    assert set(lab.kubectl(f"get replicasets -l app=guitar-api {revision}").stdout.split()) == {"1", "2"}

    # and more Pods are no new revision.
    lab.never("a second revision", drum, lambda d: d.annotations.get(REVISION) == "2", until=scaled)


@claim(
    "labels.undo-renumbers",
    ledger=["labels.annotations-in-rollouts"],
    source=f"{DEPLOYMENT}#rolling-back-to-a-previous-revision",
    twin="the ReplicaSet of the revision that is left",
    takes_s=1,
)
@sabotage("forward", instead("undo deployment guitar-api --to-revision=1", "restart deployment guitar-api"))
@sabotage("the annotation stays", skip(f"{REVISION}-"))
def test_undoing_a_rollout_gives_the_old_replicaset_the_next_number(lab: Lab) -> None:
    """Undoing a rollout takes no revision back: the ReplicaSet of the former revision becomes the next one.

    It is found by the annotation with its number: where that is missing, there is no such revision to go back to.
    """
    # Given a Deployment at revision 2,
    guitar, _ = lab.apply("labels/two-deployments.yaml")
    lab.given("revision 1", guitar, until=lambda d: d.annotations.get(REVISION) == "1")
    first = lab.kubectl("get replicasets -l app=guitar-api -o name").stdout.strip()
    lab.kubectl("set env deployment guitar-api STRINGS=7")
    lab.given("revision 2", guitar, until=lambda d: d.annotations.get(REVISION) == "2")

    # when that is undone, which cannot be as long as the first ReplicaSet does not tell its number,
    lab.kubectl(f"annotate {first} {REVISION}-")
    refused = lab.refused("rollout undo deployment/guitar-api --to-revision=1")
    assert "unable to find specified revision 1" in refused.stderr
    lab.kubectl(f"annotate {first} {REVISION}=1")
    undone = lab.now("undo")
    lab.kubectl("rollout undo deployment guitar-api --to-revision=1")

    # then the Deployment is at revision 3, which is the first ReplicaSet again; the second one keeps its number.
    lab.eventually("revision 3", guitar, until=lambda d: d.annotations.get(REVISION) == "3", since=undone)
    revision = r"-o 'custom-columns=R:.metadata.annotations.deployment\.kubernetes\.io/revision' --no-headers"
    assert sorted(lab.kubectl(f"get replicasets -l app=guitar-api {revision}").stdout.split()) == ["2", "3"]


@claim(
    "labels.restart-annotates",
    ledger=["labels.annotations-in-rollouts"],
    source=f"{KUBECTL}kubectl_rollout/kubectl_rollout_restart/#synopsis",
    twin="drum-api: the same annotation on the Deployment itself",
    takes_s=1,
)
@sabotage(
    "both restarted", instead(f"annotate deployment drum-api {RESTARTED}=now", "rollout restart deployment drum-api")
)
def test_a_restart_is_an_annotation_in_the_template(lab: Lab) -> None:
    """kubectl rollout restart writes the time into an annotation of the template: a changed template, so new Pods."""
    # Given two Deployments with a Pod each,
    lab.apply("labels/two-deployments.yaml")
    guitar, drum = lab.pods(app="guitar-api"), lab.pods(app="drum-api")
    _, before = lab.given("a Pod of each", guitar, drum, until=lambda g, d: len(g) == len(d) == 1)

    # when one is restarted, and the other gets the annotation on itself,
    act = lab.now("a restart and an annotation")
    lab.kubectl(f"annotate deployment drum-api {RESTARTED}=now")
    lab.kubectl("rollout restart deployment guitar-api")

    # then the restarted one gets a Pod with that annotation,
    restarted = lab.eventually(
        "a Pod with the annotation",
        guitar,
        until=lambda pods: any(RESTARTED in pod.annotations for pod in pods.pods),
        since=act,
    )

    # and the other keeps its Pod.
    lab.never("another Pod", drum, lambda pods: pods.uids != before.uids, since=act, until=restarted)
    assert lab.get("Deployment", "drum-api").annotations.get(RESTARTED) == "now", "it was not annotated"


@claim(
    "labels.change-cause",
    ledger=["labels.annotations-in-rollouts"],
    source=f"{DEPLOYMENT}#checking-rollout-history-of-a-deployment",
    twin="the ReplicaSet of the former revision",
    takes_s=1,
)
@sabotage("another cause", instead("change-cause=djent", "change-cause=jazz"))
def test_the_cause_of_a_rollout_is_an_annotation(lab: Lab) -> None:
    """The history of a rollout shows the annotation kubernetes.io/change-cause, of which a ReplicaSet keeps a copy."""
    # Given a Deployment at revision 2,
    guitar, _ = lab.apply("labels/two-deployments.yaml")
    lab.given("revision 1", guitar, until=lambda d: d.annotations.get(REVISION) == "1")
    lab.kubectl("set env deployment guitar-api STRINGS=7")
    lab.given("revision 2", guitar, until=lambda d: d.annotations.get(REVISION) == "2")

    # when the cause is written on it,
    lab.kubectl(f"annotate deployment guitar-api {CAUSE}=djent")

    # then the history tells it of the revision that is on, and of no other,
    history = lab.poll(
        "a cause in the history",
        lambda: lab.kubectl("rollout history deployment guitar-api"),
        until=lambda history: history.stdout.count("<none>") < 2,
    )
    assert history.stdout.split()[-4:] == ["1", "<none>", "2", "djent"]

    # because the ReplicaSet of that revision has a copy.
    columns = (
        r"R:.metadata.annotations.deployment\.kubernetes\.io/revision"
        r",C:.metadata.annotations.kubernetes\.io/change-cause"
    )
    copies = lab.kubectl(f"get replicasets -l app=guitar-api -o 'custom-columns={columns}' --no-headers").stdout
    assert sorted(line.split() for line in copies.splitlines()) == [["1", "<none>"], ["2", "djent"]]
