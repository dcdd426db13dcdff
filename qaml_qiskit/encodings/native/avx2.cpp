// AVX2 with fused multiply-add.
#include "fit.hpp"

#if defined(__x86_64__)

#include "../../native/begin_avx2.hpp"

#include "image.hpp"

namespace qaml {
const FitFunction kFitAvx2 = fit_image;
}

#include "../../native/end_level.hpp"

#endif
