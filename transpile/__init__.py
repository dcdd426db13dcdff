"""The transpilation recipes as package data; at run time this folder is ``qaml_qiskit._recipes``."""
