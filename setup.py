"""The packages, the optional C++ libraries, and README for readers elsewhere; all else is declared in setup.cfg."""

import os
import re
from pathlib import Path

from setuptools import Extension, find_packages, setup

ROOMS = Path("qaml_qiskit")
#: Whoever asks for another optimisation (CXXFLAGS=-O0 builds in a sixth of the time) gets it.
OPTIMISED = [] if "-O" in os.environ.get("CXXFLAGS", "") else ["-O3"]


def extension(room: str, name: str) -> Extension:
    """A library of the C++ files in a room's folder ``native``, called through ctypes."""
    native = ROOMS / room / "native"
    return Extension(
        f"qaml_qiskit.{room}.{name}",
        sources=sorted(path.as_posix() for path in native.glob("*.cpp")),
        depends=sorted(path.as_posix() for folder in (native, ROOMS / "native") for path in folder.glob("*.hpp")),
        language="c++",
        # Python's own flags ask for wrapping integers, which costs a few per cent in the address arithmetic.
        extra_compile_args=["-std=c++17", *OPTIMISED, "-g0", "-fno-wrapv", "-fvisibility=hidden", "-pthread"],
        extra_link_args=["-pthread"],
        py_limited_api=True,
        # Without a compiler the package installs all the same and computes with torch.
        optional=True,
    )


# The repository has no public address that a link could lead to: where the package is listed, a link to a file beside
# README becomes its text, and the picture goes. What the links name is in the source distribution.
README = Path("README.md").read_text(encoding="utf-8")
WITHOUT_PICTURES = re.sub(r"!\[[^\]]*\]\((?!https?:)[^)]*\)\n\n\*.*?\*\n\n", "", README, flags=re.DOTALL)

# The recipes lie in transpile/ at the top of the checkout and reach users as qaml_qiskit._recipes, the small reference
# models in runs/reference/ as qaml_qiskit._references.
PACKAGES = [*find_packages(include=["qaml_qiskit", "qaml_qiskit.*"]), "qaml_qiskit._recipes", "qaml_qiskit._references"]

setup(
    packages=PACKAGES,
    long_description=re.sub(r"(?<!!)\[([^\]]*)\]\((?!https?:)[^)]*\)", r"\1", WITHOUT_PICTURES),
    ext_modules=[extension("simulation", "_kernel"), extension("encodings", "_fit")],
    options={"bdist_wheel": {"py_limited_api": "cp311"}},
)
