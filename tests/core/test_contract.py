"""The core has no private door: a backend from outside trains, and a broken one stops nobody."""

from __future__ import annotations

import ast
import re
import tomllib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu.backend import config, manager
from cornu.backend.contract import Backend, Executable
from cornu.backend.manager import BackendManager, get_backend
from cornu.cli import main
from cornu.cli.digits_job import build_model
from cornu.datasets import digits

ROOT = Path(__file__).parents[2]


# -- a backend from an unpackaged module ---------------------------------------------------------------------------


class ForwardingBackend:
    contract = "1.0"
    priority = 0

    def __init__(self) -> None:
        self._other = get_backend("numpy")

    def __getattr__(self, name: str) -> Any:
        return getattr(self._other, name)


@pytest.fixture
def forwarding() -> Iterator[str]:
    manager.register_backend("forwarding", ForwardingBackend)
    yield "forwarding"
    manager.unregister_backend("forwarding")


def train_quickstart_model(samples: int = 256) -> tuple[list[float], np.ndarray]:
    """One epoch of the quickstart's model on real digits: the losses and some predictions."""
    (x, y), _ = digits.load_data()
    x = x[:samples, ..., None].astype("float32")
    keras.utils.set_random_seed(3)
    model = build_model()
    model.compile(optimizer="adam", loss="sparse_categorical_crossentropy", metrics=["accuracy"])
    history = model.fit(x, y[:samples], batch_size=32, epochs=2, verbose=0).history
    return history["loss"], np.asarray(model.predict(x[:8], verbose=0))


def test_ten_lines_train_the_quickstart_model(forwarding: str) -> None:
    with keras.use_backend(forwarding) as backend:
        assert isinstance(backend, ForwardingBackend)
        losses, predictions = train_quickstart_model()
        assert keras.config.backend() == "forwarding"
    assert losses[1] < 0.6 * losses[0]
    with keras.use_backend("numpy"):
        expected, expected_predictions = train_quickstart_model()
    assert losses == expected  # it only forwards
    np.testing.assert_array_equal(predictions, expected_predictions)


def test_installed_backends_have_the_contracts_methods() -> None:
    for info in manager.installed():
        if not info.error:
            assert isinstance(get_backend(info.name), Backend)
    with keras.use_backend("numpy") as backend:
        from cornu.backend.contract import CompileOptions
        from cornu.ir.program import Program

        assert isinstance(backend.compile(Program("empty", (), (), ()), CompileOptions()), Executable)


# -- plugins that are broken ---------------------------------------------------------------------------------------


@pytest.fixture
def plugins(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """The process as it is after installation, with no configuration and nothing loaded yet."""
    for name in ("CORNU_BACKEND", "KERAS_BACKEND"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("CORNU_HOME", str(tmp_path / "home"))
    monkeypatch.setenv("COLUMNS", "200")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(manager, "_manager", BackendManager())
    monkeypatch.setattr(config, "_process", config._Process())


@pytest.mark.usefixtures("plugins")
def test_broken_plugins_stop_neither_training_nor_the_list(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    public: dict[str, Any] = {"group": "cornu.backends", "priority": 1000}
    install("driverless", source="raise OSError('libdriver.so.7 is not there')", **public)
    install("futuristic", contract="7.3", **public)
    install("twin", distribution="first-twin", version="1.0", **public)
    install("twin", distribution="second-twin", version="2.0", **public)

    losses, _ = train_quickstart_model(64)
    assert np.isfinite(losses).all()
    assert keras.config.backend() not in ("driverless", "futuristic", "twin")

    assert main(["backends"]) == 0
    told = " ".join(capsys.readouterr().out.split())
    assert "driverless (cornu-driverless 1.0) cannot be used: OSError: libdriver.so.7 is not there" in told
    assert (
        "futuristic (cornu-futuristic 1.0) cannot be used: ValueError: Toy was written for backend contract 7.3" in told
    )
    for twin in ("twin (first-twin 1.0)", "twin (second-twin 2.0)"):
        assert f"{twin} cannot be used: 2 distributions claim this name: " in told
    usable = {info.name for info in manager.installed() if not info.error}
    assert usable >= {"numpy", "onnxruntime"}

    with pytest.raises(manager.BackendLoadError, match=r"'driverless' from cornu-driverless 1\.0.*libdriver\.so\.7"):
        keras.config.set_backend("driverless")


# -- no backend is named in the core -------------------------------------------------------------------------------


def declared_backends() -> dict[str, str]:
    """The backends of this repository, those of its plugins included: name to module."""
    projects = [ROOT / "pyproject.toml", *ROOT.glob("plugins/*/pyproject.toml")]
    found: dict[str, str] = {}
    for project in projects:
        entries = tomllib.loads(project.read_text(encoding="utf-8"))["project"].get("entry-points", {})
        found |= {name: target.split(":")[0] for name, target in entries.get("cornu.backends", {}).items()}
    return found


SELECTING = {"set_backend", "use_backend", "get_backend", "load", "start", "unregister_backend"}


def backends_named(source: str, names: dict[str, str]) -> list[str]:
    """Where a module imports a backend's module, or compares or selects by a backend's name."""
    found = [
        f"line {1 + source.count(chr(10), 0, m.start())}: {m[0]}" for m in re.finditer("|".join(names.values()), source)
    ]
    for node in ast.walk(ast.parse(source)):
        operands: list[ast.expr] = []
        if isinstance(node, ast.Compare):
            operands = [node.left, *node.comparators]
        elif isinstance(node, ast.MatchValue):
            operands = [node.value]
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) in SELECTING:
            operands = list(node.args)
        listed = [x for o in operands for x in (o.elts if isinstance(o, ast.Tuple | ast.List | ast.Set) else [o])]
        literals = [x for x in listed if isinstance(x, ast.Constant)]
        found += [f"line {leaf.lineno}: {leaf.value!r}" for leaf in literals if leaf.value in names]
    return found


@pytest.mark.parametrize(
    "line",
    [
        "import cornu_numpy",
        "from cornu_numpy.plan import Plan",
        "fast = backend.name == 'numpy'",
        "use_backend('numpy')",
        "found = config.backend() in ('a', 'numpy')",
        "match name:\n    case 'numpy':\n        pass",
    ],
)
def test_the_search_finds_what_it_is_for(line: str) -> None:
    assert backends_named(line, {"numpy": "cornu_numpy"})
    assert not backends_named("import numpy as np\nmodule = 'numpy'", {"numpy": "cornu_numpy"})


def test_nothing_in_the_core_names_a_backend() -> None:
    names = declared_backends()
    assert {"numpy", "onnxruntime"} <= set(names)
    found = {}
    for path in sorted((ROOT / "core").rglob("*.py")):
        if lines := backends_named(path.read_text(encoding="utf-8"), names):
            found[str(path.relative_to(ROOT))] = lines
    assert found == {}


def test_nothing_under_core_imports_a_runtime_to_run_programs() -> None:
    # Whichever backend is in use, exported files are tried and quantized with ONNX Runtime's own tools.
    tools = {"export/quantization.py", "export/verification.py"}
    importing = [
        str(path.relative_to(ROOT / "core" / "cornu"))
        for path in sorted((ROOT / "core").rglob("*.py"))
        if re.search(r"^\s*(import|from) onnxruntime\b", path.read_text(encoding="utf-8"), re.MULTILINE)
    ]
    assert set(importing) <= tools
