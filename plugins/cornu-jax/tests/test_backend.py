"""What is the backend's own: devices, settings of JAX, buffers, support."""

from __future__ import annotations

import inspect
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import cornu.primitives  # noqa: F401 - registers them
import jax
import jax.numpy as jnp
import numpy as np
import pytest
from cornu.backend.manager import get_backend
from cornu.ir.primitive import all_primitives
from cornu_jax import JaxBackend
from cornu_jax.kernels import KERNELS
from cornu_jax.support import COMPOSITES, NATIVE
from jax_programs import N, f32, on_both, program, ramp

INTERNAL = {"around", "crop"}  # what the folding of padding adds


def test_importing_it_imports_no_jax() -> None:
    code = "import sys, cornu_jax; cornu_jax.JaxBackend.priority; assert 'jax' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_every_primitive_is_native() -> None:
    assert set(NATIVE) == set(all_primitives()) - {"Call"}
    assert set(KERNELS) == (set(NATIVE) | set(COMPOSITES)) - {"Constant"}


@pytest.mark.parametrize("op", sorted(KERNELS))
def test_attributes_are_those_of_the_kernel(op: str) -> None:
    parameters = inspect.signature(KERNELS[op]).parameters.values()
    if any(parameter.kind == parameter.VAR_KEYWORD for parameter in parameters):
        pytest.skip("wrapped")
    taken = {parameter.name for parameter in parameters if parameter.kind != parameter.VAR_POSITIONAL}
    assert {**NATIVE, **COMPOSITES}[op].attributes <= taken | INTERNAL


def test_what_is_unknown_is_not_supported() -> None:
    backend = get_backend("jax")
    assert backend.supports("Add", ("float32", "float32"), {}, "")
    assert not backend.supports("Add", ("float32", "float32"), {"axis": 1}, "")
    assert not backend.supports("Add", ("bool", "bool"), {}, "")
    assert not backend.supports("Add", ("float8", "float8"), {}, "")
    assert not backend.supports("Add", ("float32", "float32"), {}, "tpu")
    assert not backend.supports("Gather", ("float32", "int8"), {"axis": 0}, "")
    assert not backend.supports("ScatterND", ("float32", "int64", "float32"), {"reduction": "xor"}, "")
    assert not backend.supports("Softmax", ("float32",), {"name": "Softmax", "body": None, "axis": 1}, "")
    assert not backend.supports("Relu", ("float32",), {"name": "Relu", "body": None}, "")


def test_devices() -> None:
    backend = JaxBackend()
    assert {"cpu:0"} <= set(backend.describe()["devices"])
    for device in ("", "cpu", "cpu:0"):
        assert backend.to_numpy(backend.from_numpy(ramp(3), device)).tolist() == ramp(3).tolist()
    for device in ("tpu", "cpu:99", "CPU", "cpu:", "disk"):
        assert not backend.supports("Add", ("float32", "float32"), {}, device)
        with pytest.raises(ValueError, match="There is no device"):
            backend.from_numpy(ramp(3), device)


@pytest.mark.parametrize("options", [{"cache_size": 0}, {"cache_size": -1}])
def test_options_are_checked(options: dict[str, int]) -> None:
    with pytest.raises(ValueError, match="cache_size"):
        JaxBackend(**options)


def test_the_users_settings_stay() -> None:
    x = np.linspace(0, 1, 5)
    made = program(lambda b, x: b.Exp(x), f32(N))
    assert jnp.asarray(x).dtype == np.float32
    for ours, reference in on_both(made, [x.astype(np.float32)]):
        np.testing.assert_allclose(ours, reference, rtol=1e-6)
    backend = get_backend("jax")
    assert backend.to_numpy(backend.from_numpy(x, "")).dtype == np.float64
    assert not jax.config.jax_enable_x64
    assert jnp.asarray(x).dtype == np.float32


@pytest.mark.parametrize(
    "setting",
    [
        lambda: jax.debug_nans(True),
        lambda: jax.debug_infs(True),
        lambda: jax.disable_jit(True),
        lambda: jax.numpy_rank_promotion("raise"),
        lambda: jax.numpy_dtype_promotion("strict"),
        lambda: jax.default_matmul_precision("bfloat16"),
        lambda: jax.enable_x64(True),
        lambda: jax.checking_leaks(),
    ],
)
def test_the_users_settings_do_not_disturb(setting: Callable[[], object]) -> None:
    def make(b, x, y):  # type: ignore[no-untyped-def]
        product = b.MatMul(b.Add(x, y), b.Transpose(x, perm=(1, 0)))
        return [product, b.Log(x), b.Reciprocal(b.Sub(x, x)), b.Cast(b.CumSum(x, axis=0, **running), to="float64")]

    running = {"exclusive": False, "reverse": False}
    made = program(make, f32(N, 4), f32(4))
    with setting():  # type: ignore[attr-defined]
        for ours, reference in on_both(made, [ramp(3, 4), ramp(4)]):
            np.testing.assert_allclose(ours, reference, rtol=1e-5)


def test_a_large_array_is_copied() -> None:
    backend = get_backend("jax")
    for _ in range(20):
        array = np.zeros((1 << 20,), np.float32)
        buffer = backend.from_numpy(array, "")
        array[...] = 1
        assert not backend.to_numpy(buffer).any()


def test_a_cast_there_and_back_rounds() -> None:
    for dtype in ("bfloat16", "float16"):
        made = program(lambda b, x, dtype=dtype: b.Cast(b.Cast(x, to=dtype), to="float32"), f32(N))
        for ours, reference in on_both(made, [np.array([1.0001, 3.14159, 1e-3], np.float32)]):
            assert ours.tolist() == reference.tolist()


def test_the_readme_runs(tmp_path: Path) -> None:
    text = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
    script = tmp_path / "readme.py"
    script.write_text(text.partition("```python\n")[2].partition("```")[0])
    subprocess.run([sys.executable, str(script)], check=True, cwd=tmp_path, capture_output=True)
