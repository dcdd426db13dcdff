// Any machine: 16-byte vectors, which compilers map to SSE2 or NEON or take apart.
#include "chain.hpp"

#define QAML_BYTES 16
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
const InstructionSet kGeneric = {"generic", &kLayouts<float>, &kLayouts<double>};
}
