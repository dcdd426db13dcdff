"""The registered defences; for requests, which do not wait for torch."""

from typing import TYPE_CHECKING, Annotated

from qaml_qiskit.registry import Named, Registry

if TYPE_CHECKING:
    from qaml_qiskit.models import Objective

_HERE = "qaml_qiskit.defences"

#: What a training makes small so that its model holds; the settings of each are its fields.
DEFENCES: Registry[type["Objective"]] = Registry(
    "defence",
    {
        "clean": ("qaml_qiskit.models.objective:Clean", "none: the cross-entropy of the images as they are"),
        "adversarial": (f"{_HERE}.adversarial:Adversarial", "a share of every batch is attacked (West et al.)"),
        "combined": (f"{_HERE}.adversarial:Combined", "every image paired with its attacked one (Lu; Huang & Zhang)"),
        "trades": (f"{_HERE}.adversarial:Trades", "attacked predictions stay near the clean ones (TRADES)"),
        "certified": (f"{_HERE}.certified:CertifiedTraining", "the exact l2 radius of every image is in the loss"),
        "augmented": (f"{_HERE}.augmented:Augmented", "normal noise on the pixels of a share of every batch"),
        "regularised": (f"{_HERE}.regularised:Regularised", "a penalty on norms, gradients or weights"),
        "noise-aware": (f"{_HERE}.noise_aware:NoiseAware", "the cross-entropy under sampled device noise"),
        "exact-noise": (f"{_HERE}.exact_noise:ExactNoise", "the cross-entropy under a named noise, exactly"),
    },
    base="qaml_qiskit.models.objective:Objective",
)

DefenceName = Annotated[str, Named(DEFENCES)]
