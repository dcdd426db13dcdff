"""Detectors from what a user asks for: names, and settings as words."""

from collections.abc import Sequence

from qaml_qiskit.detection.detector import Detector
from qaml_qiskit.detection.names import DETECTORS
from qaml_qiskit.settings import configured, read_settings, settings_of_each


def make_detector(name: str, **settings: object) -> Detector:
    """A detector with some settings changed from their defaults.

    Args:
        name: in the registry.
        settings: fields of its class.

    Raises:
        ConfigurationError: an unknown name, an unknown setting or a value out of range.
    """
    return configured(f"the detector {name}", DETECTORS[name], settings)


def make_detectors(names: Sequence[str], param: Sequence[str] = ()) -> dict[str, Detector]:
    """Detectors by their names.

    Args:
        names: of registered detectors.
        param: words ``key=value`` for all that have such a setting; ``detector.key=value`` for one.

    Raises:
        ConfigurationError: an unknown name, or a setting that none of them has or cannot have.
    """
    settings = settings_of_each(read_settings(param), {name: DETECTORS[name] for name in names})
    return {name: make_detector(name, **own) for name, own in settings.items()}
