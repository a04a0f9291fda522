"""The tables and the picture of a run; `python benchmarks/report.py bench.json` puts them into the README files."""

from __future__ import annotations

import json
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from workloads import WORKLOADS

TITLES = {
    "import": "import, s above NumPy's",
    "first_step_mlp": "first step of the MLP, s",
    "first_step_cnn": "first step of the CNN, s",
    "memory_cnn": "peak memory of the CNN, MiB",
    "memory_large": "peak memory of 50 million parameters, MiB",
    "fashion": "Fashion-MNIST to 91 %, s",
}


def markdown(told: Mapping[str, Any]) -> str:
    """The whole page."""
    sides = list(told["versions"])
    lines = [_machine(told), ""]
    for what, kinds in (("Training", ("fit", "train_on_batch")), ("Prediction", ("predict", "predict_on_batch"))):
        lines += [f"{what}: milliseconds a batch, the better of `{kinds[0]}` and `{kinds[1]}`, each by its median.", ""]
        lines += [*_throughput(told, sides, kinds), ""]
    lines += ["One sample: milliseconds a call of `model.predict(x[:1])`, medians.", ""]
    lines += [*_throughput(told, sides, ("predict_one",)), "", *_alone(told, sides), "", *_losses(told, sides)]
    return "\n".join(lines) + "\n"


def _machine(told: Mapping[str, Any]) -> str:
    machine, versions = told["machine"], "; ".join(told["versions"].values())
    return f"{machine['cores']} cores of {machine['processor']}, Python {machine['python']}. {versions}."


def times(told: Mapping[str, Any], kinds: Sequence[str]) -> dict[tuple[str, str], tuple[float, float]]:
    """By workload and side: the median of the best kind of call, and the spread (half the middle half, relative)."""
    found: dict[tuple[str, str], tuple[float, float]] = {}
    for entry in told["times"]:
        if entry["kind"] in kinds and entry["ms"]:
            key, ms = (entry["workload"], entry["side"]), sorted(entry["ms"])
            middle = median(ms)
            spread = (ms[3 * len(ms) // 4] - ms[len(ms) // 4]) / 2 / middle
            if key not in found or middle < found[key][0]:
                found[key] = middle, spread
    return found


def _throughput(told: Mapping[str, Any], sides: Sequence[str], kinds: Sequence[str]) -> Iterator[str]:
    found = times(told, kinds)
    ours = _ours(sides)
    yield f"| | {' | '.join(sides)} | {' | '.join(f'{_short(side)} against the best Keras' for side in ours)} |"
    yield f"|---|{'---:|' * (len(sides) + len(ours))}"
    for name, work in WORKLOADS.items():
        if (name, sides[0]) not in found:
            continue
        known = {side: found[name, side] for side in sides if (name, side) in found}
        cells = [f"{known[side][0]:.2f} ±{known[side][1]:.0%}" if side in known else "" for side in sides]
        cells += _ratios({side: ms for side, (ms, _) in known.items()}, ours)
        yield f"| {work.what} | {' | '.join(cells)} |"


def _ours(sides: Sequence[str]) -> list[str]:
    """The sides that are compared with the best Keras: the default backend, and what extends it."""
    return [side for side in sides if side.partition("+")[0] == sides[0]]


def _short(side: str) -> str:
    return side.partition("+")[2] or side.partition(":")[2]


def _ratios(ms: Mapping[str, float], ours: Sequence[str]) -> list[str]:
    best = min((ms[side] for side in ms if side.startswith("keras:")), default=None)
    return ["" if best is None or side not in ms else f"{best / ms[side]:.2f}×" for side in ours]


def _alone(told: Mapping[str, Any], sides: Sequence[str]) -> Iterator[str]:
    values = {(entry["side"], entry["measure"]): median(entry["values"]) for entry in told["alone"]}
    yield f"| in a process of its own | {' | '.join(sides)} |"
    yield f"|---|{'---:|' * len(sides)}"
    for what, title in TITLES.items():
        cells = [_number(values.get((side, what))) for side in sides]
        if any(cells):
            yield f"| {title} | {' | '.join(cells)} |"
    sizes = [f"{told['installed'][side]:.0f}" for side in sides]
    yield f"| packages installed, MiB | {' | '.join(sizes)} |"


def _number(value: float | None) -> str:
    return "" if not value else "not in 12 epochs" if value == float("inf") else f"{value:.2f}"


def _losses(told: Mapping[str, Any], sides: Sequence[str]) -> Iterator[str]:
    """Whether all sides learn the same: the loss after some steps from the same weights on the same batch."""
    last = {(e["workload"], e["side"]): e["ms"][-1] for e in told["times"] if e["kind"] == "losses" and e["ms"]}
    yield f"| loss after 20 steps from the same weights | {' | '.join(sides)} |"
    yield f"|---|{'---:|' * len(sides)}"
    for name, work in WORKLOADS.items():
        if any((name, side) in last for side in sides):
            note = " (random dropout)" if work.random else ""
            cells = [f"{last[name, side]:.4f}" if (name, side) in last else "" for side in sides]
            yield f"| {work.what}{note} | {' | '.join(cells)} |"


def picture(told: Mapping[str, Any], path: Path) -> None:
    """Bars: how many times as fast as the slowest side each is, in training and in prediction."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    sides = list(told["versions"])
    figure, axes = pyplot.subplots(2, 1, figsize=(11, 7), layout="constrained")
    kinds = (("training", ("fit", "train_on_batch")), ("prediction", ("predict", "predict_on_batch")))
    for axis, (title, calls) in zip(axes, kinds, strict=True):
        found = times(told, calls)
        names = [name for name in WORKLOADS if (name, sides[0]) in found]
        for i, side in enumerate(sides):
            fastest = [min(found[name, other][0] for other in sides if (name, other) in found) for name in names]
            heights = [
                best / found[name, side][0] if (name, side) in found else 0.0
                for name, best in zip(names, fastest, strict=True)
            ]
            places = [k + (i - len(sides) / 2 + 0.5) * 0.8 / len(sides) for k in range(len(names))]
            axis.bar(places, heights, 0.8 / len(sides), label=side)
        axis.set_xticks(range(len(names)), names)
        axis.set_ylabel(f"{title}: speed, fastest = 1")
    figure.legend(*axes[0].get_legend_handles_labels(), ncols=4, loc="outside upper center")
    figure.savefig(path, dpi=110)
    pyplot.close(figure)


BEGIN, END = "<!-- bench -->\n", "<!-- /bench -->\n"


def summary(told: Mapping[str, Any]) -> str:
    """What README shows: the default backend beside Keras on each of its own."""
    sides = [side for side in told["versions"] if side.startswith(("cornu:onnxruntime", "keras:"))]
    ours = _ours(sides)
    lines = [_machine({**told, "versions": {side: told["versions"][side] for side in sides}}), ""]
    lines += [
        f"| milliseconds a batch | | {' | '.join(sides)} | {' | '.join(f'{_short(side)}, ratio' for side in ours)} |",
        f"|---|---|{'---:|' * (len(sides) + len(ours))}",
    ]
    for what, kinds in (("training", ("fit", "train_on_batch")), ("prediction", ("predict", "predict_on_batch"))):
        found = times(told, kinds)
        for name, work in WORKLOADS.items():
            ms = {side: found[name, side][0] for side in sides if (name, side) in found}
            cells = [f"{ms[side]:.2f}" if side in ms else "" for side in sides] + _ratios(ms, ours)
            lines.append(f"| {work.what} | {what} | {' | '.join(cells)} |")
    return "\n".join(lines) + "\n"


def put(page: Path, text: str) -> None:
    """Puts a text between the marks of a page."""
    head, _, rest = page.read_text(encoding="utf-8").partition(BEGIN)
    page.write_text(f"{head}{BEGIN}{text}{END}{rest.partition(END)[2]}", encoding="utf-8")


if __name__ == "__main__":
    result = json.loads(Path(sys.argv[1]).read_text())
    here = Path(__file__).parent
    put(here / "README.md", markdown(result))
    put(here.parent / "README.md", summary(result))
