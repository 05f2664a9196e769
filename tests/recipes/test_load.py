from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ponder.recipes.load import load_recipe, load_suite
from ponder.recipes.schema import Recipe
from ponder.types import PonderError

RECIPE = """
name = "r"
seed = 4
[model]
name = "some/model"
[domains.steps]
use = "coin"
depth = [2, 3]
[cold_start]
domains = { steps = 2, where = 1 }
steps = 10
[rl]
domains = { steps = 1 }
steps = 5
max_tokens = 40
[measure]
problems = 8
"""


@pytest.fixture
def recipe(tmp_path: Path) -> Path:
    path = tmp_path / "quick.toml"
    path.write_text(RECIPE)
    return path


@pytest.fixture
def refusal(recipe: Path) -> Callable[..., str]:
    """What a recipe with these settings is refused with, without its path."""

    def refused(*settings: str) -> str:
        with pytest.raises(PonderError) as error:
            load_recipe(recipe, settings)
        return str(error.value).removeprefix(f"{recipe}: ")

    return refused


def test_values_and_defaults(recipe: Path) -> None:
    found = load_recipe(recipe)
    assert found.seed == 4
    assert found.domains["steps"].use == "coin"
    assert found.domains["steps"].options == {"depth": [2, 3]}
    assert found.cold_start and found.cold_start.domains == {"steps": 2.0, "where": 1.0}
    assert found.rl and found.rl.group_size == 8
    assert found.measure and (found.measure.suite, found.measure.samples) == ("transfer", None)
    assert found.minutes is None


def test_a_manifest_holds_the_whole_recipe(recipe: Path) -> None:
    found = load_recipe(recipe)
    assert Recipe.model_validate(json.loads(json.dumps(found.model_dump(mode="json")))) == found


@pytest.mark.parametrize(
    ("setting", "where", "value"),
    [
        ("seed=7", "seed", 7),
        ("minutes=2", "minutes", 2.0),
        ("rl.learning_rate=1e-3", "rl.learning_rate", 0.001),
        ("rl.gold_pays=true", "rl.gold_pays", True),
        ("model.name=other/one", "model.name", "other/one"),
        ('model.system="be short"', "model.system", "be short"),
        ("rl.domains={ steps = 3, coin = 1 }", "rl.domains", {"steps": 3.0, "coin": 1.0}),
        ("measure.suite=mine/suite.toml", "measure.suite", "mine/suite.toml"),
        (" name = a = b ", "name", "a = b"),
    ],
)
def test_settings_are_laid_over_the_file(recipe: Path, setting: str, where: str, value: object) -> None:
    found: object = load_recipe(recipe, [setting])
    for part in where.split("."):
        found = getattr(found, part)
    assert found == value


def test_a_setting_can_begin_a_section_and_the_last_one_wins(tmp_path: Path) -> None:
    path = tmp_path / "bare.toml"
    path.write_text('name = "bare"')
    found = load_recipe(path, ["model.name=a/b", "model.rows=1", "model.rows=2"])
    assert (found.model.name, found.model.rows) == ("a/b", 2)


@pytest.mark.parametrize(
    ("setting", "said"),
    [
        ("sead=1", "sead: unknown key; did you mean 'seed'?"),
        ("rl.group_sise=4", "rl.group_sise: unknown key; did you mean 'group_size'?"),
        ("cold_start.learning_rat=1", "cold_start.learning_rat: unknown key; did you mean 'learning_rate'?"),
        ("measure.xyzzy=1", "measure.xyzzy: unknown key"),
        ("seed=one", "seed = 'one': input should be a valid integer"),
        ("seed=1.0", "seed = 1.0: input should be a valid integer"),
        ("name=3", "name = 3: input should be a valid string"),
        ("rl.steps=0", "rl.steps = 0: input should be greater than or equal to 1"),
        ("rl.domains.steps=many", "rl.domains.steps = 'many': input should be a valid number"),
        ("rl.domains={}", "rl.domains = {}: name at least one"),
        ("rl.normalise=std", "rl.normalise = 'std': must be one of none, leave_one_out, group, batch, mean, reward"),
        ("rl.group_size=1", "rl.group_size = 1: a group needs at least 2 rollouts for a baseline"),
        ("model=some/model", "model = 'some/model': must be a section with keys of its own"),
        ("rl=3", "rl = 3: must be a section with keys of its own"),
        ("domains.steps=coin", "domains.steps = 'coin': must be a section with keys of its own"),
        ("domains=3", "domains = 3: must be a section with keys of its own"),
        ("domains.more.depth=1", "domains.more.use: missing; add it"),
        ("rl.steps", "--set rl.steps: write it as key=value, for example rl.steps=5"),
        ("=5", "--set =5: write it as key=value, for example rl.steps=5"),
        ("seed.of.it=5", "--set seed.of.it=5: 'seed' is a value, not a section"),
        ("minutes=0", "minutes = 0: input should be greater than 0"),
    ],
)
def test_refusals_name_the_field_and_the_value(refusal: Callable[..., str], setting: str, said: str) -> None:
    assert refusal(setting) == said


def test_a_long_value_is_cut(refusal: Callable[..., str]) -> None:
    assert len(refusal(f"seed={'x' * 5000}")) < 200


def test_a_missing_section_is_named(tmp_path: Path) -> None:
    path = tmp_path / "empty.toml"
    path.write_text("")
    with pytest.raises(PonderError, match=r"empty\.toml: name: missing; add it$"):
        load_recipe(path)


def test_a_missing_file_names_the_nearest(recipe: Path) -> None:
    with pytest.raises(PonderError, match=r"qick\.toml: no such file; did you mean .*/quick\.toml\?$"):
        load_recipe(recipe.with_name("qick.toml"))
    with pytest.raises(PonderError, match=r"zzz\.toml: no such file; give the path of a TOML file$"):
        load_recipe(recipe.with_name("zzz.toml"))


def test_what_is_not_toml_is_refused_in_one_line(tmp_path: Path) -> None:
    path = tmp_path / "bad.toml"
    path.write_text("name = \n")
    with pytest.raises(PonderError, match=r"bad\.toml: not TOML: .*line 1"):
        load_recipe(path)
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(PonderError, match=r"bad\.toml: cannot be read as text"):
        load_recipe(path)
    with pytest.raises(PonderError, match="cannot be read as text"):
        load_recipe(tmp_path)


def test_one_line_is_the_spec_of_all_that_name_none(tmp_path: Path) -> None:
    """Of the stage that learns one and of judges whose form shows one; what names its own keeps it."""
    path = tmp_path / "r.toml"
    path.write_text(
        """
name = "x"
spec = "privacy"
model = { name = "m" }
domains = { sums = { use = "lab-arithmetic" } }
distil = { domains = { sums = 1 }, asks = 1, max_tokens = 8, judged_by = "shows", steps = 1 }
[verifiers]
shows = { form = "rules" }
own = { form = "lab-rules", spec = "honesty" }
alone = { form = "alone" }
plain = {}
reads = { reads_thinking = true }
both = { members = ["shows", "own"] }
"""
    )

    def told(*settings: str) -> list[str | None]:
        recipe = load_recipe(path, settings)
        judges = recipe.verifiers
        assert recipe.distil
        return [
            recipe.distil.spec,
            *(judges[name].spec for name in ("shows", "own", "alone", "plain", "reads", "both")),
        ]

    assert told() == ["privacy", "privacy", "honesty", None, "privacy", "privacy", None]
    other = ["format", "mine.md", "honesty", None, "mine.md", "mine.md", None]
    assert told("spec=mine.md", "distil.spec=format") == other
    judges = load_recipe(path).verifiers
    assert [judges[name].form_name for name in ("plain", "reads", "alone")] == ["rules", "thinking", "alone"]


def test_suites_by_name_and_by_path(tmp_path: Path) -> None:
    assert load_suite("transfer").name == "transfer"
    path = tmp_path / "own.toml"
    path.write_text('name = "own"\nmax_tokens = 9\n[domains.coin]\nuse = "coin"\n')
    assert (load_suite(str(path)).name, load_suite(str(path)).problems) == ("own", 100)


def test_an_unknown_suite_lists_those_there_are() -> None:
    with pytest.raises(PonderError, match=r"suite = 'transfr': no such suite; take one of .*transfer.* or a path"):
        load_suite("transfr")
    with pytest.raises(PonderError, match=r"no/such\.toml: no such file"):
        load_suite("no/such.toml")


def test_a_recipe_is_laid_over_the_one_that_it_extends(tmp_path: Path) -> None:
    (tmp_path / "deep").mkdir()
    (tmp_path / "base.toml").write_text(RECIPE)
    (tmp_path / "deep" / "half.toml").write_text('extends = "../base.toml"\nname = "half"\n[rl]\nsteps = 7\n')
    own = tmp_path / "own.toml"
    own.write_text('extends = "deep/half.toml"\n[rl]\ndomains = { other = 2 }\n[domains.other]\nuse = "lab-cups"\n')
    base, found = load_recipe(tmp_path / "base.toml"), load_recipe(own, ["seed=5"])
    assert found.rl and base.rl
    assert (found.name, found.seed, found.rl.steps) == ("half", 5, 7)
    assert found.rl.domains == base.rl.domains | {"other": 2}
    assert set(found.domains) == {*base.domains, "other"}
    assert found.rl.model_copy(update={"steps": base.rl.steps, "domains": base.rl.domains}) == base.rl


def test_what_is_not_wanted_of_the_other_is_taken_out_first(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RECIPE)
    own = tmp_path / "own.toml"
    own.write_text(
        'extends = "base.toml"\nwithout = ["measure", "cold_start.domains.where", "rl.domains"]\n'
        "[rl.domains]\nwhere = 1\n"
    )
    found = load_recipe(own)
    assert found.measure is None and found.rl and found.cold_start
    assert (found.rl.domains, found.cold_start.domains, found.rl.steps) == ({"where": 1}, {"steps": 2}, 5)


def test_a_section_that_uses_something_else_takes_the_place_of_the_other(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RECIPE)
    own = tmp_path / "own.toml"
    own.write_text('extends = "base.toml"\n[domains.steps]\nuse = "lab-cups"\n')
    assert load_recipe(own).domains["steps"] == load_recipe(own, ['domains.steps={use="lab-cups"}']).domains["steps"]


def test_a_suite_may_extend_one_too(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text('name = "base"\nproblems = 3\nmax_tokens = 9\n[domains.x]\nuse = "lab-cups"\n')
    (tmp_path / "own.toml").write_text('extends = "base.toml"\nsamples = 2\n')
    suite = load_suite(str(tmp_path / "own.toml"))
    assert (suite.name, suite.problems, suite.samples, list(suite.domains)) == ("base", 3, 2, ["x"])


def test_a_suite_may_extend_one_that_ships(tmp_path: Path) -> None:
    (tmp_path / "own.toml").write_text('extends = "robustness"\nproblems = 3\n')
    suite, shipped = load_suite(str(tmp_path / "own.toml")), load_suite("robustness")
    assert suite == shipped.model_copy(update={"problems": 3}) != shipped


def test_a_mistake_names_all_whose_it_may_be(tmp_path: Path) -> None:
    (tmp_path / "base.toml").write_text(RECIPE.replace("steps = 5", ""))
    (tmp_path / "own.toml").write_text('extends = "base.toml"\n')
    with pytest.raises(PonderError, match=r"own.toml over .*base.toml: rl.steps: missing"):
        load_recipe(tmp_path / "own.toml")


@pytest.mark.parametrize(
    ("files", "said"),
    [
        ({"own": "extends = 3"}, "own.toml: extends = 3: must be the path of a TOML file"),
        ({"own": 'extends = "own.toml"'}, "own.toml: extends = 'own.toml': goes round in a circle"),
        ({"own": 'extends = "b.toml"', "b": 'extends = "own.toml"'}, "b.toml: extends = 'own.toml': goes round"),
        ({"own": 'extends = "owm.toml"'}, "owm.toml: no such file; did you mean "),
        (
            {"own": 'extends = "b.toml"\nwithout = ["rl.x"]', "b": "[rl]\ny = 1"},
            "own.toml: without: 'rl.x' is not in what",
        ),
        ({"own": 'extends = "b.toml"\nwithout = [3]', "b": "[rl]\ny = 1"}, "own.toml: without: 3 is not in what"),
        ({"own": 'extends = "b.toml"\nwithout = ["a.b"]', "b": "a = 1"}, "own.toml: without: 'a.b' is not in what"),
        ({"own": f'without = ["rl"]\n{RECIPE}'}, "own.toml: without: unknown key"),
        ({"own": 'extends = "a\\u0000b"'}, "cannot be read as text"),
    ],
)
def test_what_cannot_be_extended_is_named(tmp_path: Path, files: dict[str, str], said: str) -> None:
    for name, text in files.items():
        (tmp_path / f"{name}.toml").write_text(text)
    with pytest.raises(PonderError) as error:
        load_recipe(tmp_path / "own.toml")
    assert said in str(error.value) and "\n" not in str(error.value)
