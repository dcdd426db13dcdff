"""Configuration of the documentation site; `make docs` builds it."""

from qaml_qiskit import __version__

project = "qaml-qiskit"
author = "The qaml-qiskit developers"
copyright = author
version = release = __version__

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.napoleon"]
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"qaml-qiskit {__version__}"

myst_heading_anchors = 3

# The rooms re-export their public names from their `__init__`, so imported members are the ones to document.
autodoc_default_options = {
    "members": True,
    "imported-members": True,
    "exclude-members": "model_config",
    "member-order": "bysource",
}
autodoc_typehints = "signature"
autodoc_typehints_format = "short"
autodoc_preserve_defaults = True
python_use_unqualified_type_names = True
napoleon_numpy_docstring = False
