"""Detectors: which images a classifier should not be believed about, and attackers who know that they are watched."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.detection.adaptive import Adaptive as Adaptive
    from qaml_qiskit.detection.detector import Detector as Detector
    from qaml_qiskit.detection.detector import Evidence as Evidence
    from qaml_qiskit.detection.detector import FittedDetector as FittedDetector
    from qaml_qiskit.detection.evidence import evidence_of as evidence_of
    from qaml_qiskit.detection.making import make_detector as make_detector
    from qaml_qiskit.detection.making import make_detectors as make_detectors
    from qaml_qiskit.detection.names import DETECTORS as DETECTORS
    from qaml_qiskit.detection.names import GIVEN_DETECTORS as GIVEN_DETECTORS
    from qaml_qiskit.detection.names import DetectorName as DetectorName

load_lazily(__name__)
