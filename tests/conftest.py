"""What every test shares."""

from __future__ import annotations

import os

import pytest

# Every program is verified after every pass; set before anything imports the passes.
os.environ.setdefault("CORNU_VERIFY", "1")
# Two workers whose BLAS threads wait for one another are many times slower than two that have one thread each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Leaves out what needs a live Keras, unless `-m` asks for something itself."""
    if not config.option.markexpr:
        config.option.markexpr = "not keras"
