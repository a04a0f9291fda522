"""Which backend is chosen and by whom, and the defaults of layers."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import cornu.config
import pytest
from cornu.backend import config
from cornu.backend.manager import BackendLoadError, BackendManager

CORE = Path(config.__file__).parents[2]


@pytest.fixture
def three(backends: BackendManager, install: Any) -> None:
    """Three backends, of which `high` has the highest priority."""
    install("low", priority=1)
    install("middle", priority=2)
    install("high", priority=3)


def write_home(home: Path, **values: Any) -> None:
    home.mkdir(exist_ok=True)
    (home / "cornu.json").write_text(json.dumps(values))


def write_project(text: str, folder: Path | None = None) -> None:
    ((folder or Path.cwd()) / "pyproject.toml").write_text(text)


def test_defaults(backends: BackendManager) -> None:
    assert cornu.config.floatx() == "float32"
    assert cornu.config.epsilon() == 1e-7
    assert cornu.config.image_data_format() == "channels_last"
    assert cornu.config.is_interactive_logging_enabled()


@pytest.mark.usefixtures("three")
def test_precedence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert config.backend() == "high"

    write_home(tmp_path / "home", backend="low")
    config.reset()
    assert config.backend() == "low"

    write_project('[tool.cornu]\nbackend = "middle"\n')
    config.reset()
    assert config.backend() == "middle"

    monkeypatch.setenv("KERAS_BACKEND", "low")
    config.reset()
    assert config.backend() == "low"

    monkeypatch.setenv("CORNU_BACKEND", "high")
    config.reset()
    assert config.backend() == "high"

    config.set_backend("middle")
    assert config.backend() == "middle"
    with config.use_backend("low"):
        assert config.backend() == "low"
    assert config.backend() == "middle"


@pytest.mark.usefixtures("three")
def test_keras_backend_of_keras_own_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("KERAS_BACKEND", "jax")
    write_project('[tool.cornu]\nbackend = "low"\n')
    assert config.backend() == "low"


@pytest.mark.usefixtures("three")
def test_unknown_configured_name_tells_who_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CORNU_BACKEND", "tpu")
    with pytest.raises(ValueError, match=r"Unknown backend 'tpu'\. Installed: high, low, middle\.") as caught:
        config.current_backend()
    assert "CORNU_BACKEND" in caught.value.__notes__[0]
    monkeypatch.delenv("CORNU_BACKEND")
    config.reset()
    write_project('[tool.cornu]\nbackend = "tpu"\n')
    with pytest.raises(ValueError, match="Unknown backend 'tpu'") as caught:
        config.current_backend()
    assert "pyproject.toml" in caught.value.__notes__[0]


def test_configured_backend_that_is_broken_is_not_replaced(
    backends: BackendManager, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    install("toy")
    install("bad", source="raise RuntimeError('the driver is too old')")
    monkeypatch.setenv("CORNU_BACKEND", "bad")
    with pytest.raises(BackendLoadError, match="the driver is too old"):
        config.current_backend()


@pytest.mark.usefixtures("three")
def test_failed_choice_changes_nothing() -> None:
    config.set_backend("low")
    with pytest.raises(ValueError, match="Unknown backend"):
        config.set_backend("tpu")
    with pytest.raises(ValueError, match="Unknown backend"):
        config.use_backend("tpu")  # at the call, before any block is entered
    assert config.backend() == "low"


@pytest.mark.usefixtures("three")
def test_nearest_project_file_counts() -> None:
    write_project('[tool.cornu]\nbackend = "low"\n')
    inner = Path("a")
    inner.mkdir()
    write_project('[tool.cornu]\nbackend = "middle"\n', inner)
    (inner / "b").mkdir()
    os.chdir(inner / "b")
    assert config.backend() == "middle"


@pytest.mark.usefixtures("three")
def test_values_of_both_files_are_merged(tmp_path: Path) -> None:
    write_home(
        tmp_path / "home",
        floatx="float64",
        epsilon=1e-3,
        backend="low",
        nnx_enabled=False,
        options={"low": {"threads": 1, "level": "all"}},
    )
    write_project(
        '[tool.cornu]\nepsilon = 1e-4\nimage_data_format = "channels_first"\n[tool.cornu.options.low]\nthreads = 2\n'
    )
    assert config.floatx() == "float64"
    assert config.epsilon() == 1e-4
    assert config.image_data_format() == "channels_first"
    assert vars(config.current_backend())["options"] == {"threads": 2, "level": "all"}


@pytest.mark.usefixtures("three")
def test_options_and_device() -> None:
    write_project('[tool.cornu.options.high]\ndevice = "gpu:1"\nthreads = 2\n')
    assert config.current_device() == "gpu:1"
    started = config.current_backend()
    assert vars(started)["options"] == {"threads": 2}
    config.set_backend("high", device="gpu:0")
    assert config.current_device() == "gpu:0"
    assert config.current_backend() is started  # the device is no option of the backend
    config.set_backend("high", threads=4)
    assert vars(config.current_backend())["options"] == {"threads": 4}
    with config.use_backend("low"):
        assert config.current_device() == ""


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("[tool.cornu\n", r"Cannot read \[tool\.cornu\] in .*pyproject\.toml"),
        ("[tool.cornu]\nbackends = 'low'\n", r"pyproject\.toml has unknown keys: backends\. Known are: backend,"),
        ("[tool.cornu]\nfloatx = 'int8'\n", r"pyproject\.toml: floatx must be one of .*, not 'int8'"),
        ("[tool.cornu]\nepsilon = -1\n", r"pyproject\.toml: epsilon must be a positive number, not -1"),
        ("[tool.cornu]\nbackend = 3\n", r"pyproject\.toml: backend must be a backend's name, not 3"),
        ("[tool.cornu]\noptions = {low = 3}\n", r"pyproject\.toml: options must be one table per backend"),
    ],
)
@pytest.mark.usefixtures("three")
def test_wrong_project_file_is_named(text: str, message: str) -> None:
    write_project(text)
    with pytest.raises(ValueError, match=message):
        config.floatx()


@pytest.mark.usefixtures("backends")
def test_wrong_home_file_is_named(tmp_path: Path) -> None:
    (tmp_path / "home").mkdir()
    (tmp_path / "home" / "cornu.json").write_text("{")
    with pytest.raises(ValueError, match=r"Cannot read .*cornu\.json"):
        config.epsilon()


@pytest.mark.usefixtures("backends")
def test_setters_and_their_errors() -> None:
    config.set_floatx("float16")
    config.set_epsilon(1e-5)
    config.set_image_data_format("channels_first")
    assert (config.floatx(), config.epsilon(), config.image_data_format()) == ("float16", 1e-5, "channels_first")
    with pytest.raises(ValueError, match="floatx must be one of float32"):
        config.set_floatx("float8")
    with pytest.raises(ValueError, match="epsilon must be a positive number"):
        config.set_epsilon(0)
    with pytest.raises(ValueError, match="image_data_format must be one of channels_last"):
        config.set_image_data_format("channels_middle")
    cornu.config.disable_interactive_logging()
    assert not cornu.config.is_interactive_logging_enabled()
    cornu.config.enable_interactive_logging()
    assert cornu.config.is_interactive_logging_enabled()


@pytest.mark.usefixtures("three")
def test_blocks_nest_and_end_after_errors() -> None:
    with config.use_backend("low") as low:
        assert config.current_backend() is low
        with pytest.raises(KeyError, match="middle"), config.use_backend("middle"):
            raise KeyError(config.backend())
        assert config.backend() == "low"
        config.set_backend("middle")
        assert config.backend() == "low"  # the block wins until it ends
    assert config.backend() == "middle"


@pytest.mark.usefixtures("three")
def test_blocks_belong_to_their_thread() -> None:
    barrier = threading.Barrier(3, timeout=10)
    seen: dict[str, list[str]] = {}

    def work(name: str) -> None:
        with config.use_backend(name):
            seen[name] = []
            for _ in range(20):
                barrier.wait()
                seen[name].append(config.backend())

    threads = [threading.Thread(target=work, args=(name,)) for name in ("low", "middle")]
    with config.use_backend("high"):
        for thread in threads:
            thread.start()
        for _ in range(20):
            barrier.wait()
            assert config.backend() == "high"
        for thread in threads:
            thread.join()
    assert seen == {"low": ["low"] * 20, "middle": ["middle"] * 20}


@pytest.mark.parametrize("code", ["import cornu.config", "import cornu", "import cornu.config as c; c.floatx()"])
def test_importing_writes_no_file(tmp_path: Path, code: str) -> None:
    environment = {name: value for name, value in os.environ.items() if not name.startswith(("CORNU", "KERAS", "XDG"))}
    environment.update(HOME=str(tmp_path), PYTHONPATH=str(CORE), PYTHONDONTWRITEBYTECODE="1")
    subprocess.run([sys.executable, "-c", code], check=True, cwd=tmp_path, env=environment)
    assert list(tmp_path.rglob("*")) == []
