"""What the demo found, as rows, pictures and a page. Every number comes from the run that it describes."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.artifacts.training import read_history
from qaml_qiskit.confidence import Probabilities
from qaml_qiskit.deployments import Deployment
from qaml_qiskit.deployments.sampling import Stages
from qaml_qiskit.evaluation import accuracy, rms_difference
from qaml_qiskit.execution import DEFAULT_MITIGATION, stored_workload, told_engine
from qaml_qiskit.formats import npz
from qaml_qiskit.reports import (
    Report,
    accuracy_bars,
    add_confidence,
    brief_rows,
    learning_curves,
    one_of_each_class,
    perturbation_picture,
)
from qaml_qiskit.studies import confidence_columns, probability_arrays, told_temperature
from qaml_qiskit.studies.devices.measuring import READ_AS
from qaml_qiskit.workflows.demo.request import DemoRequest

#: The demo's names for the stages of :class:`Stages`.
STAGES = {"ideal": "ideal", "raw": "noisy", "mitigated": "mitigated"}


#: What predictions.npz has of a readout that is no qubit a class.
_OF_HEADS = {"expectations": Stages.by_name, "logits": Stages.logits}


@dataclass(frozen=True)
class Findings:
    """The demo's results before they are written.

    Every dictionary has the images by where they come from: ``clean``, ``transfer`` (attacked on the ConvNet and
    carried over) and ``whitebox`` (attacked on the QVC itself).

    Attributes:
        deployment: the QVC on its target.
        images: shape (N, C, H, W).
        labels: shape (N,).
        scores: what the QVC reads at every stage.
        convnet: the ConvNet's logits, shape (N, m).
    """

    deployment: Deployment
    images: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    scores: dict[str, Stages]
    convnet: dict[str, NDArray[np.floating]]

    @cached_property
    def probabilities(self) -> dict[tuple[str, str], Probabilities]:
        """By stage and set of images; empty where the training fitted no temperature."""
        if not self.deployment.has_temperature:
            return {}
        found = {name: scores.probabilities(self.deployment.temperature) for name, scores in self.scores.items()}
        return {(told, name): found[name][stage] for stage, told in STAGES.items() for name in found}

    def rows(self) -> list[Row]:
        """The QVC's accuracy for every stage and set of images."""
        return [
            {
                "stage": name,
                "images": images,
                **self._accuracy(scores.logits()[stage]),
                **self._confidence(name, images),
                "z_error": rms_difference(scores.by_name()[stage], scores.ideal),
            }
            for stage, name in STAGES.items()
            for images, scores in self.scores.items()
        ]

    def arrays(self) -> dict[str, NDArray[np.floating]]:
        """What was read at every stage of every set of images, and its probabilities.

        Where that is not ⟨Z_k⟩ of a class, the logits, too.
        """
        probabilities = {"_".join(place): found for place, found in self.probabilities.items()}
        kinds = {"z": Stages.by_name} if self.deployment.qvc.readout.reads_classes else _OF_HEADS
        return {
            f"{kind}_{STAGES[stage]}_{images}": values
            for kind, of in kinds.items()
            for images, scores in self.scores.items()
            for stage, values in of(scores).items()
        } | probability_arrays(probabilities)

    def convnet_rows(self) -> list[Row]:
        """The ConvNet's accuracy for every set of images."""
        return [{"images": images, **self._accuracy(logits)} for images, logits in self.convnet.items()]

    def _accuracy(self, logits: NDArray[np.floating]) -> Row:
        result = accuracy(logits, self.labels)
        return {"accuracy": result.value, "interval": list(result.interval), "count": result.trials}

    def _confidence(self, stage: str, images: str) -> Row:
        found = self.probabilities.get((stage, images))
        return {} if found is None else confidence_columns(found, self.labels)


def write_report(run: Run, request: DemoRequest, found: Findings) -> None:
    """Write predictions, images, tables, pictures and the page, and complete the run."""
    run.write("predictions.npz", npz(labels=found.labels, indices=np.arange(len(found.labels)), **found.arrays()))
    run.write("images.npz", npz(labels=found.labels, **found.images))
    rows, convnet, config = found.rows(), found.convnet_rows(), found.deployment.qvc.config
    resources = found.deployment.compiled.resource_rows()
    digits = found.deployment.card.data.classes
    which = f"0 to {len(digits) - 1}" if digits == tuple(range(len(digits))) else ", ".join(map(str, digits))
    read = "class k is read from the Z of qubit k, so six qubits can name six classes"
    if config.readout != "qubits":
        readout = found.deployment.qvc.readout
        read = (
            f"a {'trained' if readout.trained else 'fixed'} linear head names {config.num_classes} classes by "
            f"{len(readout.strings)} average{'s' * (len(readout.strings) != 1)} of products of Z ({config.readout})"
        )
    data = (
        f"{request.images} test images of handwritten digits {which} (scikit-learn, 8×8 pixels), amplitude-encoded on "
        f"{config.num_qubits} qubits; {read}. {request.shots} shots an image."
    )
    attacks = (
        f"PGD with {request.steps} steps, at most {request.eps:g} a pixel (l∞, pixels in [0, 1]). “transfer”: made on "
        "the ConvNet, shown to the QVC. “whitebox”: made on the noiseless QVC. Intervals are 95 % Wilson intervals "
        "over the images; they do not include the shot noise of another run. z_error: root mean square distance of "
        f"{READ_AS['z' if found.deployment.qvc.readout.reads_classes else 'expectations']} from the ideal value; "
        "what mitigation cannot take away is the noise of the gates and of the shots."
    )
    circuit = (
        f"{config.num_qubits} qubits, {config.num_layers} layers; exact {config.encoding} encoding, compiled once for "
        f"all images with recipe {request.recipe}. Gates of the encoding and of the ansatz together."
    )
    grid = (
        f"One image of each of {len(one_of_each_class(found.labels))} classes, the two perturbations (blue adds light, "
        "red removes it) and the ideal result."
    )
    series = {
        name: [(row["accuracy"], *row["interval"]) for row in rows if row["stage"] == name] for name in STAGES.values()
    }
    named = ["clean", "attacked through\nthe ConvNet", "attacked\nwhite-box"]
    bars = accuracy_bars(named, series, chance=1 / config.num_classes)
    histories = {"QVC": read_history(run, "qvc/"), "ConvNet": read_history(run, "convnet/")}
    learning = "Loss and accuracy of both models."
    report = Report(run, request.command_line(run.config), "A QVC on a device model")
    report.table("Accuracy of the QVC", brief_rows(rows), data, attacks)
    report.csv("results.csv", rows)
    report.picture("accuracy.png", bars, "Accuracy at every stage; bars: 95 % intervals.")
    clean = {stage: probabilities for (stage, name), probabilities in found.probabilities.items() if name == "clean"}
    add_confidence(report, clean, found.labels, np.arange(len(found.labels)))
    report.table("The same images on the ConvNet", convnet, "The transfer attack was made on it.")
    report.picture("images.png", _grid(found), grid, "Images")
    report.table("Circuit resources", resources, circuit, file="resources.csv")
    report.picture("learning_curves.png", learning_curves(histories), learning, "Training")
    told = [told_temperature(found.deployment.temperature)] if found.probabilities else []
    compiled, workload = found.deployment.compiled, stored_workload(run.path)
    engine = "aer" if workload is None else workload.settings.engine
    told += [f"{each}." for each in told_engine(compiled.target, compiled.isa, engine, DEFAULT_MITIGATION)]
    report.finish(_lead(request, rows), rows, told, convnet=convnet, resources=resources)


def _lead(request: DemoRequest, rows: list[Row]) -> str:
    score = {(row["stage"], row["images"]): f"{row['accuracy']:.1%}" for row in rows}
    return (
        f"Under the noise of {request.target} the classifier names {score['noisy', 'clean']} of the clean images, "
        f"{score['mitigated', 'clean']} after readout mitigation; without noise it names {score['ideal', 'clean']}. "
        f"Attacks made on the ConvNet bring the noiseless classifier down to {score['ideal', 'transfer']}, white-box "
        f"attacks of the same strength to {score['ideal', 'whitebox']}."
    )


def _grid(found: Findings) -> bytes:
    """The first image of every class: clean, and under both attacks with what the QVC then says, ideally."""
    shown = one_of_each_class(found.labels)
    attacked = {
        name: (found.images[name][shown], found.scores[name].logits()["ideal"][shown].argmax(axis=1))
        for name in ("transfer", "whitebox")
    }
    return perturbation_picture(found.images["clean"][shown], found.labels[shown], attacked)
