"""``python -m benchmarks``."""

import sys

from benchmarks.machine import limit_threads

if __name__ == "__main__":
    # Before numpy, torch or jax are imported: they read these settings once.
    limit_threads()
    from benchmarks.cli import main

    sys.exit(main(sys.argv[1:]))
