"""What a lab module says of its topic and of its labs, read without running it."""

from __future__ import annotations

from pathlib import Path

from labkit.claims import prose
from labkit.claims.claim import load_claims
from labkit.run.selection import LABS

MODULE = '''"""Health checks: how the kubelet finds out.

The lesson
in its order.
"""

@claim(
    "health.restarts",
    source="https://example.com/",
)
@sabotage("no probe")
def test_restarts(lab):
    """A container is restarted.

    And nothing else
    is.
    """
    # Given two Pods,
    # alike but for the probe,
    lab.apply("x")  # not told

    # Nobody waits here.
    with lab:
        # when both stop,
        pass
    # then one is restarted.
    lab.eventually()
'''


def test_a_lab_tells_its_story(tmp_path: Path) -> None:
    (tmp_path / "test_health.py").write_text(MODULE)
    topics, labs = prose.read(tmp_path)
    assert topics == [
        {
            "topic": "health",
            "title": "Health checks",
            "lead": "how the kubelet finds out.",
            "prose": "The lesson in its order.",
        }
    ]
    (told,) = labs.items()
    assert told == (
        "health.restarts",
        {
            "file": f"{tmp_path.name}/test_health.py",
            "line": 12,
            "remarks": "And nothing else is.",
            "story": "Given two Pods, alike but for the probe, when both stop, then one is restarted.",
        },
    )


def test_all_our_labs_tell_theirs() -> None:
    topics, labs = prose.read(LABS)
    assert labs.keys() == load_claims(LABS).keys()
    assert [claim for claim, told in labs.items() if not told["story"].startswith("Given")] == []
    assert [topic["topic"] for topic in topics if not (topic["lead"] and topic["title"])] == []
