"""Attacks on images. Sees a torch module and bounds, never a circuit."""

from typing import TYPE_CHECKING

from qaml_qiskit.lazy import load_lazily

if TYPE_CHECKING:
    from qaml_qiskit.attacks.auditing.auditor import AuditReport as AuditReport
    from qaml_qiskit.attacks.auditing.auditor import AuditSettings as AuditSettings
    from qaml_qiskit.attacks.auditing.auditor import audit as audit
    from qaml_qiskit.attacks.auditing.checks import AuditCheck as AuditCheck
    from qaml_qiskit.attacks.auditing.defence import DefenceReport as DefenceReport
    from qaml_qiskit.attacks.auditing.defence import DefenceSettings as DefenceSettings
    from qaml_qiskit.attacks.auditing.defence import audit_defence as audit_defence
    from qaml_qiskit.attacks.auditing.findings import DefenceFindings as DefenceFindings
    from qaml_qiskit.attacks.auditing.findings import Encounter as Encounter
    from qaml_qiskit.attacks.auditing.rescaling import Rescaling as Rescaling
    from qaml_qiskit.attacks.auditing.views import Attacker as Attacker
    from qaml_qiskit.attacks.auditing.views import DefenceViews as DefenceViews
    from qaml_qiskit.attacks.augmentation import jacobian_augmented as jacobian_augmented
    from qaml_qiskit.attacks.grid import attack_grid as attack_grid
    from qaml_qiskit.attacks.image.apgd import APGDConfig as APGDConfig
    from qaml_qiskit.attacks.image.autoattack import AutoAttackConfig as AutoAttackConfig
    from qaml_qiskit.attacks.image.base import Adversary as Adversary
    from qaml_qiskit.attacks.image.base import Attack as Attack
    from qaml_qiskit.attacks.image.base import BoundedAttack as BoundedAttack
    from qaml_qiskit.attacks.image.base import MinimalAttack as MinimalAttack
    from qaml_qiskit.attacks.image.base import SteppingAttack as SteppingAttack
    from qaml_qiskit.attacks.image.bim import BIMConfig as BIMConfig
    from qaml_qiskit.attacks.image.cw import CWConfig as CWConfig
    from qaml_qiskit.attacks.image.deepfool import DeepFoolConfig as DeepFoolConfig
    from qaml_qiskit.attacks.image.fgsm import FGSMConfig as FGSMConfig
    from qaml_qiskit.attacks.image.mim import MIMConfig as MIMConfig
    from qaml_qiskit.attacks.image.pgd import PGDConfig as PGDConfig
    from qaml_qiskit.attacks.image.square import SquareConfig as SquareConfig
    from qaml_qiskit.attacks.joint import Evasion as Evasion
    from qaml_qiskit.attacks.joint import JointPGD as JointPGD
    from qaml_qiskit.attacks.joint import Situation as Situation
    from qaml_qiskit.attacks.joint import Standing as Standing
    from qaml_qiskit.attacks.registry import ATTACKS as ATTACKS
    from qaml_qiskit.attacks.registry import AttackName as AttackName
    from qaml_qiskit.attacks.registry import make_attack as make_attack
    from qaml_qiskit.attacks.result import AttackResult as AttackResult
    from qaml_qiskit.attacks.running import run_attack as run_attack
    from qaml_qiskit.attacks.stochastic import DrawnAccuracy as DrawnAccuracy
    from qaml_qiskit.attacks.stochastic import ExpectedLogits as ExpectedLogits
    from qaml_qiskit.attacks.stochastic import RandomModule as RandomModule
    from qaml_qiskit.attacks.stochastic import drawn_accuracy as drawn_accuracy
    from qaml_qiskit.attacks.traits import JointVariant as JointVariant
    from qaml_qiskit.attacks.traits import Traits as Traits
    from qaml_qiskit.freezing import frozen as frozen

load_lazily(__name__)
