// The entry points of one instruction set, see ChunkFunctions. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

template <class T>
constexpr int kLanes = int(QAML_BYTES / sizeof(T));

template <class T>
ChunkSizes<T> sizes(int n) {
    const Plan one = make_plan(n, QAML_FUSED, QAML_RUN), both = make_plan(n, QAML_BOTH_FUSED, QAML_BOTH);
    const long a = one.form.block << (n - one.form.low), b = both.form.block << (n - both.form.low);
    return {kLanes<T>, (a > b ? a : b) * kLanes<T>, kLanes<T> << n, 2L << n};
}

// Amplitudes that pack and unpack take from one row before they go to the next: rows are a power of two apart, so
// their lines push each other out of the cache.
constexpr long kStretch = 16;

template <class T>
void pack(int n, const T* rows, int is_complex, int count, T* packed) {
    constexpr int lanes = kLanes<T>;
    const long size = 1L << n, stretch = size < kStretch ? size : kStretch;
    for (long start = 0; start < size; start += stretch) {
        for (int lane = 0; lane < lanes; lane++) {
            const T* from = rows + ((lane * size + start) << is_complex);
            T* to = packed + 2 * lanes * start + lane;
            for (long i = 0; i < stretch; i++) {
                to[2 * lanes * i] = lane < count ? from[i << is_complex] : T(0);
                to[2 * lanes * i + lanes] = lane < count && is_complex ? from[2 * i + 1] : T(0);
            }
        }
    }
}

template <class T>
void unpack(int n, const T* packed, int count, T* rows) {
    constexpr int lanes = kLanes<T>;
    const long size = 1L << n, stretch = size < kStretch ? size : kStretch;
    for (long start = 0; start < size; start += stretch) {
        for (int lane = 0; lane < count; lane++) {
            const T* from = packed + 2 * lanes * start + lane;
            T* to = rows + 2 * (lane * size + start);
            for (long i = 0; i < stretch; i++) {
                to[2 * i] = from[2 * lanes * i];
                to[2 * i + 1] = from[2 * lanes * i + lanes];
            }
        }
    }
}

// Packed chunks have no gaps; `gather` takes the frame off.
template <class T>
void spread(const Layout& form, const T* packed, T* state) {
    const Vec<T>* from = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(state);
    for (long i = 0; i < 1L << form.num_qubits; i++) {
        Vec<T>* at = to + (i >> form.low) * form.block + 2 * (i & ((1L << form.low) - 1));
        at[0] = from[2 * i];
        at[1] = from[2 * i + 1];
    }
}

template <class T>
void gather(const Layout& form, const T* state, std::uint32_t frame, T* packed) {
    const Vec<T>* from = reinterpret_cast<const Vec<T>*>(state);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(packed);
    for (long i = 0; i < 1L << form.num_qubits; i++) {
        const long stored = i ^ frame;
        const Vec<T>* at = from + (stored >> form.low) * form.block + 2 * (stored & ((1L << form.low) - 1));
        to[2 * i] = at[0];
        to[2 * i + 1] = at[1];
    }
}

template <class T>
void run(const Chain<T>* chain, T* packed, const Scratch<T>* scratch) {
    Runner<T> runner(*chain, *scratch);
    spread(runner.form(), packed, scratch->state);
    runner.run();
    gather(runner.form(), scratch->state, chain->frame, packed);
}

template <class T>
void run_both(const Chain<T>* chain, const T* packed, T* adjoint, int count, Gradients<T> gradients,
              const Scratch<T>* scratch) {
    BothRunner<T> runner(*chain, *scratch, count, gradients);
    spread(runner.form(), packed, scratch->state);
    spread(runner.form(), adjoint, scratch->adjoint);
    runner.run();
    gather(runner.form(), scratch->adjoint, chain->frame, adjoint);
}

template <class T>
void expectations(int n, const T* packed, const int* wires, int num_wires, int count, T* values,
                  const Scratch<T>* scratch) {
    const Vec<T>* state = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* weights = reinterpret_cast<Vec<T>*>(scratch->sums);
    for (long i = 0; i < 1L << n; i++) weights[i] = state[2 * i] * state[2 * i] + state[2 * i + 1] * state[2 * i + 1];
    Vec<T> signs[kMaxQubits];
    fold_signs<T>(weights, n, signs);
    for (int k = 0; k < num_wires; k++)
        for (int lane = 0; lane < count; lane++) values[lane * num_wires + k] = signs[wires[k]][lane];
}

template <class T>
void seed(int n, const T* packed, const int* wires, int num_wires, int count, const T* cotangents, T* adjoint,
          const Scratch<T>* scratch) {
    Vec<T> slopes[kMaxQubits] = {};
    for (int k = 0; k < num_wires; k++)
        for (int lane = 0; lane < count; lane++) slopes[wires[k]][lane] += 2 * cotangents[lane * num_wires + k];
    Vec<T>* weights = reinterpret_cast<Vec<T>*>(scratch->sums);
    weights[0] = Vec<T>{};
    for (int wire = 0; wire < n; wire++) weights[0] += slopes[wire];
    for (int wire = 0; wire < n; wire++)
        for (long i = 0; i < 1L << wire; i++) weights[i + (1L << wire)] = weights[i] - 2 * slopes[wire];
    const Vec<T>* state = reinterpret_cast<const Vec<T>*>(packed);
    Vec<T>* to = reinterpret_cast<Vec<T>*>(adjoint);
    for (long i = 0; i < 2L << n; i++) to[i] = weights[i >> 1] * state[i];
}

template <class T>
constexpr ChunkFunctions<T> kFunctions = {sizes<T>, pack<T>, unpack<T>, run<T>, expectations<T>, seed<T>, run_both<T>};

}  // namespace
}  // namespace qaml
