"""What each paper shows and claims, as data; and what follows from measurements for each claim."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.papers.catalogue import PAPERS as PAPERS
    from qaml_qiskit.papers.catalogue import find_items as find_items
    from qaml_qiskit.papers.catalogue import load_paper as load_paper
    from qaml_qiskit.papers.judgement import VERDICTS as VERDICTS
    from qaml_qiskit.papers.judgement import Judgement as Judgement
    from qaml_qiskit.papers.observation import Observation as Observation
    from qaml_qiskit.papers.schema import TIERS as TIERS
    from qaml_qiskit.papers.schema import Claim as Claim
    from qaml_qiskit.papers.schema import Item as Item
    from qaml_qiskit.papers.schema import Measure as Measure
    from qaml_qiskit.papers.schema import Paper as Paper
    from qaml_qiskit.papers.schema import PaperPlan as PaperPlan
    from qaml_qiskit.papers.schema import Picture as Picture
    from qaml_qiskit.papers.schema import Tier as Tier
    from qaml_qiskit.papers.verdicts import FALSE_DISCOVERIES as FALSE_DISCOVERIES
    from qaml_qiskit.papers.verdicts import counts as counts
    from qaml_qiskit.papers.verdicts import judge as judge

load_lazily(__name__)
