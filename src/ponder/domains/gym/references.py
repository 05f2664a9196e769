"""Right answers for the tasks that give none because many are right; each is checked by the task's own scorer."""

from __future__ import annotations

import json
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from typing import Any

Metadata = Mapping[str, Any]

SIDE = 6
"""Rows and columns of a rush hour board."""


def _graph_color(metadata: Metadata) -> str:
    """The colouring that the generator kept."""
    return json.dumps(metadata["possible_answer"])


def _propositional_logic(metadata: Metadata) -> str:
    """The conclusion that the generator kept; where it found none its stand-in is paid less and the draw is dropped."""
    return metadata["example_answer"]


def _rubiks_cube(metadata: Metadata) -> str:
    """The scramble backwards."""
    moves = reversed(metadata["scramble_moves"].split())
    return " ".join(move[:-1] if move.endswith("'") else f"{move}'" for move in moves)


def _boxnet(metadata: Metadata) -> str:
    """Every box walks down its column, along its row and onto its target, one step at a time."""
    places = {tuple(map(float, key.split("_"))): things for key, things in metadata["initial_state"].items()}
    targets = [(thing[7:], place) for place, things in places.items() for thing in things if thing[:6] == "target"]
    plan = []
    for place, things in places.items():
        for thing in things:
            if thing.startswith("box_"):
                goal = next(target for target in targets if target[0] == thing[4:])
                targets.remove(goal)
                plan += _carry(thing, place, goal[1])
    return json.dumps(plan)


def _carry(box: str, place: tuple[float, ...], goal: tuple[float, ...]) -> Iterator[dict[str, str]]:
    """The steps of one box."""
    (row, column), (goal_row, goal_column) = place, goal
    while (row, column) != (goal_row, goal_column):
        agent = f"Agent[{row}, {column}]"
        if row != goal_row:
            row += 1 if goal_row > row else -1
        else:
            column += 1 if goal_column > column else -1
        yield {agent: f"move({box}, square[{row}, {column}])"}
    yield {f"Agent[{row}, {column}]": f"move({box}, target_{box[4:]})"}


def _rush_hour(metadata: Metadata) -> str | None:
    """The fewest single steps that bring car A to the exit, by breadth-first search."""
    board = metadata["board_config"]
    start = tuple(board.index(label) for label in _labels(board))
    came: dict[tuple[int, ...], tuple[tuple[int, ...], str] | None] = {start: None}
    queue = deque([start])
    while queue:
        state = queue.popleft()
        if state[0] == 2 * SIDE + SIDE - 2:
            return " ".join(_path(came, state))
        for following, move in _moves(board, state):
            if following not in came:
                came[following] = (state, move)
                queue.append(following)
    return None


def _labels(board: str) -> list[str]:
    return sorted(set(board) - {"o", "x"})


def _moves(board: str, state: tuple[int, ...]) -> Iterator[tuple[tuple[int, ...], str]]:
    """Every state one step away, with the step; the question letters the cars anew, without gaps."""
    cars = [_cells(board, label, place) for label, place in zip(_labels(board), state, strict=True)]
    taken = {cell for car in cars for cell in car} | {i for i, label in enumerate(board) if label == "x"}
    for index, car in enumerate(cars):
        stride = car[1] - car[0]
        for sign, end in ((1, car[-1]), (-1, car[0])):
            cell = end + sign * stride
            inside = cell // SIDE == end // SIDE if stride == 1 else 0 <= cell < SIDE * SIDE
            if inside and cell not in taken:
                yield (
                    (*state[:index], state[index] + sign * stride, *state[index + 1 :]),
                    f"{chr(ord('A') + index)}{sign:+d}",
                )


def _cells(board: str, label: str, place: int) -> range:
    """The cells of a car whose first cell is at `place`."""
    first, last = board.index(label), board.rindex(label)
    count = board.count(label)
    stride = (last - first) // (count - 1)
    return range(place, place + count * stride, stride)


def _path(came: Mapping[tuple[int, ...], tuple[tuple[int, ...], str] | None], state: tuple[int, ...]) -> list[str]:
    """The steps that led to a state."""
    steps = []
    while (before := came[state]) is not None:
        state, step = before
        steps.append(step)
    return steps[::-1]


REFERENCES: dict[str, Callable[[Metadata], str | None]] = {
    "boxnet": _boxnet,
    "graph_color": _graph_color,
    "propositional_logic": _propositional_logic,
    "rubiks_cube": _rubiks_cube,
    "rush_hour": _rush_hour,
}
