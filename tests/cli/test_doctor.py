from __future__ import annotations

import json
from pathlib import Path

import pytest
import torch

from cli.command import ponder
from ponder.cli import doctor
from ponder.verifiers.workers import Pool


def test_a_line_for_each_check(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path))
    result = ponder("doctor", "--json")
    assert result.exit_code == 0
    found = json.loads(result.stdout)
    assert list(found["checks"]) == list(doctor.CHECKS)
    assert found["checks"]["python"]["ok"] and found["checks"]["cache"]["ok"]
    assert found["checks"]["workers"] == {"ok": True, "text": "maths finds x/2 equal to 0.5x", "remedy": ""}
    assert found["checks"]["models"]["remedy"] == "ponder models pull smollm2-135m"
    assert found["ok"] is False
    lines = result.stderr.splitlines()
    assert len(lines) == len(doctor.CHECKS)
    assert "warning models: smollm2-135m not fetched: ponder models pull smollm2-135m" in lines


def test_what_auto_means_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    speeds = {torch.bfloat16: 20.0, torch.float32: 130.0}
    monkeypatch.setattr(doctor, "_gigaflops", lambda dtype, device: speeds[dtype])
    monkeypatch.setattr(doctor, "fastest", lambda device: "float32")
    told = "auto is float32 here; bfloat16 20 GFLOP/s, float32 130 GFLOP/s"
    assert (doctor.check_dtype().ok, doctor.check_dtype().text) == (True, told)
    monkeypatch.setattr(doctor, "fastest", lambda device: "bfloat16")
    finding = doctor.check_dtype()
    assert not finding.ok and finding.remedy == "use --set model.dtype=float32, which is faster"


def test_what_is_not_well_comes_with_a_remedy(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "file").write_text("")
    monkeypatch.setenv("PONDER_CACHE", str(tmp_path / "file"))
    monkeypatch.setattr(doctor, "MEMORY_GB", 10**6)
    monkeypatch.setattr(doctor, "DISK_GB", 10**9)
    for check in (doctor.check_cache, doctor.check_memory, doctor.check_disk):
        finding = check()
        assert not finding.ok
        assert finding.remedy


def test_workers_that_cannot_start_are_told(monkeypatch: pytest.MonkeyPatch) -> None:
    from ponder.verifiers import maths

    broken = Pool("ponder.verifiers.nowhere:judge", start_limit=20)
    monkeypatch.setattr(maths, "shared", lambda handler, limit: broken)
    finding = doctor.check_workers()
    assert not finding.ok
    assert "no worker can be started" in finding.remedy
