"""A vendor's package, as tests write it to disk: a device, its jobs, and their results in files."""

from pathlib import Path

SOURCE = '''
import json
import pickle
import uuid
from pathlib import Path

from qiskit.providers import JobStatus, JobV1
from qiskit.providers.fake_provider import GenericBackendV2
from qiskit.transpiler import Target


class Job(JobV1):
    """A job whose result is in a file."""

    def __init__(self, backend, name):
        super().__init__(backend, name)
        self.file = backend.folder / f"{name.replace('/', '_')}.pkl"

    def submit(self):
        pass

    def status(self):
        waiting = (self.file.parent / "hold").exists()
        broken = (self.file.parent / "failing").exists()
        return JobStatus.ERROR if broken else JobStatus.QUEUED if waiting else JobStatus.DONE

    def result(self):
        return pickle.loads(self.file.read_bytes())

    def cancel(self):
        pass


class Silent(GenericBackendV2):
    """Gives no jobs back."""

    def __init__(self, folder, limit=None, gates=None, counts=False, prefix="", key=""):
        super().__init__(3, basis_gates=gates, seed=4, noise_info=True)
        self.folder, self.limit, self.counts, self.prefix, self.key = Path(folder), limit, counts, prefix, key

    @property
    def max_circuits(self):
        return self.limit

    def run(self, run_input, **options):
        if (self.folder / "refusing").exists():
            raise RuntimeError(f"no more credit for key {self.key}")
        assert self.limit is None or len(run_input) <= self.limit
        for circuit in run_input:
            for instruction in circuit.data:
                places = tuple(circuit.find_bit(qubit).index for qubit in instruction.qubits)
                assert instruction.operation.name == "barrier" or self.target.instruction_supported(
                    instruction.operation.name, places
                ), instruction
        result = super().run(run_input, **{**options, "seed_simulator": 5}).result()
        if self.counts:
            for entry in result.results:
                del entry.data.memory
        name = self.prefix + uuid.uuid4().hex
        (self.folder / f"{name.replace('/', '_')}.pkl").write_bytes(pickle.dumps(result))
        with (self.folder / "sent.jsonl").open("a") as log:
            log.write(json.dumps([name, len(run_input)]) + "\\n")
        return Job(self, name)


class Device(Silent):
    """Gives jobs back by their id."""

    def retrieve_job(self, name):
        return Job(self, name)


class Mute(Device):
    @property
    def target(self):
        return Target(num_qubits=3)


class Vague(Device):
    """Says no error rate."""

    def __init__(self, folder):
        GenericBackendV2.__init__(self, 3, seed=4, noise_info=False)
        self.folder, self.limit, self.counts, self.prefix = Path(folder), None, False, ""


def device(**options):
    return Device(**options)


class Wide(Device):
    """Of five qubits."""

    def __init__(self, folder):
        GenericBackendV2.__init__(self, 5, coupling_map=[[0, 1], [1, 2], [2, 3], [3, 4]], seed=4, noise_info=True)
        self.folder, self.limit, self.counts, self.prefix = Path(folder), None, False, ""


def wide(**options):
    return Wide(**options)


def silent(**options):
    return Silent(**options)


def mute(**options):
    return Mute(**options)


def vague(**options):
    return Vague(**options)


def name(folder):
    return "device-1"


def broken(folder, key):
    raise RuntimeError(f"401: the key {key} has expired")


number = 3


class Odd(Exception):
    def __str__(self):
        raise RuntimeError("nothing to say")


class Boundless(Device):
    @property
    def max_circuits(self):
        return "many"


class Jobless(Device):
    def run(self, run_input, **options):
        return None


class Impatient(Device):
    def run(self, run_input, **options):
        raise KeyboardInterrupt


def leaving(folder):
    raise SystemExit(0)


def interrupted(folder):
    raise KeyboardInterrupt


def ended(folder):
    raise GeneratorExit("that was all")


def odd(folder):
    raise Odd


def boundless(**options):
    return Boundless(**options)


def jobless(**options):
    return Jobless(**options)


def impatient(**options):
    return Impatient(**options)


def itself(folder):
    return Device


def __getattr__(name):
    if name == "lazy":
        raise ValueError("no lazy one today")
    raise AttributeError(name)
'''


def write_vendor(folder: Path) -> Path:
    """Write the package ``acme_qiskit``, and return the folder where its device keeps what it ran."""
    (folder / "packages").mkdir(parents=True)
    (folder / "packages" / "acme_qiskit.py").write_text(SOURCE)
    (folder / "cloud").mkdir()
    return folder / "cloud"
