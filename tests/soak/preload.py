"""Imported by the server before it forks: what commands import late, and one thread for everything."""

import torch

from qaml_qiskit.cli import main

torch.set_num_threads(1)
main.add_commands()
