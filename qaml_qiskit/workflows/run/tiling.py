"""How many tiles a request is for."""

from qaml_qiskit.deployments import Deployment
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.workflows.run.request import RunRequest


def number_of_tiles(request: RunRequest, deployment: Deployment) -> int:
    """The number that was asked for, or the one that is chosen for ``auto``.

    Raises:
        ConfigurationError: none can be chosen.
    """
    if request.tiles != "auto":
        return request.tiles
    raise ConfigurationError(
        "the number of tiles cannot be chosen here",
        got=f"--tiles auto for {deployment.name}",
        expected="a number of tiles",
        remedy="give the number with --tiles",
    )
