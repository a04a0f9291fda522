"""The command line."""

from __future__ import annotations

import subprocess
import sys
from io import StringIO
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cornu.backend import config
from cornu.backend.contract import CONTRACT_VERSION
from cornu.backend.manager import BackendInfo, BackendManager
from cornu.cli import main
from cornu.cli.backends import table_of
from cornu.cli.plots import save_learning_curves, save_predictions
from rich.console import Console


@pytest.fixture
def wide(monkeypatch: pytest.MonkeyPatch) -> None:
    """A terminal in which a table need not wrap."""
    monkeypatch.setenv("COLUMNS", "200")


def test_version(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["--version"]) == 0
    assert capsys.readouterr().out.startswith("cornu ")


def test_without_a_command_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    shown = capsys.readouterr().out
    assert "backends" in shown
    assert "quickstart" in shown


@pytest.mark.usefixtures("wide", "backends")
def test_backends_shows_good_and_bad(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    told = {"version": "9.8.7", "providers": ["FastProvider"], "devices": ["gpu:0"]}
    install("toy", priority=42, extra=f"Toy.describe = classmethod(lambda cls: {told})")
    install("bad", source="raise RuntimeError('libfast.so: [cannot] open ' + 'very ' * 60 + 'long')")
    install("old", contract="0.0")
    install("twin", distribution="twin-a")
    install("twin", distribution="twin-b")
    assert main(["backends"]) == 0
    shown = capsys.readouterr().out
    (row,) = [line for line in shown.splitlines() if " toy " in line]
    for cell in ("9.8.7", CONTRACT_VERSION, "42", "FastProvider", "gpu:0", "ok"):
        assert cell in row
    assert "bad (cornu-bad 1.0) cannot be used:" in shown
    reason = "RuntimeError: libfast.so: [cannot] open " + "very " * 60 + "long"
    assert reason in shown  # whole: neither cut, nor wrapped, nor read as markup
    assert "written for backend contract 0.0" in shown
    assert "2 distributions claim this name: " in shown


@pytest.mark.usefixtures("backends")
def test_backends_without_a_usable_one_fails(install: Any, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["backends"]) == 1
    assert "No usable backend is installed." in capsys.readouterr().out
    install("bad", source="raise RuntimeError('boo')")
    assert main(["backends"]) == 1


def test_table_does_not_read_names_as_markup() -> None:
    console = Console(width=200, record=True, file=StringIO())
    console.print(table_of([BackendInfo("[red]x", "dist", "1", "0.1", 1, note="[b]slow")]))
    shown = console.export_text()
    assert "[red]x" in shown
    assert "[b]slow" in shown


def test_quickstart_with_an_unknown_backend(
    backends: BackendManager, install: Any, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    install("toy")
    assert main(["quickstart", "--backend", "tpu"]) == 2
    assert capsys.readouterr().err == "cornu: Unknown backend 'tpu'. Installed: toy.\n"
    config.reset()
    monkeypatch.setenv("CORNU_BACKEND", "tpu")
    assert main(["quickstart"]) == 2
    assert "asked for by the environment variable CORNU_BACKEND" in capsys.readouterr().err
    assert not Path("quickstart").exists()


def test_quickstart_with_a_broken_backend(
    backends: BackendManager, install: Any, capsys: pytest.CaptureFixture[str]
) -> None:
    install("bad", source="raise RuntimeError('the driver is too old')")
    assert main(["quickstart", "--backend", "bad"]) == 2
    assert "RuntimeError: the driver is too old" in capsys.readouterr().err


@pytest.mark.parametrize("wrong", ["0", "-1", "many"])
def test_quickstart_refuses_wrong_epochs(wrong: str, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["quickstart", f"--epochs={wrong}"])
    assert "--epochs" in capsys.readouterr().err


def test_parsing_imports_neither_numpy_nor_backends() -> None:
    core = str(Path(config.__file__).parents[2])
    code = (
        f"import sys; sys.path.insert(0, {core!r}); from cornu.cli import main; main(['--version']);"
        "sys.exit(', '.join({'pluggy', 'rich', 'onnxruntime', 'matplotlib'} & set(sys.modules)) or 0)"
    )
    subprocess.run([sys.executable, "-c", code], check=True, capture_output=True)


def test_plots(tmp_path: Path) -> None:
    history = {name: [0.5, 0.25] for name in ("loss", "val_loss", "accuracy", "val_accuracy")}
    probabilities = np.full((30, 10), 0.05)
    probabilities[:, 3] = 0.55
    save_learning_curves(history, tmp_path / "curves.png")
    save_predictions(np.zeros((30, 8, 8)), np.arange(30) % 10, probabilities, tmp_path / "digits.png")
    for name in ("curves.png", "digits.png"):
        assert (tmp_path / name).read_bytes().startswith(b"\x89PNG")
