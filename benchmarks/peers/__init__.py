"""The contestants, each as its best user would write it."""

from __future__ import annotations

from benchmarks.peers.base import MissingError as MissingError
from benchmarks.peers.base import Peer as Peer
from benchmarks.peers.base import Steps as Steps
from benchmarks.peers.catalyst import Catalyst
from benchmarks.peers.deepquantum import DeepQuantum
from benchmarks.peers.jax_adjoint import JaxAdjoint
from benchmarks.peers.lightning import Lightning
from benchmarks.peers.ours import Collapsed, Cuda, Fallback, Kernel
from benchmarks.peers.pennylane_jax import PennyLaneJax
from benchmarks.peers.pennylane_torch import PennyLaneTorch
from benchmarks.peers.pyqtorch import PyQTorch
from benchmarks.peers.qiboml import Qiboml
from benchmarks.peers.tensorcircuit import TensorCircuit, TensorCircuitBlocks
from benchmarks.peers.torch_gates import TorchGates

#: The package itself; the first is what all ratios refer to.
OURS: tuple[Peer, ...] = (Kernel(), Fallback(), Collapsed(), Cuda())
#: Everybody else, the expected fastest first.
OTHERS: tuple[Peer, ...] = (
    JaxAdjoint(),
    TensorCircuitBlocks(),
    TensorCircuit(),
    PennyLaneJax(),
    Qiboml(),
    TorchGates(),
    DeepQuantum(),
    Catalyst(),
    PyQTorch(),
    PennyLaneTorch(),
    Lightning(),
)
#: What reports call them.
TITLES: dict[str, str] = {peer.key: peer.title for peer in (*OURS, *OTHERS)}
