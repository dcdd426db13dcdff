"""What a command leaves behind: the run folder, images with provenance, and work that resumes."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.artifacts.adversarial import AdversarialImages as AdversarialImages
    from qaml_qiskit.artifacts.adversarial import Provenance as Provenance
    from qaml_qiskit.artifacts.adversarial import parse_provenance as parse_provenance
    from qaml_qiskit.artifacts.adversarial import read_adversarial as read_adversarial
    from qaml_qiskit.artifacts.codecs import ARRAYS as ARRAYS
    from qaml_qiskit.artifacts.codecs import JSON as JSON
    from qaml_qiskit.artifacts.codecs import Codec as Codec
    from qaml_qiskit.artifacts.fingerprints import digest as digest
    from qaml_qiskit.artifacts.mapping import HERE as HERE
    from qaml_qiskit.artifacts.mapping import Bar as Bar
    from qaml_qiskit.artifacts.mapping import Pool as Pool
    from qaml_qiskit.artifacts.mapping import compute_tasks as compute_tasks
    from qaml_qiskit.artifacts.opening import load_run as load_run
    from qaml_qiskit.artifacts.opening import open_run as open_run
    from qaml_qiskit.artifacts.outcome import Row as Row
    from qaml_qiskit.artifacts.pool import open_pool as open_pool
    from qaml_qiskit.artifacts.run import METRICS_FILE as METRICS_FILE
    from qaml_qiskit.artifacts.run import RUN_KEYS as RUN_KEYS
    from qaml_qiskit.artifacts.run import RUNS_FOLDER as RUNS_FOLDER
    from qaml_qiskit.artifacts.run import Run as Run

load_lazily(__name__)
