// AVX2 with fused multiply-add, see avx2.cpp.
#include "pauli.hpp"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define QAML_BYTES 32
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "pauli_sweeps.hpp"

namespace qaml {
const PauliInstructionSet kPauliAvx2 = {run_turn<float>, run_turn<double>, overlap_tile<float>,
                                             overlap_tile<double>};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
