"""What trains and initializes, on fresh draws, beside a live Keras 3 in the same process."""

from __future__ import annotations

import cornu
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from training_draws import FAMILIES
from training_runs import check, results

pytestmark = [pytest.mark.keras, pytest.mark.slow]  # twenty steps of an optimizer in Keras take seconds


@pytest.mark.parametrize(("family", "name"), [(family, name) for family, draws in FAMILIES.items() for name in draws])
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(6, 2**32), backend=st.sampled_from(["numpy", "onnxruntime"]))
def test_agrees_with_keras(family: str, name: str, seed: int, backend: str) -> None:
    keras = pytest.importorskip("keras")
    with cornu.use_backend(backend):
        found = results(cornu, family, name, seed)
    check(found, results(keras, family, name, seed), family, name)
