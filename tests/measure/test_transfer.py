"""The transfer table on rollouts whose numbers are worked out by hand, and on a whole made-up run."""

from __future__ import annotations

import io
import json
from pathlib import Path

import duckdb
import pytest
from rich.console import Console

from measure.synthetic import CHANCES, connect, rollout, verdict, whole_run
from ponder.measure import transfer
from ponder.measure.gains import PARTS
from ponder.measure.printing import print_table
from ponder.measure.transfer import CONDITIONS, PAIRS
from ponder.runs.lines import to_json
from ponder.types import Outcome, Role


@pytest.fixture(scope="module")
def con(tmp_path_factory: pytest.TempPathFactory) -> duckdb.DuckDBPyConnection:
    return connect(list(whole_run()), tmp_path_factory.mktemp("run"))


class TestByHand:
    def test_whose_fault(self, tmp_path: Path):
        """Truncated and unanswered count 0, even if a verifier paid them; what was not judged leaves."""
        con = connect(
            [
                rollout("before", "0", 1.0),
                rollout("before", "1", 1.0, outcome=Outcome.TRUNCATED),
                rollout("before", "2", 0.0, outcome=Outcome.NO_ANSWER),
                rollout("before", "3", None),
                rollout("before", "4", None, outcome=Outcome.TRUNCATED),
            ],
            tmp_path,
        )
        measured = transfer.table(con).domains[0].conditions["before"]
        assert (measured["accuracy"].value, measured["accuracy"].n) == (pytest.approx(1 / 3), 3)
        assert measured["truncated"].value == pytest.approx(2 / 5)
        assert measured["no_answer"].value == pytest.approx(1 / 5)
        assert measured["not_judged"].value == pytest.approx(2 / 5)

    def test_few_shot_is_lenient_and_nothing_else_is(self, tmp_path: Path):
        watch = [verdict(1.0, name="lenient", role=Role.WATCH)]
        con = connect(
            [
                rollout(condition, "0", 0.0, verdicts=watch, outcome=Outcome.NO_ANSWER)
                for condition in ("fewshot", "untouched")
            ],
            tmp_path,
        )
        row = transfer.table(con).domains[0]
        assert row.conditions["fewshot"]["accuracy"].value == 1.0
        assert row.conditions["untouched"]["accuracy"].value == 0.0
        assert row.conditions["untouched"]["lenient"].value == 1.0

    def test_few_shot_without_a_lenient_verdict_is_strict(self, tmp_path: Path):
        row = transfer.table(connect([rollout("fewshot", "0", 1.0)], tmp_path)).domains[0]
        assert row.conditions["fewshot"]["accuracy"].value == 1.0
        assert "lenient" not in row.conditions["fewshot"]

    def test_a_verdict_of_another_role_named_lenient_is_not_it(self, tmp_path: Path):
        other = [verdict(1.0, name="lenient", role=Role.FILTER)]
        row = transfer.table(connect([rollout("fewshot", "0", 0.0, verdicts=other)], tmp_path)).domains[0]
        assert row.accuracy("fewshot") is not None
        assert row.conditions["fewshot"]["accuracy"].value == 0.0

    def test_what_is_compared_with_few_shot_is_lenient_too(self, tmp_path: Path):
        """After gets both right, one of them in prose; few-shot one in prose; strictly they would be even."""
        found = {"after": ((0.0, 1.0), (1.0, 1.0)), "fewshot": ((0.0, 1.0), (0.0, 0.0)), "before": ((0.0, 1.0),)}
        rows = [
            rollout(condition, str(i), strict, verdicts=[verdict(lenient, name="lenient", role=Role.WATCH)])
            for condition, pairs in found.items()
            for i, (strict, lenient) in enumerate(pairs)
        ]
        con = connect(rows, tmp_path)
        row = transfer.table(con).tiers[0]
        assert row.changes["fewshot_gain"].value == pytest.approx(0.5)
        assert row.conditions["after"]["accuracy"].value == row.conditions["fewshot"]["accuracy"].value == 0.5
        assert row.changes["gain"].value == 0.0
        assert con.execute(transfer.numbers(con)["transfer.trained.fewshot_gain"].query).fetchone() == (0.5,)

    def test_without_a_lenient_verdict_nothing_is_compared_with_few_shot(self, tmp_path: Path):
        con = connect([rollout(condition, "0", 1.0) for condition in ("fewshot", "after")], tmp_path)
        assert "fewshot_gain" not in transfer.table(con).domains[0].changes

    def test_a_problem_weighs_the_same_however_many_samples_were_judged(self, tmp_path: Path):
        rows = [rollout("before", "0", 1.0, sample=0), rollout("before", "1", 0.0, sample=0)]
        rows += [rollout("before", "0", None, sample=1), rollout("before", "1", 0.0, sample=1)]
        assert transfer.table(connect(rows, tmp_path)).domains[0].conditions["before"]["accuracy"].value == 0.5

    def test_tokens_of_thinking_and_of_the_answer(self, tmp_path: Path):
        rows = [rollout("after", "0", 1.0, thinking="one two three"), rollout("after", "1", 1.0)]
        measured = transfer.table(connect(rows, tmp_path)).domains[0].conditions["after"]
        assert measured["thinking_tokens"].value == pytest.approx(1.5)
        assert measured["answer_tokens"].value == pytest.approx(2)
        assert measured["share_thinking"].value == pytest.approx(0.5)

    def test_gain_is_paired_and_split(self, tmp_path: Path):
        rows = [rollout("before", str(i), float(i == 0), thinking="hm" if i < 2 else None) for i in range(4)]
        rows += [rollout("after", str(i), float(i < 3), thinking="hm") for i in range(4)]
        rows += [rollout("after", "only here", 1.0)]
        changes = transfer.table(connect(rows, tmp_path)).domains[0].changes
        # Of four pairs: t 0.5 -> 0.75, d 0 -> undefined, so 0; s 0.5 -> 1.
        assert (changes["gain"].value, changes["gain"].n) == (pytest.approx(0.5), 4)
        assert changes["more"].value == pytest.approx(0.5 * 0.625)
        assert changes["better"].value == pytest.approx(0.75 * 0.25)
        assert changes["direct"].value == pytest.approx(0)

    def test_an_empty_block_of_thinking_is_none_in_the_split_too(self, tmp_path: Path):
        rows = [rollout("before", str(i), 0.0, thinking="") for i in range(2)]
        rows += [rollout("after", str(i), 1.0, thinking=thinking) for i, thinking in enumerate(("hm", ""))]
        row = transfer.table(connect(rows, tmp_path)).domains[0]
        shares = [row.conditions[name]["share_thinking"].value for name in ("before", "after")]
        assert shares == [0.0, 0.5]
        # s 0 -> 0.5; t undefined -> 1, so 1; d 0 -> 1: more is 0.5 * (1 - 0.5), direct is (1 - 0.25) * 1.
        assert {name: row.changes[name].value for name in PARTS} == {"more": 0.25, "better": 0.0, "direct": 0.75}

    def test_a_tier_averages_its_domains_and_also_its_problems(self, tmp_path: Path):
        rows = [rollout("before", str(i), 1.0, domain="small") for i in range(2)]
        rows += [rollout("before", str(i), 0.0, domain="large") for i in range(6)]
        tier = transfer.table(connect(rows, tmp_path)).tiers[0]
        assert tier.conditions["before"]["accuracy"].value == pytest.approx(0.5)
        assert tier.conditions["before"]["by_problem"].value == pytest.approx(0.25)
        assert tier.conditions["before"]["accuracy"].n == 8

    def test_a_tier_claims_only_what_all_its_domains_have(self, tmp_path: Path):
        rows = [rollout(condition, "0", 1.0, domain="one") for condition in ("before", "after")]
        table = transfer.table(connect([*rows, rollout("before", "0", 1.0, domain="two")], tmp_path))
        assert "after" not in table.tiers[0].conditions
        assert table.tiers[0].changes == {}

    def test_attacked_rollouts_are_another_matter(self, tmp_path: Path):
        con = connect([rollout("before", "0", 1.0)], tmp_path)
        con.execute("create or replace temp table kept as from rollouts")
        con.execute("create or replace view rollouts as select * replace ('typos' as attack) from kept")
        assert transfer.table(con).domains == ()
        assert transfer.numbers(con) == {}


class TestWholeRun:
    def test_tiers_in_order_with_their_domains(self, con: duckdb.DuckDBPyConnection):
        table = transfer.table(con)
        assert [row.tier for row in table.tiers] == ["trained", "shown", "unseen"]
        assert [row.domain for row in table.of("trained")] == ["chains", "programs"]
        assert {row.domain: row.tier for row in table.domains} == {name: tier for name, (tier, _) in CHANCES.items()}
        assert table.conditions == tuple(name for name in CONDITIONS if name != "distilled")

    def test_parts_add_up_to_the_gain(self, con: duckdb.DuckDBPyConnection):
        table = transfer.table(con)
        for row in (*table.tiers, *table.domains):
            parts = sum(row.changes[name].value for name in ("more", "better", "direct"))
            assert parts == pytest.approx(row.changes["gain"].value, abs=1e-12)

    def test_every_interval_holds_its_value(self, con: duckdb.DuckDBPyConnection):
        table = transfer.table(con)
        for row in (*table.tiers, *table.domains):
            for estimate in [*row.changes.values(), *(e for found in row.conditions.values() for e in found.values())]:
                assert estimate.low <= estimate.value <= estimate.high
                assert estimate.n > 0

    def test_the_same_data_give_the_same_bytes(self, con: duckdb.DuckDBPyConnection):
        assert transfer.table(con) == transfer.table(con)

    def test_every_query_gives_its_number_again(self, con: duckdb.DuckDBPyConnection):
        queries = {name: number for name, number in transfer.numbers(con).items() if number.query.startswith("select")}
        assert len(queries) > 100
        for number in queries.values():
            found = con.execute(number.query).fetchone()
            assert found is not None
            assert found[0] == pytest.approx(number.value, abs=1e-12)

    def test_the_names_that_others_read(self, con: duckdb.DuckDBPyConnection):
        names = transfer.numbers(con).keys()
        for tier in ("trained", "shown", "unseen"):
            expected = [*CONDITIONS, *PAIRS, "more", "better", "direct", "after.thinking_tokens", "after.by_problem"]
            expected = [name for name in expected if not name.startswith("distil")]  # nothing was distilled here
            assert {f"transfer.{tier}.{name}" for name in expected} <= names
        assert "transfer.shown.index" in names
        assert "transfer.trained.index" not in names

    def test_numbers_are_json(self, con: duckdb.DuckDBPyConnection):
        found = transfer.numbers(con)
        record = json.loads(to_json({name: number.value for name, number in found.items()}))
        assert record["transfer.trained.gain"] == found["transfer.trained.gain"].value
        assert all(number.unit in ("share", "tokens", "ratio", "percent") for number in found.values())


class TestWithoutReinforcement:
    @pytest.fixture
    def table(self, tmp_path: Path) -> transfer.TransferTable:
        rows = [row for row in whole_run(problems=6) if row.cell.checkpoint != "reinforce" and row.cell.tier == "shown"]
        return transfer.table(connect(rows, tmp_path))

    def test_what_cannot_be_computed_is_left_out(self, table: transfer.TransferTable):
        assert table.conditions == ("untouched", "fewshot", "before", "forced")
        assert [row.tier for row in table.tiers] == ["shown"]
        assert set(table.tiers[0].changes) == {"cold_start_gain"}
        assert table.tier("trained") is None

    def test_it_prints(self, table: transfer.TransferTable):
        assert "gain, by domain" not in printed(table)
        assert "before, over untouched" in printed(table)


class TestPrint:
    def test_fits_100_columns(self, con: duckdb.DuckDBPyConnection):
        text = printed(transfer.table(con))
        assert max(map(len, text.splitlines())) <= 100
        assert "…" not in text

    def test_says_what_the_table_says(self, con: duckdb.DuckDBPyConnection):
        table = transfer.table(con)
        text = printed(table)
        for row in table.tiers:
            gain = row.changes["gain"]
            assert f"{gain.value * 100:+.0f} [{gain.low * 100:+.0f}, {gain.high * 100:+.0f}]" in text
        for word in (
            "chains",
            "few-shot",
            "forced",
            "Transferability Index",
            "n problems",
            "after, over few-shot (both lenient)",
        ):
            assert word in text

    def test_markup_in_a_name_is_text(self, tmp_path: Path):
        con = connect([rollout("before", "0", 1.0, domain="[red]x[/red]")], tmp_path)
        assert "[red]x[/red]" in printed(transfer.table(con))

    def test_nothing_measured(self, tmp_path: Path):
        printed(transfer.table(connect([], tmp_path)))


def printed(table: transfer.TransferTable) -> str:
    file = io.StringIO()
    print_table(table, Console(file=file, width=100))
    return file.getvalue()
