"""A state is an address and back; what nobody can read is said."""

from __future__ import annotations

from dataclasses import replace

import duckdb
import pytest

from ponder.viewer.asked import EXACT, GOLDS, ORDERS, RANGES, REWARDS, Asked, condition, order

STATES = [
    Asked(),
    Asked(domain="a&b=c d", text="<x> 1+1", sort="longest", page=7),
    Asked(kind="training", step="10-20", gold="fooled", reward="high", colour="1", think="1", whole="1"),
    Asked(problem="sums/test/0/1", pair="é\u202e", outcome="no_answer", thinking="-5", length="3-"),
]


@pytest.mark.parametrize("asked", STATES, ids=lambda asked: asked.link()[:30])
def test_a_link_says_the_whole_state(asked: Asked):
    assert Asked.parse(asked.link(page=asked.page)[1:]) == (asked, [])


def test_a_change_begins_at_the_first_page():
    assert Asked(page=9, domain="sums").link(sort="longest") == "?domain=sums&sort=longest"
    assert Asked().link() == ""


@pytest.mark.parametrize(
    ("query", "said"),
    [
        ("step=abc", "step = abc: a number, or two such as 10-20, 10- or -20"),
        ("step=-", "step = -: a number, or two such as 10-20, 10- or -20"),
        ("page=0", "page = 0: a number from 1 on"),
        ("page=1e9", "page = 1e9: a number from 1 on"),
        ("gold=maybe", "gold = maybe: one of fooled, missed, agrees, right, wrong, absent"),
        ("sort=name", "sort = name: one of"),
        ("step=٣", "step = ٣: a number"),
    ],
)
def test_what_nobody_can_read_is_said_and_left_out(query: str, said: str):
    asked, reasons = Asked.parse(query)
    assert asked == Asked()
    assert len(reasons) == 1
    assert reasons[0].startswith(said)


@pytest.mark.parametrize("query", ["nobody=1", "=", "&&&", "x" * 10_000, "%ff=%ff", "a=1;" * 100, "p&" * 100])
def test_junk_asks_for_nothing(query: str):
    assert Asked.parse(query) == (Asked(), [])


def test_a_long_value_is_cut():
    assert len(Asked.parse("text=" + "x" * 9999)[0].text) == 500


@pytest.mark.parametrize(
    ("step", "clause"),
    [
        ("12", "(step >= 12) and (step <= 12)"),
        ("10-20", "(step >= 10) and (step <= 20)"),
        ("10-", "(step >= 10)"),
        ("-20", "(step <= 20)"),
        ("007", "(step >= 7) and (step <= 7)"),
    ],
)
def test_ranges(step: str, clause: str):
    assert condition(Asked(step=step)) == (f"(true) and {clause}", {})


def test_what_a_person_writes_is_a_value_and_never_sql():
    evil = "x' or true; drop table rollouts --"
    where, values = condition(replace(Asked(), **dict.fromkeys((*EXACT, "problem", "pair"), evil)))
    assert evil not in where
    assert set(values.values()) == {evil}


def test_every_choice_is_sql():
    columns = "paid double, gold double, policy_version int, thinking_tokens int, completion_tokens int, step int"
    with duckdb.connect() as connection:
        connection.execute(f"create table rollouts ({columns}, kind text, path text, row int)")
        for asked in [
            *(Asked(reward=each) for each in REWARDS),
            *(Asked(gold=each) for each in GOLDS),
            *(Asked(sort=each) for each in ORDERS),
            *(Asked.parse(f"{each}=1-2")[0] for each in RANGES),
        ]:
            connection.execute(f"select * from rollouts where {condition(asked)[0]} order by {order(asked)}")
