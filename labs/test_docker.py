"""Docker: how the notes build their sample image, what is wrong with each of its lines, and what a cluster makes of it.

Down to the layers no cluster is needed: docker builds, runs and is asked. Then containers are started, asked and
stopped, first by docker, then by a kubelet. The images that are built here go by the name of their lab.
"""

from labkit.words import START, Docker, Lab, Window, claim, imprecise, instead, put, sabotage, wrong

DOCKERFILE = "https://docs.docker.com/reference/dockerfile/"
BUILD = "https://docs.docker.com/build/"
IMAGES = "https://kubernetes.io/docs/concepts/containers/images/"


@claim(
    "docker.fence-language",
    source=f"{DOCKERFILE}#format",
    notes=wrong("a Dockerfile is shown as YAML", "it is a format of its own, which kubectl does not take"),
    twin="docker, which is given the same file",
    takes_s=1,
    needs="engine",
)
@sabotage(
    "a manifest after all",
    instead(
        "FROM scratch\n\nCOPY . /app\nWORKDIR /app\n",
        "{apiVersion: v1, kind: ConfigMap, metadata: {name: strings}}\n",
        of="docker/mended/Dockerfile",
    ),
)
@sabotage("no Dockerfile either", instead("FROM", "IMAGE", of="docker/mended/Dockerfile"))
def test_a_dockerfile_is_not_a_manifest(lab: Lab, docker: Docker) -> None:
    """A Dockerfile is a list of instructions for docker build, and to kubectl no object at all."""
    # Given a Dockerfile without mistakes,
    context = docker.context("docker/mended")

    # when kubectl is to create what it says, then it finds no object in it,
    refused = lab.refused(f"create --dry-run=client -f {context}/Dockerfile")
    assert "invalid object to validate" in refused.stderr

    # and docker builds an image from it.
    docker(f"build --tag localhost:1/{lab.namespace}/app {context}")
    assert docker.inspect(f"localhost:1/{lab.namespace}/app")["Config"]["WorkingDir"] == "/app"


@claim(
    "docker.dir-instruction",
    source=f"{DOCKERFILE}#overview",
    notes=wrong("DIR ./app sets the directory", "there is no DIR; the instruction is WORKDIR"),
    twin="mended: the same with WORKDIR, on no base",
    takes_s=1,
    needs="engine",
)
@sabotage(
    "the instruction is known",
    instead("DIR ./app", "WORKDIR ./app", of="docker/notes/Dockerfile"),
    instead("pythonn:3.6", "scratch", of="docker/notes/Dockerfile"),
)
@sabotage("the mended one has it, too", instead("WORKDIR", "DIR", of="docker/mended/Dockerfile"))
def test_a_dockerfile_is_refused_for_one_unknown_instruction(lab: Lab, docker: Docker) -> None:
    """A Dockerfile with an instruction that docker does not know is refused as a whole, before its first step."""
    # Given the notes' Dockerfile, kept as it was written, and one that says WORKDIR,
    notes, mended = docker.context("docker/notes"), docker.context("docker/mended")

    # when images are built from both,
    refused = docker.refused(f"build --tag localhost:1/{lab.namespace}/notes {notes}")
    docker(f"build --tag localhost:1/{lab.namespace}/mended {mended}")

    # then one of them comes to nothing for a word, although much else is wrong with it.
    assert "unknown instruction: DIR" in refused.stderr


@claim(
    "docker.from-typo",
    source=f"{DOCKERFILE}#from",
    notes=wrong("the image is built from pythonn:3.6", "there is no pythonn; the image is named python"),
    twin="python.Dockerfile: the same with the name of an image that is here",
    takes_s=3,
    needs="engine",
)
@sabotage("an image of that name is here", instead("/python:3.6 ", "/pythonn:3.6 "))
@sabotage("the name is right", instead("pythonn", "python", of="docker/from/pythonn.Dockerfile"))
def test_a_build_starts_from_an_image_that_can_be_had(lab: Lab, docker: Docker) -> None:
    """A build starts from the image that FROM names, and fails where neither this machine nor the registry has it.

    The registry is a web server of the lab's own, which writes down what it is asked for and knows nothing.
    """
    # Given a registry without images, and an image on this machine,
    registry, context = f"{lab.namespace}-registry", docker.context("docker/from")
    docker(f"run --detach --name {registry} --publish 127.0.0.1::8080 localhost:1/labs/web:1")
    address = docker(f"port {registry} 8080").stdout.strip()
    lab.poll("the registry answers", lambda: lab.browse(f"http://{address}/"), until=lambda page: page.outcome == "ok")
    docker(f"build --tag {address}/python:3.6 {docker.context('docker/mended')}")

    # when a build is to start from a name with a letter more, and one from the image's own,
    docker.refused(f"build --build-arg REGISTRY={address} --file {context}/pythonn.Dockerfile {context}")
    docker(f"build --build-arg REGISTRY={address} --file {context}/python.Dockerfile {context}")

    # then the registry was asked for the first, in vain.
    asked = docker(f"logs {registry}").stdout
    assert '/v2/pythonn/manifests/3.6", "status": 404' in asked


@claim(
    "docker.python-36",
    source="https://devguide.python.org/versions/#unsupported-versions",
    notes=imprecise(
        "a web application is built on python:3.6", "Python 3.6 ended in 2021, and today's Django refuses it"
    ),
    twin="3.6: the Python of the notes",
    takes_s=1,
    needs="engine",
)
@sabotage("a Python that Django still runs on", instead('"3.6" in', '"3.13" in'))
@sabotage("the image has the old one", instead("sys.version.split()[0]", '"3.6"'))
def test_the_python_of_an_image_has_to_fit_its_packages(docker: Docker) -> None:
    """An image's Python is the one that FROM has brought, and its packages say on which they run: today not on 3.6."""
    # Given the sample application's image,
    image = "localhost:1/labs/guitar-practice:1"

    # when its Django is asked whether it runs on the Python beside it, and on the notes' one,
    asked = (
        "import sys; from importlib.metadata import metadata; from packaging.specifiers import SpecifierSet; "
        'needs = SpecifierSet(metadata("Django")["Requires-Python"]); '
        'print(sys.version.split()[0] in needs, "3.6" in needs)'
    )
    on_this, on_the_notes = docker(f"run --rm --entrypoint python {image} -c '{asked}'").stdout.split()

    # then it runs on the first only.
    assert on_this == "True", "the image has a Python that is too old"
    assert on_the_notes == "False", "it still runs on the notes' Python"


@claim(
    "docker.copy",
    source=f"{BUILD}concepts/context/#dockerignore-files",
    twin="secret.txt: a file beside the others that .dockerignore names",
    takes_s=2,
    needs="engine",
)
@sabotage("all is ignored", instead("secret.txt", "*", of="docker/copy/.dockerignore"))
@sabotage("nothing is ignored", instead("secret.txt", "# secret.txt", of="docker/copy/.dockerignore"))
@sabotage("one file only", instead("COPY . /app", "COPY songs.txt /app/", of="docker/copy/Dockerfile"))
def test_copy_takes_the_whole_folder_but_what_is_ignored(lab: Lab, docker: Docker) -> None:
    """COPY . /app makes /app in the image and copies the whole build context there, except what .dockerignore names."""
    # Given an image into which a folder was copied,
    app = f"localhost:1/{lab.namespace}/app"
    docker(f"build --tag {app} {docker.context('docker/copy')}")

    # when its /app is listed,
    listed = docker(f"run --rm --entrypoint ls {app} -A /app").stdout.split()

    # then it is the folder, the Dockerfile included, without the file that was not to be sent.
    assert sorted(listed) == [".dockerignore", "Dockerfile", "chords.txt", "songs.txt"]


@claim(
    "docker.workdir-relative",
    source=f"{DOCKERFILE}#workdir",
    notes=imprecise("./app is where the application is", "./app counts from the directory before; /app is /app"),
    twin="absolute: the same stage with /app",
    takes_s=1,
    needs="engine",
)
@sabotage("both are absolute", instead("WORKDIR ./app", "WORKDIR /app", of="docker/workdir/Dockerfile"))
@sabotage("both are relative", instead("WORKDIR /app", "WORKDIR ./app", of="docker/workdir/Dockerfile"))
def test_a_relative_workdir_counts_from_the_one_before(lab: Lab, docker: Docker) -> None:
    """A relative WORKDIR counts from the WORKDIR before it: said twice, ./app is /app/app, and /app stays /app."""
    # Given a Dockerfile that says ./app twice, and /app twice,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/workdir")

    # when both are built,
    docker(f"build --tag {app}:relative --target relative {context}")
    docker(f"build --tag {app}:absolute --target absolute {context}")

    # then they start in different directories.
    assert docker.inspect(f"{app}:relative")["Config"]["WorkingDir"] == "/app/app"
    assert docker.inspect(f"{app}:absolute")["Config"]["WorkingDir"] == "/app"


@claim(
    "docker.run-pip",
    source=f"{DOCKERFILE}#run",
    twin="outside: the same Dockerfile without WORKDIR",
    takes_s=6,
    needs="engine",
)
@sabotage("both in /app", instead("COPY . /app", "COPY . /app\nWORKDIR /app", of="docker/pip/outside.Dockerfile"))
@sabotage("nothing is required", instead("./strings", "# ./strings", of="docker/pip/requirements.txt"))
def test_pip_finds_the_requirements_in_the_working_directory(lab: Lab, docker: Docker) -> None:
    """RUN runs its command in the last WORKDIR: there pip finds requirements.txt, and anywhere else the build fails."""
    # Given two Dockerfiles that copy an application to /app, only one of which goes there,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/pip")

    # when images are built from both,
    refused = docker.refused(f"build --build-arg PYTHON={docker.python} --file {context}/outside.Dockerfile {context}")
    docker(f"build --build-arg PYTHON={docker.python} --file {context}/inside.Dockerfile --tag {app} {context}")

    # then one does not find its requirements,
    assert "Could not open requirements file" in refused.stdout + refused.stderr

    # and the other has installed them.
    strings = docker(f"run --rm {app} python3 -c 'import strings; print(strings.STRINGS)'")
    assert strings.stdout.strip() == "EADGBE"


@claim(
    "docker.layer-cache",
    source=f"{BUILD}cache/",
    ledger=["docker.copy", "docker.run-pip"],
    twin="the step before the changed file, which is not executed again",
    takes_s=7,
    needs="engine",
)
@sabotage(
    "all is copied first, as in the notes", instead("COPY requirements.txt", "COPY .", of="docker/cache/Dockerfile")
)
@sabotage("no cache", instead("build ", "build --no-cache "))
def test_a_step_is_executed_again_only_after_a_change(lab: Lab, docker: Docker) -> None:
    """A build executes a step again only if the step, or a file that it copies, has changed, and then all after it.

    Two steps of the Dockerfile write a random number each: who executes them again gets another one. The notes copy all
    files before they install packages, and so do the latter again for every change of the former.
    """
    # Given an image that was built,
    app = f"localhost:1/{lab.namespace}/app"
    docker(f"build --tag {app}:1 {docker.context('docker/cache', VERSION='1')}", cache=True)

    # when it is built once more, and then with a changed file,
    docker(f"build --tag {app}:again {docker.context('docker/cache', VERSION='1')}", cache=True)
    docker(f"build --tag {app}:2 {docker.context('docker/cache', VERSION='2')}", cache=True)

    # then the first time it has the same layers (the id is another one where the builder attests when it built),
    assert docker.inspect(f"{app}:again")["RootFS"] == docker.inspect(f"{app}:1")["RootFS"], "it was made anew"

    # and the second time only what comes after the file was done again.
    installed, collected = docker(f"run --rm --entrypoint cat {app}:1 /installed /collected").stdout.split()
    installed_2, collected_2 = docker(f"run --rm --entrypoint cat {app}:2 /installed /collected").stdout.split()
    assert installed_2 == installed, "what comes before the file was done again"
    assert collected_2 != collected, "what comes after the file was not done again"


@claim(
    "docker.build-command",
    source="https://docs.docker.com/reference/cli/docker/buildx/build/#tag",
    twin="1: another name of the first image, under which no other is built",
    takes_s=2,
    needs="engine",
)
@sabotage("the next image is named otherwise", instead(":latest --label version=2", ":2 --label version=2"))
@sabotage("it takes the other name", instead(":latest --label version=2", ":1 --label version=2"))
def test_a_tag_is_a_name_that_moves(lab: Lab, docker: Docker) -> None:
    """docker build -t gives an image a name, latest where none is said, and takes it from the image that had it."""
    # Given an image with two names,
    app, context = f"localhost:1/{lab.namespace}/guitar-practice", docker.context("docker/mended")
    docker(f"build --tag {app} --tag {app}:1 --label version=1 {context}")
    first = docker.inspect(f"{app}:latest")
    assert docker.inspect(f"{app}:1")["Id"] == first["Id"], "two images"

    # when the next one is built under one of them,
    docker(f"build --tag {app}:latest --label version=2 {context}")

    # then that is its name, and the other one stays where it was.
    assert docker.inspect(app)["Config"]["Labels"]["version"] == "2", "latest is still the first image"
    assert docker.inspect(f"{app}:1")["Id"] == first["Id"], "the other name has moved, too"


@claim(
    "docker.entrypoint-shell-form",
    source=f"{DOCKERFILE}#shell-form-entrypoint-example",
    notes=imprecise(
        "ENTRYPOINT python manage.py runserver starts the server",
        "it starts a shell that starts the server and keeps signals from it; the exec form starts the server itself",
    ),
    twin="exec: the same image with the exec form",
    takes_s=5,
    needs="engine",
)
@sabotage(
    "the shell makes way", instead("ENTRYPOINT python3", "ENTRYPOINT exec python3", of="docker/entrypoint/Dockerfile")
)
@sabotage(
    "a shell for both",
    instead('["python3", "-m", "instrument"]', "python3 -m instrument", of="docker/entrypoint/Dockerfile"),
)
def test_the_shell_form_puts_a_shell_before_the_process(lab: Lab, docker: Docker) -> None:
    """With the shell form of ENTRYPOINT a container's process 1 is a shell, which does not hand on SIGTERM."""
    # Given two containers of one server, whose images differ in the form of ENTRYPOINT,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/entrypoint")
    shell, direct = f"{lab.namespace}-shell", f"{lab.namespace}-exec"
    docker(f"build --tag {app}:shell --target shell {context}")
    docker(f"build --tag {app}:exec --target exec {context}")
    docker(f"run --detach --name {shell} {app}:shell")
    docker(f"run --detach --name {direct} {app}:exec")
    lab.poll(
        "both servers listen",
        lambda: [docker(f"logs {shell}").stdout, docker(f"logs {direct}").stdout],
        until=lambda logs: all("listening" in log for log in logs),
    )
    assert docker(f"exec {shell} cat /proc/1/comm").stdout.strip() == "sh", "the server is process 1"
    assert docker(f"exec {direct} cat /proc/1/comm").stdout.strip() == "python3", "a shell is process 1"

    # when docker stops them, with SIGTERM and two seconds later SIGKILL,
    docker(f"stop -t 2 {shell} {direct}")

    # then the one has heard nothing and was killed,
    assert "sigterm" not in docker(f"logs {shell}").stdout
    assert docker.inspect(shell)["State"]["ExitCode"] == 128 + 9

    # and the other one has ended by itself.
    assert "sigterm" in docker(f"logs {direct}").stdout
    assert docker.inspect(direct)["State"]["ExitCode"] == 0


@claim(
    "docker.shell-form-in-a-pod",
    source="https://kubernetes.io/docs/concepts/workloads/pods/pod-lifecycle/#pod-termination-flow",
    ledger=["docker.entrypoint-shell-form"],
    twin="exec: the same Pod, of the image with the exec form",
    takes_s=12,
    needs="engine",
)
@sabotage(
    "the shell makes way", instead("ENTRYPOINT python3", "ENTRYPOINT exec python3", of="docker/entrypoint/Dockerfile")
)
@sabotage(
    "a shell for both",
    instead('["python3", "-m", "instrument"]', "python3 -m instrument", of="docker/entrypoint/Dockerfile"),
)
def test_a_pod_of_the_shell_form_takes_its_whole_grace_period(lab: Lab, docker: Docker) -> None:
    """A deleted Pod whose image has the shell form of ENTRYPOINT stays for its whole terminationGracePeriodSeconds."""
    # Given two Pods of one server, whose images differ in the form of ENTRYPOINT,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/entrypoint")
    docker(f"build --tag {app}:shell --target shell {context}")
    docker(f"build --tag {app}:exec --target exec {context}")
    docker.load(f"{app}:shell", f"{app}:exec")
    shell, direct = lab.apply("docker/entrypoint-twins.yaml")
    lab.ready(shell, direct)
    assert lab.ask(shell, "/")["name"] == "shell"
    assert lab.ask(direct, "/")["name"] == "exec"
    grace_s = shell.manifest["spec"]["terminationGracePeriodSeconds"]

    # when both are deleted,
    deleted = lab.now("both Pods are deleted")
    lab.kubectl("delete pod shell exec --wait=false")

    # then the one stays until it is killed,
    stayed, left = lab.eventually(
        "both are gone",
        shell,
        direct,
        until=lambda shell, direct: shell.gone and direct.gone,
        within=Window(grace_s, grace_s),
        since=deleted,
    )

    # and the other one goes much sooner.
    assert stayed.seen_s - left.seen_s > grace_s / 2, "they went side by side"


@claim(
    "docker.runserver-bind",
    source="https://docs.djangoproject.com/en/stable/ref/django-admin/#runserver",
    notes=imprecise(
        "runserver serves the application",
        "it does at 127.0.0.1, which is the container's own; 0.0.0.0:8000 is for others",
    ),
    twin="everywhere: the same command with 0.0.0.0:8000",
    takes_s=5,
    needs="engine",
)
@sabotage("both for everybody", instead('"runserver"]', '"runserver", "0.0.0.0:8000"]', of="docker/bind/Dockerfile"))
@sabotage("both for themselves", instead(', "0.0.0.0:8000"]', "]", of="docker/bind/Dockerfile"))
def test_runserver_answers_inside_its_container_only(lab: Lab, docker: Docker) -> None:
    """Without an address Django's runserver listens at 127.0.0.1 of its container, which no published port reaches."""
    # Given two containers of the sample application, whose commands differ in the address,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/bind")
    loopback, everywhere = f"{lab.namespace}-loopback", f"{lab.namespace}-everywhere"
    docker(f"build --tag {app}:loopback --target loopback {context}")
    docker(f"build --tag {app}:everywhere --target everywhere {context}")
    docker(f"run --detach --name {loopback} --publish 127.0.0.1::8000 {app}:loopback")
    docker(f"run --detach --name {everywhere} --publish 127.0.0.1::8000 {app}:everywhere")

    # when each is asked from inside, then both answer,
    ask = """python -c 'from urllib.request import urlopen; urlopen("http://127.0.0.1:8000/healthy")'"""
    lab.poll(
        "each answers itself",
        lambda: [docker.tried(f"exec {name} {ask}").rc for name in (loopback, everywhere)],
        until=lambda codes: codes == [0, 0],
        within=START,
    )

    # and when they are asked from outside, then one does.
    of_loopback = docker(f"port {loopback} 8000").stdout.strip()
    of_everywhere = docker(f"port {everywhere} 8000").stdout.strip()
    # Where Docker's proxy has the port it takes the connection and drops it; without one nobody takes it.
    assert lab.browse(f"http://{of_loopback}/healthy").outcome in ("reset", "refused"), "it is reached"
    assert lab.browse(f"http://{of_everywhere}/healthy").outcome == "ok", "it is not reached"


@claim(
    "docker.bind-in-a-pod",
    source="https://kubernetes.io/docs/tasks/access-application-cluster/port-forward-access-application-cluster/",
    ledger=["docker.runserver-bind"],
    twin="everywhere: the same Pod, listening at 0.0.0.0",
    takes_s=5,
    needs="engine",
)
@sabotage("both for everybody", put("spec.containers[0].args", ["0.0.0.0"], of="pod/loopback"))
@sabotage("both for themselves", put("spec.containers[0].args", ["127.0.0.1"], of="pod/everywhere"))
def test_a_server_at_127_0_0_1_is_for_its_pod_and_port_forward(lab: Lab) -> None:
    """A server at 127.0.0.1 is reached by exec probes and kubectl port-forward, from inside, and by no other Pod."""
    # Given two Pods whose servers differ in their address, each with an exec probe, which finds it well, and a client,
    loopback, everywhere = lab.apply("docker/bind-twins.yaml")
    own, shared = lab.ready(loopback, everywhere)

    # when the client of the other Pod asks for each, then one does not listen,
    assert lab.fetch(everywhere, f"http://{own.ip}:8000/", timeout_s=10)[0].outcome == "refused", "it is reached"
    assert lab.fetch(loopback, f"http://{shared.ip}:8000/", timeout_s=10)[0].outcome == "ok", "it is not reached"

    # and when a port is forwarded to that one, then it answers.
    with lab.listening("port-forward pod/loopback :8000") as url:
        assert lab.browse(url).outcome == "ok"


@claim(
    "docker.latest-tag",
    source=f"{IMAGES}#imagepullpolicy-defaulting",
    notes=imprecise(
        "the image is named guitar-practice:latest",
        "such an image is pulled for every container; with another tag the one on the node will do",
    ),
    twin="versioned: a container of the same Pod, of the same image under the tag 1",
    takes_s=8,
    needs="engine",
)
@sabotage("what is there will do", put("spec.containers[0].imagePullPolicy", "IfNotPresent", of="pod/tags"))
@sabotage("both are latest", put("spec.containers[1].imagePullPolicy", "Always", of="pod/tags"))
def test_an_image_with_the_tag_latest_is_always_pulled(lab: Lab, docker: Docker) -> None:
    """For the tag latest the API server sets imagePullPolicy Always, so that an image on the node is of no use."""
    # Given one image under two names, loaded onto the node,
    app = f"localhost:1/{lab.namespace}/app"
    docker(f"build --tag {app}:latest --tag {app}:1 --target exec {docker.context('docker/entrypoint')}")
    docker.load(f"{app}:latest", f"{app}:1")

    # when a Pod has a container of each,
    tags = lab.apply("docker/tags.yaml")

    # then the one waits for a registry that does not have it, and the other runs,
    pod = lab.eventually(
        "each container runs, or cannot pull its image",
        tags,
        until=lambda pod: all(
            container.state == "running" or container.reason in ("ErrImagePull", "ImagePullBackOff")
            for container in (pod.container("latest"), pod.container("versioned"))
        ),
        within=START,
    )
    assert pod.container("latest").state == "waiting", "what is on the node was good enough"
    assert pod.container("versioned").state == "running", "what is on the node was not good enough"

    # as the manifest says of neither, but the object of both.
    policies = {container["name"]: container["imagePullPolicy"] for container in pod.raw["spec"]["containers"]}
    assert policies == {"latest": "Always", "versioned": "IfNotPresent"}


@claim(
    "docker.side-loading",
    source="https://kind.sigs.k8s.io/docs/user/quick-start/#loading-an-image-into-your-cluster",
    ledger=["docker.build-command"],
    twin="present: a container of the same Pod, of an image that was loaded onto its node",
    takes_s=6,
    needs="engine",
)
@sabotage("it is on the node", put("spec.containers[0].image", "localhost:1/labs/web:1", of="pod/images"))
@sabotage("somebody is asked for it", put("spec.containers[0].imagePullPolicy", "IfNotPresent", of="pod/images"))
def test_an_image_that_is_built_is_not_yet_on_a_node(lab: Lab, docker: Docker) -> None:
    """What docker builds is on no node until it is loaded there: imagePullPolicy Never then starts no container."""
    # Given two images, one of them loaded onto the node,
    app, context = f"localhost:1/{lab.namespace}/app", docker.context("docker/entrypoint")
    docker(f"build --tag {app}:built --target exec {context}")
    docker(f"build --tag {app}:loaded --target exec {context}")
    docker.load(f"{app}:loaded")

    # when a Pod has a container of each,
    images = lab.apply("docker/side-loading.yaml")

    # then the one has no image to start from, and the other runs.
    pod = lab.eventually(
        "one container runs, and the other one runs or has no image",
        images,
        until=lambda pod: (
            pod.container("present").state == "running"
            and (pod.container("absent").state == "running" or "ErrImage" in (pod.container("absent").reason or ""))
        ),
        within=START,
    )
    assert pod.container("absent").reason == "ErrImageNeverPull", "its image is there, or somebody was asked for it"
