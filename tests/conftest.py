"""What every test shares."""

from __future__ import annotations

import pytest


def pytest_configure(config: pytest.Config) -> None:
    """Leaves out what needs a live Keras, unless `-m` asks for something itself."""
    if not config.option.markexpr:
        config.option.markexpr = "not keras"
