// AVX2 with fused multiply-add, see avx2.cpp.
#include "forms.hpp"

#if defined(__x86_64__)

#include "../../native/begin_avx2.hpp"
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "forms_products.hpp"

#include "forms_passes.hpp"

namespace qaml {
const FormsInstructionSet kFormsAvx2 = {kFormsFunctions<float>, kFormsFunctions<double>};
}

#include "../../native/end_level.hpp"

#endif
