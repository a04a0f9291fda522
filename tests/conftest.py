"""What every test shares."""

from __future__ import annotations

import gc
import os
from collections.abc import Callable
from dataclasses import replace

import pytest

# Failures inside what several tests run show both sides, as in a test.
pytest.register_assert_rewrite("cornu_conformance.layer_runs", "training_runs")
# Every program is verified after every pass; set before anything imports the passes.
os.environ.setdefault("CORNU_VERIFY", "1")
# No test is answered from what an earlier run has left.
os.environ["CORNU_CACHE"] = "off"
# Two workers whose BLAS threads wait for one another are many times slower than two that have one thread each.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")


@pytest.fixture
def set_passes(monkeypatch: pytest.MonkeyPatch) -> Callable[[str], None]:
    """Turns passes on or off for a test, whatever CORNU_PASSES says (see `make unoptimised`)."""
    from cornu.backend import config

    def choose(passes: str) -> None:
        monkeypatch.setattr(config._process, "settings", replace(config._settings(), passes=passes))

    return choose


@pytest.fixture
def passes_on(set_passes: Callable[[str], None]) -> None:
    """For tests of what passes make."""
    set_passes("on")


def pytest_configure(config: pytest.Config) -> None:
    """Leaves out what needs a live Keras or a browser, unless `-m` asks for something itself."""
    if not config.option.markexpr:
        config.option.markexpr = "not keras and not web"


def pytest_collection_finish(session: pytest.Session) -> None:
    """Twenty thousand tests are many objects: no later collection of garbage need look at them."""
    gc.collect()
    gc.freeze()
