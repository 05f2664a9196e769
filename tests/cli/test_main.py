from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest

from cli.command import ponder
from ponder import __version__
from ponder.cli.screen import visible
from ponder.runs.folder import Run
from recipes.small import write_small

HEAVY = ("torch", "transformers", "duckdb", "pyarrow", "reasoning_gym", "pydantic", "numpy", "math_verify")
CODES = re.compile(r"[\x00-\x09\x0b-\x1f\x7f-\x9f]")
"""Control codes, all but the line feed."""


def test_help_imports_nothing_heavy() -> None:
    script = (
        "import sys\nfrom ponder.cli.main import app\n"
        "try:\n    app(['--help'], prog_name='ponder')\nexcept SystemExit as end:\n    assert not end.code\n"
        f"found = [name for name in {HEAVY} if name in sys.modules]\nassert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    for verb in ("train", "measure", "compare", "claims", "models", "doctor"):
        assert f"\n  {verb} " in done.stdout


def test_a_run_is_told_in_a_terminal_without_what_trains() -> None:
    script = (
        "import sys, ponder.cli.overview\n"
        "found = [name for name in ('torch', 'transformers', 'duckdb', 'scipy') if name in sys.modules]\n"
        "assert not found, found\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("verb", ["train", "measure", "compare", "claims", "models", "doctor"])
def test_each_verb_has_json_and_help(verb: str) -> None:
    result = ponder(verb, "--help")
    assert result.exit_code == 0
    assert "--json" in result.stdout


def test_version() -> None:
    assert ponder("--version").stdout == f"ponder {__version__}\n"


@pytest.fixture(scope="module")
def trained(tiny: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """A run by the command, and what it said on standard output and error."""
    folder = tmp_path_factory.mktemp("verbs")
    result = ponder("train", write_small(folder, tiny, cold=12, rl=4), "--out", folder / "run")
    assert result.exit_code == 0, result.output
    return folder / "run", result.stdout, result.stderr


def test_training_shows_how_it_goes_in_plain_lines(trained: tuple[Path, str, str]) -> None:
    _, out, err = trained
    assert err == ""
    assert not CODES.search(out)
    lines = out.splitlines()
    assert lines[0].startswith("small: ")
    assert "cold start 12 steps on letters; reinforcement 4 steps on letters" in lines[0]
    assert len([line for line in lines if re.match(r"  step \d+/12, \d+:\d\d left: loss .* tokens/s$", line)]) == 12
    steps = [line for line in lines if re.match(r"  step \d+/4, ", line)]
    assert len(steps) == 4
    assert all(re.search(r"reward [01]\.\d\d · thinks \d+% · .* tokens/s$", line) for line in steps)
    assert sum(line.startswith("measuring ") for line in lines) == 5
    for label in ("asked", "thought", "answered", "paid 0"):
        assert any(line.startswith(f"      {label} ") for line in lines), label


def test_training_ends_with_the_table_and_where_things_are(trained: tuple[Path, str, str]) -> None:
    run, out, _ = trained
    assert "trained (1)" in out and "unseen (2)" in out
    assert out.splitlines()[-3:] == [
        f"run     {run}",
        f"report  {run / 'report.html'}",
        f"result  {run / 'result.json'}",
    ]
    assert (run / "report.html").stat().st_size > 1000


def test_json_is_one_object_and_progress_goes_to_standard_error(tiny: Path, tmp_path: Path) -> None:
    recipe, run = write_small(tmp_path, tiny, cold=2, rl=2), tmp_path / "run"
    result = ponder("train", recipe, "--out", run, "--json")
    found = json.loads(result.stdout)
    assert found["status"] == "done"
    assert {name: found[name] for name in ("run", "report", "result")} == {
        "run": str(run),
        "report": str(run / "report.html"),
        "result": str(run / "result.json"),
    }
    assert found["numbers"] == json.loads((run / "result.json").read_text())["numbers"]
    assert "transfer.trained.gain" in found["numbers"]
    assert "reinforce: 2 of 2 steps done" in result.stderr


def test_the_name_of_the_recipe_is_the_name_of_the_folder(
    tiny: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    recipe = write_small(tmp_path / "made", tiny, cold=1, rl=1)
    assert ponder("train", recipe, "--set", "name=mine", "--set", "measure.problems=2").exit_code == 0
    manifest = json.loads(Path("runs/mine/manifest.json").read_text())
    assert manifest["recipe"]["measure"]["problems"] == 2


def test_measuring_a_run_and_comparing_it_with_itself(trained: tuple[Path, str, str], tmp_path: Path) -> None:
    run, _, _ = trained
    suite, again = run.parent / "few.toml", tmp_path / "again"
    measured = ponder("measure", run, "--suite", suite, "--out", again)
    assert measured.exit_code == 0, measured.output
    assert "untouched, cold_start, reinforce" in measured.stdout
    assert measured.stdout.splitlines()[-1] == f"result  {again / 'result.json'}"
    compared = ponder("compare", run, again)
    assert compared.exit_code == 0, compared.output
    assert "data.checkpoints/cold_start: None → " in compared.stdout
    assert compared.stdout.count("+0 [") == compared.stdout.count("not decisive") == 5 * 4
    assert "0 of 20 differences are decisive" in compared.stdout


def test_comparing_as_json(trained: tuple[Path, str, str]) -> None:
    run, _, _ = trained
    found = json.loads(ponder("compare", run, run, "--json").stdout)
    assert (found["first"], found["changed"]) == (str(run), {})
    row = next(row for row in found["rows"] if row["domain"] == "letters")
    assert (row["condition"], row["tier"]) == ("untouched", "trained")
    assert row["difference"]["value"] == 0.0 and row["difference"]["n"] == 4
    assert row["decisive"] is False


def test_comparing_several_makes_a_page(trained: tuple[Path, str, str], tmp_path: Path) -> None:
    run, _, _ = trained
    page = tmp_path / "page.html"
    compared = ponder("compare", run, run, run, "--html", page, "--json")
    assert compared.exit_code == 0, compared.output
    assert [pair["second"] for pair in json.loads(compared.stdout)["pairs"]] == [str(run)] * 2
    assert "3 runs compared" in page.read_text()


def test_one_run_alone_cannot_be_compared(trained: tuple[Path, str, str]) -> None:
    alone = ponder("compare", trained[0])
    assert alone.exit_code == 2 and "give another run to compare it with" in alone.stderr


def test_runs_that_share_no_domain_cannot_be_compared(trained: tuple[Path, str, str], tmp_path: Path) -> None:
    with Run.create(tmp_path / "empty", {"recipe": {}}):
        pass
    result = ponder("compare", trained[0], tmp_path / "empty")
    assert result.exit_code == 2
    assert "no domain was measured in both" in result.stderr


def test_models_says_what_is_in_the_cache(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path))
    assert "smollm2-135m  not fetched; ponder models pull smollm2-135m" in ponder("models").stdout
    folder = tmp_path / "models" / "smollm2-135m"
    folder.mkdir(parents=True)
    (folder / "config.json").write_text("{}")
    assert "smollm2-135m  in the cache" in ponder("models").stdout
    listed = json.loads(ponder("models", "--json").stdout)
    assert listed["cache"] == str(tmp_path / "models")
    assert [(model["name"], model["cached"]) for model in listed["models"] if not model["shipped"]] == [
        ("smollm2-135m", True)
    ]
    pulled = json.loads(ponder("models", "pull", "smollm2-135m", "--json").stdout)
    assert pulled == {"name": "smollm2-135m", "folder": str(folder)}


def test_visible_text_is_one_harmless_line() -> None:
    assert visible("a\n\tb  c") == "a b c"
    assert visible("\x1b[31mred\x07 \u202egnirts") == "⟨U+001B⟩[31mred⟨U+0007⟩ ⟨U+202E⟩gnirts"
    assert visible("x" * 12, most=10) == "x" * 10 + "…"
    assert visible("[bold]é漢") == "[bold]é漢"
