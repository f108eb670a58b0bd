"""The similarity engine on 64-bit ARM: its tests, cross-compiled, under qemu-user."""
import os
import pathlib
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("KITH_BUILD", ROOT / "build"))


def test_the_neon_kernel_and_the_engine_with_it():
    done = subprocess.run([ROOT / "tests" / "cross" / "run", BUILD], capture_output=True, text=True, timeout=600)
    if done.returncode == 77:
        pytest.skip("skipped: " + done.stdout.strip())
    assert done.returncode == 0, done.stdout[-2000:] + done.stderr[-2000:]
    assert "kernel neon: tested" in done.stdout and done.stdout.endswith("all passed\n")
