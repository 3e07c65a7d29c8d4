"""Service discovery: how a client finds the Pods that serve it, by a name and an address that stay.

The lesson in its order: which Pods a Service finds; the address it gives them, and who makes that work; its names;
what else may stand in it; how it is reached from outside; the command of the notes; and what a client may meet.

In most labs one Pod is server and client. That is as good as two: what a Pod sends to the address of a Service leaves
it, and the rules of its node decide which Pod gets it, be that the same one.
"""

from labkit.words import START, Lab, claim, imprecise, instead, put, ready, remove, sabotage, skip

SERVICE = "https://kubernetes.io/docs/concepts/services-networking/service/"
PROXY = "https://kubernetes.io/docs/reference/networking/virtual-ips/"
DNS = "https://kubernetes.io/docs/concepts/services-networking/dns-pod-service/"
EXPOSE = "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_expose/"
CREATE = "https://kubernetes.io/docs/reference/kubectl/generated/kubectl_create/"


@claim(
    "services.discovery-definition",
    source=SERVICE + "#endpointslices",
    notes=imprecise(
        "service discovery finds which services listen at which addresses for which services",
        "it finds which processes listen where: a Service has one lasting address, its EndpointSlices the Pods' own",
    ),
    twin="other: a Service for the one of the Pods that nobody deletes",
    takes_s=6,
)
@sabotage("no selector", remove("spec.selector", of="service/web"))
@sabotage("both after the same Pods", remove("spec.selector.replaced", of="service/other"))
def test_endpoints_follow_the_pods_and_the_service_stays(lab: Lab) -> None:
    """A Service's EndpointSlices list the addresses of its Pods and follow them, while its own address stays."""
    # Given a Service whose EndpointSlices list the addresses of its two Pods, and another one for one of them,
    web, _, other, stays = lab.apply("services/endpoints-follow.yaml")
    pods, addresses, others = lab.pods(app="web"), lab.endpoints(web), lab.endpoints(other)
    two = lab.given("two Pods Ready", pods, until=ready(2))
    lab.eventually("the Service lists both", addresses, until=lambda e: e.ready == two.names)
    lab.given("the other Service has an endpoint", others, until=lambda e: e.ready)
    address = lab.get("Service", web.name).raw["spec"]["clusterIP"]

    # when the other Pod is deleted, and its ReplicaSet replaces it,
    (gone,) = {*two.names} - {stays.name}
    deleted = lab.now("delete one Pod")
    lab.kubectl(f"delete pod {gone} --wait=false")

    # then the address of the new one takes the place of the old one's,
    after, followed = lab.eventually(
        "the addresses are those of the two Pods that now run",
        pods,
        addresses,
        until=lambda now, e: (
            gone not in now.names
            and len(now.ready) == 2
            and {p.ip for p in now.ready} == {endpoint.ip for endpoint in e.endpoints if endpoint.ready}
        ),
        within=START,
        since=deleted,
    )

    # and nobody has to learn anything new, nor does a Service of other Pods hear of these.
    assert lab.get("Service", web.name).raw["spec"]["clusterIP"] == address, "the Service has another address"
    theirs = {*two.names, *after.names} - {stays.name}
    lab.never("the other lists one of them", others, lambda e: theirs & {*e.ready}, until=followed)


@claim(
    "services.expose-another-object",
    source=SERVICE + "#services-in-kubernetes",
    notes=imprecise(
        "a Service exposes another object",
        "it knows no other object: it finds Pods by their labels, whoever owns them",
    ),
    twin="passer-by: the Pod that does not get the label",
    takes_s=6,
)
@sabotage("the passer-by gets it", instead("label pod stranger app", "label pod passer-by app"))
@sabotage("both get it", instead("label pod stranger app", "label pod stranger passer-by app"))
def test_a_service_finds_pods_by_their_labels_alone(lab: Lab) -> None:
    """A Service sends to any Pod with the labels of its selector; it does not know who made that Pod."""
    # Given a Service that has found the Pod of a Deployment, and two Pods that nobody owns,
    guitar, deployment, stranger, passer_by = lab.apply("services/pods-by-label.yaml")
    lab.ready(stranger, passer_by)
    endpoints = lab.endpoints(guitar)
    (theirs,) = lab.given("the Deployment's Pod", endpoints, until=lambda e: len(e.ready) == 1).ready

    # when one of these gets the label of the Deployment's Pods,
    labelled = lab.now("label")
    lab.kubectl("label pod stranger app=guitar")

    # then the Service sends to it as well,
    joined = lab.eventually(
        "the stranger is an endpoint", endpoints, until=lambda e: stranger.name in e.ready, since=labelled
    )
    assert theirs in joined.ready, "it took the place of the Deployment's Pod"

    # and when the Deployment is deleted, the Service and the stranger stay.
    lab.kubectl(f"delete deployment {deployment.name} --wait=false")
    left = lab.eventually(
        "the Deployment's Pod is no endpoint",
        endpoints,
        until=lambda e: e.of(theirs) is None,
        within=START,
        since=joined,
    )
    assert left.ready == (stranger.name,)
    lab.never("the passer-by is an endpoint", endpoints, lambda e: e.of(passer_by.name), until=left)
    assert lab.get("Service", guitar.name).raw["spec"]["selector"] == {"app": "guitar"}


@claim(
    "services.no-pods",
    ledger=["services.discovery-definition"],
    source=SERVICE + "#services-without-selectors",
    twin="misspelt: the same Service with a selector that finds no Pod",
    takes_s=5,
)
@sabotage("a selector for both", put("spec.selector", {"app": "wbe"}, of="service/by-hand"))
@sabotage("a selector for neither", remove("spec.selector", of="service/misspelt"))
@sabotage("a port that nobody has", put("ports[0].port", 9, of="endpointslice/by-hand"))
def test_a_service_without_a_selector_has_the_endpoints_that_are_written_for_it(lab: Lab) -> None:
    """A selector that finds no Pod makes an empty EndpointSlice; without a selector there is none, until you write it.

    Either way the Service has its address, and refuses connections as long as it has no endpoint.
    """
    # Given two Services that have no endpoints, for both of which connections are refused,
    misspelt, _, web = lab.apply("services/without-pods.yaml")
    running = lab.ready(web)
    slices = "get endpointslices -o jsonpath='{.items[*].metadata.ownerReferences[0].name}'"
    lab.eventually("an empty EndpointSlice", lab.endpoints(misspelt), until=lambda e: e.endpoints == ())
    assert lab.kubectl(slices).stdout.split() == [misspelt.name], "not that of the selector alone"
    both = ["http://misspelt/", "http://by-hand/"]
    lab.poll(
        "connections are refused",
        lambda: [lab.fetch(web, url)[0].outcome for url in both],
        until=lambda met: met == ["refused", "refused"],
    )

    # when somebody writes the address of a Pod for the Service without a selector,
    lab.apply("services/endpoint-by-hand.yaml", ADDRESS=running.ip)

    # then that Pod, which has no label that was asked for, answers for it, and for the other still nobody.
    answers = lab.poll(
        "the Pod answers for one of the two",
        lambda: [lab.fetch(web, url)[0] for url in both],
        until=lambda met: met[1].outcome == "ok",
    )
    assert [answer.name for answer in answers] == [None, web.name]


@claim(
    "services.virtual-ip",
    source=PROXY,
    twin="headless: the same Service without an address of its own",
    takes_s=4,
    needs="nodes",
)
@sabotage("headless both", put("spec.clusterIP", "None", of="service/virtual"))
@sabotage("an address for both", remove("spec.clusterIP", of="service/headless"))
def test_the_cluster_ip_is_an_address_that_nobody_has(lab: Lab) -> None:
    """A Service's cluster IP is on no interface, and yet a connection to it ends at a Pod.

    Not so with IPVS, which this cluster does not use: there each node has the addresses on a dummy interface.
    """
    # Given a Service with an address of its own, one without, and a look at the addresses of a node,
    service, _, web, host = lab.apply("services/virtual-ip.yaml")
    running, on_node = lab.ready(web, host)
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]
    interfaces = lab.kubectl("exec host -- cat /proc/net/fib_trie").stdout.split()
    assert on_node.ip in interfaces, "the node's own address is not among the addresses of the node"

    # when its Pod connects to both by name,
    virtual, direct = lab.poll(
        "the Pod answers",
        lambda: [lab.fetch(web, url)[0] for url in ("http://virtual/", "http://headless:8080/")],
        until=lambda answers: all(answer.outcome == "ok" for answer in answers),
    )

    # then it has reached the Pod by an address that neither the Pod nor the node has, and at the Service's own port,
    assert (virtual.to, virtual.name) == (f"{address}:80", web.name)
    assert address not in {running.ip, *interfaces}

    # at which no other port leads to the Pod;
    (other_port,) = lab.fetch(web, "http://virtual:8080/")
    assert other_port.name is None

    # and by the name of the other Service, it has reached the Pod at the Pod's own address and port.
    assert (direct.to, direct.name) == (f"{running.ip}:8080", web.name)


@claim(
    "services.kube-proxy",
    ledger=["services.virtual-ip"],
    source="https://kubernetes.io/docs/reference/labels-annotations-taints/#servicekubernetesioservice-proxy-name",
    twin="left-alone: the same Service, labelled to be served by another program",
    takes_s=5,
)
@sabotage("kube-proxy serves both", remove("metadata.labels", of="service/left-alone"))
@sabotage(
    "kube-proxy serves neither",
    put("metadata.labels", {"service.kubernetes.io/service-proxy-name": "nobody"}, of="service/served"),
)
def test_kube_proxy_makes_the_virtual_ip_work(lab: Lab) -> None:
    """It takes a program on each node, kube-proxy, to lead a cluster IP to Pods; name, address and endpoints do not."""
    # Given two Services that have found the same Pod, of which kube-proxy serves only one,
    served, left_alone, web = lab.apply("services/whose-proxy.yaml")
    lab.ready(web)
    endpoints = lab.endpoints(served), lab.endpoints(left_alone)
    lab.given("the Pod as endpoint of both", *endpoints, until=lambda *both: all(e.ready == (web.name,) for e in both))

    # when the Pod connects to that one, then the Pod answers;
    lab.poll(
        "the Pod answers", lambda: lab.fetch(web, "http://served/"), until=lambda answers: answers[0].name == web.name
    )

    # when it connects to the other, whose name leads to an address as well, then the Pod never does.
    address = lab.get("Service", left_alone.name).raw["spec"]["clusterIP"]
    lab.post(web, "/clients", url="http://left-alone/", every_s=0.1, timeout_s=1)
    attempts = lab.poll("twenty connections", lambda: lab.answers(web), until=lambda attempts: len(attempts) > 20)
    assert {attempt.to for attempt in attempts} == {f"{address}:80"}
    assert {attempt.name for attempt in attempts} == {None}, "somebody else has led the address to the Pod"


@claim(
    "services.dns-names",
    source=DNS + "#namespaces-of-services",
    twin="kube-dns.kube-system: a Service in another namespace, asked for with and without it",
    takes_s=6,
)
@sabotage(
    "that namespace is searched as well",
    put("spec.dnsConfig", {"searches": ["kube-system.svc.cluster.local"]}, of="pod/web"),
)
@sabotage("the node's name server", put("spec.dnsPolicy", "Default", of="pod/web"))
def test_a_service_has_a_name_in_dns(lab: Lab) -> None:
    """A Service is found by its name alone from its own namespace, by <name>.<namespace> from all, and in full.

    Short names are completed with the search list in /etc/resolv.conf, which begins with the Pod's own namespace.
    """
    # Given a Service, and a Pod in its namespace,
    service, web = lab.apply("services/names.yaml")
    lab.ready(web)
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]

    # when it is called by all its names, then each leads to its address;
    names = ["guitar", *(f"guitar.{lab.namespace}{rest}" for rest in ("", ".svc", ".svc.cluster.local"))]
    lab.poll(
        "all four names lead there",
        lambda: [lab.fetch(web, f"http://{name}/")[0].to for name in names],
        until=lambda led_to: led_to == 4 * [f"{address}:80"],
    )

    # and when one in another namespace is called, then its name alone leads nowhere.
    metrics = ("http://kube-dns.kube-system:9153/metrics", "http://kube-dns:9153/metrics")
    lab.poll(
        "found with its namespace only",
        lambda: [lab.fetch(web, url, timeout_s=10)[0] for url in metrics],
        until=lambda met: met[0].to is not None and met[1].outcome == "no name",
    )
    resolv_conf = lab.kubectl("exec web -- cat /etc/resolv.conf").stdout.splitlines()
    (search,) = [line.split()[1:] for line in resolv_conf if line.startswith("search ")]
    assert search[:3] == [f"{lab.namespace}.svc.cluster.local", "svc.cluster.local", "cluster.local"]


@claim(
    "services.close-deprecated",
    ledger=["services.virtual-ip"],
    source=PROXY + "#traffic-distribution",
    twin="zone: the same Service, with the newer name for it",
    takes_s=1,
    since="1.35",
)
@sabotage("the newer name for both", put("spec.trafficDistribution", "PreferSameZone", of="service/close"))
@sabotage("the older name for both", put("spec.trafficDistribution", "PreferClose", of="service/zone"))
def test_prefer_close_comes_with_a_warning(lab: Lab) -> None:
    """A Service with trafficDistribution PreferClose is accepted with a warning: it is called PreferSameZone now."""
    # Given two Services that prefer what is near, by one name and by the other,
    # when each is made, if only for a try, then both are accepted, one of them with a warning.
    tried = f"create --dry-run=server -f {lab.file('services/near.yaml')} -l name"
    assert lab.kubectl(f"{tried}=zone").stderr == ""
    assert '"PreferClose" is deprecated; use "PreferSameZone"' in lab.kubectl(f"{tried}=close").stderr


@claim(
    "services.close-quiet",
    ledger=["services.virtual-ip"],
    source=PROXY + "#traffic-distribution",
    twin="zone: the same Service, with the newer name for it",
    takes_s=1,
    until="1.35",
)
@sabotage("no such name", put("spec.trafficDistribution", "PreferFar", of="service/close"))
def test_prefer_close_is_accepted(lab: Lab) -> None:
    """A Service with trafficDistribution PreferClose is accepted like one with any other."""
    # Given two Services that prefer what is near, by one name and by the other, when both are made, if only for a try,
    made = lab.kubectl(f"create --dry-run=server -f {lab.file('services/near.yaml')}")

    # then both are accepted, without a warning.
    assert made.stderr == ""


@claim(
    "services.environment",
    ledger=["services.discovery-definition"],
    source=SERVICE + "#environment-variables",
    twin="early: the same Pod, made before the Service",
    takes_s=5,
)
@sabotage("no variables", put("spec.enableServiceLinks", False, of="pod/late"))
@sabotage("the Service of another name", put("metadata.name", "drum", of="service/guitar"))
def test_a_pod_has_variables_for_services_that_are_older(lab: Lab) -> None:
    """A container gets variables with the address of each Service of its namespace that was there when it started."""
    # Given a Pod, then a Service, and then another Pod,
    early = lab.apply("services/before.yaml")
    lab.ready(early)
    guitar = lab.apply("services/service-alone.yaml")
    address = lab.get("Service", guitar.name).raw["spec"]["clusterIP"]
    late = lab.apply("services/after.yaml")
    lab.ready(late)

    # when both are asked for the Service's variables, then the younger Pod has them, and the older one has none;
    variables = "exec {} -- sh -c 'echo $GUITAR_SERVICE_HOST $GUITAR_SERVICE_PORT'"
    assert lab.kubectl(variables.format("late")).stdout.split() == [address, "80"]
    assert lab.kubectl(variables.format("early")).stdout.split() == []

    # its name in DNS both know.
    lookup = f"http://{guitar.name}/"
    lab.poll(
        "both find its address",
        lambda: {lab.fetch(pod, lookup)[0].to for pod in (early, late)},
        until=lambda found: found == {f"{address}:80"},
    )


@claim(
    "services.headless",
    ledger=["services.dns-names"],
    source=SERVICE + "#headless-services",
    twin="web: the same Service with a cluster IP",
    takes_s=5,
)
@sabotage("headless both", put("spec.clusterIP", "None", of="service/web"))
@sabotage("an address for both", remove("spec.clusterIP", of="service/headless"))
def test_the_name_of_a_headless_service_has_the_addresses_of_its_pods(lab: Lab) -> None:
    """The name of a headless Service leads to the addresses of all its Pods, that of any other to its cluster IP."""
    # Given two Pods behind a Service and a headless one,
    service, headless, _, web_a, web_b = lab.apply("services/two-pods.yaml")
    one, two = lab.ready(web_a, web_b)
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]
    lab.given("both Pods as its endpoints", lab.endpoints(headless), until=lambda e: len(e.ready) == 2)

    # when one of them looks up both names,
    look_up = "import socket, sys; [print(*socket.gethostbyname_ex(name)[2]) for name in sys.argv[1:]]"
    of_headless, of_web = lab.poll(
        "two addresses",
        lambda: lab.tried(f"exec web-a -- python3 -c '{look_up}' headless web").stdout.splitlines() or ["", ""],
        until=lambda lines: len(lines[0].split()) == 2,
    )

    # then it gets the Pods' addresses for one, to choose from by itself, and for the other a single one.
    assert set(of_headless.split()) == {one.ip, two.ip}
    assert of_web.split() == [address]


@claim(
    "services.session-affinity",
    ledger=["services.virtual-ip"],
    source=PROXY + "#session-affinity",
    twin="web: the same Service without affinity",
    takes_s=6,
)
@sabotage("no affinity", remove("spec.sessionAffinity", of="service/sticky"))
@sabotage("affinity for both", put("spec.sessionAffinity", "ClientIP", of="service/web"))
def test_session_affinity_keeps_a_client_with_one_pod(lab: Lab) -> None:
    """Each new connection may reach another Pod, unless the Service has sessionAffinity: ClientIP."""
    # Given two Pods behind two Services, alike but for the affinity,
    service, _, sticky, web_a, web_b = lab.apply("services/two-pods.yaml")
    lab.ready(web_a, web_b)
    endpoints = lab.endpoints(service), lab.endpoints(sticky)
    lab.given("both Pods as endpoints", *endpoints, until=lambda *both: all(len(e.ready) == 2 for e in both))

    # when one client, the first Pod, makes many connections to the one, then they are spread over both Pods;
    lab.poll(
        "both Pods answer",
        lambda: {answer.name for answer in lab.fetch(web_a, "http://web/", n=40)},
        until=lambda names: names == {web_a.name, web_b.name},
    )

    # when it makes them to the other, then all of them reach the same Pod.
    lab.post(web_a, "/clients", url="http://sticky/", every_s=0.1, timeout_s=2)
    answers = lab.poll(
        "thirty answers",
        lambda: [answer.name for answer in lab.answers(web_a) if answer.outcome == "ok"],
        until=lambda names: len(names) > 30,
    )
    assert len(set(answers)) == 1, "they were spread over both"


@claim(
    "services.named-port",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#field-spec-ports",
    twin="numbered: the same Service with a number as targetPort",
    takes_s=5,
)
@sabotage("a number for both", put("spec.ports[0].targetPort", 8080, of="service/named"))
@sabotage("a name for both", put("spec.ports[0].targetPort", "http", of="service/numbered"))
def test_a_named_port_may_be_another_number_in_each_pod(lab: Lab) -> None:
    """A targetPort that is a name is looked up in each Pod, so one Service may send to Pods with different numbers."""
    # Given two Pods of which one has moved its port to another number, and two Services for both of them,
    _, _, old, new = lab.apply("services/named-port.yaml")
    lab.ready(old, new)

    # when one of them connects to the Service that knows the port by name, then both answer;
    lab.poll(
        "both Pods answer",
        lambda: {answer.name for answer in lab.fetch(old, "http://named/", n=40)},
        until=lambda names: names == {old.name, new.name},
    )

    # when it connects to the one that knows a number, then only the Pod that still has it does.
    lab.poll(
        "at one of the Pods nobody listens",
        lambda: {(answer.outcome, answer.name) for answer in lab.fetch(old, "http://numbered/", n=40)},
        until=lambda met: met == {("ok", old.name), ("refused", None)},
    )


@claim(
    "services.external-name",
    ledger=["services.dns-names"],
    source=SERVICE + "#externalname",
    twin="nowhere: the same Service with a name that nobody has",
    takes_s=4,
)
@sabotage(
    "another Service's name", put("spec.externalName", "kubernetes.default.svc.cluster.local", of="service/nowhere")
)
@sabotage("a name that nobody has", put("spec.externalName", "nobody.svc.cluster.local", of="service/elsewhere"))
def test_an_external_name_is_an_alias_and_no_more(lab: Lab) -> None:
    """A Service of type ExternalName is an alias in DNS: it has no address, no EndpointSlice, and nobody proxies it."""
    # Given a Service, and two with nothing but another name: that of the first, and that of nobody,
    service, elsewhere, _, web = lab.apply("services/external-name.yaml")
    lab.ready(web)
    address = lab.get("Service", service.name).raw["spec"]["clusterIP"]
    assert not lab.get("Service", elsewhere.name).raw["spec"].get("clusterIP")

    # when a Pod connects to them by name,
    answer, nobody = lab.poll(
        "the alias leads to the Pod",
        lambda: [
            lab.fetch(web, f"http://{name}.{lab.namespace}.svc.cluster.local./")[0] for name in ("elsewhere", "nowhere")
        ],
        until=lambda answers: answers[0].outcome == "ok",
    )

    # then one leads wherever the other name does, and one nowhere,
    assert (answer.to, answer.name) == (f"{address}:80", web.name)
    assert nobody.outcome == "no name"

    # and there are no endpoints but those of the Service that they are called after.
    slices = lab.kubectl("get endpointslices -o jsonpath='{.items[*].metadata.ownerReferences[0].name}'")
    assert slices.stdout.split() == [service.name]


@claim(
    "services.node-port",
    ledger=["services.virtual-ip"],
    source=SERVICE + "#type-nodeport",
    twin="inside: the same Service of type ClusterIP",
    takes_s=4,
    needs="nodes",
)
@sabotage("inside only", put("spec.type", "ClusterIP", of="service/outside"))
@sabotage("both outside", put("spec.type", "NodePort", of="service/inside"))
@sabotage("at the nodes of its Pods only", put("spec.externalTrafficPolicy", "Local", of="service/outside"))
def test_a_node_port_is_open_on_every_node(lab: Lab) -> None:
    """A NodePort Service is also reached at one port of every node, be there a Pod of the Service on it or not."""
    # Given two Services for one Pod, alike but for their type,
    inside, outside, _, web = lab.apply("services/node-port.yaml")
    running = lab.ready(web)
    (within,) = lab.get("Service", inside.name).raw["spec"]["ports"]
    (port,) = lab.get("Service", outside.name).raw["spec"]["ports"]
    assert "nodePort" not in within, "a ClusterIP Service has a port on the nodes"
    assert 30000 <= port.get("nodePort", 0) <= 32767

    # when somebody connects to a node that the Pod is not on, then the Pod answers,
    node = lab.cluster.control_plane.address
    assert running.raw["status"]["hostIP"] != node
    lab.poll(
        "the Pod answers at another node",
        lambda: lab.fetch(web, f"http://{node}:{port['nodePort']}/")[0],
        until=lambda answer: answer.name == web.name,
    )

    # and at the Service's own name, as it does for the other one.
    lab.poll(
        "the Pod answers for both inside",
        lambda: [lab.fetch(web, f"http://{name}/")[0].name for name in (inside.name, outside.name)],
        until=lambda names: names == [web.name, web.name],
    )


@claim(
    "services.node-port-at-home",
    ledger=["services.virtual-ip"],
    source="https://kubernetes.io/docs/reference/networking/virtual-ips/#proxy-mode-iptables",
    twin="web: a client with a loopback address of its own",
    takes_s=5,
    needs="nodes",
)
@sabotage("inside only", put("spec.type", "ClusterIP", of="service/web"))
@sabotage("both at home", put("spec.hostNetwork", True, of="pod/web"))
@sabotage("neither at home", remove("spec.hostNetwork", of="pod/at-home"))
def test_a_node_port_answers_at_localhost_of_a_node(lab: Lab) -> None:
    """With kube-proxy in its mode iptables a node's own processes reach a node port at 127.0.0.1 too, and nobody else.

    In the mode nftables it has to be asked for.
    """
    # Given a NodePort Service, its Pod, which has a network of its own, and a Pod in the network of its node,
    service, *pods = lab.apply("services/node-port-at-home.yaml")
    lab.ready(*pods)
    (port,) = lab.get("Service", service.name).raw["spec"]["ports"]

    # when both connect to the port at localhost,
    line = (
        "exec {} -- python3 -c 'import socket; "
        f'c = socket.create_connection(("127.0.0.1", {port.get("nodePort", 1)}), 2); '
        'c.sendall(b"GET / HTTP/1.0\\r\\n\\r\\n"); print(c.recv(4096))\''
    )
    lab.poll("the node is answered", lambda: lab.tried(line.format("at-home")), until=lambda r: '"path"' in r.stdout)

    # then only what runs in the node's network is answered.
    assert "Connection refused" in lab.refused(line.format("web")).stderr


@claim(
    "services.external-traffic-policy",
    ledger=["services.virtual-ip"],
    source=PROXY + "#external-traffic-policy",
    twin="outside: the same Service with the policy Cluster, which is the default",
    takes_s=6,
    needs="nodes",
)
@sabotage("Cluster for both", remove("spec.externalTrafficPolicy", of="service/local"))
@sabotage("Local for both", put("spec.externalTrafficPolicy", "Local", of="service/outside"))
def test_with_the_policy_local_a_node_without_a_pod_does_not_answer(lab: Lab) -> None:
    """With externalTrafficPolicy: Local a node sends what comes from outside to its own Pods, or to nobody."""
    # Given two NodePort Services for one Pod, alike but for the policy, and a node with that Pod and one without,
    _, outside, local, web = lab.apply("services/node-port.yaml")
    running = lab.ready(web)
    with_it, without = running.raw["status"]["hostIP"], lab.cluster.control_plane.address
    port, local_port = (
        lab.get("Service", service.name).raw["spec"]["ports"][0]["nodePort"] for service in (outside, local)
    )

    # when somebody connects to the Pod's node for the one, and to the other node for the other, then the Pod answers;
    lab.poll(
        "the Pod answers at both nodes",
        lambda: [lab.fetch(web, f"http://{at}/")[0].name for at in (f"{with_it}:{local_port}", f"{without}:{port}")],
        until=lambda names: names == [web.name, web.name],
    )

    # when it is the other node for the Service that is to stay local, then the Pod never does.
    lab.post(web, "/clients", url=f"http://{without}:{local_port}/", every_s=0.1, timeout_s=1)
    attempts = lab.poll("twenty connections", lambda: lab.answers(web), until=lambda attempts: len(attempts) > 20)
    assert {attempt.name for attempt in attempts} == {None}, "the node has passed it on"


@claim(
    "services.load-balancer",
    ledger=["services.virtual-ip"],
    source=SERVICE + "#loadbalancer",
    twin="pending: the same Service, for which nobody writes an address",
    takes_s=5,
    needs="nodes",
)
@sabotage("for the other one", instead("patch service served", "patch service pending"))
@sabotage("for nobody", skip("patch service served"))
def test_a_load_balancer_is_pending_until_somebody_writes_its_address(lab: Lab) -> None:
    """A LoadBalancer Service is a NodePort Service that waits until a controller writes a balancer's address into it.

    Clouds bring such a controller, this cluster has none. The lab plays its part and writes into the status.
    """
    # Given two such Services, which have the addresses that any NodePort Service has, and wait for one more,
    served, pending, web = lab.apply("services/load-balancer.yaml")
    lab.ready(web)
    spec = lab.get("Service", served.name).raw["spec"]
    node = lab.cluster.control_plane.address
    assert lab.get("Service", served.name).raw["status"] == {"loadBalancer": {}}, "somebody has made a balancer"
    lab.poll(
        "the Pod answers at the cluster IP and at the node port",
        lambda: [
            lab.fetch(web, f"http://{at}/")[0].name
            for at in (spec["clusterIP"], f"{node}:{spec['ports'][0]['nodePort']}")
        ],
        until=lambda names: names == [web.name, web.name],
    )

    # when an address is written for one, of a network that is kept free for tests,
    address = "198.18." + ".".join(spec["clusterIP"].split(".")[2:])
    ingress = f'{{"status": {{"loadBalancer": {{"ingress": [{{"ip": "{address}"}}]}}}}}}'
    lab.kubectl(f"patch service served --subresource=status --type=merge -p '{ingress}'")

    # then kube-proxy leads that address to its Pod, too,
    lab.poll(
        "the Pod answers at the balancer's address",
        lambda: lab.fetch(web, f"http://{address}/", timeout_s=1)[0],
        until=lambda answer: answer.name == web.name,
    )

    # and the other one goes on waiting.
    assert lab.get("Service", pending.name).raw["status"] == {"loadBalancer": {}}
    assert lab.kubectl("get service pending --no-headers").stdout.split()[3] == "<pending>"


@claim(
    "services.expose-command",
    source=EXPOSE + "#synopsis",
    notes=imprecise(
        "kubectl expose and the name of a Deployment make a Service",
        "only where its template declares a containerPort; otherwise the port must be given",
    ),
    twin="drum-api: the same Deployment with containerPorts",
    takes_s=1,
)
@sabotage(
    "a port in both",
    put("spec.template.spec.containers[0].ports", [{"containerPort": 8080}], of="deployment/guitar-api"),
)
@sabotage("a port in neither", remove("spec.template.spec.containers[0].ports", of="deployment/drum-api"))
@sabotage("another port", instead("--target-port=8080", "--target-port=80"))
def test_expose_takes_the_port_from_the_template(lab: Lab) -> None:
    """kubectl expose copies ports, selector and labels of what it exposes, and refuses where it finds no port."""
    # Given two Deployments, of which one declares its port,
    _, drum = lab.apply("services/expose.yaml")

    # when both are exposed, then the other one is refused,
    assert "couldn't find port" in lab.refused("expose deployment guitar-api").stderr

    # and the one gets a Service with its ports, its selector and its labels.
    lab.kubectl("expose deployment drum-api")
    service = lab.get("Service", drum.name)
    assert [(port["port"], port["targetPort"]) for port in service.raw["spec"]["ports"]] == [(8080, 8080), (9090, 9090)]
    assert service.raw["spec"]["selector"] == {"app": "drum-api"}
    assert service.labels == {"team": "backline"}

    # When the port is said, then the other one gets its Service, too, and may be reached at another number.
    lab.kubectl("expose deployment guitar-api --port=80 --target-port=8080")
    (port,) = lab.get("Service", "guitar-api").raw["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, 8080)


@claim(
    "services.expose-not-prod",
    source=EXPOSE + "#options",
    twin="the same command without the dry run",
    takes_s=2,
)
@sabotage("no dry run", instead(" --dry-run=client", ""))
@sabotage("made, not applied", instead("apply -f -", "create -f -"))
def test_expose_can_write_the_manifest_instead(lab: Lab) -> None:
    """With --dry-run=client -o yaml kubectl expose makes nothing but a manifest, which can be kept and applied."""
    # Given a Deployment,
    _, drum = lab.apply("services/expose.yaml")

    # when it is exposed for a trial only,
    manifest = lab.kubectl("expose deployment drum-api --dry-run=client -o yaml").stdout

    # then nothing was made but a manifest, from which the Service can be made now and ever again,
    assert "NotFound" in lab.refused("get service drum-api").stderr
    lab.kubectl("apply -f -", stdin=manifest)
    lab.kubectl("apply -f -", stdin=manifest)
    assert lab.get("Service", drum.name).raw["spec"]["selector"] == {"app": "drum-api"}

    # as it cannot with the command itself.
    assert "already exists" in lab.refused("expose deployment drum-api").stderr


@claim(
    "services.name-with-a-digit",
    ledger=["services.expose-not-prod"],
    source=SERVICE + "#defining-a-service",
    twin="strings7: a name that begins with a letter",
    takes_s=1,
    since="1.36",
)
@sabotage("an underscore", instead("clusterip 7strings", "clusterip 7_strings"))
def test_the_name_of_a_service_may_begin_with_a_digit(lab: Lab) -> None:
    """A Service's name may begin with a digit, as any label of DNS today."""
    # Given two names, when Services of them are to be made, then the API server takes both.
    for name in ("strings7", "7strings"):
        lab.kubectl(f"create service clusterip {name} --tcp=80 --dry-run=server")


@claim(
    "services.name-with-a-letter",
    ledger=["services.expose-not-prod"],
    source=SERVICE + "#defining-a-service",
    twin="strings7: a name that begins with a letter",
    takes_s=1,
    until="1.36",
)
@sabotage("a letter", instead("clusterip 7strings", "clusterip strings"))
def test_the_name_of_a_service_begins_with_a_letter(lab: Lab) -> None:
    """A Service's name has to begin with a letter: it is refused with a digit there, which a Pod's may have."""
    # Given two names, when Services of them are to be made, then the API server takes the one with the letter,
    lab.kubectl("create service clusterip strings7 --tcp=80 --dry-run=server")

    # and refuses the other.
    refused = lab.refused("create service clusterip 7strings --tcp=80 --dry-run=server")
    assert "DNS-1035 label" in refused.stderr


@claim(
    "services.port-of-two-parts",
    ledger=["services.expose-command"],
    source=CREATE + "kubectl_create_service_clusterip/",
    twin="80:8080: a port and a target port",
    takes_s=1,
    since="1.38",
)
@sabotage("two parts", instead("80:8080:9 ", "80:8080 "))
def test_a_port_of_three_parts_is_refused(lab: Lab) -> None:
    """A port for `kubectl create service` is one number or two, for the Service and its Pods; more is refused."""
    # Given a port and a target port, when a Service is to be made, then there is one,
    lab.kubectl("create service clusterip guitar --tcp=80:8080 --dry-run=client")

    # and with a third part there is none.
    refused = lab.refused("create service clusterip guitar --tcp=80:8080:9 --dry-run=client")
    assert "invalid port mapping" in refused.stderr


@claim(
    "services.port-of-three-parts",
    ledger=["services.expose-command"],
    source=CREATE + "kubectl_create_service_clusterip/",
    twin="80:8080: a port and a target port",
    takes_s=1,
    until="1.38",
)
@sabotage("another target port", instead("80:8080:9 ", "80:9 "))
def test_a_third_part_of_a_port_is_ignored(lab: Lab) -> None:
    """A port for `kubectl create service` is one number or two, for the Service and its Pods; more is ignored."""
    # Given a port of two parts and one of three, when Services are to be made,
    two = lab.kubectl("create service clusterip guitar --tcp=80:8080 --dry-run=client -o json").parsed
    three = lab.kubectl("create service clusterip guitar --tcp=80:8080:9 --dry-run=client -o json").parsed

    # then they have the same one.
    (port,) = three["spec"]["ports"]
    assert (port["port"], port["targetPort"]) == (80, 8080)
    assert [(one["port"], one["targetPort"]) for one in two["spec"]["ports"]] == [(80, 8080)]


@claim(
    "services.external-ips-deprecated",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#external-ips",
    twin="without: the same Service without the field",
    takes_s=1,
    since="1.36",
)
@sabotage("neither has them", remove("spec.externalIPs", of="service/with"))
def test_external_ips_come_with_a_warning(lab: Lab) -> None:
    """A Service with externalIPs is accepted with a warning: the field is deprecated."""
    # Given two Services, one of which has an external address, when warnings are to be taken for errors,
    refused = lab.apply_refused("services/external-ips.yaml", "create --dry-run=server --warnings-as-errors -f")

    # then both are accepted all the same, and the command fails for the one.
    assert [line.split()[0] for line in refused.stdout.splitlines()] == ["service/without", "service/with"]
    assert "externalIPs" in refused.stderr

    # while one that never had the field makes no command fail.
    lab.kubectl("create service clusterip without --tcp=80 --dry-run=server --warnings-as-errors")


@claim(
    "services.external-ips-quiet",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#external-ips",
    twin="without: the same Service without the field",
    takes_s=1,
    until="1.36",
)
@sabotage("an address that is written oddly", put("spec.externalIPs[0]", "192.0.002.10", of="service/with"))
def test_external_ips_are_accepted(lab: Lab) -> None:
    """A Service with externalIPs is accepted like any other."""
    # Given two Services, one of which has an external address, when warnings are to be taken for errors,
    # then both are accepted without one.
    lab.apply("services/external-ips.yaml", "apply --dry-run=server --warnings-as-errors -f")


@claim(
    "services.strict-ranges",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#loadbalancer",
    twin="network: the same Service with the network of that address",
    takes_s=1,
    since="1.36",
)
@sabotage("networks for both", put("spec.loadBalancerSourceRanges", ["192.0.2.0/24"], of="service/host"))
@sabotage("an address for both", put("spec.loadBalancerSourceRanges", ["192.0.2.5/24"], of="service/network"))
def test_a_network_ends_in_zeros(lab: Lab) -> None:
    """A Service whose loadBalancerSourceRanges hold an address in place of a network is refused."""
    # Given two Services, of which one names a network, and the other one an address in it,
    refused = lab.apply_refused("services/source-ranges.yaml", "create --dry-run=server -f")

    # when both are made, if only for a try, then the one is taken, and the other one refused.
    assert refused.stdout.split()[:1] == ["service/network"]
    assert "must not have bits set beyond the prefix length" in refused.stderr


@claim(
    "services.loose-ranges",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#loadbalancer",
    twin="network: the same Service with the network of that address",
    takes_s=1,
    until="1.36",
)
@sabotage("networks for both", put("spec.loadBalancerSourceRanges", ["192.0.2.0/24"], of="service/host"))
@sabotage("an address for both", put("spec.loadBalancerSourceRanges", ["192.0.2.5/24"], of="service/network"))
def test_a_network_should_end_in_zeros(lab: Lab) -> None:
    """A Service whose loadBalancerSourceRanges hold an address in place of a network is accepted with a warning."""
    # Given two Services, of which one names a network, and the other one an address in it,
    tried = f"create --dry-run=server -f {lab.file('services/source-ranges.yaml')} -l name"

    # when each is made, if only for a try, then both are accepted, one of them with a warning.
    assert lab.kubectl(f"{tried}=network").stderr == ""
    assert "192.0.2.5/24" in lab.kubectl(f"{tried}=host").stderr


@claim(
    "services.app-protocol-shown",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#application-protocol",
    twin="without: the same Service without the field",
    takes_s=1,
    since="1.36",
)
@sabotage("no protocol", remove("spec.ports[0].appProtocol", of="service/with"))
@sabotage("a protocol for both", put("spec.ports[0].appProtocol", "example.com/midi", of="service/without"))
def test_describe_shows_the_protocol_of_the_application(lab: Lab) -> None:
    """kubectl describe service shows a port's appProtocol."""
    # Given two Services, of which one says what is spoken at its port,
    lab.apply("services/app-protocol.yaml")

    # when both are described, then it is told of the one.
    told = lab.kubectl("describe services with without").stdout.splitlines()
    assert [line.split() for line in told if line.startswith("AppProtocol")] == [["AppProtocol:", "example.com/midi"]]


@claim(
    "services.app-protocol-hidden",
    ledger=["services.expose-another-object"],
    source=SERVICE + "#application-protocol",
    twin="the object itself, which has it",
    takes_s=1,
    until="1.36",
)
@sabotage("no protocol", remove("spec.ports[0].appProtocol", of="service/with"))
def test_describe_hides_the_protocol_of_the_application(lab: Lab) -> None:
    """kubectl describe service does not show a port's appProtocol."""
    # Given two Services, of which one says what is spoken at its port,
    lab.apply("services/app-protocol.yaml")
    assert lab.kubectl("get service with -o jsonpath={.spec.ports[*].appProtocol}").stdout == "example.com/midi"

    # when both are described, then there is no word of it.
    assert "midi" not in lab.kubectl("describe services with without").stdout


@claim(
    "services.five-answers",
    ledger=["services.virtual-ip", "services.dns-names"],
    source="https://kubernetes.io/docs/tasks/debug/debug-application/debug-service/",
    twin="web: the Service that is as it should be",
    takes_s=6,
)
@sabotage("the selector mended", put("spec.selector.app", "web", of="service/refused"))
@sabotage("the port mended", put("spec.ports[0].targetPort", 8080, of="service/mute"))
@sabotage("the other selector mended", put("spec.selector.app", "web", of="service/wrong"))
def test_what_a_client_meets_tells_what_is_wrong(lab: Lab) -> None:
    """Five things may meet a client, and each says where to look: no name, refused, silence, another Pod, an answer."""
    # Given three Services with one mistake each, and a younger one that is as it should be and leads to its Pod,
    _, mute, wrong, web, other = lab.apply("services/one-mistake-each.yaml")
    lab.ready(web, other)
    endpoints = [lab.endpoints(service) for service in (mute, wrong)]
    lab.given("an endpoint for two of them", *endpoints, until=lambda *two: all(e.ready for e in two))
    lab.apply("services/no-mistake.yaml")
    lab.given(
        "the good one answers", look=lambda: lab.fetch(other, "http://web/")[0], until=lambda a: a.name == web.name
    )

    # when the other Pod connects to each of them, and to one that is not there, then it meets
    expected = {
        f"http://nobody.{lab.namespace}.svc.cluster.local./": ("no name", None),  # no such Service, or misspelt
        "http://refused/": ("refused", None),  # no Ready Pod with those labels, or nobody at targetPort
        "http://mute/": ("timeout", None),  # something takes connections and says nothing, or drops them
        "http://wrong/": ("ok", other.name),  # the selector finds other Pods
        "http://web/": ("ok", web.name),
    }
    lab.poll(
        "each mistake has its own answer",
        lambda: {url: (a.outcome, a.name) for url in expected for a in lab.fetch(other, url, timeout_s=1)},
        until=lambda met: met == expected,
    )
