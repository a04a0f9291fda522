"""The examples in the docstrings of what training is made of."""

from __future__ import annotations

import doctest
import importlib
import pkgutil
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import ops

FAMILIES = (
    "initializers", "regularizers", "constraints", "activations", "losses", "metrics", "optimizers", "callbacks",
    "utils",
)  # fmt: skip


def examples() -> list[Any]:
    found: dict[tuple[Any, ...], doctest.DocTest] = {}
    for family in FAMILIES:
        package = importlib.import_module(f"cornu.{family}")
        names = [package.__name__, *(m.name for m in pkgutil.walk_packages(package.__path__, f"{package.__name__}."))]
        for name in names:
            module = importlib.import_module(name)
            known = {**vars(module), "np": np, "ops": ops}
            for test in doctest.DocTestFinder(exclude_empty=True).find(module, name, globs=known):
                if test.examples:
                    found[test.filename, test.lineno] = test
    return [pytest.param(test, id=test.name.removeprefix("cornu.")) for test in found.values()]


@pytest.mark.parametrize("example", examples())
def test_example(example: doctest.DocTest) -> None:
    lines: list[str] = []
    with cornu.use_backend("numpy"):
        result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE).run(example, out=lines.append)
    assert result.failed == 0, "".join(lines)
