"""Cornu's public names against Keras's: spec/keras_api.md is fresh, and every difference has its reason."""

from __future__ import annotations

import pytest
from describe_keras_api import PAGE, absent_methods, describe, differences, find, keras_names, modules
from keras_deviations import ABSENT_METHODS, ABSENT_MODULES, SIGNATURES, reason, used
from signatures import signature


def test_the_page_is_fresh() -> None:
    assert PAGE.read_text(encoding="utf-8") == describe(), "run python tests/support/describe_keras_api.py"


def test_signatures_are_keras_or_explained() -> None:
    unexplained = {name: pair for name, pair in differences().items() if reason(SIGNATURES, name) is None}
    assert unexplained == {}


def test_methods_are_there_or_explained() -> None:
    assert [name for name in absent_methods() if reason(ABSENT_METHODS, name) is None] == []


@pytest.mark.parametrize("table", [SIGNATURES, ABSENT_METHODS], ids=["signatures", "methods"])
def test_no_reason_outlives_its_difference(table: dict[str, str]) -> None:
    names = [*differences()] if table is SIGNATURES else absent_methods()
    assert set(table) == used(table, names)


def test_modules_said_to_be_absent_are() -> None:
    names = [name for name in keras_names() if any(name.startswith(f"{module}.") for module in ABSENT_MODULES)]
    assert [name for name in names if find(name) is not None] == []


def test_every_name_is_in_one_group() -> None:
    counts = [module.counts()[0] for module in modules().values()]
    assert sum(counts) == len(keras_names()) == len(set(keras_names()))
    assert sum(counts) > 1400


def test_signatures_as_text() -> None:
    def function(a, b=1.0, *args, c="x", d=(1,), **kwargs):  # type: ignore[no-untyped-def]
        pass

    assert signature(function) == "(a, b=1.0, *args, c='x', d=(1,), **kwargs)"
    assert signature(lambda x, *, axis=None: x) == "(x, *, axis=None)"
    assert signature(type("Empty", (), {})) == "()"
    assert signature(3) is None
