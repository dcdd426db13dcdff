import contextvars
from collections.abc import Callable
from dataclasses import replace

import pytest
import torch

from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.simulation import (
    Program,
    backend_description,
    choice,
    compile_circuit,
    engine,
    evolve,
    unitary,
    use_backend,
    z_expectations,
    z_jacobians,
)
from qaml_qiskit.simulation.kernel import KernelEngine
from qaml_qiskit.simulation.native import load_kernel
from qaml_qiskit.simulation.pullback import Wanted
from qaml_qiskit.simulation.readings import signed_sums
from qaml_qiskit.simulation.torch_backend import TorchEngine
from tests.unit.simulation.kernel_cases import needs_kernel
from tests.unit.simulation.simulation_cases import (
    mixed,
    one_thread,
    qvc,
    same_gradients,
    same_values,
    samples,
    weights_for,
)

_one_thread = pytest.fixture(autouse=True)(one_thread)


#: Number of qubits, layers and batch size: every way to group wires, and full, partial and single chunks.
SHAPES = [(2, 3, 1), (3, 4, 5), (4, 3, 16), (5, 2, 17), (6, 3, 33), (7, 2, 5), (8, 3, 1), (9, 2, 17), (10, 3, 5)]
SHAPES += [(11, 2, 1), (12, 2, 3)]


def everything(program: Program, rows: torch.Tensor, weights: torch.Tensor) -> list[torch.Tensor]:
    """Values first, then all kinds of gradients."""
    rows, weights = rows.clone().requires_grad_(), weights.clone().requires_grad_()
    values, image = z_expectations(program, rows, weights, range(program.num_qubits)), evolve(program, rows, weights)
    factors = torch.linspace(-1, 1, values.numel(), dtype=values.dtype).reshape(values.shape)
    by_values = torch.autograd.grad((values * factors).sum(), (rows, weights))
    inputs_only = torch.autograd.grad((z_expectations(program, rows, weights.detach(), [0])).sum(), rows)
    strings = [(0, program.num_qubits - 1), tuple(range(program.num_qubits)), 1]
    products = z_expectations(program, rows, weights, strings)
    by_products = torch.autograd.grad((products * factors[:, :1]).sum(), (rows, weights))
    by_image = torch.autograd.grad((image.real * image.imag).sum() + image[:, 0].real.sum(), (rows, weights))
    return [values.detach(), image.detach(), *by_values, *inputs_only, *by_products, *by_image]


@needs_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64, torch.complex64, torch.complex128], ids=str)
@pytest.mark.parametrize(("num_qubits", "layers", "batch"), SHAPES)
def test_kernel_and_torch_agree(num_qubits: int, layers: int, batch: int, dtype: torch.dtype) -> None:
    circuit = qvc(num_qubits, layers)
    weights = weights_for(circuit, dtype.to_real() if dtype.is_complex else dtype, scale=10.0)
    results = {}
    for backend in ("kernel", "torch"):
        with use_backend(backend):
            results[backend] = everything(compile_circuit(circuit), samples(batch, num_qubits, dtype), weights)
    for index, (ours, theirs) in enumerate(zip(results["kernel"], results["torch"], strict=True)):
        assert (same_values if index < 2 else same_gradients)(ours, theirs)


@needs_kernel
@pytest.mark.parametrize("dtype", [torch.float32, torch.float64], ids=str)
@pytest.mark.parametrize("level", [0, 1, 2])
@pytest.mark.parametrize("make", [lambda: mixed(5), lambda: qvc(7, 3), lambda: qvc(2, 1)], ids=["mixed", "7", "2"])
def test_every_instruction_set_agrees(make: Callable[[], object], level: int, dtype: torch.dtype) -> None:
    kernel = load_kernel()
    assert kernel is not None
    if level > kernel.level:
        pytest.skip("this machine lacks the instructions")
    circuit = make()
    program = compile_circuit(circuit)  # type: ignore[arg-type]
    angles = program.angles(weights_for(circuit, scale=1.0))  # type: ignore[arg-type]
    rows = samples(19, program.num_qubits, dtype)
    cotangent = samples(19, program.num_qubits, dtype)[:, :2].contiguous()
    results = []
    for backend in (KernelEngine(replace(kernel, level=level)), TorchEngine()):
        state = backend.forward(program, angles, rows)
        wanted = Wanted(inputs=True, angles=True)
        summed = backend.pull_back_expectations(program, angles, state, ((1,), (0,)), cotangent, wanted)
        each = backend.pull_back_expectations(
            program, angles, state, ((1,), (0,)), cotangent, Wanted(inputs=False, angles=True, per_sample=True)
        )
        assert summed.angles is not None
        assert each.angles is not None
        depends = torch.from_numpy(program.rows).unique()
        assert same_gradients(each.angles.sum(0), summed.angles)
        image = backend.amplitudes(program, state, len(rows))
        results.append((image, summed.inputs, summed.angles[depends], each.angles[:, depends]))
    for ours, theirs in zip(*results, strict=True):
        assert ours is not None
        assert theirs is not None
        assert same_gradients(ours, theirs)


@needs_kernel
def test_results_do_not_depend_on_the_number_of_threads() -> None:
    circuit = qvc(8, 40)  # enough work for more than one thread
    program, rows, weights = compile_circuit(circuit), samples(100, 8, torch.float32), weights_for(circuit).float()
    before, results = torch.get_num_threads(), []
    try:
        for threads in (1, 2, 5, 2):
            torch.set_num_threads(threads)
            with use_backend("kernel"):
                results.append(everything(program, rows, weights))
    finally:
        torch.set_num_threads(before)
    for other in results[1:]:
        assert all(torch.equal(*pair) for pair in zip(results[0], other, strict=True))


def test_the_choice_is_local_to_its_context() -> None:
    with use_backend("torch"):
        assert backend_description() == "torch (no compiled kernel)"
        assert contextvars.Context().run(backend_description) == backend_description_outside()
    assert backend_description() == backend_description_outside()


def backend_description_outside() -> str:
    kernel = load_kernel()
    return "torch (no compiled kernel)" if kernel is None else f"C++ kernel ({kernel.instructions})"


def test_unknown_and_missing_backends_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    with pytest.raises(ConfigurationError, match="'tensor'"), use_backend("tensor"):  # type: ignore[arg-type]
        pass
    monkeypatch.setattr(choice, "load_kernel", lambda: None)
    with pytest.raises(ConfigurationError, match="Reinstall"), use_backend("kernel"):
        pass
    with use_backend("auto"):
        assert backend_description() == "torch (no compiled kernel)"


@needs_kernel
@pytest.mark.parametrize(
    ("num_qubits", "expected"), [(1, TorchEngine), (2, KernelEngine), (20, KernelEngine), (21, TorchEngine)]
)
def test_sizes_that_the_kernel_does_not_take_run_in_torch(num_qubits: int, expected: type) -> None:
    program = compile_circuit(qvc(num_qubits, 1))
    with use_backend("kernel"):
        assert isinstance(engine.choose_engine(program, torch.zeros(1)), expected)


def test_one_qubit() -> None:
    circuit = qvc(1, 2)
    weights = weights_for(circuit)
    matrix = unitary(compile_circuit(circuit), weights)
    identity = torch.eye(2, dtype=matrix.dtype)
    assert same_values(matrix @ matrix.mH, identity)


def test_single_precision_bears_sums_over_the_outcomes_of_many_qubits() -> None:
    weights = samples(6, 19, torch.float32).square().view(2, 3, -1)
    # As of a qubit that is mostly 0: what is added up is large.
    signs = torch.ones(2**19, 4)
    signs[3 * 2**17 :] = -1
    expected = weights.double() @ signs.double()
    assert same_values(signed_sums(weights, signs), expected.float())


@needs_kernel
def test_transposed_and_conjugated_amplitudes() -> None:
    circuit = qvc(3, 2)
    program, weights, rows = compile_circuit(circuit), weights_for(circuit), samples(8, 3, torch.complex128)
    for view in (rows.T, rows.conj(), rows[::2], rows.mH):
        with use_backend("kernel"):
            assert torch.equal(evolve(program, view, weights), evolve(program, view.clone().resolve_conj(), weights))


ROWS, WEIGHTS = torch.zeros(2, 8), torch.zeros(9)
WRONG = {
    "amplitudes do not fit.*\\(2, 4\\).*\\(batch, 8\\)": (torch.zeros(2, 4), WEIGHTS, [0]),
    "amplitudes do not fit.*\\(8,\\)": (torch.zeros(8), WEIGHTS, [0]),
    "weights do not fit.*\\(5,\\).*\\(9,\\)": (ROWS, torch.zeros(5), [0]),
    "precision.*torch.int64": (ROWS.long(), WEIGHTS, [0]),
    "precision.*torch.float16": (ROWS, WEIGHTS.half(), [0]),
    "precision.*weights of torch.complex64": (ROWS, WEIGHTS.to(torch.complex64), [0]),
    "different devices.*meta": (ROWS, WEIGHTS.to("meta"), [0]),
    "these qubits.*\\[3, -1\\].*0 to 2": (ROWS, WEIGHTS, [0, 3, -1]),
}


@pytest.mark.parametrize("message", WRONG)
@pytest.mark.parametrize("function", [z_expectations, z_jacobians])
def test_arguments_that_do_not_fit_are_named(message: str, function: Callable[..., object]) -> None:
    program = compile_circuit(qvc(3, 1))
    with pytest.raises(InputError, match=message):
        function(program, *WRONG[message])


def test_everything_stays_on_the_device_of_the_tensors() -> None:
    circuit = mixed(3)
    program = compile_circuit(circuit)
    # The meta device has shapes but no numbers, and refuses to be mixed with others, like an accelerator.
    rows = torch.empty(5, 8, device="meta", requires_grad=True)
    weights = torch.empty(program.num_weights, device="meta", requires_grad=True)
    values, image = z_expectations(program, rows, weights, [2, 0]), evolve(program, rows, weights)
    by_row, by_weight = torch.autograd.grad(values.sum() + image.real.sum(), (rows, weights))
    jacobians = z_jacobians(program, rows, weights, [1])
    results = [values, image, by_row, by_weight, jacobians.inputs, jacobians.weights, unitary(program, weights)]
    assert all(result is not None and result.device.type == "meta" for result in results)
