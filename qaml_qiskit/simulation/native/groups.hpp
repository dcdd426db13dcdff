// Passes chosen by their number of wires. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

template <class T>
void run_group(Vec<T>* state, const Walk& w, int wires, const T* tangents) {
    switch (wires) {
        case 1: return run_pass<T, 1>(state, w, tangents);
        case 2: return run_pass<T, 2>(state, w, tangents);
        case 3: return run_pass<T, 3>(state, w, tangents);
#if QAML_RUN >= 4
        case 4: return run_pass<T, 4>(state, w, tangents);
#endif
    }
}

template <class T, int M>
void fused_wires(Vec<T>* state, const Walk& w, const T* before, const T* table, long size, const T* after) {
    if (before && after) return fused_pass<T, M, true, true>(state, w, before, table, size, after);
    if (before) return fused_pass<T, M, true, false>(state, w, before, table, size, after);
    if (after) return fused_pass<T, M, false, true>(state, w, before, table, size, after);
    return fused_pass<T, M, false, false>(state, w, before, table, size, after);
}

template <class T>
void fused_group(Vec<T>* state, const Walk& w, int wires, const T* before, const T* table, long size,
                 const T* after) {
    switch (wires) {
        case 1: return fused_wires<T, 1>(state, w, before, table, size, after);
        case 2: return fused_wires<T, 2>(state, w, before, table, size, after);
#if QAML_FUSED >= 3
        case 3: return fused_wires<T, 3>(state, w, before, table, size, after);
#endif
    }
}

template <class T>
void run_both_group(Vec<T>* state, Vec<T>* adjoint, const Walk& w, int wires, const T* tangents, Vec<T>* sums) {
    switch (wires) {
        case 1: return run_both_pass<T, 1>(state, adjoint, w, tangents, sums);
        case 2: return run_both_pass<T, 2>(state, adjoint, w, tangents, sums);
#if QAML_BOTH >= 3
        case 3: return run_both_pass<T, 3>(state, adjoint, w, tangents, sums);
#endif
    }
}

template <class T, int M, bool Every>
void fused_both_wires(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const T* before, const T* table, long size,
                      const T* after, FusedSums<T>* sums, Vec<T>* products) {
#define QAML_CASE(b, a) \
    return fused_both_pass<T, M, b, a, Every>(state, adjoint, w, before, table, size, after, sums, products)
    if (before && after) QAML_CASE(true, true);
    if (before) QAML_CASE(true, false);
    if (after) QAML_CASE(false, true);
    QAML_CASE(false, false);
#undef QAML_CASE
}

template <class T>
void fused_both_group(Vec<T>* state, Vec<T>* adjoint, const Walk& w, int wires, bool every, const T* before,
                      const T* table, long size, const T* after, FusedSums<T>* sums, Vec<T>* products) {
#define QAML_CASE(m, e) \
    return fused_both_wires<T, m, e>(state, adjoint, w, before, table, size, after, sums, products)
    if (wires == 1 && every) QAML_CASE(1, true);
    if (wires == 1) QAML_CASE(1, false);
#if QAML_BOTH_FUSED >= 2
    if (every) QAML_CASE(2, true);
    QAML_CASE(2, false);
#endif
#undef QAML_CASE
}

}  // namespace
}  // namespace qaml
