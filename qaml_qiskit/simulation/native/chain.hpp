// What the driver hands to the vector code: a run of the circuit, forwards or backwards, reduced to numbers.
//
// Plain data only. The vector code is compiled once per instruction set, so nothing with a function body may be
// shared between those translation units and the rest (the linker would keep any one of the copies).
#pragma once
#include <cstdint>

namespace qaml {

constexpr int kMaxQubits = 20;

// A CZ or ZZ of stored bits, between a wire of the lower half and one of the upper half of the diagonal's table.
struct Cross {
    int low;          // wire
    int high;         // wire
    int is_cz;        // otherwise ZZ
    double cos, sin;  // ZZ: cos + i·sin on equal bits, its conjugate on unequal ones
};

// A wire pair of a diagonal whose angle wants a gradient.
struct PairGradient {
    int low, high;
    std::int64_t index;  // in the angle vector
    double factor;
};

// One diagonal and the wall behind it, in the order in which the run meets them.
//
// The stored state is X^frame times the true one, so that every rotation has |tan| <= 1:
// RY(a) = X·RY(pi - a)·Z, where Z joins the diagonal before the wall and X the frame behind it.
template <class T>
struct Step {
    const T* low_re;  // the diagonal is the outer product of two halves (plus the cross terms);
    const T* low_im;  // it carries the cosines of the wall before it
    const T* high_re;
    const T* high_im;
    const int* row_signs;      // by row of the table, an entry of the upper half: a row of `signs`, or -1; or null
    const T* signs;            // of the CZ between the halves, in rows as long as the lower half
    const T* tangents;         // one a wire: the wall is the product of [[1, -t], [t, 1]]
    const T* cosines;          // one a wire, positive, of the angle with that tangent
    const T* wall_factors;     // one a wire: raw correlation -> gradient
    const T* z_factors;        // one a wire: raw signed sum -> gradient
    std::int64_t wall_index;   // of wire 0 in the angle vector
    std::int64_t z_index;      // of wire 0 in the angle vector
    std::uint32_t turning;     // wires whose tangent is not zero
    std::uint32_t wanted;      // wires whose wall angle depends on a weight
    const Cross* crosses;
    int num_crosses;
    const PairGradient* pairs;
    int num_pairs;
};

template <class T>
struct Chain {
    int num_qubits;
    int low_bits;  // of the diagonal's lower half
    int num_steps;
    std::uint32_t frame;  // at the end
    const Step<T>* steps;
    std::int64_t phase_index;  // of the global phase in the angle vector
};

// Where a chunk's angle gradients go: at(lane, index) = base[lane * stride + index], lanes summed if stride is 0.
template <class T>
struct Gradients {
    T* base;
    std::int64_t stride;
};

// Sizes from the vector code. State, adjoint and sums belong to a chunk, the table to a thread.
template <class T>
struct Scratch {
    T* state;
    T* adjoint;
    T* sums;
    T* table;
};

// Threads that work on one chunk together.
struct Crew {
    int member;
    int members;
    void (*wait)(void* barrier);  // until every member has come
    void* barrier;
};

template <class T>
struct ChunkSizes {
    int samples;         // in a chunk
    std::int64_t packed; // numbers in a packed chunk
    std::int64_t state;  // numbers in a padded state
    std::int64_t sums;   // numbers in the buffer of signed sums
    std::int64_t table;  // numbers in the diagonal's table
    int shared;          // whether a crew can work on a chunk
};

// The entry points of one layout, instruction set and precision. A packed chunk is [vector of amplitudes][re, im][lane].
template <class T>
struct ChunkFunctions {
    ChunkSizes<T> (*sizes)(int num_qubits);
    // Rows of interleaved complex or of real amplitudes -> packed; lanes behind `count` samples become zero.
    void (*pack)(int num_qubits, const T* rows, int is_complex, int count, T* packed);
    // Packed -> rows of interleaved complex amplitudes.
    void (*unpack)(int num_qubits, const T* packed, int count, T* rows);
    // Run the chain on one chunk, in place; called by every member of a crew.
    void (*run)(const Chain<T>* chain, T* packed, const Scratch<T>* scratch, const Crew* crew);
    // <Z> of the wires; `values` has a row of `num_wires` for each of `count` samples.
    void (*expectations)(int num_qubits, const T* packed, const int* wires, int num_wires, int count, T* values,
                         const Scratch<T>* scratch);
    // The adjoint of <Z>: 2·sum(cotangent · z)·state.
    void (*seed)(int num_qubits, const T* packed, const int* wires, int num_wires, int count, const T* cotangents,
                 T* adjoint, const Scratch<T>* scratch);
    // Run the backward chain on state and adjoint together and collect gradients; `adjoint` is overwritten. Called by
    // every member of a crew.
    void (*run_both)(const Chain<T>* chain, const T* packed, T* adjoint, int count, Gradients<T> gradients,
                     const Scratch<T>* scratch, const Crew* crew);
};

// How a batch lies in chunks: as many full ones as it has, a sample a lane; then what remains, either in one more of
// these or a sample a chunk, its amplitudes across the lanes.
template <class T>
struct Layouts {
    ChunkFunctions<T> by_sample, by_amplitude;
};

struct InstructionSet {
    const char* name;
    const Layouts<float>* single_precision;
    const Layouts<double>* double_precision;
};

extern const InstructionSet kGeneric;
#if defined(__x86_64__)
extern const InstructionSet kAvx2;
extern const InstructionSet kAvx512;
#endif

}  // namespace qaml
