"""A quadratic classifier that is kept to a QVC's spectrum: is it the circuit that resists an attack, or the form?

Run it as ``python spectral_quadratic.py QVC FREE OUT DATA_DIR``: QVC is a model whose eigenvalues are taken, FREE a
freely trained quadratic classifier on the same data, which is the start, and OUT the folder of the model that is
written. Each form is O_k diag(λ_k) O_kᵀ with the λ_k of the QVC and any orthogonal O_k. Training is by projection:
Adam on the cross-entropy, and every few steps the forms get these eigenvalues back, in order. The ten forms need not
come from one circuit.
"""

import sys
from pathlib import Path

import numpy as np
import torch

from qaml_qiskit.datasets import load_dataset
from qaml_qiskit.models import ModelCard, QuadraticClassifier, QuadraticConfig, load_model, model_files, predict
from qaml_qiskit.simulation.heisenberg import noisy_observables

STEPS, BETWEEN, BATCH, RATE, SCALE = 2000, 50, 256, 0.0003, 40.0


def forms_of(qvc, pixels):
    """M_k on the pixels, shape (m, d, d), float64."""
    observables = noisy_observables(qvc.ansatz(), None, range(qvc.config.num_classes), dtype=torch.float64)
    return observables.matrices[:, :pixels, :pixels]


def projected(forms, spectra):
    """The nearest forms with these eigenvalues, shape (m, d, d)."""
    bases = torch.linalg.eigh((forms + forms.mT) / 2).eigenvectors
    return bases @ torch.diag_embed(spectra) @ bases.mT


def fit(spectra, start, states, labels):
    """Forms with these spectra, shape (m, d, d)."""
    forms = projected(start, spectra).requires_grad_()
    optimizer = torch.optim.Adam([forms], lr=RATE)
    generator = torch.Generator().manual_seed(0)
    for step in range(STEPS):
        for group in optimizer.param_groups:
            group["lr"] = RATE * (1 + np.cos(np.pi * step / STEPS)) / 2
        batch = torch.randint(len(labels), (BATCH,), generator=generator)
        x = states[batch]
        logits = SCALE * ((x @ forms) * x).sum(2).T
        loss = torch.nn.functional.cross_entropy(logits, labels[batch])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
        if (step + 1) % BETWEEN == 0:
            with torch.no_grad():
                forms.copy_(projected(forms, spectra))
            print(step + 1, round(loss.item(), 3), file=sys.stderr, flush=True)
    return forms.detach()


def main(qvc_folder, free_folder, out, data_dir):
    """Train and write one model."""
    stored, free = load_model(Path(qvc_folder)), load_model(Path(free_folder)).model
    split = load_dataset(stored.card.data.dataset, data_dir=Path(data_dir))
    shape, classes = split.train.image_shape, split.train.num_classes
    pixels = int(np.prod(shape))
    spectra = torch.linalg.eigvalsh(forms_of(stored.model, pixels)).float()
    states = torch.nn.functional.normalize(torch.from_numpy(split.train.images).flatten(1))
    start = free.matrices.detach().view(pixels, classes, pixels).movedim(1, 0)
    forms = fit(spectra, start, states, torch.from_numpy(split.train.labels))
    model = QuadraticClassifier(QuadraticConfig(image_shape=shape, num_classes=classes, logit_scale=SCALE))
    with torch.no_grad():
        model.matrices.copy_(torch.cat(list(forms), dim=1))
    accuracy = (predict(model, torch.from_numpy(split.test.images)).argmax(1).numpy() == split.test.labels).mean()
    print(f"{out}: test accuracy {accuracy:.4f}")
    Path(out).mkdir(parents=True, exist_ok=True)
    for name, content in model_files(model, ModelCard(model=model.config, data=stored.card.data)).items():
        (Path(out) / name).write_bytes(content)


if __name__ == "__main__":
    main(*sys.argv[1:])
