"""The network: which routes each node gets, what closes it, and how a wrong answer is called."""

from __future__ import annotations

import subprocess
from ipaddress import IPv4Network

from labkit.cluster import network
from labkit.cluster.config import Networks
from labkit.cluster.node import Node

NETWORKS = Networks(pods=IPv4Network("10.244.0.0/16"), services=IPv4Network("10.96.0.0/16"))
NODES = (
    Node("c-control-plane", "control-plane", "172.18.0.4", "10.244.0.0/24"),
    Node("c-worker", "worker", "172.18.0.2", "10.244.1.0/24"),
    Node("c-worker2", "worker", "172.18.0.3", "10.244.2.0/24"),
)


def test_a_node_gets_a_route_to_the_pods_of_every_other_node_and_none_to_its_own() -> None:
    assert network.routes_script(NODES[1], NODES, NETWORKS).splitlines()[:3] == [
        "set -e",
        "ip route replace 10.244.0.0/24 via 172.18.0.4",
        "ip route replace 10.244.2.0/24 via 172.18.0.3",
    ]


def test_pods_have_their_own_address_among_each_other_and_the_nodes_to_everybody_else_once() -> None:
    last = network.routes_script(NODES[1], NODES, NETWORKS).splitlines()[3:]
    rule = "POSTROUTING -s 10.244.0.0/16 ! -d 10.244.0.0/16 -j MASQUERADE"
    assert last == [f"iptables -w -t nat -C {rule} 2>/dev/null || iptables -w -t nat -A {rule}"]


def test_dead_pods_and_dead_services_are_refused_before_anybody_lets_them_through() -> None:
    lines = [line.strip() for line in network.closing_script(NETWORKS).splitlines()]
    assert "ip route replace 10.244.0.0/16 dev lo" in lines
    assert [line for line in lines if line.startswith("-A ")] == [
        "-A LABS-DEAD -d 10.96.0.0/16 -p tcp -j REJECT --reject-with tcp-reset",
        "-A LABS-DEAD -o lo -d 10.244.0.0/16 -p tcp -j REJECT --reject-with tcp-reset",
        "-A LABS-DEAD -d 10.96.0.0/16 -j REJECT",
        "-A LABS-DEAD -o lo -d 10.244.0.0/16 -j REJECT",
    ]
    assert "iptables -w -I $hook -j LABS-DEAD" in lines, "not at the top"


def test_a_network_is_closed_once_however_often_it_is_asked_for() -> None:
    lines = [line.strip() for line in network.closing_script(NETWORKS).splitlines()]
    assert ":LABS-DEAD - [0:0]" in lines, "the chain is not emptied before it is filled"
    assert lines.index("iptables -w -D $hook -j LABS-DEAD 2>/dev/null || true") < lines.index(
        "iptables -w -I $hook -j LABS-DEAD"
    )


def test_the_scripts_are_bash() -> None:
    urls = [url for url, _ in network.probes(NETWORKS, NODES[0].pod_cidr).values()]
    for text in (
        network.routes_script(NODES[0], NODES, NETWORKS),
        network.closing_script(NETWORKS),
        network.check_script(urls),
    ):
        subprocess.run(["bash", "-n", "-c", text], check=True)


def test_live_and_dead_addresses_are_asked_for() -> None:
    asked = network.probes(NETWORKS, "10.244.1.0/24")
    assert asked["the API's Service"] == ("https://10.96.0.1/livez", True)
    assert asked["the DNS Service"][0].startswith("http://10.96.0.10:")
    assert asked["an address of this node that no Pod has"] == ("http://10.244.1.254:9/", False)
    assert sum(must_answer for _, must_answer in asked.values()) == 2


def test_a_closed_network_has_no_faults() -> None:
    asked = network.probes(NETWORKS, "10.244.1.0/24")
    output = "".join(f"{at} {0 if must else 7}\n" for at, (_, must) in enumerate(asked.values()))
    assert network.faults(asked, output) == []


def test_each_wrong_answer_is_named() -> None:
    asked = {"live": ("http://a/", True), "dead": ("http://b/", False), "silent": ("http://c/", False)}
    assert network.faults(asked, "0 7\n1 0\n2 28\n") == [
        "live does not answer (http://a/, curl's exit code 7)",
        "dead is not refused (http://b/, curl's exit code 0)",
        "silent is not refused (http://c/, curl's exit code 28)",
    ]


def test_a_node_that_says_nothing_is_not_fit() -> None:
    asked = network.probes(NETWORKS, "10.244.1.0/24")
    assert len(network.faults(asked, "")) == len(asked)
