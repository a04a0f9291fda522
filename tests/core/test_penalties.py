"""Regularizers, constraints and activations: formulas, names, errors."""

from __future__ import annotations

import math
from collections.abc import Iterator
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import activations, constraints, ops, regularizers


@pytest.fixture(autouse=True)
def _on_numpy() -> Iterator[None]:
    with cornu.use_backend("numpy"):
        yield


W = np.array([[3.0, -1.0], [4.0, 0.0]], "float32")


def test_penalties_by_hand() -> None:
    w = ops.convert_to_tensor(W)
    assert float(regularizers.L1(0.5)(w)) == pytest.approx(4.0)
    assert float(regularizers.L2(0.5)(w)) == pytest.approx(13.0)
    assert float(regularizers.L1L2(0.5, 0.5)(w)) == pytest.approx(17.0)
    assert float(regularizers.L1L2()(w)) == 0.0
    # The cosine between (3, -1) and (4, 0) is 3 / sqrt(10); the sum runs over both orders, the divisor is 1 pair.
    assert float(regularizers.OrthogonalRegularizer(2.0)(w)) == pytest.approx(2 * 3 / math.sqrt(10), rel=1e-5)


def test_penalty_of_a_variable_has_a_gradient() -> None:
    w = W + 0.5
    found = cornu.grad(lambda x: regularizers.L1L2(0.5, 0.25)(x))(ops.convert_to_tensor(w))
    np.testing.assert_allclose(found.numpy(), 0.5 * np.sign(w) + 0.5 * w, rtol=1e-6)


@pytest.mark.parametrize("value", [-0.1, float("nan"), float("inf"), "0.1"])
def test_factors_are_checked(value: Any) -> None:
    with pytest.raises(ValueError, match="non-negative"):
        regularizers.L2(value)
    with pytest.raises(ValueError, match="'rows' or 'columns'"):
        regularizers.OrthogonalRegularizer(mode="diagonals")
    with pytest.raises(ValueError, match="rank 2"):
        regularizers.OrthogonalRegularizer()(ops.ones((3,)))


def test_projections_by_hand() -> None:
    w = ops.convert_to_tensor(W)
    np.testing.assert_allclose(constraints.NonNeg()(w).numpy(), np.maximum(W, 0))
    np.testing.assert_allclose(constraints.MaxNorm(2.5)(w).numpy(), [[1.5, -1.0], [2.0, 0.0]], rtol=1e-5)
    np.testing.assert_allclose(constraints.UnitNorm()(w).numpy(), [[0.6, -1.0], [0.8, 0.0]], rtol=1e-5)
    half = constraints.MinMaxNorm(2.0, 2.5, rate=0.5)(w).numpy()
    np.testing.assert_allclose(half, [[0.6 * 3.75, -1.5], [0.8 * 3.75, 0.0]], rtol=1e-5)


@pytest.mark.parametrize("family", [regularizers, constraints])
def test_names_and_configs(family: Any) -> None:
    names = {"regularizers": ("l1", "L2", "l1_l2"), "constraints": ("max_norm", "NonNeg", "unit_norm")}
    for name in names[family.__name__.split(".")[-1]]:
        found = family.get(name)
        assert family.deserialize(family.serialize(found)).get_config() == found.get_config()
    assert family.get(None) is None
    with pytest.raises(ValueError, match="identifier: 'nothing'"):
        family.get("nothing")


@pytest.mark.parametrize(
    ("arguments", "want"),
    [
        ({}, [0, 0, 0, 1, 7]),
        ({"negative_slope": 0.5}, [-1, -0.25, 0, 1, 7]),
        ({"max_value": 6.0}, [0, 0, 0, 1, 6]),
        ({"threshold": 1.0}, [0, 0, 0, 0, 7]),
        # Below the threshold: slope · (x - threshold).
        ({"negative_slope": 0.5, "threshold": 1.0, "max_value": 6.0}, [-1.5, -0.75, -0.5, 0, 6]),
    ],
)
def test_relu(arguments: dict[str, float], want: list[float]) -> None:
    x = ops.convert_to_tensor([-2.0, -0.5, 0.0, 1.0, 7.0])
    np.testing.assert_allclose(activations.relu(x, **arguments).numpy(), want)


def test_activations_by_name() -> None:
    assert activations.get(None) is activations.linear
    assert activations.get("swish") is activations.silu
    assert activations.get(math.sin) is math.sin
    assert activations.serialize(activations.get("hard_swish")) == "hard_silu"
    assert activations.deserialize("gelu") is activations.gelu
    with pytest.raises(ValueError, match=r"activation identifier: 'rellu'.*relu"):
        activations.get("rellu")


def test_mish() -> None:
    x = np.array([-3.0, 0.0, 2.0], "float32")
    want = x * np.tanh(np.log1p(np.exp(x)))
    np.testing.assert_allclose(activations.mish(ops.convert_to_tensor(x)).numpy(), want, rtol=1e-5)
