"""cornu-extras, built and installed by pip into a folder of its own, as an outsider's distribution would be."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SOURCE = ROOT / "plugins" / "cornu-extras"


def run(*arguments: str, site: Path | None = None, **environment: str) -> subprocess.CompletedProcess[str]:
    """Python in a process of its own, with the folder `site` on its path."""
    paths = [*([str(site)] if site else []), *sys.path]
    kept = {name: value for name, value in os.environ.items() if name != "CORNU_PLUGINS"}
    env = {**kept, "PYTHONPATH": os.pathsep.join(path for path in paths if path), "COLUMNS": "200", **environment}
    return subprocess.run([sys.executable, *arguments], env=env, capture_output=True, text=True, check=False)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where pip installed it: with no index, so that nothing is downloaded."""
    target = tmp_path_factory.mktemp("site")
    options = ["--quiet", "--no-deps", "--no-build-isolation", "--no-index", "--disable-pip-version-check"]
    done = run("-m", "pip", "install", *options, "--target", str(target), str(SOURCE))
    assert done.returncode == 0, done.stderr
    return target


def test_what_pip_installed(site: Path) -> None:
    (info,) = site.glob("cornu_extras-*.dist-info")
    assert "[cornu.plugins]\nextras = cornu_extras.plugin" in (info / "entry_points.txt").read_text()
    assert (info / "INSTALLER").read_text().strip() == "pip"
    assert (site / "cornu_extras" / "py.typed").exists()


def test_it_is_listed(site: Path) -> None:
    done = run("-m", "cornu.cli", "plugins", site=site)
    assert done.returncode == 0, done.stderr
    for word in ("extras", "cornu-extras", "0.1.0", "layers:", "SwiGLU", "ok"):
        assert word in done.stdout
    assert "No plugin is installed" in run("-m", "cornu.cli", "plugins").stdout


def test_its_own_tests_pass(site: Path) -> None:
    done = run("-m", "pytest", "-q", "-p", "no:cacheprovider", str(SOURCE), site=site)
    assert done.returncode == 0, done.stdout[-3000:]
    assert " passed" in done.stdout


def test_its_readme_runs(site: Path, tmp_path: Path) -> None:
    text = (SOURCE / "README.md").read_text(encoding="utf-8")
    script = tmp_path / "readme.py"
    script.write_text(text.partition("```python\n")[2].partition("```")[0])
    done = subprocess.run(
        [sys.executable, str(script)],
        env={**os.environ, "PYTHONPATH": os.pathsep.join([str(site), *sys.path])},
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "model.keras").exists()


SAVE = """
import sys
import cornu
from cornu_extras import CausalSelfAttention, LayerScale
model = cornu.Sequential([cornu.Input((3, 4)), CausalSelfAttention(2, rotary=True, name="a"), LayerScale(name="s")])
model.save(sys.argv[1])
print(model.get_config()["layers"][1]["registered_name"])
"""
LOAD = """
import json, sys
import cornu, numpy
assert "cornu_extras" not in sys.modules
model = cornu.models.load_model(sys.argv[1])
print(json.dumps([type(layer).__module__ for layer in model.layers]))
assert numpy.isfinite(model.predict(numpy.ones((1, 3, 4)), verbose=0)).all()
"""


def test_saved_models_name_it(site: Path, tmp_path: Path) -> None:
    path = str(tmp_path / "model.keras")
    saved = run("-c", SAVE, path, site=site)
    assert saved.stdout.strip() == "cornu-extras>CausalSelfAttention", saved.stderr
    loaded = run("-c", LOAD, path, site=site)
    assert loaded.returncode == 0, loaded.stderr
    assert json.loads(loaded.stdout) == ["cornu_extras.attention", "cornu_extras.residual"]
    missing = run("-c", LOAD, path)
    assert "TypeError" in missing.stderr
    assert "`pip install cornu-extras` brings it" in missing.stderr
    off = run("-c", LOAD, path, site=site, CORNU_PLUGINS="off")
    assert "Plugin 'extras' is switched off by CORNU_PLUGINS=off" in off.stderr


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_it_trains_on_every_backend(site: Path, backend: str) -> None:
    code = """
import cornu as keras, numpy as np
from cornu_extras import CausalSelfAttention, SwiGLU
keras.utils.set_random_seed(0)
x = np.random.default_rng(0).normal(size=(32, 5, 4)).astype("float32")
y = np.cumsum(x, 1)
model = keras.Sequential([keras.Input((5, 4)), CausalSelfAttention(2), SwiGLU(16), keras.layers.Dense(4)])
model.compile(keras.optimizers.Adam(0.02), "mse")
losses = model.fit(x, y, epochs=8, verbose=0).history["loss"]
assert losses[-1] < 0.9 * losses[0], losses
"""
    done = run("-c", code, site=site, CORNU_BACKEND=backend)
    assert done.returncode == 0, done.stderr


@pytest.mark.parametrize("backend", ["numpy", "onnxruntime"])
def test_its_layers_are_checked_on_every_backend_with_no_code_of_theirs(
    site: Path, tmp_path: Path, backend: str
) -> None:
    report = tmp_path / "report.json"
    arguments = ("conformance", backend, "--level", "layers", "-k", "extras", "--json", str(report))
    done = run("-m", "cornu.cli", *arguments, site=site)
    assert done.returncode == 0, done.stdout[-3000:] + done.stderr
    found = {check["id"].partition(">")[2]: check["outcome"] for check in json.loads(report.read_text())["checks"]}
    assert {"SwiGLU", "PatchEmbedding", "CausalSelfAttention", "StochasticDepth"} <= set(found)
    assert set(found.values()) == {"passed"}
