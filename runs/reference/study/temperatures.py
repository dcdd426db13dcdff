"""Writes into the cards of the reference models what their trainings set aside, and the temperature of their logits.

Run it as ``QAML_DATA_DIR=… python temperatures.py``, on one core; the folder holds the data as the commands in
``../README.md`` name them. These models were trained before `qaml train` wrote both by itself. Every temperature is
fitted, by maximum likelihood, to the exact logits of all images that the training set aside; no test image is seen.
Weights and fingerprints stay as they are. Cards that have a temperature are left alone.
"""

import json
from pathlib import Path

from qaml_qiskit.deployments import deploy
from qaml_qiskit.deployments.validation import fitted_temperature, load_validation
from qaml_qiskit.files import write_atomically
from qaml_qiskit.models.store import CARD_FILE, WEIGHTS_FILE

REFERENCES = Path(__file__).resolve().parent.parent


def main() -> None:
    """One card after the other."""
    for file in sorted(REFERENCES.rglob(CARD_FILE)):
        card = json.loads(file.read_text())
        if "temperature" in card or not file.with_name(WEIGHTS_FILE).is_file():
            continue
        model = deploy(file.parent)
        held_out, found = model.card.held_out, fitted_temperature(model, load_validation(None, [model]))
        card |= {"held_out": held_out.model_dump(mode="json"), "temperature": found.model_dump(mode="json")}
        write_atomically(file, (json.dumps(card, indent=2, ensure_ascii=False) + "\n").encode())
        print(f"{file.parent.relative_to(REFERENCES)}: {found.value:.4f} of {found.images}", flush=True)


if __name__ == "__main__":
    main()
