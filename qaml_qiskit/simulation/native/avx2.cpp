// AVX2 with fused multiply-add: 16 registers of 32 bytes.
#include "chain.hpp"

#if defined(__x86_64__)

#if defined(__clang__)
#pragma clang attribute push(__attribute__((target("avx2,fma"))), apply_to = function)
#else
#pragma GCC push_options
#pragma GCC target("avx2,fma")
#endif

#define QAML_BYTES 32
#define QAML_RUN 3
#define QAML_FUSED 2
#define QAML_BOTH 2
#define QAML_BOTH_FUSED 1
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "lanes.hpp"

#include "passes.hpp"

#include "signs.hpp"

#include "table.hpp"

#include "plan.hpp"

#include "groups.hpp"

#include "engine.hpp"

#include "both.hpp"

#include "entries.hpp"

namespace qaml {
const InstructionSet kAvx2 = {"avx2", &kLayouts<float>, &kLayouts<double>};
}

#if defined(__clang__)
#pragma clang attribute pop
#else
#pragma GCC pop_options
#endif

#endif
