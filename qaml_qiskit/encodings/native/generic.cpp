// Any machine: 16-byte vectors, which compilers map to SSE2 or NEON or take apart.
#include "fit.hpp"

#define QAML_BYTES 16

#include "image.hpp"

namespace qaml {
const FitFunction kFitGeneric = fit_image;
}
