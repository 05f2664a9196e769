"""Specs by name and by path."""

import re
from pathlib import Path

import pytest

from ponder.specs import load
from ponder.types import PonderError

SMALL = "# T\n\n## a (must) A\n"


@pytest.mark.parametrize(
    ("file", "language", "name", "expected"),
    [
        ("rules.md", None, "rules", "en"),
        ("rules.ja.md", None, "rules", "ja"),
        ("rules.v2.txt", None, "rules.v2", "en"),
        ("rules.md", "ja", "rules", "ja"),
        ("rules.ja.md", "en", "rules", "en"),
    ],
)
def test_name_and_language_are_those_of_the_path(tmp_path: Path, file: str, language: str, name: str, expected: str):
    (tmp_path / file).write_text(SMALL)
    for path in (tmp_path / file, str(tmp_path / file)):
        spec = load(path, language=language)
        assert (spec.name, spec.language) == (name, expected)


def test_a_byte_order_mark_is_no_text(tmp_path: Path):
    (tmp_path / "a.md").write_text(SMALL, encoding="utf-8-sig")
    assert load(tmp_path / "a.md").title == "T"


def test_what_cannot_be_read_is_told(tmp_path: Path):
    (tmp_path / "house.md").write_text(SMALL)
    (tmp_path / "latin.md").write_bytes("# T\n\n## a (must) Blöd\n".encode("latin-1"))
    (tmp_path / "wrong.md").write_text("# T\n\n## a (most) A\n")
    faults = {
        "hose.md": f"{tmp_path}/hose.md: no such file; did you mean {tmp_path}/house.md?",
        "latin.md": f"{tmp_path}/latin.md:3: byte 19 of the file is not UTF-8; save it as UTF-8",
        "wrong.md": f"{tmp_path}/wrong.md:3: level = 'most': no such level",
        "zzz/q.md": f"{tmp_path}/zzz/q.md: no such file; check the path",
        "\0.md": "cannot be read (",
        "": f"{tmp_path}: cannot be read (",
    }
    for file, message in faults.items():
        with pytest.raises(PonderError, match=re.escape(message)):
            load(tmp_path / file)


@pytest.mark.parametrize(
    ("name", "language", "message"),
    [
        ("privcy", None, "spec = 'privcy': no such spec; did you mean 'privacy'?"),
        ("zzz", None, "spec = 'zzz': no such spec; take one of explanation, format, honesty, privacy or a path"),
        ("privacy", "de", "language = 'de': privacy is not written in it; take one of en, ja"),
        ("privacy", "Japanese", "language = 'Japanese': must be an ISO 639-1 code such as 'ja'"),
    ],
)
def test_a_name_that_nothing_has_is_told(name: str, language: str | None, message: str):
    with pytest.raises(PonderError, match=re.escape(message)):
        load(name, language=language)
