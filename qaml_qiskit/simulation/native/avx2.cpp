// AVX2 with fused multiply-add: 16 registers of 32 bytes.
#include "chain.hpp"

#if defined(__x86_64__)

#include "../../native/begin_avx2.hpp"
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

#include "../../native/end_level.hpp"

#endif
