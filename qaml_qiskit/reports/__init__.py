"""Tables, pictures and pages, made from rows and arrays."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.reports.attack_figures import attack_curves as attack_curves
    from qaml_qiskit.reports.attack_figures import transfer_curves as transfer_curves
    from qaml_qiskit.reports.attack_tables import audit_tables as audit_tables
    from qaml_qiskit.reports.attack_tables import strengths_side_by_side as strengths_side_by_side
    from qaml_qiskit.reports.audits import AUDIT_READING as AUDIT_READING
    from qaml_qiskit.reports.audits import DEFENCE_READING as DEFENCE_READING
    from qaml_qiskit.reports.audits import GAINS_READING as GAINS_READING
    from qaml_qiskit.reports.audits import RESCALING_READING as RESCALING_READING
    from qaml_qiskit.reports.audits import audit_notes as audit_notes
    from qaml_qiskit.reports.blame_figures import blame_map as blame_map
    from qaml_qiskit.reports.calibration_figures import reliability_diagram as reliability_diagram
    from qaml_qiskit.reports.cells import Linked as Linked
    from qaml_qiskit.reports.cells import format_cell as format_cell
    from qaml_qiskit.reports.cells import heading as heading
    from qaml_qiskit.reports.cells import is_count as is_count
    from qaml_qiskit.reports.certified import certified_curves as certified_curves
    from qaml_qiskit.reports.confidence import add_confidence as add_confidence
    from qaml_qiskit.reports.confidence import confidence_histograms as confidence_histograms
    from qaml_qiskit.reports.conformal_figures import conformal_curves as conformal_curves
    from qaml_qiskit.reports.decision_figures import monitored_sums as monitored_sums
    from qaml_qiskit.reports.decision_figures import policy_figure as policy_figure
    from qaml_qiskit.reports.detection_figures import detection_strengths as detection_strengths
    from qaml_qiskit.reports.detection_figures import roc_curves as roc_curves
    from qaml_qiskit.reports.detection_figures import score_histograms as score_histograms
    from qaml_qiskit.reports.device_figures import forecast_curves as forecast_curves
    from qaml_qiskit.reports.device_figures import frontier_figure as frontier_figure
    from qaml_qiskit.reports.figures import accuracy_bars as accuracy_bars
    from qaml_qiskit.reports.figures import curves as curves
    from qaml_qiskit.reports.figures import image_grid as image_grid
    from qaml_qiskit.reports.figures import learning_curves as learning_curves
    from qaml_qiskit.reports.figures import one_of_each_class as one_of_each_class
    from qaml_qiskit.reports.figures import perturbation_picture as perturbation_picture
    from qaml_qiskit.reports.layout import fold as fold
    from qaml_qiskit.reports.layout import in_all_rows as in_all_rows
    from qaml_qiskit.reports.outcome import Brief as Brief
    from qaml_qiskit.reports.outcome import Outcome as Outcome
    from qaml_qiskit.reports.outcome import brief_figures as brief_figures
    from qaml_qiskit.reports.page import Page as Page
    from qaml_qiskit.reports.page import Section as Section
    from qaml_qiskit.reports.paper_figures import Point as Point
    from qaml_qiskit.reports.paper_figures import paper_bars as paper_bars
    from qaml_qiskit.reports.paper_figures import paper_lines as paper_lines
    from qaml_qiskit.reports.pictures import Pictures as Pictures
    from qaml_qiskit.reports.promise_figures import promise_figure as promise_figure
    from qaml_qiskit.reports.report import REPORT_FILE as REPORT_FILE
    from qaml_qiskit.reports.report import Report as Report
    from qaml_qiskit.reports.resource_figures import device_map as device_map
    from qaml_qiskit.reports.resource_figures import gates_against_fidelity as gates_against_fidelity
    from qaml_qiskit.reports.state_figures import state_planes as state_planes
    from qaml_qiskit.reports.tables import brief_rows as brief_rows
    from qaml_qiskit.reports.tables import flat_text as flat_text
    from qaml_qiskit.reports.tables import to_csv as to_csv
    from qaml_qiskit.reports.tables import to_markdown as to_markdown
    from qaml_qiskit.reports.terminal import lay_out as lay_out
    from qaml_qiskit.reports.trace_figures import MOST_TRACES as MOST_TRACES
    from qaml_qiskit.reports.trace_figures import trace_curves as trace_curves
    from qaml_qiskit.reports.uncertainty_figures import uncertainty_bars as uncertainty_bars

load_lazily(__name__)
