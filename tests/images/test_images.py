"""Building the images, as far as it goes without an engine: what is unchanged, what is passed on, what is told."""

from __future__ import annotations

import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from labkit import sample_images
from labkit.progress import Progress
from labkit.trouble import CannotRun


@pytest.fixture
def context(tmp_path: Path) -> Path:
    """A build context with one file that is sent and one that is not."""
    for name, text in {"Dockerfile": "FROM x", ".dockerignore": "*\n!app.py\n", "app.py": "1", "notes": "1"}.items():
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize("name", ["app.py", "Dockerfile"])
def test_a_changed_file_is_another_content(context: Path, name: str) -> None:
    before = sample_images.content_hash(context, "sha256:base")
    (context / name).write_text("2")
    assert sample_images.content_hash(context, "sha256:base") != before


def test_another_base_is_another_content(context: Path) -> None:
    assert sample_images.content_hash(context, "sha256:base") != sample_images.content_hash(context, "sha256:newer")


def test_a_file_that_is_not_sent_does_not_count(context: Path) -> None:
    before = sample_images.content_hash(context, "sha256:base")
    (context / "notes").write_text("2")
    assert sample_images.content_hash(context, "sha256:base") == before


def test_a_renamed_file_is_another_content(context: Path) -> None:
    (context / ".dockerignore").write_text("notes\n")
    before = sample_images.content_hash(context, "sha256:base")
    (context / "app.py").rename(context / "main.py")
    assert sample_images.content_hash(context, "sha256:base") != before


@pytest.mark.parametrize("image", sample_images.IMAGES, ids=lambda image: image.name)
def test_our_images_have_a_context_and_no_latest(image: sample_images.Image) -> None:
    assert (image.context / "Dockerfile").is_file()
    assert not image.name.endswith(":latest")
    assert sample_images.content_hash(image.context, "sha256:base")


def test_an_image_is_named_by_what_it_is_made_of() -> None:
    web = sample_images.IMAGES[0]
    assert web.made_of("3f2ac0d1e2f3") == "localhost:1/labs/web:3f2ac0d1e2f3"
    names = {image.name: image.made_of("3f2ac0d1e2f3") for image in sample_images.IMAGES}
    assert sample_images.on_nodes(names) == {"localhost:1/labs/web:1": "localhost:1/labs/web:3f2ac0d1e2f3"}


def test_the_users_index_and_proxy_reach_the_build() -> None:
    configuration = """global.index-url='https://index.example/simple'
global.trusted-host='\\nindex.example\\nother.example'
install.find-links='/opt/wheels'
global.cert='/etc/ca.crt'
:env:.extra-index-url='https://more.example/simple'
"""
    outer = {
        "https_proxy": "http://proxy.example:3128",
        "ALL_PROXY": "socks5://proxy.example:1080",
        "PIP_INDEX_URL": "https://mine.example/simple",
    }
    assert sample_images.build_arguments(outer, configuration) == {
        "PIP_INDEX_URL": "https://mine.example/simple",
        "PIP_EXTRA_INDEX_URL": "https://more.example/simple",
        "PIP_TRUSTED_HOST": "index.example other.example",
        "HTTPS_PROXY": "http://proxy.example:3128",
        "https_proxy": "http://proxy.example:3128",
    }


def test_nothing_is_passed_on_where_nothing_is_set() -> None:
    assert sample_images.build_arguments({"PATH": "/bin"}, "") == {}


@pytest.mark.parametrize(
    ("line", "advice"),
    [
        ("NewConnectionError: [Errno 111] Connection refused", "see that PyPI can be reached"),
        ("ERROR: No match for h2==4.4.1 (from versions: none)", "see that PyPI can be reached"),
        ("ERROR: No match for h2==9 (from versions: 4.4.1)", "check failed: "),
        ("SSLError(SSLCertVerificationError(1, '[SSL: CERTIFICATE_VERIFY_FAILED]'))", "build on a base with its CA"),
        ("write /venv/x: no space left on device", "the engine's disk is full"),
        ("ModuleNotFoundError: No module named 'guitar'", "step 7, RUN python manage.py check failed: "),
    ],
)
def test_a_failed_step_says_what_to_do(line: str, advice: str) -> None:
    sentence = sample_images.failure(
        "localhost:1/labs/web:1", "step 7, RUN python manage.py check", ["fine so far", "", line]
    )
    assert sentence.startswith("cannot build localhost:1/labs/web:1: ")
    assert advice in sentence
    assert line in sentence


def test_what_says_nothing_is_left_out_of_the_sentence() -> None:
    output = ["\x1b[91mboom \x1b[0m", " ---> 5268d090a78e", "Removing intermediate container 5268d090a78e"]
    assert sample_images.failure(
        "localhost:1/labs/web:1", "step 2, RUN x", [*output, "The command '/bin/sh -c x' returned 1"]
    ) == ("cannot build localhost:1/labs/web:1: step 2, RUN x failed: boom")


def test_a_build_is_followed_and_its_failing_step_told() -> None:
    def stream() -> Iterator[dict[str, Any]]:
        yield {"stream": "Step 1/2 : FROM python\n"}
        yield {"stream": " ---> 5268d090a78e\n"}
        yield {"stream": "Step 2/2 : RUN pip install\n"}
        yield {"stream": "one\ntwo\n"}
        yield {"error": "returned a non-zero code: 1", "errorDetail": {"code": 1}}

    told: list[str] = []
    with pytest.raises(CannotRun) as caught:
        sample_images._follow("localhost:1/labs/web:1", stream(), Progress(told.append))
    assert str(caught.value) == (
        "cannot build localhost:1/labs/web:1: step 2, RUN pip install failed: one | two | returned a non-zero code: 1"
    )
    assert "building localhost:1/labs/web:1: 0%" in told[0]


def test_a_build_context_is_for_everybody_to_read_whatever_umask_it_was_cloned_with(tmp_path: Path) -> None:
    context = tmp_path / "context"
    (context / "app").mkdir(parents=True, mode=0o700)
    for name, mode in (("Dockerfile", 0o600), ("app/run", 0o700), ("app/data", 0o640), ("ignored", 0o600)):
        (context / name).write_text(name)
        (context / name).chmod(mode)
    (context / ".dockerignore").write_text("ignored\n")
    with (tmp_path / "context.tar").open("w+b") as file:
        sample_images.pack(context, file)
        file.seek(0)
        with tarfile.open(fileobj=file) as archive:
            modes = {one.name: (one.mode, one.uid, one.uname) for one in archive if one.name != ".dockerignore"}
            content = archive.extractfile("app/run")
            assert content
            assert content.read() == b"app/run"
    assert modes == {"Dockerfile": (0o644, 0, ""), "app/run": (0o755, 0, ""), "app/data": (0o644, 0, "")}
