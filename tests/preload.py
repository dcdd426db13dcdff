"""Imported by the server before it forks: what commands import late, five seconds once and not once a child."""

import pkgutil
from importlib import import_module
from importlib.util import find_spec

import matplotlib.backends.backend_agg
import matplotlib.figure  # noqa: F401
import qiskit_ibm_runtime.transpiler.plugin  # noqa: F401
import sklearn.datasets  # noqa: F401
import torch
import torchattacks  # noqa: F401
from PIL import Image
from qiskit_ibm_runtime.executor_sampler import Sampler  # noqa: F401

import qaml_qiskit

if find_spec("mthree"):
    import_module("mthree")
for module in pkgutil.walk_packages(qaml_qiskit.__path__, "qaml_qiskit."):
    if not module.name.endswith("__main__"):
        import_module(module.name)
Image.init()
torch.set_num_threads(1)
