"""What models say of images, each as it is deployed: exactly, or by shots on a simulated target; kept in the run."""

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

import torch
from torch import Tensor

from qaml_qiskit.artifacts import ARRAYS, HERE, Bar, Pool, Run, digest
from qaml_qiskit.deployments import Deployment, refusals
from qaml_qiskit.execution import CountsMitigation, check_simulated, choose_engine
from qaml_qiskit.files import make_folders
from qaml_qiskit.formats import Arrays
from qaml_qiskit.progress import Advance, Inside, Progress

#: Images between two files: what a kill can lose. On a device each costs a propagation.
_BLOCK, _DEVICE_BLOCK = 500, 20


@dataclass(frozen=True)
class Sampling:
    """How models on targets are asked.

    Attributes:
        shots: an image, and of each calibration circuit; None for endless ones, computed exactly.
        mitigation: of the readout errors; with endless shots both corrections invert them.
        seed: of the sampling.
    """

    shots: int | None = 1000
    mitigation: CountsMitigation = "readout"
    seed: int = 0

    def samples(self, model: Deployment) -> bool:
        """Whether a model answers by shots."""
        return model.kind == "device" and self.shots is not None


@dataclass(frozen=True)
class Inquiry:
    """A model and the images that it is asked about.

    Attributes:
        model: as it is deployed.
        images: shape (N, C, H, W).
        told: what they are to a reader.
    """

    model: Deployment
    images: Tensor
    told: str


def check_askable(model: Deployment, how: Sampling) -> None:
    """Refuse a model that :func:`ask_models` could not ask, before anything is computed.

    Raises:
        ConfigurationError: it is on real hardware, which only ``qaml run`` may ask; its circuit does not fit the
            target; or it answers by a rule that the way it is asked does not know.
    """
    if not how.samples(model):
        model.check_scorable()
        return
    rule = model.drawing_rule
    if rule is not None and rule.votes:
        raise refusals.needs_mean(model.name, str(rule))
    model.check_runnable()
    check_simulated(model.compiled.target, model.compiled.isa)


def engine_notes(sampled: Iterable[Deployment]) -> list[str]:
    """Which targets Aer simulates because the exact engine does not apply, a sentence each.

    Args:
        sampled: models on targets that answer by shots.
    """
    why = {each.compiled.target.name: choose_engine(each.compiled.target, each.compiled.isa).why for each in sampled}
    return [f"{name}: simulated by Aer: {told}." for name, told in why.items() if told]


def ask_models(
    run: Run, questions: Sequence[Inquiry], how: Sampling, progress: Progress, pool: Pool = HERE
) -> list[Tensor]:
    """Ask models about images; the same question is asked once.

    Args:
        run: keeps the answers: of exact models block by block, of targets in a folder a target, job by job.
        questions: in any order; all those to one target are sampled as one workload, and calibrated once.
        how: of models on targets.
        progress: told about every block and job.
        pool: where they are computed.

    Returns:
        Logits of shape (N, m) for every question.
    """
    models = list({id(each.model): each.model for each in questions}.values())
    numbers = {id(model): number for number, model in enumerate(models)}
    keys = [(numbers[id(each.model)], digest(each.images)) for each in questions]
    asked = dict(zip(keys, questions, strict=True))
    exact = {key: question for key, question in asked.items() if not how.samples(question.model)}
    found = _computed(run, exact, how.mitigation, progress, pool)
    for number, model in enumerate(models):
        if how.samples(model):
            sets = {key: question.images for key, question in asked.items() if key[0] == number}
            found |= _sampled(run, number, model, sets, how, progress, pool)
    return [found[key] for key in keys]


_Key = tuple[int, str]


def _computed(
    run: Run, asked: Mapping[_Key, Inquiry], mitigation: CountsMitigation, progress: Progress, pool: Pool
) -> dict[_Key, Tensor]:
    tasks: dict[str, _Block] = {}
    told: dict[str, str] = {}
    of: dict[_Key, list[str]] = {key: [] for key in asked}
    for (number, name), question in asked.items():
        size = _BLOCK
        if question.model.kind == "device":
            # Made here, once: a worker gets the circuit that is there.
            _ = question.model.circuit
            size = _DEVICE_BLOCK
        for start in range(0, len(question.images), size):
            task = f"logits/{number}-{name}-{start:06d}"
            of[number, name].append(task)
            tasks[task] = _Block(number, question.images[start : start + size].clone())
            told[task] = f"{question.told} by {question.model.name}"
    bar = Bar(progress, "asking models", told, {task: len(block.images) for task, block in tasks.items()})
    work = _Asking({key[0]: question.model for key, question in asked.items()}, mitigation)
    found = run.map(tasks, work, ARRAYS, bar=bar, pool=pool)
    return {key: torch.cat([torch.from_numpy(found[task]["logits"]) for task in of[key]]) for key in asked}


@dataclass(frozen=True)
class _Block:
    """Some of the images of a question, and the number of the model."""

    model: int
    images: Tensor


@dataclass(frozen=True)
class _Asking:
    """The work: a block of images to a model's logits."""

    models: Mapping[int, Deployment]
    mitigation: CountsMitigation

    def __call__(self, block: _Block, advance: Advance) -> Arrays:
        model = self.models[block.model]
        if model.kind == "device" and self.mitigation != "none":
            z = model.moments(block.images, model.qvc.readout.bits, advance, readout_errors=False)
            return {"logits": model.head.logits(z)}
        return {"logits": model.logits(block.images, Inside(advance, counted=True)).numpy()}


def _sampled(
    run: Run,
    number: int,
    model: Deployment,
    sets: Mapping[_Key, Tensor],
    how: Sampling,
    progress: Progress,
    pool: Pool,
) -> dict[_Key, Tensor]:
    """A workload has a folder of its own, whose name says what was asked: one of other images is another one."""
    names = {key[1]: key for key in sets}
    folder = run.path / f"sampled-{number}-{hashlib.sha256(''.join(names).encode()).hexdigest()[:16]}"
    make_folders(folder)
    by_name = {name: sets[key] for name, key in names.items()}
    assert how.shots is not None, "as Sampling.samples says"
    stages = model.sample(by_name, how.shots, how.mitigation, how.seed, Run(folder, run.config), progress, pool)
    last = "raw" if how.mitigation == "none" else "mitigated"
    return {names[name]: torch.from_numpy(each.logits()[last]) for name, each in stages.items()}
