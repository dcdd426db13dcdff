"""How well every detector of one model tells attacked images from those that they were made from.

Run it as ``QAML_DATA_DIR=… python detectors.py > detectors.csv``, on one core. The first 500 test images are attacked
on the model itself by PGD with 10 steps; of 1,000 validation images one half teaches and the other gives the
temperature and the threshold that promises 5 % of false alarms. The attacker does not know that somebody watches.

    auroc           of all attacked images against their originals; those that PGD left alone are among them
    auroc_fooled    of the images whose right label the attack changed
"""

import csv
import sys

import torch

from qaml_qiskit.attacks import make_attack, run_attack
from qaml_qiskit.deployments import deploy, fitted_temperature, halves, load_validation
from qaml_qiskit.deployments.images import load_batch
from qaml_qiskit.detection import DETECTORS, evidence_of, make_detector
from qaml_qiskit.evaluation import auroc, rate_at, true_positives_at

IMAGES, VALIDATION, EPS, STEPS, PROMISE = "500", "1000", (0.03, 0.1), 10, 0.05
#: Beside every detector with its default settings.
VARIANTS = (
    ("fidelity", {"against": "own"}),
    ("reconstruction", {"kept": 0.95}),
    ("reconstruction", {"kept": 0.95, "centred": False, "normalised": True}),
    ("squeezing", {"filters": ["median:3"], "kept": None}),
    ("squeezing", {"filters": ["bits:4"], "kept": None}),
    ("squeezing", {"filters": ["bits:1"], "kept": None}),
    ("stack", {"members": ["margin", "mahalanobis", "squeezing"]}),
)
COLUMNS = (
    *("model", "eps", "detector", "settings", "auroc", "auroc_low", "auroc_high", "auroc_fooled", "fooled"),
    *("tpr_at_5fpr", "tpr_low", "tpr_high", "false_alarms", "false_low", "false_high"),
)


def rounded(*values):
    """As they are written."""
    return [f"{value:.4f}" for value in values]


def main() -> None:
    """Write a row a model, strength and detector."""
    torch.set_num_threads(1)
    writer = csv.writer(sys.stdout, lineterminator="\n")
    writer.writerow(COLUMNS)
    detectors = [(name, {}) for name in DETECTORS if DETECTORS[name].least_models == 1] + list(VARIANTS)
    for name in ("mnist-qvc200", "fashion-mnist-qvc200"):
        plain = deploy(name)
        teaching, judging = halves(load_validation(VALIDATION, [plain]), seed=0)
        model = plain.calibrated(fitted_temperature(plain, judging))
        batch = load_batch(IMAGES, [model], None)
        labels, module = torch.from_numpy(batch.labels), model.module
        attacked = {
            eps: run_attack(module, batch.images, labels, make_attack("pgd", eps=eps, steps=STEPS)).images
            for eps in EPS
        }
        for kind, settings in detectors:
            with torch.no_grad():
                detector = make_detector(kind, **settings).prepared(teaching.images)
                seen = evidence_of([module], detector, teaching.images)
                fitted = detector.fit([model], seen, torch.from_numpy(teaching.labels))
                sets = {None: batch.images, "validation": judging.images, **attacked}
                scores = {
                    key: fitted.scores(evidence_of([module], detector, images)).numpy() for key, images in sets.items()
                }
                right = module(batch.images).argmax(1) == labels
                for eps, images in attacked.items():
                    fooled = (right & (module(images).argmax(1) != labels)).numpy()
                    value, interval = auroc(scores[None], scores[eps], paired=True)
                    of_fooled, _ = auroc(scores[None], scores[eps][fooled])
                    caught = true_positives_at(scores["validation"], scores[eps], PROMISE)
                    false, _ = rate_at(scores[None], scores[eps], caught.threshold)
                    shown = ";".join(f"{key}={value}" for key, value in settings.items())
                    told = rounded(value, *interval, of_fooled), int(fooled.sum())
                    rates = rounded(caught.value, *caught.interval, false.value, *false.interval)
                    writer.writerow([name, eps, kind, shown, *told[0], told[1], *rates])
                    sys.stdout.flush()


if __name__ == "__main__":
    main()
