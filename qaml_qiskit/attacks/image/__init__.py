"""The attacks on images, a file each: a configuration, what it bounds and reads, and how it is built.

Their names are in :mod:`qaml_qiskit.attacks.registry`. These modules import neither torch nor torchattacks until an
attack is built, so that requests can name attacks and check their parameters.
"""
