"""Finding, loading and starting backends: what is broken is named and stops nothing else."""

from __future__ import annotations

import sys
import threading
from typing import Any

import pytest
from cornu.backend import manager
from cornu.backend.check import check_backend_class, contracts_agree
from cornu.backend.contract import CONTRACT_VERSION
from cornu.backend.discovery import find_sources
from cornu.backend.manager import BackendInfo, BackendLoadError, BackendManager


class Fake:
    contract = CONTRACT_VERSION
    priority = 5

    def __init__(self, **options: Any) -> None:
        self.options = options

    def supports(self, op: str, dtypes: Any, attributes: Any, device: str) -> bool:
        return True

    def from_numpy(self, array: Any, device: str) -> Any:
        return array

    def to_numpy(self, buffer: Any) -> Any:
        return buffer

    def compile(self, program: Any, options: Any) -> Any:
        raise NotImplementedError


def info_of(name: str, infos: list[BackendInfo]) -> BackendInfo:
    (info,) = [info for info in infos if info.name == name]
    return info


def test_listing_imports_nothing(backends: BackendManager, install: Any) -> None:
    install("toy")
    install("bad", source="raise RuntimeError('imported')")
    assert backends.names() == ["bad", "toy"]
    assert not [name for name in sys.modules if name.endswith("_module")]


def test_loading_one_imports_no_other(backends: BackendManager, install: Any) -> None:
    install("toy")
    install("other")
    backends.load("toy")
    assert "cornu_toy_module" in sys.modules
    assert "cornu_other_module" not in sys.modules


def test_default_group_is_the_public_one(install: Any) -> None:
    install("publictoy", group="cornu.backends")
    assert "publictoy" in BackendManager().names()


def test_unknown_name_lists_the_installed(backends: BackendManager, install: Any) -> None:
    install("toy")
    with pytest.raises(ValueError, match=r"Unknown backend 'tpu'\. Installed: toy\."):
        manager.get_backend("tpu")


def test_unknown_name_with_none_installed(backends: BackendManager) -> None:
    with pytest.raises(ValueError, match=r"Installed: none\."):
        manager.get_backend("toy")


@pytest.mark.parametrize(
    ("source", "reason"),
    [
        ("raise RuntimeError('the driver is too old')", "RuntimeError: the driver is too old"),
        ("import not_there_at_all", "ModuleNotFoundError: No module named 'not_there_at_all'"),
        ("raise SystemExit('no licence')", "SystemExit: no licence"),
        ("Other = 1", "AttributeError: module 'cornu_bad_module' has no attribute 'Toy'"),
        ("def Toy(): pass", "TypeError: a backend must be a class"),
        ("class Toy: priority = 1", "TypeError: Toy.contract must be a string"),
        ("class Toy:\n  contract = '1.0'", "TypeError: Toy.priority must be an integer"),
        (
            "class Toy:\n  contract = '1.0'\n  priority = 1\n  def supports(self): ...",
            "TypeError: Toy lacks what the backend contract requires: from_numpy, to_numpy, compile",
        ),
        ("class Toy:\n  contract = 'new'", "ValueError: a contract version has the form 'major.minor'"),
    ],
)
def test_broken_plugin_is_named_and_stops_nobody(
    backends: BackendManager, install: Any, source: str, reason: str
) -> None:
    install("bad", source=source)
    install("toy")
    infos = manager.installed()
    bad = info_of("bad", infos)
    assert bad.error.startswith(reason)
    assert (bad.distribution, bad.version) == ("cornu-bad", "1.0")
    assert info_of("toy", infos).error == ""
    with pytest.raises(BackendLoadError, match=r"'bad' from cornu-bad 1\.0 cannot be loaded") as caught:
        manager.get_backend("bad")
    assert reason in str(caught.value)
    assert caught.value.__cause__ is not None
    assert manager.start_default({})[0] == "toy"


def test_other_contract_version_is_named(backends: BackendManager, install: Any) -> None:
    install("old", contract="0.0", priority=1000)
    install("toy")
    assert info_of("old", manager.installed()).error == (
        f"ValueError: Toy was written for backend contract 0.0; this Cornu has contract {CONTRACT_VERSION}"
    )
    assert manager.start_default({})[0] == "toy"


def test_two_distributions_of_one_name(backends: BackendManager, install: Any) -> None:
    install("twin", distribution="twin-a", version="1.0", priority=1000)
    install("twin", distribution="twin-b", version="2.0", priority=1000)
    install("toy")
    rows = [info for info in manager.installed() if info.name == "twin"]
    assert {row.distribution for row in rows} == {"twin-a", "twin-b"}
    for row in rows:
        assert "2 distributions claim this name" in row.error
        assert "twin-a 1.0" in row.error
        assert "twin-b 2.0" in row.error
    with pytest.raises(BackendLoadError, match="2 distributions claim this name"):
        manager.get_backend("twin")
    assert not [name for name in sys.modules if name.startswith("twin")]
    assert manager.start_default({})[0] == "toy"


def test_one_distribution_twice_on_the_path_is_no_conflict(
    backends: BackendManager, install: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    root = install("toy")
    other = root.parent / "again"
    other.mkdir()
    info = next(root.glob("*.dist-info"))
    (other / info.name).symlink_to(info)
    monkeypatch.syspath_prepend(str(other))
    assert info_of("toy", manager.installed()).error == ""


def test_damaged_metadata_hides_no_other(backends: BackendManager, install: Any) -> None:
    install("toy")
    install("damaged", entry_points="[cornu.testing]\nthis is no entry point\n")
    infos = manager.installed()
    assert info_of("toy", infos).error == ""
    assert "entry_points.txt cannot be read" in info_of("cornu-damaged", infos).error
    assert manager.start_default({})[0] == "toy"
    with pytest.raises(BackendLoadError, match=r"entry_points\.txt cannot be read"):
        manager.get_backend("cornu-damaged")


def test_highest_priority_is_the_default_then_the_name(backends: BackendManager, install: Any) -> None:
    install("alpha", priority=1)
    install("zeta", priority=9)
    install("beta", priority=9)
    assert manager.start_default({})[0] == "beta"
    assert [info.name for info in manager.installed()] == ["beta", "zeta", "alpha"]


def test_default_that_does_not_start_is_passed_over_aloud(backends: BackendManager, install: Any) -> None:
    failing = "\n    def __init__(self):\n        raise OSError('no device')\n"
    install("gpu", priority=9, extra=failing)
    install("toy")
    with pytest.warns(RuntimeWarning, match="Backend 'gpu' does not start: OSError: no device"):
        assert manager.start_default({})[0] == "toy"


def test_no_backend_at_all(backends: BackendManager, install: Any) -> None:
    with pytest.raises(BackendLoadError, match=r"No backend can be used\. None is installed under 'cornu\.testing'"):
        manager.start_default({})
    install("bad", source="raise RuntimeError('the driver is too old')")
    with pytest.raises(BackendLoadError, match="the driver is too old"):
        manager.start_default({})


def test_one_live_instance_for_name_and_options(backends: BackendManager) -> None:
    manager.register_backend("fake", Fake)
    plain = manager.get_backend("fake")
    assert manager.get_backend("fake") is plain
    tuned = manager.get_backend("fake", threads=2, providers=["a", "b"], nested={"x": 1, "y": {2}.pop()})
    assert tuned is not plain
    assert manager.get_backend("fake", nested={"y": 2, "x": 1}, providers=["a", "b"], threads=2) is tuned
    assert manager.get_backend("fake", threads=2, providers=["b", "a"], nested={"x": 1, "y": 2}) is not tuned
    assert isinstance(tuned, Fake)
    assert tuned.options["providers"] == ["a", "b"]


def test_one_live_instance_under_threads(backends: BackendManager, install: Any) -> None:
    install("toy", extra="\nimport time\nToy.__init__ = lambda self: time.sleep(0.05)\n")
    started: list[object] = []
    threads = [threading.Thread(target=lambda: started.append(manager.get_backend("toy"))) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(started) == 8
    assert len(set(map(id, started))) == 1


def test_unhashable_option_is_refused(backends: BackendManager) -> None:
    manager.register_backend("fake", Fake)
    with pytest.raises(TypeError, match="not bytearray"):
        manager.get_backend("fake", blob=bytearray(2))


def test_wrong_option_names_the_backend(backends: BackendManager) -> None:
    class Strict(Fake):
        def __init__(self) -> None:
            super().__init__()

    manager.register_backend("strict", Strict)
    with pytest.raises(TypeError, match="threads") as caught:
        manager.get_backend("strict", threads=2)
    assert caught.value.__notes__ == ["while starting backend 'strict' with options {'threads': 2}"]


def test_registering(backends: BackendManager, install: Any) -> None:
    install("toy")
    manager.register_backend("fake", Fake)
    manager.register_backend("alias", Fake)  # one class under two names
    assert manager.backend_names() == ["alias", "fake", "toy"]
    assert info_of("fake", manager.installed()) == BackendInfo("fake", "(this process)", "", CONTRACT_VERSION, 5)
    with pytest.raises(ValueError, match=r"'toy' belongs to cornu-toy 1\.0"):
        manager.register_backend("toy", Fake)

    class Other(Fake):
        pass

    with pytest.raises(ValueError, match=r"'fake' belongs to .*Fake; choose another"):
        manager.register_backend("fake", Other)
    with pytest.raises(TypeError, match="must be a class"):
        manager.register_backend("instance", Fake())  # type: ignore[arg-type]
    manager.unregister_backend("fake")
    assert manager.backend_names() == ["alias", "toy"]


def test_registering_again_after_redefinition_replaces(backends: BackendManager) -> None:
    def define() -> type:
        class Cell(Fake):
            pass

        return Cell

    first, second = define(), define()
    manager.register_backend("cell", first)
    assert type(manager.get_backend("cell")) is first
    manager.register_backend("cell", second)
    assert type(manager.get_backend("cell")) is second


def test_describe_is_optional_and_harmless(backends: BackendManager) -> None:
    class Telling(Fake):
        @classmethod
        def describe(cls) -> dict[str, Any]:
            return {"version": "7.1", "providers": ["Fast", "Slow"], "devices": ("cpu:0",)}

    class Stumbling(Fake):
        @classmethod
        def describe(cls) -> dict[str, Any]:
            raise RuntimeError("no idea")

    manager.register_backend("telling", Telling)
    manager.register_backend("stumbling", Stumbling)
    infos = manager.installed()
    told = info_of("telling", infos)
    assert (told.version, told.providers, told.devices) == ("7.1", ("Fast", "Slow"), ("cpu:0",))
    stumbled = info_of("stumbling", infos)
    assert stumbled.error == ""
    assert stumbled.note == "describe() raised RuntimeError: no idea"
    assert isinstance(manager.get_backend("stumbling"), Stumbling)


def test_class_that_forwards_by_getattr_is_accepted() -> None:
    class Forward:
        contract = CONTRACT_VERSION
        priority = 0

        def __getattr__(self, name: str) -> Any:
            return getattr(Fake(), name)

    assert check_backend_class(Forward) is Forward


@pytest.mark.parametrize(
    ("required", "offered", "agree"),
    [
        ("1.0", "1.0", True),
        ("1.0", "1.0.7", True),
        ("1.0", "1.4", True),
        ("1.4", "1.0", True),
        ("1.0", "2.0", False),
        ("1.0", "0.9", False),
        ("1.0", "10.0", False),
    ],
)
def test_contract_versions(required: str, offered: str, agree: bool) -> None:
    assert contracts_agree(required, offered) is agree


def test_group_must_match_whole(install: Any) -> None:
    install("toy", group="cornu.testing_more")
    assert find_sources("cornu.testing") == {}
