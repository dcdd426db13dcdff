"""Networks by name; for requests, which do not wait for torch."""

from typing import TYPE_CHECKING

from qaml_qiskit.registry import Registry

if TYPE_CHECKING:
    from qaml_qiskit.models.networks import Network

#: Networks of the user's that are known by a name, with what they are for: those that were given to this process.
NETWORKS: Registry["Network"] = Registry("network", {}, base="qaml_qiskit.models.networks:Network")
