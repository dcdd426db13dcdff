// Fitting layers of two-qubit rotations to one real state: the same steps as v_layers.py, image by image.
#pragma once

#include <cstddef>
#include <cstdint>

extern "C" {

// What all images share, as Python passes it.
struct QamlFit {
    std::int64_t num_qubits;
    std::int64_t layers;
    std::int64_t sweeps;
    double momentum;
    double inertia;
    double preference;
    const double* products;   // L_a R_b as rows, 16 x 16
    const double* reference;  // the matrix of the rotation that the analytic start is turned towards, 4 x 4
};
}

namespace qaml {

// How amplitudes move from one order of the line's positions to another: whole blocks at a time.
struct Turn {
    std::int64_t block;
    std::int64_t count;
    const std::int32_t* from;  // where the blocks come from, in numbers
};

// The circuit. Pointers, because what is compiled for one instruction set shall instantiate nothing that is shared.
struct Plan {
    int num_qubits;
    int layer;               // rotations of a layer
    int layers;
    const int* bonds;        // of a layer, in the order of time
    const Turn* between;     // from the order in which the pair of bond g comes first to that of the next one, in circles
    const Turn* back;        // the other way
    const Turn* from_line;   // from the line's own order to that of bond g
    const Turn* to_line;
};

// Rotors of one image, (L(n-1), 2, 4) in the order of time, and what they prepare, 2^n, unless null. `scratch` starts at
// a multiple of 64 bytes.
using FitFunction = void (*)(const QamlFit*, const Plan*, const double* state, double* rotors, double* prepared,
                             double* scratch);

extern const FitFunction kFitGeneric;
#if defined(__x86_64__)
extern const FitFunction kFitAvx2;
extern const FitFunction kFitAvx512;
#endif

}  // namespace qaml
