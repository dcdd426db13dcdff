"""Models in the benchmark: what the protocol asks of each, and which of its steps apply."""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import digest
from qaml_qiskit.attacks import make_attack
from qaml_qiskit.campaigns.benchmark.protocol import Arena, Protocol, StepPlan, filled
from qaml_qiskit.campaigns.benchmark.request import BenchmarkRequest
from qaml_qiskit.campaigns.steps import CommandStep
from qaml_qiskit.deployments import Deployment, load_batch, read_deployments
from qaml_qiskit.deployments.networks import network_data
from qaml_qiskit.deployments.references import names_code
from qaml_qiskit.errors import ConfigurationError, InputError, QamlError
from qaml_qiskit.execution import Catalogue, load_catalogue, load_recipe
from qaml_qiskit.execution.compilation.recipes import Recipe
from qaml_qiskit.models import ModelCard
from qaml_qiskit.progress import Progress
from qaml_qiskit.text import slug


@dataclass(frozen=True)
class Contestant:
    """A model that goes through a protocol.

    Attributes:
        name: as it was given.
        deployment: the model alone.
        protocol: what it goes through.
        dataset: whose images it takes.
        source: whose adversarial images it is shown.
    """

    name: str
    deployment: Deployment
    protocol: Protocol
    dataset: str
    source: Deployment

    @property
    def arena(self) -> Arena:
        """The protocol's sizes for it."""
        return self.protocol.on(self.dataset)

    @property
    def short_name(self) -> str:
        """Its name without folders."""
        return Path(self.name).name

    @cached_property
    def reasons(self) -> Mapping[str, str]:
        """Of the steps that do not apply to it, why not, by the steps' names."""
        found = {name: self._reason(plan) for name, plan in self.protocol.steps.items()}
        return {name: reason for name, reason in found.items() if reason}

    @property
    def applicable(self) -> list[str]:
        """The steps that do apply to it, in their order."""
        return [name for name in self.protocol.steps if name not in self.reasons]

    def step(self, name: str) -> CommandStep:
        """A step of the protocol for this model."""
        depends = {self.name: self.deployment.fingerprint, self.source.name: self.source.weights}
        called = f"{slug(self.short_name)}-{name}"
        return CommandStep(called, self.protocol.steps[name].command, self._fields(name, self.name), depends)

    def command_line(self, name: str) -> str:
        """The command of a step, with the model's name alone: where its folder lies is nobody's business."""
        plan = self.protocol.steps[name]
        return CommandStep(name, plan.command, self._fields(name, self.short_name)).request.command_line()

    def _fields(self, name: str, model: str) -> dict[str, Any]:
        plan = self.protocol.steps[name]
        fields = {**plan.fields, **({} if self.has_record else plan.without_record)}
        if names_code(self.name):
            fields["dataset"] = self.dataset
        found: dict[str, Any] = filled(fields, {**self.arena.words, "model": model})
        # A number of images is written as the text that may also name a file of them.
        return {**found, "images": str(found["images"])}

    @property
    def has_record(self) -> bool:
        """Whether it says which images its training had set aside."""
        card = self.deployment.card
        return isinstance(card, ModelCard) and card.held_out is not None

    @property
    def parameters(self) -> int:
        """How many trained numbers it has."""
        return sum(each.numel() for each in self.deployment.stored.model.parameters())

    def described(self) -> dict[str, Any]:
        """What a card says of it."""
        config = self.deployment.card.model
        return {
            "name": self.short_name,
            "kind": config.kind,
            "weights": self.deployment.weights,
            "parameters": self.parameters,
        }

    def _reason(self, plan: StepPlan) -> str:
        try:
            match plan.needs:
                case "circuit":
                    _ = self.deployment.qvc
                case "forms":
                    self.deployment.check_forms()
                case "another" if self.deployment.weights == self.source.weights:
                    return f"it is {self.source.name}, on which the images are made"
        except QamlError as error:
            return f"not applicable: {error.what}"
        return ""


def read_contestants(
    request: BenchmarkRequest, protocol: Protocol, progress: Progress, data_dir: Path | None
) -> list[Contestant]:
    """The models of a request, each checked against the protocol before anything is computed.

    Raises:
        QamlError: a model that does not exist, whose data set the protocol is not defined for, that cannot be attacked
            or draws its answers; or test images or a source that are not those of the protocol.
    """
    _check_surroundings(protocol)
    known = network_data(request.dataset, {"data_dir": data_dir})
    found = []
    for name in request.models:
        deployment = read_deployments([name], data=known if names_code(name) else None, progress=progress)[0]
        dataset = _dataset(deployment, protocol)
        source = read_source(protocol, dataset)
        _check_test_images(deployment, protocol.on(dataset), dataset, data_dir)
        deployment.check_exact()
        deployment.check_attackable([make_attack("autoattack")])
        found.append(Contestant(name, deployment, protocol, dataset, source))
    return found


def read_source(protocol: Protocol, dataset: str) -> Deployment:
    """The model whose adversarial images all others are shown.

    Raises:
        InputError: it is not here, or has other weights.
    """
    named = protocol.on(dataset).source
    remedy = f"take runs/reference/{named.model} from the source of this package, and call this beside its runs folder"
    try:
        source = read_deployments([named.model])[0]
    except InputError as error:
        raise InputError(
            f"the benchmark on {dataset} shows every model images that were made on {named.model}",
            got="no such model here",
            expected=f"the reference with the weights {named.weights}",
            remedy=remedy,
        ) from error
    if source.weights != named.weights:
        raise InputError(
            f"{named.model} is not the source of version {protocol.version} of the benchmark",
            got=f"the weights {source.weights}",
            expected=named.weights,
            remedy=remedy,
        )
    return source


def _dataset(deployment: Deployment, protocol: Protocol) -> str:
    """The data set of a model; refused unless the protocol is defined for all of it, unchanged."""
    data, config = deployment.card.data, deployment.card.model
    arena = protocol.on(data.dataset)
    changed = data.preparation is not None or data.source is not None or len(data.classes) != arena.classes
    if changed or tuple(config.image_shape) != arena.shape or data.classes != tuple(range(arena.classes)):
        raise ConfigurationError(
            f"{deployment.model_name} cannot be benchmarked",
            got=f"a model of {len(data.classes)} classes of {data.told} in images of shape {tuple(config.image_shape)}"
            + (", which are prepared" if data.preparation is not None else ""),
            expected=f"all {arena.classes} classes in their order, in images of shape {arena.shape}, as they are",
            remedy="train a model for the whole data set",
        )
    return data.dataset


def _check_test_images(deployment: Deployment, arena: Arena, dataset: str, data_dir: Path | None) -> None:
    batch = load_batch(str(arena.test.images), [deployment], data_dir)
    if (found := digest(batch.images)) != arena.test.fingerprint:
        raise InputError(
            f"the test images of {dataset} are not those of the benchmark",
            got=f"the fingerprint {found}",
            expected=arena.test.fingerprint,
            remedy="give the official files with --data-dir; `qaml data verify` checks them",
        )


def _check_surroundings(protocol: Protocol) -> None:
    """Raise ConfigurationError where the target or a recipe of the protocol means something else here."""
    catalogue, recipes = load_catalogue(), {name: load_recipe(name) for name in protocol.recipes}
    fixed = Catalogue.model_validate({"targets": protocol.targets})
    for name in protocol.targets:
        if catalogue.entry(name) != fixed.entry(name):
            raise _another("target", name, protocol, "the backends.yaml of this folder or of QAML_BACKENDS")
    for name, asked in protocol.recipes.items():
        if recipes[name] != Recipe(why=recipes[name].why, **asked):
            raise _another("recipe", name, protocol, f"transpile/{name}.yaml of this folder")


def _another(kind: str, name: str, protocol: Protocol, where: str) -> ConfigurationError:
    return ConfigurationError(
        f"the {kind} {name} is not that of version {protocol.version} of the benchmark",
        got=f"another one in {where}",
        expected="the one that came with the package",
        remedy="work in another folder, or rename yours",
    )
