import errno
import hashlib
import os
from pathlib import Path

import pytest

from ponder.runs.files import clean, discard, make_folder, replacing, sha256, write_atomic
from ponder.types import PonderError


def names(folder: Path) -> list[str]:
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*"))


def refuse(code: int):
    def fail(*_, **__):
        raise OSError(code, os.strerror(code))

    return fail


def test_write_atomic_replaces_the_whole_file_and_leaves_nothing_else(tmp_path: Path):
    write_atomic(tmp_path / "new" / "a.json", "first, and longer")
    write_atomic(tmp_path / "new" / "a.json", b"second")
    assert (tmp_path / "new" / "a.json").read_bytes() == b"second"
    assert names(tmp_path) == ["new", "new/a.json"]


@pytest.mark.parametrize("folder", [False, True])
def test_nothing_appears_before_the_block_ends(tmp_path: Path, folder: bool):
    with replacing(tmp_path / "a", folder=folder) as temporary:
        (temporary / "inner" if folder else temporary).write_text("x")
        assert not (tmp_path / "a").exists()
    assert names(tmp_path) == (["a", "a/inner"] if folder else ["a"])


@pytest.mark.parametrize("folder", [False, True])
def test_a_block_that_raises_leaves_nothing_new(tmp_path: Path, folder: bool):
    with pytest.raises(KeyboardInterrupt), replacing(tmp_path / "a", folder=folder) as temporary:
        (temporary / "inner" if folder else temporary).write_text("x")
        raise KeyboardInterrupt
    assert names(tmp_path) == []


def test_a_write_that_fails_keeps_the_old_content(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_atomic(tmp_path / "a", "old")
    monkeypatch.setattr(os, "fsync", refuse(errno.ENOSPC))
    with pytest.raises(PonderError) as raised:
        write_atomic(tmp_path / "a", "new")
    assert str(raised.value) == (
        f"{tmp_path}/a: cannot be written (no space left on device): free some space and continue with --resume"
    )
    assert (tmp_path / "a").read_text() == "old"
    assert names(tmp_path) == ["a"]


def test_a_read_only_file_system_is_one_line_with_the_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(Path, "write_bytes", refuse(errno.EROFS))
    with pytest.raises(PonderError, match=r"a: cannot be written \(read-only file system\): choose .* --out$"):
        write_atomic(tmp_path / "a", "new")


def test_a_bug_in_the_block_is_not_blamed_on_the_disk(tmp_path: Path):
    with pytest.raises(FileNotFoundError), replacing(tmp_path / "a"):
        (tmp_path / "nowhere").read_bytes()


@pytest.mark.parametrize("place", ["file/run", "/proc/ponder/run"])
def test_a_folder_that_cannot_be_made(tmp_path: Path, place: str):
    (tmp_path / "file").write_text("")
    with pytest.raises(PonderError, match=r"cannot be made .*choose another folder with --out"):
        make_folder(tmp_path / place)


def test_clean_removes_temporaries_of_killed_writers_only(tmp_path: Path):
    (tmp_path / "in" / "000003.tmp-12-0123abcd").mkdir(parents=True)
    (tmp_path / "in" / "000003.tmp-12-0123abcd" / "model").write_text("half")
    (tmp_path / "a.parquet.tmp-77-deadbeef").write_text("half")
    (tmp_path / "my.tmp-notes").write_text("a user's own")
    clean(tmp_path)
    assert names(tmp_path) == ["in", "my.tmp-notes"]


def test_discard_removes_files_and_folders_and_does_not_mind_their_absence(tmp_path: Path):
    (tmp_path / "folder" / "inner").mkdir(parents=True)
    (tmp_path / "file").write_text("x")
    for name in ("folder", "file", "nothing"):
        discard(tmp_path / name)
    assert names(tmp_path) == []


def test_sha256_is_of_the_content(tmp_path: Path):
    (tmp_path / "a").write_bytes(b"abc")
    assert sha256(tmp_path / "a") == hashlib.sha256(b"abc").hexdigest()
