// AVX2 with fused multiply-add, see avx2.cpp.
#include "pauli.hpp"

#if defined(__x86_64__)

#include "../../native/begin_avx2.hpp"
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "pauli_rows.hpp"

#include "pauli_phases.hpp"

#include "pauli_sweeps.hpp"

namespace qaml {
const PauliInstructionSet kPauliAvx2 = {run_turn<float>, run_turn<double>, overlap_tile<float>,
                                             overlap_tile<double>};
}

#include "../../native/end_level.hpp"

#endif
