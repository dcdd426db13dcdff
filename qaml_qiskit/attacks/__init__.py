"""Attacks on images. Sees a torch module and bounds, never a circuit."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.attacks.audit_checks import AuditCheck as AuditCheck
    from qaml_qiskit.attacks.auditing import AuditReport as AuditReport
    from qaml_qiskit.attacks.auditing import AuditSettings as AuditSettings
    from qaml_qiskit.attacks.auditing import audit as audit
    from qaml_qiskit.attacks.configs import APGDConfig as APGDConfig
    from qaml_qiskit.attacks.configs import Attack as Attack
    from qaml_qiskit.attacks.configs import AutoAttackConfig as AutoAttackConfig
    from qaml_qiskit.attacks.configs import BIMConfig as BIMConfig
    from qaml_qiskit.attacks.configs import CWConfig as CWConfig
    from qaml_qiskit.attacks.configs import DeepFoolConfig as DeepFoolConfig
    from qaml_qiskit.attacks.configs import FGSMConfig as FGSMConfig
    from qaml_qiskit.attacks.configs import MIMConfig as MIMConfig
    from qaml_qiskit.attacks.configs import PGDConfig as PGDConfig
    from qaml_qiskit.attacks.configs import SquareConfig as SquareConfig
    from qaml_qiskit.attacks.gradient import AttackConfig as AttackConfig
    from qaml_qiskit.attacks.gradient import attack_images as attack_images
    from qaml_qiskit.attacks.registry import ATTACKS as ATTACKS
    from qaml_qiskit.attacks.registry import AnyAttack as AnyAttack
    from qaml_qiskit.attacks.registry import attack_class as attack_class
    from qaml_qiskit.attacks.registry import make_attack as make_attack
    from qaml_qiskit.attacks.result import AttackResult as AttackResult
    from qaml_qiskit.attacks.running import run_attack as run_attack
    from qaml_qiskit.attacks.stochastic import DrawnAccuracy as DrawnAccuracy
    from qaml_qiskit.attacks.stochastic import ExpectedLogits as ExpectedLogits
    from qaml_qiskit.attacks.stochastic import RandomModule as RandomModule
    from qaml_qiskit.attacks.stochastic import drawn_accuracy as drawn_accuracy
    from qaml_qiskit.attacks.traits import Traits as Traits
    from qaml_qiskit.freezing import frozen as frozen

load_lazily(__name__)
