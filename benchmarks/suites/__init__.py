"""What is measured: one module a table."""

#: Their names, in the order in which they run and are reported; each is a module here with ``run(settings)``, and one
#: in ``benchmarks/sections`` with ``section(results)``.
SUITES = (
    "peers",
    "sizes",
    "scaling",
    "memory",
    "pgd",
    "sampling",
    "noise",
    "exact_noise",
    "propagation",
    "circuit",
    "defences",
    "devices",
    "certificates",
    "encoding",
    "gpu",
    "scale",
)
