# Every target makes what it needs: a fresh clone with Python >= 3.11, git and make is enough.
PYTHON ?= python3
VENV   := .venv
BENCH  := .venv-bench
BIN    := $(VENV)/bin
PIP    := $(BIN)/python -m pip --disable-pip-version-check

.PHONY: help demo test test-all check format docs bench bench-catalyst sanitize old-processor clean

help:
	@echo "make demo      train, attack and run a QVC on a simulated IBM device; prints where the report is"
	@echo "make test      the default test suite"
	@echo "make test-all  everything, slow tests too"
	@echo "make check     ruff and strict mypy"
	@echo "make sanitize  the kernel's tests with address and undefined-behaviour checks (g++)"
	@echo "make old-processor  the kernel on emulated processors without AVX and AVX-512 (qemu-user)"
	@echo "make docs      the documentation, into docs/_build/html"
	@echo "make bench     the speed comparisons with peers (see benchmarks/README.md; make bench-catalyst adds one)"

# A stamp a set of extras: rebuilt when what is to be installed changes.
INSTALL_DEPS := setup.cfg setup.py pyproject.toml constraints.txt \
	$(wildcard qaml_qiskit/native/* qaml_qiskit/*/native/*)

$(BIN)/python:
	@$(PYTHON) -c 'import sys; sys.exit(sys.version_info < (3, 11))' || \
		{ echo "Python 3.11 or newer is needed; $(PYTHON) is `$(PYTHON) --version`. Use: make PYTHON=/path/to/python3.11"; exit 2; }
	$(PYTHON) -m venv "$(VENV)"

$(VENV)/.base: $(BIN)/python $(INSTALL_DEPS)
	$(PIP) install --quiet -c constraints.txt -e .
	@touch "$@"

$(VENV)/.test: $(VENV)/.base
	$(PIP) install --quiet -c constraints.txt -e ".[test]"
	@touch "$@"

$(VENV)/.check: $(VENV)/.base
	$(PIP) install --quiet -c constraints.txt -e ".[check]"
	@touch "$@"

$(VENV)/.docs: $(VENV)/.base
	$(PIP) install --quiet -c constraints.txt -e ".[docs]"
	@touch "$@"

demo: $(VENV)/.base
	$(BIN)/qaml demo

# One worker a core, each with one thread.
PYTEST := OMP_NUM_THREADS=1 $(BIN)/python -m pytest -n logical --dist worksteal

test: $(VENV)/.test
	$(PYTEST)

test-all: $(VENV)/.test
	$(PYTEST) -m ""

check: $(VENV)/.check
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy

format: $(VENV)/.check
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

# What is compiled is built into a folder of its own, with the package around it, which is imported before the tests can find
# that of the checkout.
SANITIZED    := build/sanitized
KERNEL_TESTS := $(addprefix tests/unit/,$(addprefix simulation/,test_kernel_layouts.py test_kernel_parity.py \
	test_simulation_backends.py test_simulation_gradients.py test_pauli_sweeps.py test_heisenberg_gradients.py \
	test_factored_forms.py) encodings/test_compiled_fit.py)
CHECKS       := -fsanitize=address,undefined -fno-sanitize-recover=undefined -fno-omit-frame-pointer
IMPORTED     := import sys, qaml_qiskit, pytest; sys.path.insert(0, "."); sys.exit(pytest.main(sys.argv[1:]))

sanitize: $(VENV)/.test
	CXXFLAGS="$(CHECKS)" LDFLAGS="$(CHECKS)" $(BIN)/python setup.py -q build \
		--build-base $(SANITIZED)/objects --build-lib $(SANITIZED)/lib
	@for library in $(SANITIZED)/lib/qaml_qiskit/*/*.so; do nm -D "$$library" | grep -q __asan_init || \
		{ echo "$$library was built without the checks: look at the flags of the compiler above"; exit 2; }; done
	OMP_NUM_THREADS=1 ASAN_OPTIONS=detect_leaks=0 PYTHONPATH=$(SANITIZED)/lib \
		LD_PRELOAD="$$($(CXX) -print-file-name=libasan.so) $$($(CXX) -print-file-name=libstdc++.so)" \
		$(BIN)/python -P -c '$(IMPORTED)' -q -p no:cacheprovider $(KERNEL_TESTS)

# Whatever the emulated processor lacks is an illegal instruction there. The first of these needs seconds, the others minutes.
EMULATED := $(addprefix tests/unit/,simulation/test_pauli_sweeps.py encodings/test_compiled_fit.py \
	simulation/test_factored_forms.py::test_every_instruction_set_agrees)

old-processor: $(VENV)/.test
	@command -v qemu-x86_64 > /dev/null || { echo "qemu-x86_64 is needed: apt install qemu-user"; exit 2; }
	for processor in Nehalem Haswell; do \
		emulated="env OPENBLAS_CORETYPE=Nehalem OMP_NUM_THREADS=1 PYTHONPATH=. \
			qemu-x86_64 -cpu $$processor $(BIN)/python" && \
		$$emulated tests/unit/simulation/old_processor.py && \
		$$emulated -m pytest -q -p no:cacheprovider $(EMULATED) || exit 1; done

docs: $(VENV)/.docs
	$(BIN)/python -m sphinx -W --keep-going -q -b html docs docs/_build/html
	@echo "docs/_build/html/index.html"

# The peers get an environment of their own, so that what they need cannot disturb the package's.
$(BENCH)/.ready: $(INSTALL_DEPS) benchmarks/requirements.txt
	$(PYTHON) -m venv "$(BENCH)"
	$(BENCH)/bin/python -m pip --disable-pip-version-check install --quiet \
		-c constraints.txt -r benchmarks/requirements.txt -e ".[dask]"
	@touch "$@"

bench: $(BENCH)/.ready
	$(BENCH)/bin/python -m benchmarks

# A peer whose pins cannot be installed beside the others; without it the report says so.
bench-catalyst: $(BENCH)-catalyst/.ready

$(BENCH)-catalyst/.ready: benchmarks/requirements-catalyst.txt
	$(PYTHON) -m venv "$(BENCH)-catalyst"
	$(BENCH)-catalyst/bin/python -m pip --disable-pip-version-check install --quiet -r benchmarks/requirements-catalyst.txt
	@touch "$@"

clean:
	rm -rf "$(VENV)" "$(BENCH)" "$(BENCH)-catalyst" build dist *.egg-info docs/_build docs/results
