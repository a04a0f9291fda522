"""Connectionist temporal classification: the loss, and decoding. Source: Graves et al. 2006."""

from __future__ import annotations

from typing import Any

import numpy as np

from cornu import composites
from cornu.ops.arguments import as_tensor, emit, float_tensor, known_array, permute, sizes, with_shape
from cornu.ops.elementwise import logaddexp
from cornu.ops.indexing import as_indices
from cornu.ops.operation import op
from cornu.tracing import scan
from cornu.tracing.tensor import Tensor

_NEVER = -1e5
_STRATEGIES = ("greedy", "beam_search")


@op("CTCLoss", tensors=4, module="nn")
def ctc_loss(target: Any, output: Any, target_length: Any, output_length: Any, mask_index: int = 0) -> Any:
    """`-log` of the probability of all paths through the classes that collapse to the target.

    A path collapses by merging repeated classes and then dropping blanks.

    Args:
        target: Class indices, [batch, longest target].
        output: Logits, [batch, steps, classes].
        target_length: How many indices of each row count, [batch].
        output_length: How many steps of each row count, [batch].
        mask_index: The blank's class.

    Returns:
        Losses, [batch].
    """
    labels, logits = as_indices(target), float_tensor(output)
    lengths = emit("Cast", as_indices(target_length), to="int32")
    steps = emit("Cast", as_indices(output_length), to="int32")
    if labels.ndim != 2 or logits.ndim != 3:
        raise ValueError(
            f"ctc_loss takes [batch, n] targets and [batch, t, c] outputs, got {labels.shape}, {logits.shape}."
        )
    logs = composites.log_softmax(logits, 2)
    batch, count = sizes(labels)
    width = 2 * count + 1
    states = _with_blanks(labels, mask_index, batch, count)
    own = _log_probabilities(logs, states, batch, width)
    skips = _may_skip(states, mask_index, width, own.dtype)
    start = _start(own, width)

    def step(carry: Any, item: Any) -> Any:
        alpha, t = carry
        one, two = _shifted(alpha, 1), emit("Add", _shifted(alpha, 2), skips)
        following = emit("Add", logaddexp(logaddexp(alpha, one), two), item)
        running = with_shape(emit("Cast", emit("Less", t, steps), to=alpha.dtype), (batch, 1))
        alpha = emit("Add", emit("Mul", following, running), emit("Mul", alpha, emit("Sub", 1.0, running)))
        return (alpha, emit("Add", t, 1)), None

    rest = emit("Slice", own, starts=(1,), ends=(sizes(own)[0],), axes=(0,), steps=(1,))
    (alpha, _), _ = scan(step, (start, as_tensor(1, "int32")), rest)
    last = emit("Cast", with_shape(emit("Mul", lengths, 2), (batch, 1)), to="int64")
    at_blank = emit("GatherElements", alpha, last, axis=1)
    before = emit("GatherElements", alpha, emit("Max", emit("Sub", last, 1), as_tensor(0, "int64")), axis=1)
    # An empty target ends only in the blank.
    empty = emit("Equal", last, 0)
    before = emit("Where", empty, as_tensor(_NEVER, alpha.dtype), before)
    return emit("Neg", with_shape(logaddexp(at_blank, before), (batch,)))


def _with_blanks(labels: Tensor, blank: int, batch: Any, count: Any) -> Tensor:
    """A blank before, between and behind the labels: [batch, 2 n + 1]."""
    column = with_shape(labels, (batch, count, 1))
    blanks = emit("Expand", as_tensor(blank, labels.dtype), shape=(batch, count, 1))
    pairs = with_shape(emit("Concat", blanks, column, axis=2), (batch, 2 * count))
    last = emit("Expand", as_tensor(blank, labels.dtype), shape=(batch, 1))
    return emit("Concat", pairs, last, axis=1)  # type: ignore[no-any-return]


def _log_probabilities(logs: Tensor, states: Tensor, batch: Any, width: Any) -> Tensor:
    """The logarithms of each state's class at each step: [steps, batch, width]."""
    steps, classes = sizes(logs)[1:]
    inside = emit("Max", emit("Min", states, emit("Sub", as_tensor(classes, states.dtype), 1)), 0)
    places = emit("Expand", with_shape(inside, (batch, 1, width)), shape=(batch, steps, width))
    return permute(emit("GatherElements", logs, places, axis=2), (1, 0, 2))


def _may_skip(states: Tensor, blank: int, width: Any, dtype: str) -> Tensor:
    """0 where a state may follow the last but one: a label that differs from the one before it; else very negative."""
    label = emit("Not", emit("Equal", states, blank))
    rest = emit("Slice", states, starts=(0,), ends=(width - 2,), axes=(1,), steps=(1,)) if width != 1 else states
    if width == 1:
        return emit("Mul", emit("Cast", states, to=dtype), 0.0)  # type: ignore[no-any-return]
    earlier = emit("Pad", rest, before=(0, 2), after=(0, 0), value=blank, mode="constant")
    allowed = emit("And", label, emit("Not", emit("Equal", states, earlier)))
    return emit("Mul", emit("Sub", 1.0, emit("Cast", allowed, to=dtype)), _NEVER)  # type: ignore[no-any-return]


def _start(own: Tensor, width: Any) -> Tensor:
    """At the first step a path is in the first blank or the first label."""
    first = with_shape(emit("Slice", own, starts=(0,), ends=(1,), axes=(0,), steps=(1,)), sizes(own)[1:])
    place = emit("Range", start=0, step=1, size=width, dtype="int32")
    closed = emit("Mul", emit("Cast", emit("GreaterOrEqual", place, 2), to=own.dtype), _NEVER)
    return emit("Add", first, closed)  # type: ignore[no-any-return]


def _shifted(alpha: Tensor, by: int) -> Any:
    """Each state gets the value of the one `by` places before it."""
    width = sizes(alpha)[1]
    if isinstance(width, int) and width <= by:
        return emit("Expand", as_tensor(_NEVER, alpha.dtype), shape=sizes(alpha))
    rest = emit("Slice", alpha, starts=(0,), ends=(width - by,), axes=(1,), steps=(1,))
    return emit("Pad", rest, before=(0, by), after=(0, 0), value=_NEVER, mode="constant")


@op("CTCDecode", tensors=2, module="nn")
def ctc_decode(
    inputs: Any,
    sequence_lengths: Any,
    strategy: str = "greedy",
    beam_width: int = 100,
    top_paths: int = 1,
    merge_repeated: bool = True,
    mask_index: int = 0,
) -> Any:
    """The likeliest label sequences: of the likeliest class at each step, or by a search over prefixes.

    Args:
        inputs: Logits, [batch, steps, classes]; for "beam_search" known when the program is traced.
        sequence_lengths: How many steps of each row count, [batch].
        strategy: "greedy" or "beam_search".
        beam_width: How many prefixes the search keeps.
        top_paths: How many sequences it returns.
        merge_repeated: Whether "greedy" merges repeated classes.
        mask_index: The blank's class.

    Returns:
        Sequences [paths, batch, steps], filled up with -1, and scores: the negated sum of the largest logits
        [batch, 1] of "greedy", the logarithms of probabilities [batch, paths] of "beam_search".

    Raises:
        ValueError: If the strategy is another.
    """
    logits = float_tensor(inputs)
    if strategy == "greedy":
        return _greedy(logits, as_indices(sequence_lengths), merge_repeated, mask_index)
    if strategy != "beam_search":
        raise ValueError(f"ctc_decode: strategy is one of {_STRATEGIES}, got {strategy!r}.")
    array = known_array(logits, "ctc_decode's inputs, for beam_search,").astype(np.float64)
    lengths = known_array(sequence_lengths, "ctc_decode's sequence_lengths, for beam_search,")
    paths = np.full((top_paths, *array.shape[:2]), -1, np.int32)
    scores = np.full((len(array), top_paths), -np.inf)
    for row, (values, length) in enumerate(zip(array, lengths, strict=True)):
        for rank, (labels, score) in enumerate(_search(values[: int(length)], beam_width, top_paths, mask_index)):
            paths[rank, row, : len(labels)] = labels
            scores[row, rank] = score
    return as_tensor(paths), as_tensor(scores, logits.dtype)


def _greedy(logits: Tensor, lengths: Tensor, merge: bool, blank: int) -> Any:
    batch, steps, _ = sizes(logits)
    best = emit("Cast", emit("ArgMax", logits, axis=2, keepdims=False), to="int32")
    largest = emit("ReduceMax", logits, axes=(2,), keepdims=False)
    time = with_shape(emit("Range", start=0, step=1, size=steps, dtype="int32"), (1, steps))
    inside = emit("Less", time, with_shape(emit("Cast", lengths, to="int32"), (batch, 1)))
    scores = emit("Mul", largest, emit("Cast", inside, to=logits.dtype))
    kept = emit("And", inside, emit("Not", emit("Equal", best, blank)))
    if merge:
        earlier = emit("Slice", best, starts=(0,), ends=(steps - 1,), axes=(1,), steps=(1,))
        earlier = emit("Pad", earlier, before=(0, 1), after=(0, 0), value=-1, mode="constant")
        kept = emit("And", kept, emit("Not", emit("Equal", best, earlier)))
    # What is kept moves to the front in its order: a stable sort by whether it is dropped.
    order = emit("TopK", emit("Cast", emit("Not", kept), to="int32"), k=steps, axis=1, largest=False, sorted=True)[1]
    labels = emit("Where", kept, best, as_tensor(-1, "int32"))
    sequence = emit("GatherElements", labels, order, axis=1)
    total = emit("Neg", emit("ReduceSum", scores, axes=(1,), keepdims=True))
    return with_shape(sequence, (1, batch, steps)), total


def _search(logits: np.ndarray, beam_width: int, top_paths: int, blank: int) -> list[tuple[tuple[int, ...], float]]:
    """Prefix search: for each prefix the probabilities of paths that end in a blank, and in its last label."""
    logs = logits - np.logaddexp.reduce(logits, axis=1, keepdims=True)
    beams: dict[tuple[int, ...], tuple[float, float]] = {(): (0.0, -np.inf)}
    for row in logs:
        following: dict[tuple[int, ...], tuple[float, float]] = {}

        def add(prefix: tuple[int, ...], in_blank: float, in_label: float, found: Any = following) -> None:
            have = found.get(prefix, (-np.inf, -np.inf))
            found[prefix] = (float(np.logaddexp(have[0], in_blank)), float(np.logaddexp(have[1], in_label)))

        for prefix, (in_blank, in_label) in beams.items():
            both = float(np.logaddexp(in_blank, in_label))
            add(prefix, both + row[blank], in_label + row[prefix[-1]] if prefix else -np.inf)
            for label in range(len(row)):
                if label != blank:
                    repeated = prefix and prefix[-1] == label
                    add((*prefix, label), -np.inf, (in_blank if repeated else both) + row[label])
        ranked = sorted(following.items(), key=lambda item: -float(np.logaddexp(*item[1])))
        beams = dict(ranked[:beam_width])
    return [(prefix, float(np.logaddexp(*scores))) for prefix, scores in beams.items()][:top_paths]
