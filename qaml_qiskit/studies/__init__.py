"""Work that is done on deployments: what several commands share, as works for the map of a run."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.studies.scoring import Scored as Scored
    from qaml_qiskit.studies.scoring import score_sampled as score_sampled
    from qaml_qiskit.studies.sweeping import Scores as Scores
    from qaml_qiskit.studies.sweeping import SweepCell as SweepCell
    from qaml_qiskit.studies.sweeping import score_cell as score_cell

load_lazily(__name__)
