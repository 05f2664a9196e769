from __future__ import annotations

from ponder.engine.seats import Row, Seats


def rows(*prompts: int) -> list[Row]:
    return [Row(prompt=prompt, sample=n, guide=None) for n, prompt in enumerate(prompts)]


def test_a_free_row_is_taken_by_the_next_and_a_prompt_is_read_once():
    seats = Seats(rows(0, 0, 1, 1, 2), 2, refill=True)
    assert seats.admit() == ([0, 1], [0])
    assert seats.admit() == ([], [])
    seats.leave(1)
    assert seats.admit() == ([1], [1]) and seats.rows[1].sample == 2
    seats.leave(0)
    seats.leave(1)
    begun, new = seats.admit()
    assert (sorted(begun), new) == ([0, 1], [2]), "prompt 1 is still there for its second continuation"
    assert sorted(row.sample for row in seats.rows.values()) == [3, 4]


def test_the_place_of_a_prompt_is_free_when_its_last_row_has_left():
    seats = Seats(rows(0, 1, 2), 1, refill=True)
    for prompt in (0, 1, 2):
        assert seats.admit() == ([0], [prompt])
        assert seats.place == {prompt: 0}
        seats.leave(0)
    assert seats.admit() == ([], []) and not seats.place and not seats.pending


def test_a_few_rows_are_waited_for_and_all_where_nobody_can_begin_in_between():
    patient, stubborn = Seats(rows(*[0] * 40), 16, refill=True), Seats(rows(*[0] * 40), 16, refill=False)
    for seats in (patient, stubborn):
        assert len(seats.admit()[0]) == 16
        seats.leave(5)
        assert seats.admit() == ([], [])
        seats.leave(6)
    assert len(patient.admit()[0]) == 2 and stubborn.admit() == ([], [])
    for number in list(stubborn.rows):
        stubborn.leave(number)
    assert len(stubborn.admit()[0]) == 16
