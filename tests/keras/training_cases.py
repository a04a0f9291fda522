"""Cases of losses, metrics, optimizers, schedules, activations and names in logs, run alike by Keras and by Cornu.

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


def probabilities(*shape: int, phase: float = 0.0) -> np.ndarray:
    """Rows that sum to 1."""
    values = np.exp(2.0 * wave(*shape, phase=phase))
    return (values / values.sum(-1, keepdims=True)).astype("float32")


ONE_HOT = np.eye(4, dtype="float32")[[0, 2, 1, 3, 2, 0]]
CLASSES = np.array([0, 2, 1, 3, 2, 0])
LABELS = np.array([[1, 0, 0, 1], [0, 1, 0, 0], [1, 1, 1, 0], [0, 0, 0, 1], [0, 0, 1, 1], [1, 0, 1, 0]], "float32")
SCORES = (0.5 + 0.49 * wave(6, 4, phase=0.4)).astype("float32")
WEIGHTS = np.array([1.0, 0.5, 2.0, 0.0, 1.5, 1.0], "float32")


def plain(value: Any) -> Any:
    """A result as JSON data."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items()}
    array = np.asarray(value)
    return np.round(array.astype("float64"), 7).tolist()


# -- losses ------------------------------------------------------------------------------------------------------------

REGRESSION = (wave(6, 4), wave(6, 4, phase=0.3))
POSITIVE = (np.abs(wave(6, 4)) + 0.1, np.abs(wave(6, 4, phase=0.3)) + 0.1)
CATEGORICAL = (ONE_HOT, probabilities(6, 4))
LOGITS = (ONE_HOT, wave(6, 4, scale=3.0))
SPARSE = (CLASSES, probabilities(6, 4))
BINARY = (LABELS, SCORES)

LOSSES: list[tuple[str, dict[str, Any], tuple[np.ndarray, np.ndarray]]] = [
    ("MeanSquaredError", {}, REGRESSION),
    ("MeanAbsoluteError", {}, REGRESSION),
    ("MeanAbsolutePercentageError", {}, REGRESSION),
    ("MeanSquaredLogarithmicError", {}, POSITIVE),
    ("CosineSimilarity", {}, REGRESSION),
    ("CosineSimilarity", {"axis": 0}, REGRESSION),
    ("Huber", {}, REGRESSION),
    ("Huber", {"delta": 0.2}, REGRESSION),
    ("LogCosh", {}, REGRESSION),
    ("Hinge", {}, (LABELS, wave(6, 4))),
    ("Hinge", {}, (2 * LABELS - 1, wave(6, 4))),
    ("SquaredHinge", {}, (LABELS, wave(6, 4))),
    ("CategoricalHinge", {}, (ONE_HOT, wave(6, 4))),
    ("KLDivergence", {}, (probabilities(6, 4, phase=1.0), probabilities(6, 4))),
    ("Poisson", {}, POSITIVE),
    ("BinaryCrossentropy", {}, BINARY),
    ("BinaryCrossentropy", {"from_logits": True, "label_smoothing": 0.1}, (LABELS, wave(6, 4, scale=3.0))),
    ("BinaryFocalCrossentropy", {"apply_class_balancing": True}, BINARY),
    ("BinaryFocalCrossentropy", {"from_logits": True, "gamma": 1.5}, (LABELS, wave(6, 4))),
    ("CategoricalCrossentropy", {}, CATEGORICAL),
    ("CategoricalCrossentropy", {"label_smoothing": 0.2}, CATEGORICAL),
    ("CategoricalCrossentropy", {"from_logits": True}, LOGITS),
    ("CategoricalFocalCrossentropy", {}, CATEGORICAL),
    ("CategoricalFocalCrossentropy", {"from_logits": True, "alpha": 0.5}, LOGITS),
    ("SparseCategoricalCrossentropy", {}, SPARSE),
    ("SparseCategoricalCrossentropy", {}, (CLASSES[:, None], probabilities(6, 4))),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, (CLASSES, wave(6, 4, scale=3.0))),
    ("SparseCategoricalCrossentropy", {"ignore_class": 2}, SPARSE),
    ("CategoricalGeneralizedCrossEntropy", {"q": 0.7}, SPARSE),
    ("Dice", {}, BINARY),
    ("Dice", {"axis": 1}, BINARY),
    ("Tversky", {"alpha": 0.3, "beta": 0.7}, BINARY),
    (
        "Circle",
        {"gamma": 2.0},
        (CLASSES, probabilities(6, 4) / np.linalg.norm(probabilities(6, 4), axis=-1, keepdims=True)),
    ),
]
LOSSES.append(("CTC", {}, (np.array([[1, 2, 2], [3, 0, 0], [1, 2, 0], [0, 0, 0]]), wave(4, 7, 4, scale=2.0))))
# These give one number for the whole batch, or mask values by themselves.
UNWEIGHTED = ("Dice", "Tversky", "Circle", "CTC")


def _loss(name: str, arguments: dict[str, Any], data: tuple[np.ndarray, np.ndarray]) -> Callable[[Any], Any]:
    def run(api: Any) -> Any:
        cls = getattr(api.losses, name)
        results = {"mean": cls(**arguments)(*data), "none": cls(reduction="none", **arguments)(*data)}
        if name not in UNWEIGHTED and arguments.get("axis") != 0:
            for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
                loss = cls(reduction=reduction, **arguments)
                results[f"weighted_{reduction}"] = loss(*data, sample_weight=WEIGHTS)
        config = cls(**arguments).get_config()
        return {**plain(results), "config": config}

    return run


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


# -- metrics -----------------------------------------------------------------------------------------------------------

METRICS: list[tuple[str, dict[str, Any], tuple[np.ndarray, np.ndarray]]] = [
    ("Accuracy", {}, (CLASSES, np.array([0, 2, 2, 3, 1, 0]))),
    ("BinaryAccuracy", {}, BINARY),
    ("BinaryAccuracy", {"threshold": 0.7}, BINARY),
    ("CategoricalAccuracy", {}, CATEGORICAL),
    ("SparseCategoricalAccuracy", {}, SPARSE),
    ("SparseCategoricalAccuracy", {}, (CLASSES[:, None], probabilities(6, 4))),
    ("TopKCategoricalAccuracy", {"k": 2}, CATEGORICAL),
    ("SparseTopKCategoricalAccuracy", {"k": 2}, SPARSE),
    ("MeanSquaredError", {}, REGRESSION),
    ("MeanAbsoluteError", {}, REGRESSION),
    ("MeanAbsolutePercentageError", {}, REGRESSION),
    ("MeanSquaredLogarithmicError", {}, POSITIVE),
    ("RootMeanSquaredError", {}, REGRESSION),
    ("CosineSimilarity", {}, REGRESSION),
    ("LogCoshError", {}, REGRESSION),
    ("R2Score", {}, REGRESSION),
    ("R2Score", {"class_aggregation": "variance_weighted_average"}, REGRESSION),
    ("R2Score", {"class_aggregation": None, "num_regressors": 2}, REGRESSION),
    ("PearsonCorrelation", {}, REGRESSION),
    ("ConcordanceCorrelation", {}, REGRESSION),
    ("KLDivergence", {}, (probabilities(6, 4, phase=1.0), probabilities(6, 4))),
    ("Poisson", {}, POSITIVE),
    ("Hinge", {}, (LABELS, wave(6, 4))),
    ("SquaredHinge", {}, (LABELS, wave(6, 4))),
    ("CategoricalHinge", {}, (ONE_HOT, wave(6, 4))),
    ("BinaryCrossentropy", {"label_smoothing": 0.1}, BINARY),
    ("CategoricalCrossentropy", {}, CATEGORICAL),
    ("SparseCategoricalCrossentropy", {"from_logits": True}, (CLASSES, wave(6, 4))),
    ("TruePositives", {}, BINARY),
    ("FalsePositives", {"thresholds": [0.2, 0.8]}, BINARY),
    ("TrueNegatives", {"thresholds": [0.0, 0.5, 1.0]}, BINARY),
    ("FalseNegatives", {}, BINARY),
    ("Precision", {}, BINARY),
    ("Precision", {"thresholds": [0.3, 0.6]}, BINARY),
    ("Precision", {"top_k": 2}, BINARY),
    ("Precision", {"class_id": 1}, BINARY),
    ("Recall", {}, BINARY),
    ("Recall", {"top_k": 1, "class_id": 2}, BINARY),
    ("SensitivityAtSpecificity", {"specificity": 0.5}, BINARY),
    ("SpecificityAtSensitivity", {"sensitivity": 0.6, "num_thresholds": 20}, BINARY),
    ("PrecisionAtRecall", {"recall": 0.6}, BINARY),
    ("RecallAtPrecision", {"precision": 0.6}, BINARY),
    ("AUC", {}, BINARY),
    ("AUC", {"curve": "PR", "num_thresholds": 20}, BINARY),
    ("AUC", {"curve": "PR", "summation_method": "minoring"}, BINARY),
    ("AUC", {"curve": "PRGAIN"}, BINARY),
    ("AUC", {"multi_label": True, "num_thresholds": 10}, BINARY),
    ("AUC", {"multi_label": True, "label_weights": [1.0, 2.0, 0.5, 1.0]}, BINARY),
    ("AUC", {"thresholds": [0.2, 0.5, 0.6], "summation_method": "majoring"}, BINARY),
    ("AUC", {"from_logits": True}, (LABELS, wave(6, 4))),
    ("F1Score", {}, BINARY),
    ("F1Score", {"average": "micro", "threshold": 0.5}, BINARY),
    ("FBetaScore", {"beta": 2.0, "average": "weighted"}, BINARY),
    ("FBetaScore", {"beta": 0.5, "average": "macro", "threshold": 0.4}, BINARY),
    ("IoU", {"num_classes": 4, "target_class_ids": [0, 2]}, (CLASSES, np.array([0, 2, 2, 3, 1, 0]))),
    ("MeanIoU", {"num_classes": 4, "ignore_class": 3}, (CLASSES, np.array([0, 2, 2, 3, 1, 0]))),
    ("BinaryIoU", {"threshold": 0.6}, BINARY),
    ("OneHotIoU", {"num_classes": 4, "target_class_ids": [1, 2]}, CATEGORICAL),
    ("OneHotMeanIoU", {"num_classes": 4}, CATEGORICAL),
]
# Weights do not go with these: the shapes of the values, or integer counts, do not allow it.
UNWEIGHTED_METRICS = ("BinaryIoU", "IoU", "MeanIoU", "OneHotIoU", "OneHotMeanIoU")


def _metric(name: str, arguments: dict[str, Any], data: tuple[np.ndarray, np.ndarray]) -> Callable[[Any], Any]:
    def run(api: Any) -> Any:
        metric = getattr(api.metrics, name)(**arguments, name="m")
        metric.update_state(data[0][:4], data[1][:4])
        first = metric.result()
        metric.update_state(data[0][4:], data[1][4:])
        results = {"first": first, "both": metric.result(), "variables": [len(metric.variables)]}
        if name not in UNWEIGHTED_METRICS:
            weighted = getattr(api.metrics, name)(**arguments)
            weighted.update_state(*data, sample_weight=WEIGHTS)
            results["weighted"] = weighted.result()
        metric.reset_state()
        sums = [np.abs(np.asarray(variable)).sum() for variable in metric.variables]
        names = [variable.name for variable in metric.variables]
        return {**plain(results), "after_reset": plain(sums), "names": names, "config": metric.get_config()}

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


# -- optimizers --------------------------------------------------------------------------------------------------------

OPTIMIZERS: list[tuple[str, dict[str, Any]]] = [
    ("SGD", {"learning_rate": 0.1}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9}),
    ("SGD", {"learning_rate": 0.1, "momentum": 0.9, "nesterov": True, "weight_decay": 0.01}),
    ("Adam", {"learning_rate": 0.05}),
    ("Adam", {"learning_rate": 0.05, "amsgrad": True, "clipnorm": 0.5}),
    ("Adam", {"learning_rate": 0.05, "use_ema": True, "ema_momentum": 0.8, "ema_overwrite_frequency": 3}),
    ("Adam", {"learning_rate": 0.05, "gradient_accumulation_steps": 3, "global_clipnorm": 1.0}),
    ("Adam", {"learning_rate": 0.05, "loss_scale_factor": 8.0, "clipvalue": 0.05, "epsilon": 0.1}),
    ("AdamW", {"learning_rate": 0.05, "weight_decay": 0.1}),
    ("RMSprop", {"learning_rate": 0.05}),
    ("RMSprop", {"learning_rate": 0.05, "momentum": 0.9, "centered": True, "rho": 0.8}),
    ("Adagrad", {"learning_rate": 0.5}),
    ("Adadelta", {"learning_rate": 1.0}),
    ("Adamax", {"learning_rate": 0.05}),
    ("Nadam", {"learning_rate": 0.05}),
    ("Ftrl", {"learning_rate": 0.1}),
    (
        "Ftrl",
        {
            "learning_rate": 0.1,
            "l1_regularization_strength": 0.01,
            "l2_regularization_strength": 0.1,
            "l2_shrinkage_regularization_strength": 0.05,
            "beta": 0.2,
        },
    ),
    ("Lion", {"learning_rate": 0.05}),
    ("Lamb", {"learning_rate": 0.05}),
    ("Adafactor", {"learning_rate": 0.3}),
    ("Adafactor", {"learning_rate": 0.3, "relative_step": False, "clip_threshold": 0.5}),
    ("Muon", {"learning_rate": 0.05}),
    ("Muon", {"learning_rate": 0.05, "nesterov": False, "rms_rate": None, "adam_lr_ratio": 0.5}),
    ("ScheduleFreeAdamW", {"learning_rate": 0.05, "warmup_steps": 5}),
]
STEPS = 20


def _optimizer(name: str, arguments: dict[str, Any]) -> Callable[[Any], Any]:
    def run(api: Any) -> Any:
        optimizer = getattr(api.optimizers, name)(**arguments, name="o")
        variables = [api.Variable(wave(3, 4), name="kernel"), api.Variable(wave(4, phase=0.5), name="bias")]
        history = {}
        for step in range(STEPS):
            # Gradients that depend on the weights, so that an error in one step shows in all later ones.
            grads = [np.asarray(v) * 0.3 + wave(*v.shape, phase=float(step), scale=0.5) for v in variables]
            optimizer.apply([api.ops.convert_to_tensor(g) for g in grads], variables)
            if step in (0, 1, 4, STEPS - 1):
                history[str(step + 1)] = [plain(v) for v in variables]
        # Keras leaves one variable of Nadam unnamed, so that its name is a number of the process.
        state = [["u_product" if v.name.startswith("variable") else v.name, plain(v)] for v in optimizer.variables]
        return {"weights": history, "state": state, "config": optimizer.get_config()}

    return run


SCHEDULES: list[tuple[str, dict[str, Any]]] = [
    ("ExponentialDecay", {"initial_learning_rate": 0.5, "decay_steps": 7, "decay_rate": 0.8}),
    ("ExponentialDecay", {"initial_learning_rate": 0.5, "decay_steps": 7, "decay_rate": 0.8, "staircase": True}),
    ("PiecewiseConstantDecay", {"boundaries": [3, 9], "values": [1.0, 0.5, 0.1]}),
    ("PolynomialDecay", {"initial_learning_rate": 0.5, "decay_steps": 10, "power": 2.0}),
    ("PolynomialDecay", {"initial_learning_rate": 0.5, "decay_steps": 10, "end_learning_rate": 0.1, "cycle": True}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.5}),
    ("InverseTimeDecay", {"initial_learning_rate": 0.5, "decay_steps": 4, "decay_rate": 0.5, "staircase": True}),
    ("CosineDecay", {"initial_learning_rate": 0.5, "decay_steps": 12, "alpha": 0.1}),
    ("CosineDecay", {"initial_learning_rate": 0.1, "decay_steps": 12, "warmup_target": 0.6, "warmup_steps": 4}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.5, "first_decay_steps": 5}),
    ("CosineDecayRestarts", {"initial_learning_rate": 0.5, "first_decay_steps": 5, "t_mul": 1.0, "m_mul": 0.9}),
]


def _schedule(name: str, arguments: dict[str, Any]) -> Callable[[Any], Any]:
    def run(api: Any) -> Any:
        schedule = getattr(api.optimizers.schedules, name)(**arguments)
        rates = [schedule(api.ops.convert_to_tensor(step, dtype="int32")) for step in range(24)]
        return {"rates": plain(rates), "config": schedule.get_config()}

    return run


# -- the rest ----------------------------------------------------------------------------------------------------------

# Not sparsemax: Keras sums over more than the support, so that its rows do not sum to 1.
ACTIVATIONS = (
    "celu", "elu", "exponential", "gelu", "glu", "hard_shrink", "hard_sigmoid", "hard_silu", "hard_tanh", "leaky_relu",
    "linear", "log_sigmoid", "log_softmax", "mish", "relu", "relu6", "selu", "sigmoid", "silu", "soft_shrink",
    "softmax", "softplus", "softsign", "sparse_plus", "sparse_sigmoid", "squareplus", "tanh", "tanh_shrink",
)  # fmt: skip
RELUS = (
    {"negative_slope": 0.3},
    {"max_value": 2.0},
    {"threshold": 0.5},
    {"negative_slope": 0.2, "max_value": 2.0, "threshold": 0.5},
    {"negative_slope": 0.2, "max_value": 6},
)


def _activations(api: Any) -> Any:
    x = api.ops.convert_to_tensor(np.concatenate([wave(2, 6, scale=4.0), [[-1, -0.5, 0, 0.5, 1, 6]]]).astype("float32"))
    results = {name: getattr(api.activations, name)(x) for name in ACTIVATIONS}
    results["gelu_approximate"] = api.activations.gelu(x, approximate=True)
    results["threshold"] = api.activations.threshold(x, 0.3, -1.0)
    for i, arguments in enumerate(RELUS):
        results[f"relu_{i}"] = api.activations.relu(x, **arguments)
    return plain(results)


def _penalties(api: Any) -> Any:
    w = api.ops.convert_to_tensor(wave(3, 4))
    r, c = api.regularizers, api.constraints
    results = {
        "l1": r.L1(0.3)(w), "l2": r.L2(0.3)(w), "l1l2": r.L1L2(0.1, 0.2)(w), "none": r.L1L2()(w),
        "rows": r.OrthogonalRegularizer(0.3)(w), "columns": r.OrthogonalRegularizer(0.3, mode="columns")(w),
        "max_norm": c.MaxNorm(0.9)(w), "non_neg": c.NonNeg()(w), "unit_norm": c.UnitNorm(axis=1)(w),
        "min_max_norm": c.MinMaxNorm(0.5, 0.8, rate=0.7)(w),
    }  # fmt: skip
    return plain(results)


def _initializer_scales(api: Any) -> Any:
    """Standard deviations and ranges, to the digits that 200,000 numbers give."""
    results = {}
    for name in ("GlorotUniform", "GlorotNormal", "HeUniform", "HeNormal", "LecunUniform", "LecunNormal"):
        values = np.asarray(getattr(api.initializers, name)(seed=3)((5, 5, 80, 100)))
        results[name] = [round(float(values.std()), 4), round(float(np.abs(values).max()), 3)]
    for name, initializer in {
        "RandomNormal": api.initializers.RandomNormal(1.0, 0.5, seed=3),
        "RandomUniform": api.initializers.RandomUniform(-1.0, 2.0, seed=3),
        "TruncatedNormal": api.initializers.TruncatedNormal(1.0, 0.5, seed=3),
    }.items():
        values = np.asarray(initializer((400, 500)))
        results[name] = [round(float(values.mean()), 2), round(float(values.std()), 2)]
    stft = api.initializers.STFT("real", "hann", "density", periodic=True)((6, 1, 4))
    results["STFT"] = plain(stft)
    results["STFT_imag"] = plain(api.initializers.STFT("imag", "hamming", None)((6, 1, 4)))
    return results


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
    families: list[tuple[str, list[Any], Callable[..., Any]]] = [
        ("loss", LOSSES, _loss),
        ("metric", METRICS, _metric),
        ("optimizer", OPTIMIZERS, _optimizer),
        ("schedule", SCHEDULES, _schedule),
    ]
    for family, entries, make in families:
        for i, entry in enumerate(entries):
            yield f"{family}/{i:02d}_{entry[0]}", make(*entry)
    for reduction in ("sum_over_batch_size", "sum", "mean_with_sample_weight", "none"):
        yield f"masked/{reduction}", _masked(reduction)
    yield "metric/means", _mean
    yield "activations", _activations
    yield "penalties", _penalties
    yield "initializers", _initializer_scales
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
