"""The cluster's network: routes where no daemon lays them, and an end to every dead address.

Left alone, a packet to an address that no Pod or Service has leaves the node by its default route, and whatever the
machine hangs on may answer. A lab that wants to see "refused" needs a network in which nobody answers for the dead.
"""

from __future__ import annotations

import shlex
from collections.abc import Mapping, Sequence
from ipaddress import IPv4Address

import tenacity

from labkit.cluster import nodes
from labkit.cluster.config import Networks
from labkit.cluster.node import Node
from labkit.cluster.threads import at_once
from labkit.trouble import CannotRun

ROUTES_LABEL, ROUTES = "labs.network", "routes"
"""On a node image: no daemon in it lays the routes to the other nodes' Pods, so that the cluster's maker does."""

CHAIN = "LABS-DEAD"

SETTLES_S = 60.0
"""Seconds for kube-proxy and the DNS Pods to be there after the nodes are Ready; 1 to 3 on two idle cores."""

_DEAD_PORT = 9
"""discard: nothing in the cluster listens on it."""

_CONNECT_S = 2
"""Seconds after which an address is taken to be silent; live and dead ones answer within some milliseconds."""


def routes_script(node: Node, others: Sequence[Node], networks: Networks) -> str:
    """Write the commands that lead a node to the Pods of all others; they may be run again and again.

    And its own Pods to what is no Pod: nobody beyond the nodes has a route back to a Pod, so they go there by the
    node's address.
    """
    outwards = f"POSTROUTING -s {networks.pods} ! -d {networks.pods} -j MASQUERADE"
    return "\n".join(
        ["set -e"]
        + [f"ip route replace {other.pod_cidr} via {other.address}" for other in others if other.name != node.name]
        + [f"iptables -w -t nat -C {outwards} 2>/dev/null || iptables -w -t nat -A {outwards}"]
    )


def closing_script(networks: Networks) -> str:
    """Write the commands that end dead addresses on a node; they may be run again and again."""
    # To a Pod that is not there leads no longer route (those of Pods and of the other nodes win), so its packets are
    # about to leave by lo; a Service that is not there is still named after DNAT. Both are seen where they would go on.
    # TCP is reset and not told "unreachable": of such messages Linux sends each peer one a second at most, and the
    # next client would wait. UDP knows no other answer, so for its sake that limit is lifted.
    dead = [f"-d {networks.services}", f"-o lo -d {networks.pods}"]
    return "\n".join(
        [
            "set -e",
            "sysctl -qw net.ipv4.icmp_ratelimit=0",
            f"ip route replace {networks.pods} dev lo",
            "iptables-restore -w --noflush <<END",
            "*filter",
            f":{CHAIN} - [0:0]",
            *(f"-A {CHAIN} {one} -p tcp -j REJECT --reject-with tcp-reset" for one in dead),
            *(f"-A {CHAIN} {one} -j REJECT" for one in dead),
            "COMMIT",
            "END",
            # Before kube-proxy's own chains, which let marked packets through whether or not somebody is there.
            # What a node's own process sends to a node port is about to leave by lo too, until after this hook it is
            # routed anew, to the Pod.
            'for hook in FORWARD "OUTPUT -m conntrack ! --ctstate DNAT"; do',
            f"  iptables -w -D $hook -j {CHAIN} 2>/dev/null || true",
            f"  iptables -w -I $hook -j {CHAIN}",
            "done",
        ]
    )


def probes(networks: Networks, cidr: str) -> dict[str, tuple[str, bool]]:
    """Name the addresses that tell an open network from a closed one: what it is, to URL and whether it must answer.

    The API server has a Service network's first address, DNS its tenth. Source: kubeadm v1.37,
    cmd/kubeadm/app/constants/constants.go, GetKubernetesServiceCIDR and GetDNSIP.
    """
    services = networks.services
    free_pod = IPv4Address(int(networks.pods.broadcast_address) - 1)
    last_of_node = cidr.rpartition(".")[0] + ".254"
    return {
        "the API's Service": (f"https://{services[1]}/livez", True),
        "the DNS Service": (f"http://{services[10]}:9153/metrics", True),
        "an address no Service has": (f"http://{services[-2]}:{_DEAD_PORT}/", False),
        "a port the API's Service does not have": (f"http://{services[1]}:{_DEAD_PORT}/", False),
        "an address in no node's Pod range": (f"http://{free_pod}:{_DEAD_PORT}/", False),
        "an address of this node that no Pod has": (f"http://{last_of_node}:{_DEAD_PORT}/", False),
    }


def check_script(urls: Sequence[str]) -> str:
    """Write the commands that ask all addresses at once; each prints its place in the list and curl's exit code."""
    ask = f"curl -skf -o /dev/null --noproxy '*' -m {_CONNECT_S}"
    lines = [f"({ask} {shlex.quote(url)}; echo {at} $?) &" for at, url in enumerate(urls)]
    return "\n".join([*lines, "wait"])


def faults(asked: Mapping[str, tuple[str, bool]], output: str) -> list[str]:
    """Compare what `check_script` printed with what must be; give a clause for each address that is wrong.

    curl's exit codes: 0 answered, 7 refused, 28 silence. Source: man curl.
    """
    codes = dict(line.split() for line in output.splitlines() if len(line.split()) == 2)
    wrong = []
    for at, (what, (url, must_answer)) in enumerate(asked.items()):
        code = codes.get(str(at), "none")
        if must_answer and code != "0":
            wrong.append(f"{what} does not answer ({url}, curl's exit code {code})")
        if not must_answer and code != "7":
            wrong.append(f"{what} is not refused ({url}, curl's exit code {code})")
    return wrong


def close(names: Sequence[str], networks: Networks) -> None:
    """End dead addresses on every node; of use even before the cluster is there. Raises CannotRun."""
    at_once(lambda name: _run(name, closing_script(networks)), names)


def establish(cluster_nodes: Sequence[Node], networks: Networks, *, routed: bool) -> None:
    """Set up the network of every node and wait until it is as it must be, seen from each.

    `routed`: the node image brings no daemon that lays the routes to the other nodes' Pods.
    Raises: CannotRun with the first thing that is wrong after SETTLES_S seconds.
    """

    def one(node: Node) -> None:
        if routed:
            _run(node.name, routes_script(node, cluster_nodes, networks))
        asked = probes(networks, node.pod_cidr)
        settled = tenacity.Retrying(
            retry=tenacity.retry_if_exception_type(CannotRun),
            wait=tenacity.wait_fixed(0.1),
            stop=tenacity.stop_after_delay(SETTLES_S),
            reraise=True,
        )
        settled(_check, node.name, asked)

    close([node.name for node in cluster_nodes], networks)
    at_once(one, cluster_nodes)


def _run(node: str, script: str) -> None:
    code, output = nodes.execute(node, script)
    if code:
        raise CannotRun(f"the network of node {node} cannot be set up ({output.strip()}): remove the cluster")


def _check(node: str, asked: Mapping[str, tuple[str, bool]]) -> None:
    _, output = nodes.execute(node, check_script([url for url, _ in asked.values()]))
    if wrong := faults(asked, output):
        raise CannotRun(f"the cluster's network is not fit for labs: seen from node {node}, {wrong[0]}")
