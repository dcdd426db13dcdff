"""From the names of a transfer to models, images and cells, with everything checked before anything runs."""

import hashlib
from functools import cached_property
from pathlib import Path
from typing import Any

from qaml_qiskit.artifacts import digest, read_adversarial
from qaml_qiskit.compute import Compute
from qaml_qiskit.confidence import Temperature
from qaml_qiskit.deployments import known_temperature, load_batch, read_deployments
from qaml_qiskit.deployments.images import check_data, check_made_from
from qaml_qiskit.deployments.networks import code_of, network_data
from qaml_qiskit.errors import ConfigurationError, InputError
from qaml_qiskit.formats import npz
from qaml_qiskit.models import ModelCard, SubstituteCard
from qaml_qiskit.progress import Progress
from qaml_qiskit.studies import Cell
from qaml_qiskit.text import slug
from qaml_qiskit.workflows.transfer.request import TransferRequest

_DEFAULT_IMAGES = "100"


class TransferPlan:
    """All that a transfer needs.

    Attributes:
        sources: where images are made.
        victims: where they are scored.
        batch: the clean images.
        cells: the attacks, by keys that are names of files.
        given: adversarial images from files, by such keys.
        told: what the sets of images are to a reader, by their keys.

    Args:
        request: what was asked for.
        data_dir: where the data sets are.
        backends: the backends.yaml of the devices.
        compute: what everything is computed with.
        progress: told of networks whose code is run.

    Raises:
        QamlError: something that the request names does not exist or does not fit the rest.
    """

    def __init__(
        self,
        request: TransferRequest,
        data_dir: Path | None,
        backends: Path | None,
        compute: Compute,
        progress: Progress,
    ) -> None:
        self.request = request
        # A source that is a victim too is one object, so that its noise is propagated once.
        names = [*request.sources, *request.victims]
        data = network_data(request.dataset, request.loading(data_dir))
        everyone = read_deployments(
            names,
            recipe=request.recipe,
            backends=backends,
            compute=compute,
            data=data,
            progress=progress,
            seed=request.seed,
        )
        self.sources, self.victims = everyone[: len(request.sources)], everyone[len(request.sources) :]
        for source in self.sources:
            source.check_attackable(request.every_attack())
        for victim in self.victims:
            victim.check_scorable()
        files = {name: read_adversarial(Path(name)) for name in request.adversarial}
        for name, file in files.items():
            check_data(name, file.provenance, everyone[0].card.data)
        origins = [request.images, *(file.provenance.images for file in files.values()), _DEFAULT_IMAGES]
        origin = next(each for each in origins if each is not None)
        self.batch = load_batch(origin, [*self.victims, *self.sources], data_dir, or_all=request.images is None)
        for name, file in files.items():
            check_made_from(name, file, self.batch)
        self.cells = {
            f"{number}-{slug(Path(source.name).name)}-{each.name}-eps{each.budget}": Cell(source.name, each)
            for number, source in enumerate(self.sources)
            for each in request.every_attack()
        }
        keys = {f"file{number}-{slug(Path(name).stem)}": name for number, name in enumerate(files)}
        self.given = {key: files[name] for key, name in keys.items()}
        self.told = {key: cell.told for key, cell in self.cells.items()}
        self.told |= {key: Path(name).name for key, name in keys.items()}
        self._files = files
        self._check_different()
        self._check_traced()
        #: What makes probabilities of the victims' logits, by their names, where images are traced; None of nobody's.
        self.temperatures: dict[str, Temperature | None] = {
            victim.name: known_temperature(victim, data_dir, progress)
            for victim in (self.victims if request.trace else ())
        }

    @cached_property
    def resolved(self) -> dict[str, Any]:
        """What the request's names stood for, so that a folder is not continued after one has changed."""
        return {
            "weights": {each.name: each.weights for each in (*self.sources, *self.victims)},
            "images": digest(self.batch.images),
            "adversarial": {
                name: hashlib.sha256(npz(**file.arrays())).hexdigest()[:16] for name, file in self._files.items()
            },
            **code_of([*self.sources, *self.victims]),
            "devices": {victim.name: victim.resolved() for victim in self.victims if victim.kind == "device"},
            **({"temperatures": self._values} if self.temperatures else {}),
        }

    @property
    def _values(self) -> dict[str, float | None]:
        return {name: None if each is None else each.value for name, each in self.temperatures.items()}

    @cached_property
    def substitutes(self) -> dict[str, SubstituteCard]:
        """Of the sources that were trained on a victim's answers, whose they were, by the sources' names."""
        cards = {source.name: source.card for source in self.sources}
        return {
            name: card.substitute
            for name, card in cards.items()
            if isinstance(card, ModelCard) and card.substitute is not None
        }

    def _check_traced(self) -> None:
        count = len(self.batch)
        if self.request.trace and max(self.request.trace) >= count:
            raise InputError(
                "cannot trace an image",
                got=f"--trace {max(self.request.trace)}",
                expected=f"0 to {count - 1}, the places of the {count} images that are scored",
                remedy="correct --trace, or score more --images",
            )

    def _check_different(self) -> None:
        classes = self.victims[0].num_classes
        made = [(each.source, each.attack.variant(classes), each.attack.budget) for each in self.cells.values()]
        found = [file.provenance for file in self.given.values()]
        names = made + [(each.source, each.attack, each.eps) for each in found]
        for name in names:
            if names.count(name) > 1:
                raise ConfigurationError(
                    "the same source, attack and strength are given twice",
                    got=f"{name[1]} on {name[0]} with eps {name[2]}",
                    expected="each once, made here or read from a file of --adversarial",
                    remedy="leave one of them out",
                )
