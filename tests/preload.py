"""Imported by the server before it forks: what commands import late, seconds once and not once a child."""

import gc
import os
import pkgutil
from importlib import import_module
from importlib.machinery import ExtensionFileLoader
from importlib.util import find_spec

import matplotlib.backends.backend_agg
import matplotlib.figure
import sklearn.datasets  # noqa: F401
import torch
import torch._dynamo
import torchattacks  # noqa: F401
from PIL import Image
from qiskit_ibm_runtime.executor_sampler import Sampler  # noqa: F401

import qaml_qiskit
from tests.child import unwaited_sync
from tests.pixel import save_pixel

for optional in ("distributed", "mthree"):
    if find_spec(optional):
        import_module(optional)
for module in pkgutil.walk_packages(qaml_qiskit.__path__, "qaml_qiskit."):
    # What is compiled is loaded by its room, and is no module of Python.
    spec = find_spec(module.name)
    compiled = spec is not None and isinstance(spec.loader, ExtensionFileLoader)
    if not compiled and not module.name.endswith("__main__"):
        import_module(module.name)
Image.init()
torch.set_num_threads(1)
os.fsync = unwaited_sync
matplotlib.figure.Figure.savefig = save_pixel
# A child whose garbage collector went through all of this would get a copy of its own.
gc.freeze()
