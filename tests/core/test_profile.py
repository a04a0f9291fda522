"""Profiles: the command, the callback and the block, and the numbers that they give."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cornu as keras
import numpy as np
import pytest
from cornu.backend.contract import BackendError, CompileOptions, NodeEvent
from cornu.backend.manager import get_backend, register_backend, unregister_backend
from cornu.ir.builder import Builder
from cornu.ir.scope import layer_path, marked, pass_of
from cornu.ir.types import TensorType
from cornu.profiling import Report, switch
from cornu.profiling.report import make_report
from cornu.profiling.spans import Span, own_seconds

BACKENDS = ("numpy", "onnxruntime")
SCRIPT = """
import sys
import numpy as np
import keras

assert sys.argv[1:] == ["--epochs", "2"]
model = keras.Sequential([
    keras.Input((256,)),
    keras.layers.Dense(1024, activation="relu", name="big"),
    keras.layers.Dense(4, activation="softmax", name="small"),
])
model.compile("sgd", "sparse_categorical_crossentropy")
x = np.random.default_rng(0).normal(size=(256, 256)).astype("float32")
model.fit(x, np.zeros(256, "int64"), batch_size=64, epochs=2, verbose=0)
print("the script's own words")
"""


def command(folder: Path, *arguments: str, script: str = SCRIPT) -> subprocess.CompletedProcess[str]:
    (folder / "script.py").write_text(script)
    words = [sys.executable, "-m", "cornu.cli", "profile", *arguments]
    return subprocess.run(words, cwd=folder, capture_output=True, text=True, timeout=120)


@pytest.mark.parametrize("backend", BACKENDS)
def test_a_script_is_profiled(backend: str, tmp_path: Path) -> None:
    done = command(tmp_path, "--backend", backend, "--json", "numbers.json", "script.py", "--epochs", "2")
    assert done.returncode == 0, done.stderr
    assert "the script's own words" in done.stdout
    for row in ("forward", "backward", "update (optimizer)", "feeding inputs", "compiling", "host (Python)"):
        assert row in done.stdout
    shown = [line.split()[0] for line in done.stdout.splitlines() if line.startswith("  sequential/")]
    assert shown.index("sequential/big") < shown.index("sequential/small")  # sorted by time
    numbers = json.loads((tmp_path / "numbers.json").read_text())
    assert_sums(numbers)
    big, small = (layer_seconds(numbers, f"sequential/{name}") for name in ("big", "small"))
    for phase in ("forward", "backward"):
        assert big[phase] > small[phase] > 0
    assert layer_seconds(numbers, "sgd").keys() == {"update"}
    assert numbers["phases"]["feed"]["bytes"] >= 2 * 256 * (256 * 4 + 8)  # each sample and its class, twice
    assert_trace(tmp_path / "profile.json", numbers["runs"])


def assert_sums(numbers: dict[str, Any]) -> None:
    """Phases are the whole, rows are the phases."""
    assert sum(phase["share"] for phase in numbers["phases"].values()) == pytest.approx(1)
    assert sum(phase["seconds"] for phase in numbers["phases"].values()) == pytest.approx(numbers["seconds"])
    for name, phase in numbers["phases"].items():
        rows = [row for row in numbers["rows"] if row["phase"] == name]
        assert sum(row["seconds"] for row in rows) == pytest.approx(phase["seconds"])
    assert {"forward", "backward", "update", "host", "feed", "start"} <= set(numbers["phases"])


def layer_seconds(numbers: dict[str, Any], layer: str) -> dict[str, float]:
    found: dict[str, float] = {}
    for row in numbers["rows"]:
        if row["layer"] == layer:
            found[row["phase"]] = found.get(row["phase"], 0.0) + row["seconds"]
    return found


def assert_trace(path: Path, runs: int) -> None:
    events = json.loads(path.read_text())["traceEvents"]
    complete = [event for event in events if event["ph"] == "X"]
    assert {event["ph"] for event in events} == {"X", "M"}
    for event in complete:
        assert set(event) == {"name", "cat", "ph", "ts", "dur", "pid", "tid", "args"}
        assert event["ts"] >= 0
        assert event["dur"] >= 0
    tracks = {event["tid"]: event["args"]["name"] for event in events if event["name"] == "thread_name"}
    assert {event["tid"] for event in complete} == set(tracks)
    assert sum(event["cat"] == "run" for event in complete) == runs
    products = [event for event in complete if event["name"] == "sequential/big/MatMul"]
    assert {event["args"]["pass"] for event in products} == {"forward", "backward"}
    assert all(event["args"]["layer"] == "sequential/big" for event in products)
    steps = [event for event in complete if event["name"] == "run train_step"]
    for product in products:  # each within a step, but for what a clock in microseconds rounds
        assert any(s["ts"] - 500 <= product["ts"] <= s["ts"] + s["dur"] + 500 for s in steps)


def test_shares_in_the_table_are_of_the_whole(tmp_path: Path) -> None:
    done = command(tmp_path, "--backend", "numpy", "--top", "1", "--trace", "t.json", "script.py", "--epochs", "2")
    phases = done.stdout.partition(" Phase ")[2].partition(" Layer ")[0]
    *shares, whole = [float(share) for share in re.findall(r"([\d.]+) %", phases)]
    assert whole == 100.0
    assert sum(shares) == pytest.approx(100, abs=0.05 * len(shares) + 0.01)
    assert shares == sorted(shares, reverse=True)
    assert "sequential/small" not in done.stdout  # --top 1
    assert re.search(r"\(\d+ more\)", done.stdout)
    assert (tmp_path / "t.json").exists()
    assert not (tmp_path / "profile.json").exists()


def test_a_script_that_fails_or_leaves_is_shown_all_the_same(tmp_path: Path) -> None:
    failing = command(
        tmp_path, "--backend", "numpy", "script.py", script="import keras\nkeras.ops.ones(3) + 1\n1 / 0\n"
    )
    assert failing.returncode == 1
    assert "ZeroDivisionError" in failing.stderr
    assert "host (Python)" in failing.stdout
    leaving = command(tmp_path, "--backend", "numpy", "script.py", script="import keras, sys\nsys.exit(7)\n")
    assert leaving.returncode == 7
    assert "0 runs of programs" in leaving.stdout


def test_wrong_words_are_refused_before_the_script_runs(tmp_path: Path) -> None:
    for words, said in (
        (["--trace", "nowhere/t.json", "script.py"], "There is no directory 'nowhere'"),
        (["absent.py"], "There is no script 'absent.py'"),
        (["--top", "0", "script.py"], "at least 1"),
    ):
        done = command(tmp_path, *words, script="print('ran')")
        assert done.returncode == 2
        assert said in done.stderr
        assert done.stdout == ""


# -- in a process ------------------------------------------------------------------------------------------------


@pytest.fixture(params=BACKENDS)
def backend(request: pytest.FixtureRequest) -> Iterator[str]:
    with keras.use_backend(request.param):
        yield request.param
    assert switch.active is None


def trained(callbacks: Any = None, name: str = "model") -> Any:
    keras.utils.set_random_seed(0)
    layers = keras.layers
    model = keras.Sequential(
        [
            keras.Input((32,)),
            layers.Dense(64, "relu", name="one"),
            layers.Dropout(0.5),
            layers.Dense(3, name="two"),
        ],
        name=name,
    )
    model.compile(keras.optimizers.Adam(name="adam"), "mse", metrics=["mae"])
    x = np.random.default_rng(0).normal(size=(64, 32)).astype("float32")
    model.fit(x, x[:, :3], batch_size=8, epochs=2, verbose=0, callbacks=callbacks)
    return model


@pytest.mark.usefixtures("backend")
def test_the_callback_profiles_its_batches(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    callback = keras.callbacks.Profiler(batches=(3, 11), trace=tmp_path / "trace.json")
    trained(callback)
    report = callback.report
    assert isinstance(report, Report)
    assert report.runs == 8
    assert {"trace", "compile"}.isdisjoint(report.phases())  # what compiles came before
    calls = {row.calls for row in report.rows if row.layer == "model/one" and row.operator == "MatMul"}
    assert calls == {8}  # of the forward pass, and of the one gradient that is needed: not the input's
    assert "model/one" in capsys.readouterr().out
    assert json.loads((tmp_path / "trace.json").read_text())["traceEvents"]


def test_a_model_like_another_has_names_of_its_own() -> None:
    with keras.use_backend("numpy"):
        for name in ("first", "second"):
            callback = keras.callbacks.Profiler(batches=(2, 4), verbose=0)
            trained(callback, name=name)
            assert callback.report is not None
            assert callback.report.share("forward", "backward", layer=f"{name}/one") > 0


@pytest.mark.usefixtures("backend")
def test_training_is_the_same_with_a_profile() -> None:
    plain = trained()
    profiled = trained(keras.callbacks.Profiler(batches=(3, 5), verbose=0))
    assert plain.history.history == profiled.history.history
    for one, other in zip(plain.get_weights(), profiled.get_weights(), strict=True):
        np.testing.assert_array_equal(one, other)


def test_batches_that_never_come_are_told() -> None:
    callback = keras.callbacks.Profiler(batches=(16, 20))
    with keras.use_backend("numpy"), pytest.warns(UserWarning, match="after 16 batches, before batch 16"):
        trained(callback)
    assert callback.report is None
    assert switch.active is None
    few = keras.callbacks.Profiler(batches=(0, 1000), verbose=0)
    with keras.use_backend("numpy"):
        trained(few)
    assert few.report is not None
    assert few.report.runs >= 16
    for batches in ((3, 3), (-1, 2)):
        with pytest.raises(ValueError, match="0 <= first < end"):
            keras.callbacks.Profiler(batches=batches)


def test_training_that_fails_leaves_no_profile_behind() -> None:
    def fail(batch: int, logs: Any) -> None:
        if batch == 4:
            raise KeyboardInterrupt

    failing = keras.callbacks.LambdaCallback(on_train_batch_end=fail)
    callback = keras.callbacks.Profiler(batches=(2, 8))
    with keras.use_backend("numpy"), pytest.raises(KeyboardInterrupt):
        trained([callback, failing])
    assert switch.active is None
    assert callback.report is None


@pytest.mark.usefixtures("backend")
def test_a_block_with_eager_operations_and_predictions() -> None:
    model = trained()
    x = np.ones((16, 32), "float32")
    expected = model.predict(x, verbose=0)
    with keras.profile() as taken:
        for _ in range(3):
            np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
        keras.ops.exp(keras.ops.convert_to_tensor(np.zeros(5, "float32"))).numpy()
    np.testing.assert_allclose(model.predict(x, verbose=0), expected, rtol=1e-5)
    report = taken.report
    assert report is not None
    exp = next(row for row in report.rows if row.operator == "Exp" and row.phase == "forward")
    assert (exp.layer, exp.calls, exp.bytes) == ("", 1, 40)
    assert report.share("backward", "update", "metrics") == 0
    assert report.share("forward", layer="model/one") > 0
    assert report.share() == pytest.approx(1)
    assert report.phases()["read"].bytes == 3 * expected.nbytes + 20 + state_bytes(report)


def state_bytes(report: Report) -> int:
    """What freezing read: the weights, once, if they became constants within the profile."""
    weights = 4 * (32 * 64 + 64 + 64 * 3 + 3)
    return weights if report.phases()["read"].bytes > weights else 0


def test_one_profile_at_a_time() -> None:
    with keras.profile() as taken:
        with pytest.raises(RuntimeError, match="one at a time"), keras.profile():
            pass
        assert switch.active == taken
    with pytest.raises(RuntimeError, match="taken already"):
        taken.start()


def test_without_a_profile_executables_are_plain() -> None:
    asked: list[bool] = []

    class Asked:
        contract, priority = "1.0", 0

        def compile(self, program: Any, options: CompileOptions) -> Any:
            asked.append(options.profile)
            return get_backend("numpy").compile(program, options)

        def __getattr__(self, name: str) -> Any:
            return getattr(get_backend("numpy"), name)

    with registered(Asked):
        double = keras.function(lambda x: x + x)
        x = np.ones(3, "float32")
        double(x)
        with keras.profile():
            double(x)
            double(x)
        double(x)
    assert asked == [False, True]


class registered:  # noqa: N801 - reads as a function
    """Selects a class of this file as the backend."""

    def __init__(self, kind: type) -> None:
        self._kind = kind

    def __enter__(self) -> None:
        register_backend("of_a_test", self._kind)
        self._chosen = keras.use_backend("of_a_test")
        self._chosen.__enter__()

    def __exit__(self, *error: Any) -> None:
        self._chosen.__exit__(*error)
        unregister_backend("of_a_test")


def test_a_backend_that_tells_nothing_shows_whole_programs() -> None:
    class Silent:
        contract, priority, name = "1.0", 0, "silent"

        def compile(self, program: Any, options: CompileOptions) -> Any:
            made = get_backend("numpy").compile(program, CompileOptions())
            return type(
                "Executable",
                (),
                {
                    "__call__": lambda self, *a: made(*a),
                    "synchronize": lambda self: made.synchronize(),
                    "close": lambda self: made.close(),
                },
            )()

        def __getattr__(self, name: str) -> Any:
            return getattr(get_backend("numpy"), name)

    callback = keras.callbacks.Profiler(batches=(2, 6), verbose=0)
    with registered(Silent):
        trained(callback)
    report = callback.report
    assert report is not None
    (step,) = [row for row in report.rows if row.operator == "train_step"]
    assert (step.phase, step.calls) == ("program", 4)
    assert not report.share("forward", "backward", "update")
    assert "silent does not say what its nodes cost" in str(report)


# -- the parts ---------------------------------------------------------------------------------------------------


@pytest.mark.usefixtures("backend")
def test_passes_of_a_traced_step_are_marked() -> None:
    model = trained()
    (traced,) = model._functions["train"]._traced.popitem()[1]
    scopes = {node.scope for node in traced.compiled.program.nodes}
    assert {"model/one", "@backward/model/one", "@update/adam", "@metrics"} <= scopes
    assert {pass_of(scope) for scope in scopes} == {"forward", "backward", "update", "metrics"}


def test_marks_are_not_in_exported_names_or_errors(tmp_path: Path) -> None:
    import onnx

    with keras.use_backend("numpy"):
        trained().export(tmp_path / "step.onnx", kind="train_step", verbose=False)
    graph = onnx.load(tmp_path / "step.onnx").graph
    names = {name for node in graph.node for name in (node.name, *node.output)}
    assert {"model/one/MatMul", "model/one/MatMul_1"} <= names
    assert [name for name in names if "@" in name] == []
    error = BackendError("no", "MatMul", "@backward/model/dense")
    assert (error.layer, str(error)) == ("model/dense", "no in node MatMul of layer model/dense")


def test_scopes_with_marks() -> None:
    assert marked("", "@backward") == "@backward"
    assert marked("@backward/a", "@backward") == "@backward/a"
    assert layer_path("outer/@backward/a@b") == "outer/a@b"
    assert [pass_of(scope) for scope in ("", "a/@update/b", "@backward")] == ["forward", "update", "backward"]


def test_own_time_is_without_what_is_within() -> None:
    items = [(0.0, 10.0, 1), (1.0, 4.0, 1), (2.0, 3.0, 1), (5.0, 6.0, 1), (0.0, 2.0, 2), (12.0, 13.0, 1)]
    assert own_seconds(items, lambda item: item[:2], lambda item: item[2]) == [6.0, 2.0, 1.0, 1.0, 2.0, 1.0]


def test_a_report_of_numbers_known_beforehand() -> None:
    spans = [
        Span("feed", "", 0.5, 1.0, 1, 100),  # before the beginning
        Span("feed", "", 2.0, 2.5, 1, 8),
        Span("run", "step", 3.0, 7.0, 1, source=0),
        Span("compile", "other", 8.0, 9.0, 1),
        Span("read", "", 8.25, 8.75, 1, 4),  # within the compilation
        Span("run", "silent", 9.0, 9.5, 1, source=1),
        Span("read", "", 4.0, 5.0, 2, 16),  # another thread
    ]
    events = [
        NodeEvent("Add", "m", 1.0, 0.5),
        NodeEvent("Scan", "m/rnn", 3.0, 2.0, 10),
        NodeEvent("Mul", "m/rnn", 3.5, 1.0, 20),
        NodeEvent("MatMul", "@backward/m/d", 5.0, 1.0, 30),
    ]
    report = make_report(spans, [events, None], ["a", "b"], (1.5, 11.5), 1)
    assert {row[:5]: row.bytes for row in report.rows} == {
        ("", "host", "Python", 1, 4.0): 0,
        ("m/rnn", "forward", "Scan", 1, 1.0): 10,
        ("m/rnn", "forward", "Mul", 1, 1.0): 20,
        ("m/d", "backward", "MatMul", 1, 1.0): 30,
        ("", "start", "step", 1, 1.0): 0,
        ("", "feed", "from_numpy", 1, 0.5): 8,
        ("", "compile", "other", 1, 0.5): 0,
        ("", "read", "to_numpy", 2, 1.5): 20,
        ("", "program", "silent", 1, 0.5): 0,
    }
    assert report.seconds == 11.0  # ten of this thread, one of the other
    assert report.notes == ("The backend b does not say what its nodes cost: its programs are shown whole.",)


@pytest.mark.parametrize("name", BACKENDS)
def test_bodies_of_loops_belong_to_their_layer(name: str) -> None:
    b = Builder("loop")
    x = b.input(TensorType("float32", (5, 3)))
    body = Builder("body", b)
    state, item = body.input(TensorType("float32", (3,))), body.input(TensorType("float32", (3,)))
    with body.scoped("cell"):
        after = body.Tanh(body.Add(state, item))
    program = body.finish([after])
    with b.scoped("rnn"):
        (last,) = b.emit(
            "Scan",
            (b.constant(np.zeros(3, "float32")), x),
            {"body": program, "carries": 1, "sequences": 1, "length": 5, "reverse": False},
        )
    executable = get_backend(name).compile(b.finish([last]), CompileOptions(profile=True))
    given = get_backend(name).from_numpy(np.ones((5, 3), "float32"), "")
    executable([given])
    executable([given])
    events = executable.profile()  # type: ignore[attr-defined]
    assert {event.scope.partition("/")[0] for event in events} == {"rnn"}
    assert "Scan" in {event.op for event in events}
    if name == "onnxruntime":
        assert [event.scope for event in events if event.op == "Tanh"] == ["rnn/cell"] * 10
    assert executable.profile() == []  # type: ignore[attr-defined]
