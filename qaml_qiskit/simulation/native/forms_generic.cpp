// Any machine, see generic.cpp.
#include "forms.hpp"

#define QAML_BYTES 16
#define QAML_SPLIT 0

// In this order: each builds on those before it.
#include "vectors.hpp"

#include "forms_products.hpp"

#include "forms_passes.hpp"

namespace qaml {
const FormsInstructionSet kFormsGeneric = {kFormsFunctions<float>, kFormsFunctions<double>};
}
