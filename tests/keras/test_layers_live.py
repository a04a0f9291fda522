"""Every layer on fresh draws, beside a live Keras 3 in the same process; files go both ways."""

from __future__ import annotations

import cornu
import numpy as np
import pytest
from cornu_conformance.layer_draws import DRAWS
from cornu_conformance.layer_runs import close, compare, results
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

BLOWN_UP = 50.0

pytestmark = [
    pytest.mark.keras,
    pytest.mark.slow,  # a live Keras compiles every model
    pytest.mark.filterwarnings("ignore:__array__ implementation doesn't accept a copy:DeprecationWarning"),  # Keras's
    pytest.mark.filterwarnings("ignore:Explicitly requested dtype int64:UserWarning"),  # MixUp's in Keras on JAX
]


@pytest.mark.parametrize("name", DRAWS)
@settings(max_examples=8, deadline=None, suppress_health_check=list(HealthCheck))
@given(seed=st.integers(4, 2**32))
def test_agrees_with_keras(name: str, seed: int, tmp_path_factory: pytest.TempPathFactory) -> None:
    keras = pytest.importorskip("keras")
    ours, found = results(cornu, name, seed)
    theirs, wanted = results(keras, name, seed)
    compare(found, wanted)
    folder = tmp_path_factory.mktemp("files")
    for maker, case, reader in ((cornu, ours, keras), (keras, theirs, cornu)):
        path = folder / f"{maker.__name__}.keras"
        case.model.save(path)
        expected = case.model.predict(case.fed, verbose=0)
        read = reader.models.load_model(path).predict(case.fed, verbose=0)
        as_list = [[np.asarray(x) for x in (y if isinstance(y, (list, tuple)) else [y])] for y in (read, expected)]
        # Where the step made the model blow up, its gates turn the last bit of a sum into any number.
        if all(np.abs(array.astype("float64")).max(initial=0) < BLOWN_UP for array in as_list[1]):
            close(*as_list, 1e-5)
