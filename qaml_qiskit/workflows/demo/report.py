"""What the demo found, as rows, pictures and a page. Every number comes from the run that it describes."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from qaml_qiskit.artifacts.outcome import Row
from qaml_qiskit.artifacts.run import Run
from qaml_qiskit.artifacts.training import read_history
from qaml_qiskit.deployments.compiled import Compiled, Scores
from qaml_qiskit.evaluation import accuracy, rms_difference
from qaml_qiskit.formats import npz
from qaml_qiskit.reports import Section, accuracy_bars, image_grid, learning_curves, to_csv
from qaml_qiskit.reports.pages import write_page
from qaml_qiskit.workflows.demo.request import DemoRequest

#: The demo's names for the stages of :class:`Scores`.
STAGE_NAMES = {"ideal": "ideal", "raw": "noisy", "mitigated": "mitigated"}
#: Where the images come from: untouched, attacked on the ConvNet and carried over, attacked on the QVC itself.
IMAGE_SETS = ("clean", "transfer", "whitebox")


@dataclass(frozen=True)
class Findings:
    """The demo's results before they are written.

    Attributes:
        compiled: the QVC, its target and its circuits.
        images: for each of :data:`IMAGE_SETS`, shape (N, C, H, W).
        labels: shape (N,).
        scores: ⟨Z_k⟩ at every stage, for each of :data:`IMAGE_SETS`.
        convnet: the ConvNet's logits, for each of :data:`IMAGE_SETS`.
    """

    compiled: Compiled
    images: dict[str, NDArray[np.float32]]
    labels: NDArray[np.int64]
    scores: dict[str, Scores]
    convnet: dict[str, NDArray[np.floating]]

    def rows(self) -> list[Row]:
        """The QVC's accuracy for every stage and set of images."""
        return [
            {
                "stage": name,
                "images": images,
                **self._accuracy(self.scores[images].stages()[stage]),
                "z_error": rms_difference(self.scores[images].stages()[stage], self.scores[images].ideal),
            }
            for stage, name in STAGE_NAMES.items()
            for images in IMAGE_SETS
        ]

    def convnet_rows(self) -> list[Row]:
        """The ConvNet's accuracy for every set of images."""
        return [{"images": images, **self._accuracy(self.convnet[images])} for images in IMAGE_SETS]

    def resources(self) -> list[Row]:
        """Gate counts before and after compilation."""
        return self.compiled.resource_rows()

    def _accuracy(self, scores: NDArray[np.floating]) -> Row:
        result = accuracy(scores, self.labels)
        return {"accuracy": result.value, "interval": list(result.interval), "count": result.trials}


def write_report(run: Run, request: DemoRequest, found: Findings) -> None:
    """Write predictions, images, tables, pictures and the page."""
    z = {
        f"z_{STAGE_NAMES[stage]}_{name}": values
        for name, part in found.scores.items()
        for stage, values in part.stages().items()
    }
    run.write("predictions.npz", npz(labels=found.labels, indices=np.arange(len(found.labels)), **z))
    run.write("images.npz", npz(labels=found.labels, **found.images))
    run.write("results.csv", to_csv(found.rows()))
    run.write("resources.csv", to_csv(found.resources()))
    curves = {"QVC": read_history(run, "qvc/"), "ConvNet": read_history(run, "convnet/")}
    pictures = {
        "accuracy.png": _bars(found),
        "images.png": _grid(found),
        "learning_curves.png": learning_curves(curves),
    }
    for name, picture in pictures.items():
        run.write(name, picture)
    write_page(run, request, "A QVC on a device model", _lead(request, found), _sections(request, found, pictures))


def _lead(request: DemoRequest, found: Findings) -> str:
    score = {(row["stage"], row["images"]): f"{row['accuracy']:.1%}" for row in found.rows()}
    return (
        f"Under the noise of {request.target} the classifier names {score['noisy', 'clean']} of the clean images, "
        f"{score['mitigated', 'clean']} after readout mitigation; without noise it names {score['ideal', 'clean']}. "
        f"Attacks made on the ConvNet bring the noiseless classifier down to {score['ideal', 'transfer']}, white-box "
        f"attacks of the same strength to {score['ideal', 'whitebox']}."
    )


def _sections(request: DemoRequest, found: Findings, pictures: dict[str, bytes]) -> list[Section]:
    config = found.compiled.model.config
    data = (
        f"{request.images} test images of handwritten digits 0 to {config.num_classes - 1} (scikit-learn, 8×8 "
        f"pixels), amplitude-encoded on {config.num_qubits} qubits; class k is read from the Z of qubit k, so six "
        f"qubits can name six classes. {request.shots} shots an image."
    )
    attacks = (
        f"PGD with {request.steps} steps, at most {request.eps:g} a pixel (l∞, pixels in [0, 1]). “transfer”: made on "
        "the ConvNet, shown to the QVC. “whitebox”: made on the noiseless QVC. Intervals are 95 % Wilson intervals "
        "over the images; they do not include the shot noise of another run. z_error: root mean square distance of "
        "⟨Z_k⟩ from the ideal value; what mitigation cannot take away is the noise of the gates and of the shots."
    )
    circuit = (
        f"{config.num_qubits} qubits, {config.num_layers} layers; exact {config.encoding} encoding, compiled once for "
        f"all images with recipe {request.recipe}. Gates of the encoding and of the ansatz together."
    )
    grid = "One image of each class, the two perturbations (blue adds light, red removes it) and the ideal result."
    return [
        Section("Accuracy of the QVC", [data, attacks], found.rows(), pictures["accuracy.png"], "At every stage."),
        Section("The same images on the ConvNet", ["The transfer attack was made on it."], found.convnet_rows()),
        Section("Images", picture=pictures["images.png"], caption=grid),
        Section("Circuit resources", [circuit], found.resources()),
        Section("Training", picture=pictures["learning_curves.png"], caption="Loss and accuracy of both models."),
    ]


def _bars(found: Findings) -> bytes:
    rows = found.rows()
    series = {
        stage: [(row["accuracy"], *row["interval"]) for row in rows if row["stage"] == stage]
        for stage in STAGE_NAMES.values()
    }
    labels = ["clean", "attacked through\nthe ConvNet", "attacked\nwhite-box"]
    return accuracy_bars(labels, series, chance=1 / found.compiled.model.config.num_classes)


def _grid(found: Findings) -> bytes:
    """The first image of every class: clean, and both perturbations with what the QVC then says, ideally."""
    chosen = [int(np.flatnonzero(found.labels == k)[0]) for k in np.unique(found.labels)]
    clean = found.images["clean"][chosen]
    rows = {"clean": clean}
    captions = {"clean": [f"is {found.labels[i]}" for i in chosen]}
    for name in ("transfer", "whitebox"):
        attacked = found.images[name][chosen]
        rows[f"Δ {name}"], rows[name] = attacked - clean, attacked
        said = found.scores[name].ideal.argmax(axis=1)
        captions[name] = [f"read as {said[i]}" for i in chosen]
    return image_grid(rows, captions)
