"""What a command leaves behind: the run folder, images with provenance, and work that resumes."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.artifacts.adversarial import AdversarialImages as AdversarialImages
    from qaml_qiskit.artifacts.adversarial import Provenance as Provenance
    from qaml_qiskit.artifacts.adversarial import parse_provenance as parse_provenance
    from qaml_qiskit.artifacts.adversarial import read_adversarial as read_adversarial
    from qaml_qiskit.artifacts.outcome import Outcome as Outcome
    from qaml_qiskit.artifacts.outcome import Row as Row
    from qaml_qiskit.artifacts.run import METRICS_FILE as METRICS_FILE
    from qaml_qiskit.artifacts.run import RUN_KEYS as RUN_KEYS
    from qaml_qiskit.artifacts.run import RUNS_FOLDER as RUNS_FOLDER
    from qaml_qiskit.artifacts.run import Run as Run
    from qaml_qiskit.artifacts.run import load_run as load_run
    from qaml_qiskit.artifacts.run import open_run as open_run
    from qaml_qiskit.artifacts.scheduling import Cluster as Cluster
    from qaml_qiskit.artifacts.scheduling import Scheduling as Scheduling
    from qaml_qiskit.artifacts.scheduling import open_cluster as open_cluster

load_lazily(__name__)
