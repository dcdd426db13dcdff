"""What ``qaml benchmark`` is asked for."""

from typing import Annotated, ClassVar, Self

from pydantic import Field, model_validator

from qaml_qiskit.campaigns.benchmark.protocol import load_protocol
from qaml_qiskit.datasets.references import DatasetName
from qaml_qiskit.deployments import refusals
from qaml_qiskit.deployments.conditions import Ideal, parse_deployment
from qaml_qiskit.deployments.references import check_model, names_code
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.fields import ClassifierName, Otherwise, Several
from qaml_qiskit.workflows.request import Request


class BenchmarkRequest(Request):
    """Models, and the protocol that they go through."""

    command: ClassVar[str] = "benchmark"

    models: Several[ClassifierName]
    """Run folders, model files or names of references; or networks of your own, a .pt2 or package.module:factory, whose
    code is run."""
    version: int = 1
    """Of the protocol, which is fixed: cards of one version can be compared."""
    dataset: Annotated[
        DatasetName | None, Field(exclude_if=lambda dataset: dataset is None), Otherwise("what the model says itself")
    ] = None
    """Whose images networks of your own take, which do not say it themselves."""
    note: Annotated[str, Field(exclude_if=lambda note: not note, max_length=500)] = ""
    """A sentence for the card, such as who trained the model, and how."""

    @model_validator(mode="after")
    def _fits_together(self) -> Self:
        protocol = load_protocol(self.version)
        if self.dataset is not None:
            protocol.on(self.dataset)
        for name in self.models:
            _, condition = parse_deployment(name)
            if not isinstance(condition, Ideal):
                raise ConfigurationError(
                    f"{name} cannot be benchmarked",
                    got="a model under a condition",
                    expected="a model alone: the protocol brings the noise and the device",
                    remedy="leave out what stands behind @",
                )
        codes = [name for name in self.models if names_code(parse_deployment(name)[0])]
        if codes and self.dataset is None:
            check_model(codes[0])
            raise refusals.needs_data(codes[0])
        if not codes and self.dataset is not None:
            for name in self.models:
                check_model(parse_deployment(name)[0])
            raise refusals.needs_no_data(f"--dataset {self.dataset}")
        return self
