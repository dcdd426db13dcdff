// Any machine, see generic.cpp.
#include "pauli.hpp"

#define QAML_BYTES 16
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "pauli_rows.hpp"

#include "pauli_phases.hpp"

#include "pauli_sweeps.hpp"

namespace qaml {
const PauliInstructionSet kPauliGeneric = {run_turn<float>, run_turn<double>, overlap_tile<float>,
                                             overlap_tile<double>};
}
