"""Reading a text file; what is wrong with it is said in a line."""

from __future__ import annotations

from difflib import get_close_matches
from pathlib import Path

from ponder.specs.lines import fault
from ponder.types import PonderError


def read_file(path: Path) -> str:
    """The text of a file in UTF-8; raises PonderError for one that is missing, unreadable or in another encoding."""
    try:
        raw = path.read_bytes()
    except FileNotFoundError:
        near = get_close_matches(path.name, [file.name for file in path.parent.glob("*.*")], n=1)
        remedy = f"did you mean {path.with_name(near[0])}?" if near else "check the path"
        raise PonderError(f"{path}: no such file; {remedy}") from None
    except (OSError, ValueError) as error:
        raise PonderError(f"{path}: cannot be read ({error}); give the path of a text file") from None
    try:
        return raw.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = raw.count(b"\n", 0, error.start) + 1
        raise fault(str(path), line, f"byte {error.start} of the file is not UTF-8; save it as UTF-8") from None
