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

#include "passes.hpp"

#include "table.hpp"

#include "groups.hpp"

#include "engine.hpp"

#include "entries.hpp"

namespace qaml {
const InstructionSet kGeneric = {"generic", &kFunctions<float>, &kFunctions<double>};
}
