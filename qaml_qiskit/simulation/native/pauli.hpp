// What Python hands to the engine of noisy observables: sweeps over a real vector of 4^n Pauli coefficients.
//
// A Pauli string is one base-4 digit a qubit: I, X, Z, Y = 0, 1, 2, 3. A digit lies at a place: places 0 and 1 are the
// 16 neighbouring numbers of a row, the others count rows. Plain data only, see chain.hpp.
#pragma once
#include <cstdint>
#include <utility>

namespace qaml {

constexpr int kRow = 16;           // numbers in a row
constexpr int kRowPlaces = 2;      // places inside a row
constexpr int kMaxTilePlaces = 6;  // places of a tile that count rows

}  // namespace qaml

extern "C" {

// One operation on all rows of a tile. `numbers` is where its coefficients start.
//
// A sweep on the places (low, high) works on 16 rows at a time, numbered 4·P_high + P_low.
struct QamlSweep {
    std::int32_t kind;       // see SweepKind
    std::int32_t form;       // see BlockForm
    std::int32_t low, high;  // places; for an exchange a place of the row and one that counts rows
    std::int32_t source[16];
    std::int32_t target[16];
    std::int64_t numbers;
};

// Sweeps that stay inside tiles: all rows that agree in the digits outside `places` (a mask).
struct QamlTurn {
    std::int64_t places;
    std::int64_t first_sweep;
    std::int64_t num_sweeps;
};

struct QamlPropagation {
    std::int64_t num_places;
    const std::int64_t* strides;  // in numbers, one a place
    const QamlSweep* sweeps;
    const void* numbers;
};

}  // extern "C"

namespace qaml {

enum SweepKind : std::int32_t {
    kBlocks = 0,    // rows `source`, taken by fours, through four 4×4 matrices, to rows `target`
    kAcross = 1,    // the same, with one more 4×4 matrix on the higher digit of the targets, which are in order
    kShift = 2,     // the same, where that matrix is the identity but for its first row
    kDense = 3,     // one 16×16 matrix; its form is kFull or kPreserving
    kExchange = 4,  // exchange two digits
    kBlocksLow = 5,  // blocks as kBlocks, then one 4×4 matrix on the lower digit
    kBlocksBoth = 6, // the same, then one more on the higher digit
    kPhases = 7,     // gates that are diagonal in the computational basis, and matrices that keep I, see PhasesForm
};

// What a sweep of kPhases does, in this order, beside its matrix on the lower digit; a sum.
enum PhasesForm : std::int32_t {
    kTurned = 1,      // before it, a rotation about ZZ
    kControlled = 2,  // before it, a CZ
    kOnHigh = 4,      // a matrix on the higher digit
    kTurnedLast = 8,  // behind both, a rotation about ZZ
    kPhasesForms = 16,
};

// The numbers of such a sweep: cosine and sine of both rotations; the matrices on X, Z and Y, row-major.
template <class T>
struct PhasesNumbers {
    T first[2], low[9];
    T scale;  // of what is I on the lower digit and no I on the higher
    T high[9], last[2];
};

// What is known to be zero in a 4×4 matrix beside its diagonal.
enum BlockForm : std::int32_t {
    kFull = 0,
    kPreserving = 1,  // the first column: a channel's adjoint that keeps the identity
    kUnital = 2,      // the first row and column
    kPairs = 4,       // added for kBlocksLow, kBlocksBoth: each block is two 2×2 matrices; the rest is of what is behind
};

// The entry point of one instruction set and precision: a turn on the tile that starts at `tile`.
template <class T>
using TurnFunction = void (*)(const QamlPropagation* propagation, const QamlTurn* turn, T* tile);

// Overlaps of two vectors on single digits, Σ one[i, rest]·other[j, rest] over a tile, added to out[place][i][j] for the
// places in the mask `wanted`; bits 0 and 1 stand for the places inside a row.
template <class T>
using OverlapFunction = void (*)(const QamlPropagation* propagation, std::int64_t places, std::int64_t wanted,
                                 const T* one, const T* other, double* out);

struct PauliInstructionSet {
    TurnFunction<float> single_precision;
    TurnFunction<double> double_precision;
    OverlapFunction<float> single_overlap;
    OverlapFunction<double> double_overlap;
};

extern const PauliInstructionSet kPauliGeneric;
#if defined(__x86_64__)
extern const PauliInstructionSet kPauliAvx2;
extern const PauliInstructionSet kPauliAvx512;
#endif

}  // namespace qaml
