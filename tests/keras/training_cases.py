"""Cases of masked losses, means and names in logs, run alike by Keras and by Cornu; `training_draws` has the rest.

`api` is the module `keras` or `cornu`; every result is plain JSON data. `record_training.py` runs them with Keras.
"""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Case = tuple[str, Callable[[Any], Any]]


def wave(*shape: int, phase: float = 0.0, scale: float = 1.0) -> np.ndarray:
    """Numbers without chance: sines of equal steps."""
    count = int(np.prod(shape))
    return (scale * np.sin(1.7 * np.arange(count) + phase)).reshape(shape).astype("float32")


def plain(value: Any) -> Any:
    """A result as JSON data."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    array = np.asarray(value)
    return np.round(array.astype("float64"), 7).tolist()


def _masked(reduction: str) -> Callable[[Any], Any]:
    def run(api: Any) -> Any:
        pred = api.ops.convert_to_tensor(wave(2, 3, 4))
        holder = pred
        mask = api.ops.convert_to_tensor(np.array([[True, True, False], [True, False, False]]))
        try:
            holder._keras_mask = mask
        except AttributeError:
            from keras.src.backend import set_keras_mask

            set_keras_mask(holder, mask)
        loss = api.losses.MeanSquaredError(reduction=reduction)
        weight = np.array([[1.0, 2.0, 3.0], [0.5, 1.0, 1.0]], "float32")
        true = wave(2, 3, 4, phase=1.0)
        return plain({"plain": loss(true, holder), "weighted": loss(true, holder, sample_weight=weight)})

    return run


def _mean(api: Any) -> Any:
    results = {}
    for kind in ("Mean", "Sum"):
        metric = getattr(api.metrics, kind)()
        metric.update_state(wave(3, 2))
        metric.update_state(2.5)
        metric.update_state(wave(3, 2, 2), sample_weight=np.array([1.0, 0.0, 2.0], "float32"))
        metric.update_state(wave(3, 2), sample_weight=np.array([[1.0, 0.5]] * 3, "float32"))
        results[kind] = metric.result()
    return plain(results)


MODEL = {"a": wave(5, 3), "b": wave(5, 1, phase=0.2)}
NAMES: list[tuple[str, bool, dict[str, Any]]] = [
    ("single", False, {"loss": "mse", "metrics": ["mae", "accuracy"], "weighted_metrics": ["mae", "mse"]}),
    ("single_twice", False, {"loss": "mse", "metrics": ["mae", "mae"]}),
    ("single_dict", False, {"loss": {"a": "mse"}, "metrics": {"a": ["mae"]}}),
    ("single_weight", False, {"loss": "mse", "loss_weights": 0.5}),
    ("two_one_loss", True, {"loss": "mse"}),
    ("two_list", True, {"loss": ["mse", "mae"], "loss_weights": [1.0, 0.3], "metrics": [["mae"], ["mse", "mae"]]}),
    ("two_dict", True, {"loss": {"b": "mae", "a": "mse"}, "loss_weights": {"a": 2.0, "b": 0.5}}),
    (
        "two_metrics_dict",
        True,
        {"loss": "mse", "metrics": {"b": "mae"}, "weighted_metrics": {"a": ["mse"], "b": "mae"}},
    ),
    ("two_one_none", True, {"loss": ["mse", None]}),
    ("two_objects", True, {"loss": ["huber", "log_cosh"], "metrics": ["mae", "accuracy"]}),
]


def _compiled(double: bool, arguments: dict[str, Any]) -> Callable[[Any], Any]:
    """What `compile` makes of its arguments: the total loss, and the results' names and values."""

    def run(api: Any) -> Any:
        if api.__name__ == "keras":
            from keras.src.trainers.compile_utils import CompileLoss, CompileMetrics
        else:
            from cornu.training.compile_utils import CompileLoss, CompileMetrics
        names = ["a", "b"] if double else ["a"]
        convert = api.ops.convert_to_tensor
        true, pred = [MODEL[n] for n in names], [MODEL[n] * 0.5 for n in names]
        true, pred = [convert(t) for t in true], [convert(p) for p in pred]
        if arguments["loss"] == ["mse", None]:
            true = true[:1]
        elif not double:
            true, pred = true[0], pred[0]
        weight = np.array([1.0, 0.0, 2.0, 1.0, 0.5], "float32")
        metrics, weighted = arguments.get("metrics"), arguments.get("weighted_metrics")
        loss = CompileLoss(arguments["loss"], arguments.get("loss_weights"), output_names=names)
        results = {"total": loss(true, pred, weight), "losses": {m.name: m.result() for m in loss.metrics}}
        if metrics or weighted:
            held = CompileMetrics(metrics, weighted, output_names=names)
            held.update_state(true, pred, convert(weight))
            results["metrics"] = held.result()
        return plain(results)

    return run


def cases() -> Iterator[Case]:
    """All cases, by a unique name."""
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        yield f"masked/{reduction}", _masked(reduction)
    yield "metric/means", _mean
    for name, double, arguments in NAMES:
        yield f"compile/{name}", _compiled(double, arguments)


def run_all(api: Any) -> dict[str, Any]:
    """The results of all cases; a case that fails is recorded by its error."""
    results = {}
    for name, run in cases():
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            results[name] = run(api)
    return results
