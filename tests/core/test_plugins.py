"""Plugins: found without an import, loaded when needed, alone in their failures, and named in files."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import cornu
import numpy as np
import pytest
from cornu import layers, losses, metrics, ops, optimizers, plugins
from cornu.cli import main
from cornu.ir.builder import Builder
from cornu.ir.passes import prepare
from cornu.ir.program import Program
from cornu.ir.types import TensorType
from cornu.plugins import PluginLoadError, PluginManager, PluginPassError, hookimpl
from cornu.saving import deserialize_keras_object, get_registered_name, serialize_keras_object

LAYER = """
from cornu import layers, losses, metrics, ops, optimizers, callbacks
from cornu.plugins import hookimpl

class Twice(layers.Layer):
    def call(self, x):
        return x * 2.0

@hookimpl
def cornu_layers():
    return {"Twice": Twice}
"""

EVERYTHING = (
    LAYER
    + """
class Median(losses.Loss):
    def call(self, y_true, y_pred):
        return ops.median(ops.abs(y_true - y_pred), axis=-1)

def off_by_one(y_true, y_pred):
    return ops.mean(ops.abs(y_true - y_pred), axis=-1) + 1.0

class Constant(metrics.Mean):
    def update_state(self, y_true, y_pred, sample_weight=None):
        super().update_state(7.0)

class Creep(optimizers.SGD):
    pass

class Watch(callbacks.Callback):
    pass

class roses:
    @staticmethod
    def load_data():
        return "roses"

@hookimpl
def cornu_losses():
    return {"Median": Median, "off_by_one": off_by_one}

@hookimpl
def cornu_metrics():
    return {"Constant": Constant}

@hookimpl
def cornu_optimizers():
    return {"Creep": Creep}

@hookimpl
def cornu_callbacks():
    return {"Watch": Watch}

@hookimpl
def cornu_datasets():
    return {"roses": roses}
"""
)

Install = Callable[..., Path]


@pytest.fixture
def manager(monkeypatch: pytest.MonkeyPatch) -> PluginManager:
    """A manager that finds what the test installs, in the place of the process's own."""
    monkeypatch.delenv("CORNU_PLUGINS", raising=False)
    fresh = PluginManager("cornu.plugins.testing")
    monkeypatch.setattr(plugins, "_manager", fresh)
    return fresh


@pytest.fixture
def add(manager: PluginManager, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Install]:
    """Installs a distribution with one plugin; what it registered is forgotten after the test."""
    before = set(sys.modules)

    def make(name: str, source: str = LAYER, distribution: str = "", package: str = "") -> Path:
        distribution = distribution or f"{name}-dist"
        package = package or f"{name.partition('.')[0]}_package"
        root = tmp_path / "site" / distribution
        info = root / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir(parents=True)
        (root / package).mkdir()
        (root / package / "__init__.py").write_text(source)
        (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n")
        (info / "entry_points.txt").write_text(f"[cornu.plugins.testing]\n{name} = {package}\n")
        monkeypatch.syspath_prepend(str(root))
        return root

    yield make
    for name in manager.names():
        manager.unregister(name)
    for module in set(sys.modules) - before:
        if module.endswith("_package"):
            del sys.modules[module]


def imported() -> set[str]:
    return {name for name in sys.modules if name.endswith("_package")}


# -- finding and loading --------------------------------------------------------------------------------------------


def test_listing_imports_nothing(add: Install) -> None:
    add("acme")
    add("broken", "raise RuntimeError('imported')")
    assert plugins.names() == ["acme", "broken"]
    assert not imported()


def test_the_group_is_the_public_one() -> None:
    assert plugins.GROUP == "cornu.plugins"
    assert PluginManager()._group == "cornu.plugins"


def test_what_is_built_in_loads_no_plugin(add: Install) -> None:
    add("acme")
    losses.get("mse")
    metrics.get("AUC")
    optimizers.get("adam")
    layers.deserialize(layers.serialize(layers.Dense(2)))
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.compile("adam", "mse", metrics=["mae", "accuracy"])
    model.fit(np.zeros((4, 2)), np.zeros((4, 1)), verbose=0)
    assert not imported()


def test_every_kind_is_found(add: Install) -> None:
    add("acme", EVERYTHING)
    assert type(losses.get("Median")).__name__ == "Median"
    package = sys.modules["acme_package"]
    assert losses.get("off_by_one") is package.off_by_one
    assert type(metrics.get("constant")) is package.Constant  # metrics and optimizers are found as Keras's own are
    assert type(optimizers.get("creep")) is package.Creep
    assert plugins.get("layers", "Twice") is package.Twice
    assert plugins.get("layers", "acme-dist>Twice") is package.Twice
    assert plugins.get("callbacks", "Watch") is package.Watch
    assert cornu.datasets.roses.load_data() == "roses"
    assert sorted(plugins.offers("losses")) == ["acme-dist>Median", "acme-dist>off_by_one"]


def test_a_model_compiles_with_names_of_a_plugin(add: Install) -> None:
    add("acme", EVERYTHING)
    model = cornu.Sequential([cornu.Input((3,)), plugins.get("layers", "Twice")()])
    model.compile("creep", "off_by_one", metrics=["Constant"])
    x = np.ones((2, 3), "float32")
    told = model.evaluate(x, x, verbose=0, return_dict=True)
    assert told == {"loss": 2.0, "Constant": 7.0}  # |2 - 1| + 1


def test_a_broken_plugin_stops_nobody_and_is_named(add: Install) -> None:
    add("broken", "raise RuntimeError('libfast.so is missing')")
    add("exits", "raise SystemExit('no licence')")
    add("acme", EVERYTHING)
    assert losses.get("off_by_one")
    with pytest.raises(ValueError, match=r"Could not interpret loss identifier: 'nowhere'") as caught:
        losses.get("nowhere")
    assert "Plugin 'broken' from broken-dist 1.5 cannot be loaded: RuntimeError: libfast.so is missing" in str(
        caught.value
    )
    assert "SystemExit: no licence" in str(caught.value)
    with pytest.raises(PluginLoadError) as error:
        plugins.load("broken")
    assert isinstance(error.value.__cause__, RuntimeError)
    assert [bool(info.error) for info in plugins.installed()] == [False, True, True]


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("x = 1", "it has no function under @cornu.plugins.hookimpl"),
        (LAYER.replace("cornu_layers", "cornu_layer"), "there is no hook 'cornu_layer'"),
        (LAYER.replace('{"Twice": Twice}', "[Twice]"), "cornu_layers() must return a mapping from names to objects"),
        (LAYER.replace('{"Twice": Twice}', '{"Twice": 3}'), "cornu_layers()['Twice'] must be a subclass of"),
        (LAYER.replace('{"Twice": Twice}', '{"two words": Twice}'), "gives the name 'two words'"),
        (LAYER.replace('{"Twice": Twice}', "1 / 0"), "ZeroDivisionError"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
    ],
)
def test_reasons(add: Install, source: str, reason: str) -> None:
    add("bad", source)
    with pytest.raises(PluginLoadError) as caught:
        plugins.load("bad")
    assert str(caught.value).startswith("Plugin 'bad' from bad-dist 1.5 cannot be loaded: ")
    assert reason in str(caught.value)
    with pytest.raises(PluginLoadError):  # nothing of it is left behind
        plugins.load("bad")
    assert plugins.offers("layers") == {}


def test_a_hook_of_a_newer_cornu_may_be_optional(add: Install) -> None:
    add("newer", LAYER + "\n@hookimpl(optionalhook=True)\ndef cornu_dreams():\n    return {}\n")
    assert plugins.get("layers", "Twice")


def test_two_claims_of_one_name(add: Install) -> None:
    add("acme", distribution="first")
    add("acme", distribution="second", package="other_package")
    with pytest.raises(PluginLoadError, match=r"2 distributions claim this name: second 1\.5, first 1\.5"):
        plugins.load("acme")


def test_two_plugins_with_one_name_of_a_layer(add: Install) -> None:
    add("acme")
    add("other")
    with pytest.raises(ValueError, match="one of acme-dist>Twice, other-dist>Twice"):
        plugins.get("layers", "Twice")
    assert plugins.get("layers", "other-dist>Twice").__module__ == "other_package"


def test_a_plugin_that_asks_while_it_loads(add: Install) -> None:
    add("acme", "from cornu import plugins\nassert plugins.find('layers', 'Nothing') is None\n" + LAYER)
    assert plugins.get("layers", "Twice")


def test_an_unknown_name_tells_what_there_is(add: Install) -> None:
    add("acme")
    with pytest.raises(ValueError, match=r"No plugin offers 'Thrice' among the layers\. Offered: acme-dist>Twice"):
        plugins.get("layers", "Thrice")
    with pytest.raises(ValueError, match="kind must be one of layers, losses"):
        plugins.offers("layer")
    with pytest.raises(AttributeError, match="no plugin offers it as a data set"):
        _ = cornu.datasets.tulips


def test_what_is_installed_later_is_found_on_request(add: Install) -> None:
    broken = add("acme", "raise RuntimeError('not yet')")
    assert plugins.offers("layers") == {}
    (broken / "acme_package" / "__init__.py").write_text(LAYER)
    plugins.refresh()
    assert list(plugins.offers("layers")) == ["acme-dist>Twice"]


# -- the switch -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("value", "on"), [("", "ab"), ("off", ""), ("OFF", ""), ("a", "a"), ("a, b", "ab"), ("-a", "b"), ("-a,-b", "")]
)
def test_the_switch(add: Install, monkeypatch: pytest.MonkeyPatch, value: str, on: str) -> None:
    add("a")
    add("b")
    monkeypatch.setenv("CORNU_PLUGINS", value)
    assert list(plugins.offers("layers")) == [f"{name}-dist>Twice" for name in on]
    assert imported() == {f"{name}_package" for name in on}
    for name in {"a", "b"} - set(on):
        with pytest.raises(PluginLoadError, match=f"Plugin '{name}' is switched off by CORNU_PLUGINS="):
            plugins.load(name)


def test_a_switch_that_says_both(add: Install, monkeypatch: pytest.MonkeyPatch, capsys: Any) -> None:
    monkeypatch.setenv("CORNU_PLUGINS", "a,-b")
    with pytest.raises(ValueError, match="CORNU_PLUGINS must be 'off'"):
        plugins.offers("layers")
    assert main(["plugins"]) == 2
    assert "CORNU_PLUGINS must be 'off'" in capsys.readouterr().err


# -- files ----------------------------------------------------------------------------------------------------------


def saved(tmp_path: Path, layer: layers.Layer) -> Path:
    path = tmp_path / "model.keras"
    cornu.Sequential([cornu.Input((2,)), layer]).save(path)
    return path


def test_objects_are_saved_under_the_distribution(add: Install) -> None:
    add("acme", EVERYTHING)
    package = __import__("acme_package")  # as a user imports it: nothing has asked the plugin yet
    config = serialize_keras_object(package.Twice(name="t"))
    assert (config["module"], config["class_name"], config["registered_name"]) == (
        "acme_package",
        "Twice",
        "acme-dist>Twice",
    )
    assert serialize_keras_object(package.off_by_one)["config"] == "acme-dist>off_by_one"
    assert get_registered_name(package.Creep) == "acme-dist>Creep"
    assert serialize_keras_object(layers.Dense(1))["registered_name"] is None


def test_a_saved_model_finds_its_plugin_and_loads_no_other(add: Install, tmp_path: Path) -> None:
    add("acme")
    add("other")
    path = saved(tmp_path, __import__("acme_package").Twice())
    del sys.modules["acme_package"]
    plugins.unregister("acme")
    loaded = cornu.models.load_model(path)
    assert type(loaded.layers[0]) is sys.modules["acme_package"].Twice
    assert imported() == {"acme_package"}
    assert loaded.predict(np.ones((1, 2)), verbose=0).tolist() == [[2.0, 2.0]]


def test_losses_of_a_plugin_are_found_again(add: Install) -> None:
    add("acme", EVERYTHING)
    for loss in (losses.get("Median"), losses.get("off_by_one")):
        config = json.loads(json.dumps(losses.serialize(loss)))
        plugins.unregister("acme")
        again = losses.deserialize(config)
        assert again is loss or type(again) is type(loss)


def test_an_author_s_own_registration_stays(add: Install) -> None:
    line = "class Twice"
    add("acme", LAYER.replace(line, f"import cornu\n@cornu.saving.register_keras_serializable('mine')\n{line}"))
    config = serialize_keras_object(plugins.get("layers", "Twice")())
    assert config["registered_name"] == "mine>Twice"


def test_a_missing_plugin_is_named_with_its_remedy(manager: PluginManager) -> None:
    config = {
        "module": "gone.layers", "class_name": "Thing", "config": {}, "registered_name": "gone-dist>Thing",
    }  # fmt: skip
    with pytest.raises(
        TypeError, match="package 'gone-dist', and no such plugin is installed: `pip install gone-dist`"
    ):
        deserialize_keras_object(config)
    function = {"module": "builtins", "class_name": "function", "config": "gone>f", "registered_name": "function"}
    with pytest.raises(TypeError, match="pip install gone`"):
        deserialize_keras_object(function)
    own = {**config, "registered_name": "Custom>Thing"}
    with pytest.raises(TypeError) as caught:
        deserialize_keras_object(own)
    assert "pip install" not in str(caught.value)


def test_a_plugin_that_is_there_and_cannot_help_says_why(add: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    add("acme")
    add("broken", "raise RuntimeError('libfast.so is missing')")

    def config(package: str, name: str) -> dict[str, Any]:
        return {"module": "m", "class_name": name, "config": {}, "registered_name": f"{package}>{name}"}

    with pytest.raises(TypeError, match=r"RuntimeError: libfast\.so is missing"):
        deserialize_keras_object(config("broken-dist", "Thing"))
    with pytest.raises(TypeError, match=r"'acme' from acme-dist 1\.5 does not offer 'Thrice'; another version may"):
        deserialize_keras_object(config("acme-dist", "Thrice"))
    plugins.unregister("acme")
    monkeypatch.setenv("CORNU_PLUGINS", "off")
    with pytest.raises(TypeError, match="'acme' is switched off by CORNU_PLUGINS=off"):
        deserialize_keras_object(config("acme-dist", "Twice"))


def test_names_are_compared_as_distributions_names_are(add: Install) -> None:
    add("acme", distribution="Acme.Layers_2")
    config = {"module": "m", "class_name": "Twice", "config": {}, "registered_name": "acme-layers-2>Twice"}
    with pytest.raises(TypeError, match="does not offer"):  # found, though registered under its own spelling
        deserialize_keras_object(config)
    assert plugins.find("layers", "Acme.Layers_2>Twice") is not None


# -- plugins of this process ----------------------------------------------------------------------------------------


class Here(layers.Layer):
    def call(self, x: Any) -> Any:
        return x + 1.0


class HerePlugin:
    @hookimpl
    def cornu_layers(self) -> dict[str, Any]:
        return {"Here": Here}


def test_registering_by_hand(add: Install) -> None:
    add("acme")
    plugins.register("here", HerePlugin())
    assert plugins.names() == ["acme", "here"]
    config = serialize_keras_object(Here())
    assert config["registered_name"] == "here>Here"
    assert type(deserialize_keras_object(config)) is Here
    plugins.register("here", HerePlugin())  # as a notebook cell does
    plugins.unregister("here")
    assert serialize_keras_object(Here())["registered_name"] == "Here"
    with pytest.raises(ValueError, match=r"belongs to acme-dist 1\.5"):
        plugins.register("acme", HerePlugin())
    with pytest.raises(PluginLoadError, match="must be a module or an object, not the class HerePlugin"):
        plugins.register("here", HerePlugin)


# -- passes ---------------------------------------------------------------------------------------------------------


class Passes:
    def __init__(self, *runs: Callable[[Any], Any]) -> None:
        self.runs = runs

    @hookimpl
    def cornu_passes(self) -> dict[str, Any]:
        return {f"pass_{number}": run for number, run in enumerate(self.runs)}


def doubled() -> Program:
    b = Builder("doubled")
    x = b.input(TensorType("float32", (3,)), "x")
    return b.finish([b.Mul(x, 2.0)])


def rebuilt(program: Program, op: str, dtype: str = "float32", size: int = 3) -> Program:
    b = Builder(program.name)
    x = b.input(TensorType(dtype, (size,)), "x")
    return b.finish([getattr(b, op)(x, x)])


def numpy_backend() -> Any:
    from cornu.backend.manager import get_backend

    return get_backend("numpy")


def test_passes_run_in_order_before_the_backend(manager: PluginManager) -> None:
    seen: list[str] = []

    def look(label: str) -> Callable[[Program], Program]:
        def run(program: Program) -> Program:
            seen.append(label)
            return program

        return run

    def add_instead(program: Program) -> Program:
        seen.append("b1")
        return rebuilt(program, "Add")

    manager.register("b", Passes(look("b0"), add_instead))
    manager.register("a", Passes(look("a0")))
    prepared = prepare(doubled(), numpy_backend())
    assert seen == ["a0", "b0", "b1"]
    assert [node.op for node in prepared.nodes] == ["Add"]
    manager.unregister("b")
    assert [node.op for node in prepare(doubled(), numpy_backend()).nodes if node.op != "Constant"] == ["Mul"]


def test_a_pass_reaches_what_a_model_runs(manager: PluginManager) -> None:
    ops_seen: set[str] = set()

    def look(program: Program) -> Program:
        ops_seen.update(node.op for node in program.nodes)
        return program

    manager.register("look", Passes(look))
    model = cornu.Sequential([cornu.Input((2,)), layers.Dense(1)])
    model.predict(np.zeros((1, 2)), verbose=0)
    assert "MatMul" in ops_seen


def broken_program(program: Program) -> Program:
    return Program(program.name, program.inputs, program.outputs, ())  # its output is defined nowhere


@pytest.mark.parametrize(
    ("run", "message"),
    [
        (lambda program: 1 / 0, "raised ZeroDivisionError on program 'doubled': division by zero"),
        (lambda program: None, "must return a program, not NoneType"),
        (broken_program, "broke program 'doubled'"),
        (lambda program: rebuilt(program, "Add", "float64"), "changed the inputs of program 'doubled'"),
        (lambda program: rebuilt(program, "Add", size=4), "changed the inputs of program 'doubled'"),
        (lambda program: rebuilt(program, "Equal"), "changed the outputs of program 'doubled'"),
    ],
)
def test_a_pass_that_fails_is_named(manager: PluginManager, run: Any, message: str) -> None:
    manager.register("clever", Passes(run))
    with pytest.raises(PluginPassError) as caught:
        prepare(doubled(), numpy_backend())
    assert message in str(caught.value)
    assert "of plugin 'clever'" in str(caught.value)
    assert "CORNU_PLUGINS=-clever switches" in str(caught.value)


PASSES = """
from cornu.plugins import hookimpl
seen = []

def look(program):
    seen.append(program.name)
    return program

@hookimpl
def cornu_passes():
    return {"look": look}
"""


def test_only_plugins_for_passes_are_loaded_for_a_program(add: Install) -> None:
    add("acme")
    add("quick.passes", PASSES)
    prepare(doubled(), numpy_backend())
    assert imported() == {"quick_package"}
    assert sys.modules["quick_package"].seen == ["doubled"]


def test_passes_under_another_name_are_refused(add: Install) -> None:
    add("quick", PASSES)
    with pytest.raises(PluginLoadError, match=r"its entry point's name must end in '\.passes'"):
        plugins.load("quick")


def test_broken_passes_are_warned_about_once(add: Install) -> None:
    add("quick.passes", "raise RuntimeError('no licence')")
    with pytest.warns(RuntimeWarning, match=r"compiled without its passes. Plugin 'quick.passes' .*no licence"):
        prepare(doubled(), numpy_backend())
    prepare(doubled(), numpy_backend())  # silent, as a warning would be an error


# -- the command ----------------------------------------------------------------------------------------------------


def test_the_command_shows_good_bad_and_off(
    add: Install, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("COLUMNS", "200")
    add("acme", EVERYTHING)
    add("hidden", "raise RuntimeError('must not be imported')")
    monkeypatch.setenv("CORNU_PLUGINS", "-hidden,-absent")
    assert main(["plugins"]) == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if " acme " in line]
    for cell in ("acme-dist", "1.5", "layers: Twice", "ok"):
        assert cell in row
    assert "losses: Median, off_by_one" in shown
    (row,) = [line for line in shown.splitlines() if " hidden " in line]
    assert "off" in row
    assert "CORNU_PLUGINS names 'absent', which is not installed." in shown
    monkeypatch.delenv("CORNU_PLUGINS")
    plugins.refresh()
    assert main(["plugins"]) == 1
    assert "Plugin 'hidden' from hidden-dist 1.5 cannot be loaded: RuntimeError: must not be imported" in (
        capsys.readouterr().out
    )


def test_the_command_without_plugins(manager: PluginManager, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["plugins"]) == 0
    assert "No plugin is installed under cornu.plugins." in capsys.readouterr().out


def test_ops_do_not_need_plugins(manager: PluginManager) -> None:
    assert float(ops.sum(ops.ones((2,)))) == 2.0
