import platform
import re
import subprocess
from pathlib import Path

from ponder.runs.machine import git_commit, machine, versions


def test_the_machine_is_described_in_plain_values():
    here = machine()
    assert here["cores"] >= 1 and here["memory_gb"] > 0.1
    assert here["cpu"] and here["system"].startswith(platform.system())
    assert machine() == here


def test_versions_name_python_and_what_is_installed():
    found = versions()
    assert found["python"] == platform.python_version()
    assert re.match(r"\d+\.\d+", found["pyarrow"] or "")


def test_the_commit_says_whether_the_tree_was_changed(tmp_path: Path):
    assert git_commit(tmp_path) is None
    identity = ["-c", "user.name=a", "-c", "user.email=a@b"]
    (tmp_path / "a").write_text("1")
    for command in (["init", "-q"], ["add", "a"], [*identity, "commit", "-q", "-m", "first"]):
        subprocess.run(["git", *command], cwd=tmp_path, check=True)
    clean = git_commit(tmp_path)
    assert clean is not None and re.fullmatch(r"[0-9a-f]{40}", clean)
    (tmp_path / "a").write_text("22")
    assert git_commit(tmp_path) == f"{clean}-dirty"
