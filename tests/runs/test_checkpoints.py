from pathlib import Path

import pytest

from ponder.runs.checkpoints import SEAL, STATE, damage, folder_of, keep, latest, numbers, seal


def write(parent: Path, number: int, content: bytes = b"weights") -> Path:
    folder = folder_of(parent, number)
    (folder / "model").mkdir(parents=True)
    (folder / "model" / "w.bin").write_bytes(content)
    seal(folder, {"stage": "reinforce", "step": number}, {"metrics_bytes": 10 * number, "rollouts": {}})
    return folder


def test_the_newest_whole_checkpoint_comes_with_its_state_and_marks(tmp_path: Path):
    for number in (9, 10, 1_000_000):
        write(tmp_path, number)
    newest, warnings = latest(tmp_path)
    assert newest is not None and warnings == []
    assert newest.path == tmp_path / "1000000"
    assert newest.state == {"stage": "reinforce", "step": 1_000_000}
    assert newest.marks["metrics_bytes"] == 10_000_000
    assert numbers(tmp_path) == [9, 10, 1_000_000]


def test_no_checkpoint_is_none(tmp_path: Path):
    assert latest(tmp_path / "checkpoints") == (None, [])


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("model/w.bin", b"weigh", "w.bin has 5 bytes, not 7"),
        (STATE, b"", "state.json has 0 bytes"),
        (SEAL, b'{"files": {', "complete.json cannot be read"),
        (SEAL, b"[]", "complete.json cannot be read"),
        ("model/w.bin", None, "w.bin is missing"),
        (SEAL, None, "complete.json cannot be read"),
    ],
)
def test_a_damaged_checkpoint_is_passed_over_with_a_warning(
    tmp_path: Path, name: str, content: bytes | None, reason: str
):
    write(tmp_path, 1)
    damaged = write(tmp_path, 2) / name
    damaged.unlink() if content is None else damaged.write_bytes(content)
    newest, warnings = latest(tmp_path)
    assert newest is not None and newest.number == 1
    assert len(warnings) == 1
    assert warnings[0].startswith(f"{tmp_path}/000002: damaged, passed over: {reason}")


def test_a_change_of_equal_size_is_found_by_the_hash(tmp_path: Path):
    folder = write(tmp_path, 1)
    (folder / "model" / "w.bin").write_bytes(b"WEIGHTS")
    assert damage(folder) is None
    assert damage(folder, hashes=True) == "w.bin does not match its hash"
    assert latest(tmp_path, hashes=True)[0] is None


def test_keep_spares_the_newest_and_the_protected_and_counts_only_whole_ones(tmp_path: Path):
    for number in range(1, 7):
        write(tmp_path, number)
    (folder_of(tmp_path, 6) / SEAL).unlink()
    keep(tmp_path, 2, protected={1})
    assert numbers(tmp_path) == [1, 4, 5, 6]
