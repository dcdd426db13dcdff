"""A trained circuit as OpenQASM 3 or QPY: the work behind ``qaml export``."""

from pathlib import Path

from qiskit.circuit import QuantumCircuit
from torch import Tensor

from qaml_qiskit.circuits import NoiseLayerForm, circuit_bytes, gate_counts, qasm_text
from qaml_qiskit.deployments import read_deployment
from qaml_qiskit.deployments.images import load_images
from qaml_qiskit.deployments.references import model_part
from qaml_qiskit.errors import ConfigurationError, InputError, StorageError
from qaml_qiskit.files import make_folders, write_atomically
from qaml_qiskit.models import QVC, DataCard
from qaml_qiskit.reports import Outcome
from qaml_qiskit.workflows.calling import takes
from qaml_qiskit.workflows.export.request import ENDINGS, ExportRequest

_DRAWN = (
    "The angles ν of the noise layers are free: element ℓ·n + q is that of qubit q in front of layer ℓ, to be drawn "
    "anew for every circuit from N(0, σ²β_ℓ²). MODEL@layers:off is exported without them."
)


@takes(ExportRequest)
def export(request: ExportRequest, *, data_dir: Path | None = None) -> Outcome:
    """Write a model's circuit with its trained weights; a file that is there already is replaced.

    Raises:
        QamlError: no QVC, no such image, or a file that cannot be written.
    """
    deployment = read_deployment(request.model)
    deployment.check_exact()
    model = deployment.qvc
    image = None if request.image is None else _image(request.image, deployment.card.data, data_dir)
    free: NoiseLayerForm | None = "angles" if deployment.has_noise_layers else None
    circuit = model.ansatz(noise_layers=free) if request.part == "layers" else _whole(model, image, free)
    path = Path(request.out) if request.out is not None else Path(_default_name(request))
    content = circuit_bytes(circuit) if request.format == "qpy" else qasm_text(circuit).encode()
    _write(path, content)
    counts = gate_counts(circuit)
    row = {
        "path": str(path),
        "qubits": circuit.num_qubits,
        "two_qubit_gates": counts.two_qubit_gates,
        "one_qubit_gates": counts.one_qubit_gates,
        "free_angles": circuit.num_parameters,
        "measured_qubits": circuit.num_clbits,
    }
    notes = [_DRAWN] if deployment.has_noise_layers else deployment.notes
    return Outcome("export", None, [row], notes=tuple(notes))


def _whole(model: QVC, image: Tensor | None, free: NoiseLayerForm | None) -> QuantumCircuit:
    return model.circuit(free) if image is None else model.circuit_for(image, free)


def _image(place: int, data: DataCard, data_dir: Path | None) -> Tensor:
    """An image of the test set, shape (C, H, W)."""
    try:
        return load_images(str(place + 1), data, data_dir)[0][place]
    except InputError as error:
        raise InputError(
            "there is no such image",
            got=f"--image {place}, counted from 0, where there must be {place + 1}: {error.what}, {error.got}",
            expected=error.expected,
            remedy="choose a smaller number",
        ) from error


def _default_name(request: ExportRequest) -> str:
    path = Path(model_part(request.model))
    return (path.parent if path.is_file() else path).resolve().name + ENDINGS[request.format]


def _write(path: Path, content: bytes) -> None:
    try:
        make_folders(path.parent)
        write_atomically(path, content)
    except (StorageError, ValueError) as error:
        raise ConfigurationError(
            f"cannot write {path}",
            got=getattr(error, "got", error),
            expected="a file that can be written",
            remedy="choose another one with --out",
        ) from error
