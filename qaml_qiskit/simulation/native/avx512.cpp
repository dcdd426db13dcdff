// AVX-512: 32 registers of 64 bytes.
#include "chain.hpp"

#if defined(__x86_64__)

#include "../../native/begin_avx512.hpp"
#define QAML_RUN 4
#define QAML_FUSED 3
#define QAML_BOTH 3
#define QAML_BOTH_FUSED 2
#define QAML_SPLIT 1

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
const InstructionSet kAvx512 = {"avx512", &kLayouts<float>, &kLayouts<double>};
}

#include "../../native/end_level.hpp"

#endif
