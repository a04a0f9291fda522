"""Builds the library of custom operators with the C compiler that setuptools finds."""

from pathlib import Path

from setuptools import Extension, setup
from setuptools.command.build_ext import build_ext


class BuildLibrary(build_ext):
    """A plain shared library, which ONNX Runtime loads, instead of a Python module."""

    def get_ext_filename(self, name: str) -> str:
        return str(Path(*name.split(".")).with_suffix(".so"))

    def get_export_symbols(self, extension: Extension) -> list[str]:
        return ["RegisterCustomOps"]

    def build_extension(self, extension: Extension) -> None:
        if self.compiler.compiler_type == "msvc":
            extension.extra_compile_args = ["/O2", "/std:c11"]
        else:
            extension.extra_compile_args = [
                "-std=gnu11",
                "-O3",
                "-fno-math-errno",
                "-fno-trapping-math",
                "-fno-tree-loop-distribute-patterns",
                "-fvisibility=hidden",
            ]
        super().build_extension(extension)


setup(
    ext_modules=[
        Extension(
            "cornu_kernels.library",
            sources=sorted(str(path) for path in Path("native").glob("*.c")),
            depends=sorted(str(path) for path in Path("native").glob("*.h")),
        )
    ],
    cmdclass={"build_ext": BuildLibrary},
)
