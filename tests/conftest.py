"""What every test shares."""

from __future__ import annotations

import os

import pytest

# Every program is verified after every pass; set before anything imports the passes.
os.environ.setdefault("CORNU_VERIFY", "1")


def pytest_configure(config: pytest.Config) -> None:
    """Leaves out what needs a live Keras, unless `-m` asks for something itself."""
    if not config.option.markexpr:
        config.option.markexpr = "not keras"
