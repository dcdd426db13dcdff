"""The kernel's two layouts, its blocks and its threads, against torch and against each other."""

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from qaml_qiskit import memory
from qaml_qiskit.errors import ConfigurationError
from qaml_qiskit.simulation import Program, compile_circuit, z_expectations
from qaml_qiskit.simulation.engine import Engine
from qaml_qiskit.simulation.kernel import KernelEngine
from qaml_qiskit.simulation.native import load_kernel
from qaml_qiskit.simulation.pullback import Wanted
from qaml_qiskit.simulation.torch_backend import TorchEngine
from tests.tolerances import DIFFERENCE_STEP, FINITE_DIFFERENCE
from tests.unit.simulation.kernel_cases import needs_kernel
from tests.unit.simulation.simulation_cases import (
    close,
    mixed,
    one_thread,
    qvc,
    same_gradients,
    same_values,
    samples,
    weights_for,
)

_one_thread = pytest.fixture(autouse=True)(one_thread)

pytestmark = needs_kernel

KINDS = [torch.float32, torch.float64, torch.complex64, torch.complex128]


def kernel_at(level: int) -> KernelEngine:
    kernel = load_kernel()
    assert kernel is not None
    if level > kernel.level:
        pytest.skip("this machine lacks the instructions")
    return KernelEngine(replace(kernel, level=level))


@pytest.fixture(params=[0, 1, 2], ids=["generic", "avx2", "avx512"])
def kernel(request: pytest.FixtureRequest) -> KernelEngine:
    return kernel_at(request.param)


@pytest.fixture
def threads() -> Iterator[None]:
    yield
    torch.set_num_threads(1)


def results(engine: Engine, program: Program, rows: torch.Tensor, per_sample: bool = True) -> list[torch.Tensor]:
    """Amplitudes and averages, then gradients of every kind."""
    batch, n = len(rows), program.num_qubits
    angles = program.angles(weights_for_program(program, 1.0))
    strings = ((n - 1,), (0,), (n // 2,))
    cotangent = torch.linspace(-1, 1, 3 * batch, dtype=rows.dtype.to_real() if rows.is_complex() else rows.dtype)
    cotangent = cotangent.reshape(batch, 3)
    state = engine.forward(program, angles, rows)
    found = [engine.amplitudes(program, state, batch), engine.expectations(program, state, strings, batch)]
    both = engine.pull_back_expectations(program, angles, state, strings, cotangent, Wanted(True, True, per_sample))
    alone = engine.pull_back_expectations(program, angles, state, strings, cotangent, Wanted(True, False))
    seeds = found[0].conj().resolve_conj()
    behind = engine.pull_back_amplitudes(program, angles, state, seeds, Wanted(True, True))
    for pullback in (both, alone, behind):
        if pullback.inputs is not None:
            found.append(pullback.inputs)
        if pullback.angles is not None:
            found.append(pullback.angles[..., torch.from_numpy(program.moving).bool()])
    return found


def weights_for_program(program: Program, scale: float) -> torch.Tensor:
    generator = torch.Generator().manual_seed(5)
    return scale * torch.randn(program.num_weights, generator=generator, dtype=torch.float64)


def check(engine: KernelEngine, program: Program, rows: torch.Tensor, per_sample: bool = True) -> None:
    ours, theirs = results(engine, program, rows, per_sample), results(TorchEngine(), program, rows, per_sample)
    for index, pair in enumerate(zip(ours, theirs, strict=True)):
        assert (same_values if index < 2 else same_gradients)(*pair)


@given(
    num_qubits=st.integers(2, 9),
    layers=st.integers(0, 3),
    batch=st.integers(1, 70),
    dtype=st.sampled_from(KINDS),
    level=st.integers(0, 2),
    pairs=st.booleans(),
    per_sample=st.booleans(),
)
@settings(max_examples=40, deadline=None, derandomize=True)
def test_any_batch_agrees_with_torch(
    num_qubits: int, layers: int, batch: int, dtype: torch.dtype, level: int, pairs: bool, per_sample: bool
) -> None:
    kernel = load_kernel()
    assert kernel is not None
    engine = KernelEngine(replace(kernel, level=min(level, kernel.level)))
    circuit = mixed(num_qubits) if pairs else qvc(num_qubits, layers)
    check(engine, compile_circuit(circuit), samples(batch, num_qubits, dtype), per_sample)


@pytest.mark.parametrize(("num_qubits", "dtype"), [(10, torch.float32), (12, torch.complex128), (14, torch.complex64)])
def test_states_of_every_size_agree_with_torch(kernel: KernelEngine, num_qubits: int, dtype: torch.dtype) -> None:
    check(kernel, compile_circuit(qvc(num_qubits, 2)), samples(2, num_qubits, dtype))


@pytest.mark.parametrize("make", [lambda: qvc(15, 2), lambda: mixed(15)], ids=["qvc", "mixed"])
def test_states_beyond_the_cache_agree_with_torch(kernel: KernelEngine, make: object, threads: None) -> None:
    torch.set_num_threads(3)
    check(kernel, compile_circuit(make()), samples(1, 15, torch.float32))  # type: ignore[operator]


def test_a_cz_between_any_two_qubits(kernel: KernelEngine) -> None:
    """More patterns of signs between the halves of a diagonal than are tabulated."""
    circuit = qvc(8, 1)
    for first in range(8):
        for second in range(first):
            circuit.cz(first, second)
    program = compile_circuit(circuit.compose(qvc(8, 0)))
    check(kernel, program, samples(3, 8, torch.float64))


def test_weight_gradients_of_one_sample_against_differences() -> None:
    circuit = mixed(6)
    program, rows = compile_circuit(circuit), samples(1, 6, torch.complex128)
    weights = weights_for(circuit, scale=1.0).requires_grad_()
    (gradient,) = torch.autograd.grad(z_expectations(program, rows, weights, [5, 0]).sum(), weights)
    expected = torch.zeros_like(gradient)
    for index in range(len(weights)):
        step = torch.zeros_like(expected)
        step[index] = DIFFERENCE_STEP
        upper, lower = (z_expectations(program, rows, weights + sign * step, [5, 0]).sum() for sign in (1, -1))
        expected[index] = (upper - lower).detach() / (2 * DIFFERENCE_STEP)
    assert close(gradient, expected, FINITE_DIFFERENCE)


@pytest.mark.parametrize(("num_qubits", "batch"), [(6, 40), (15, 2)])
def test_results_do_not_depend_on_the_number_of_threads(
    kernel: KernelEngine, num_qubits: int, batch: int, threads: None
) -> None:
    program, rows = compile_circuit(qvc(num_qubits, 2)), samples(batch, num_qubits, torch.float32)
    found = []
    for count in (1, 2, 5):
        torch.set_num_threads(count)
        found.append(results(kernel, program, rows, per_sample=False))
    assert all(torch.equal(*pair) for other in found[1:] for pair in zip(found[0], other, strict=True))


def test_a_sample_is_the_same_wherever_it_stands() -> None:
    """Alone, or among those that fill the lanes."""
    engine, program = kernel_at(0), compile_circuit(qvc(6, 2))
    rows = samples(21, 6, torch.float64)
    angles = program.angles(weights_for_program(program, 1.0))
    together = engine.amplitudes(program, engine.forward(program, angles, rows), 21)
    for index in (0, 15, 16, 20):
        one = rows[index : index + 1]
        assert same_values(engine.amplitudes(program, engine.forward(program, angles, one), 1), together[index][None])


@pytest.mark.skipif(shutil.which("qemu-x86_64") is None, reason="no emulator is installed")
@pytest.mark.parametrize(("processor", "instructions"), [("Nehalem", "generic"), ("Haswell", "avx2")])
def test_an_older_processor_meets_no_instruction_that_it_lacks(processor: str, instructions: str) -> None:
    command = ["qemu-x86_64", "-cpu", processor, sys.executable, Path(__file__).with_name("old_processor.py")]
    environment = {**os.environ, "PYTHONPATH": str(Path(__file__).parents[3]), "OPENBLAS_CORETYPE": "Nehalem"}
    # What `make sanitize` preloads wants more memory than an emulator can promise.
    environment.pop("LD_PRELOAD", None)
    done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stdout.split()[-1:]) == (0, [instructions]), done.stderr


def test_memory_is_stated_and_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    engine, program = kernel_at(0), compile_circuit(qvc(20, 1))
    state = 2 * 4 * 2**20
    assert 4 * state < engine.memory_needed(program, 1, torch.float32) < 8 * state
    assert engine.memory_needed(program, 3, torch.float32) > engine.memory_needed(program, 1, torch.float32)
    monkeypatch.setattr(memory, "free_memory", lambda device="cpu": state)
    rows = torch.zeros(4, 2**20)
    with pytest.raises(ConfigurationError, match=r"4 states of 20 qubits.*GiB needed.*smaller batches"):
        engine.forward(program, program.angles(weights_for_program(program, 1.0)), rows)
