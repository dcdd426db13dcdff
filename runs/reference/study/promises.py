"""How often a run's check raises a false alarm, and how often it notices and names a gate that became worse.

Run it as ``python promises.py IMAGES… > ../promises.csv`` from the top of the source: ``mnist-shallow12`` on
``fake-fez``, 1,000 shots drawn from the exact distributions of the bitstrings, under the device's own calibration and
with the errors of one pair's CZ 2, 3 and 10 times as large. What was expected is always the device's own.
"""

import csv
import sys
import tempfile
from collections import Counter, defaultdict
from copy import deepcopy
from dataclasses import replace
from pathlib import Path

import numpy as np
from qiskit.transpiler import InstructionProperties
from scipy.stats import kstest

from qaml_qiskit.artifacts import Run
from qaml_qiskit.deployments import deploy, load_batch, parse_deployment
from qaml_qiskit.deployments.circuits import on_active_qubits
from qaml_qiskit.evaluation import Estimates, product_signs, read_frequencies
from qaml_qiskit.execution import Sampled, build_workload
from qaml_qiskit.execution.circuits import active_qubits, pairs_in_use
from qaml_qiskit.progress import Silent
from qaml_qiskit.studies import check_device
from qaml_qiskit.studies.devices.tile_forecasts import Tile, bare_frequencies

SEED = 75
#: The tests of the verdict whose p-values are one number each on a target that keeps its word; the worst average's p is
#: adjusted already.
TESTS = (
    "all averages together",
    "strength of the gates' errors",
    "strength of the readout errors",
    "the same in all jobs",
    "trend from job to job",
)
SHOTS, RUNS = 1000, {1: 200, 2: 60, 3: 60, 10: 60}


def with_worse_gate(target, pair, factor):
    """The target with the error of the CZ on a pair so many times as large."""
    isa = deepcopy(target.isa)
    for qubits in (pair, pair[::-1]):
        if qubits in isa["cz"]:
            old = isa["cz"][qubits]
            isa.update_instruction_properties(
                "cz", qubits, InstructionProperties(duration=old.duration, error=min(old.error * factor, 0.7))
            )
    return replace(target, isa=isa)


counts = [int(word) for word in sys.argv[1:]]
model, condition = parse_deployment("mnist-shallow12", target="fake-fez", recipe="level3")
deployment = deploy(model, condition)
images = load_batch(str(max(counts)), [deployment], None).images
values, compiled, bits = deployment.values(images), deployment.compiled, deployment.qvc.readout.bits
pairs = pairs_in_use(compiled.isa)
pair = tuple(pairs[len(pairs) // 2])
generator, signs = np.random.default_rng(SEED), product_signs(deployment.circuit.products)
table = csv.writer(sys.stdout, lineterminator="\n")
told = [
    "images",
    "times",
    "runs",
    "not kept",
    "scale of the noise",
    "named a part with the pair's qubits",
    "named another",
]
shares = [f"p below .05: {name}" for name in (*TESTS, "averages by themselves")]
table.writerow(["seed", *told, *shares, *(f"Kolmogorov-Smirnov: {name}" for name in TESTS)])
for factor, runs in RUNS.items():
    circuit = on_active_qubits(compiled.isa, with_worse_gate(compiled.target, pair, factor), bits)
    tile = Tile(circuit, active_qubits(compiled.isa), values)
    frequencies = np.clip(read_frequencies(bare_frequencies(tile, values), tile.readout), 0, None)
    frequencies /= frequencies.sum(axis=1, keepdims=True)
    for count in counts:
        workload = build_workload(
            compiled.isa, values[:count], target="fake-fez", shots=SHOTS, mitigation="none", images_per_job=10,
            strings=bits,
        )  # fmt: skip
        found, scales, p, alone = Counter(), [], defaultdict(list), []
        with tempfile.TemporaryDirectory() as folder:
            run = Run(Path(folder), {"command": "study"})
            for _ in range(runs):
                drawn = np.stack([generator.multinomial(SHOTS, each) for each in frequencies[:count]])
                raw = Estimates(drawn @ signs / SHOTS, np.zeros((count, signs.shape[1], signs.shape[1])))
                sampled = Sampled(np.arange(count), {"raw": raw})
                check = check_device(workload, sampled, compiled.target, None, run, Silent(), images=count)
                found["not kept"] += not check.kept
                scales.append(check.noise[0].value)
                for row in check.tests:
                    p[row["test"]].append(row["p"])
                alone += [row["p"] for row in check.products]
                named = None if check.suspects is None else check.suspects.named
                if named is not None:
                    found["right" if {*named["qubits"]} & {*pair} else "other"] += 1
        below = [round(float(np.mean(np.array(each) < 0.05)), 4) for each in (*(p[name] for name in TESTS), alone)]
        uniform = [round(float(kstest(p[name], "uniform").pvalue), 4) for name in TESTS]
        named = [found[who] / runs for who in ("right", "other")]
        mean = round(float(np.mean(scales)), 3)
        table.writerow([SEED, count, factor, runs, found["not kept"] / runs, mean, *named, *below, *uniform])
        sys.stdout.flush()
