"""What ``qaml train`` is asked for."""

from typing import ClassVar

from qaml_qiskit.workflows.training_options import TrainingOptions


class TrainRequest(TrainingOptions):
    """Everything that decides what is trained, and how."""

    command: ClassVar[str] = "train"
