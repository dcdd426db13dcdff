// Passes chosen by their number of wires and by what else they do. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// `turns` are the tangents of the lanes' wires, or null.
template <class T, class Lanes, bool Turns>
void run_wires(Vec<T>* state, const Walk& w, int wires, const T* tangents, const T* turns) {
    switch (wires) {
        case 0:
            if constexpr (Turns) return run_pass<T, Lanes, 0, true>(state, w, tangents, turns);
            return;
        case 1: return run_pass<T, Lanes, 1, Turns>(state, w, tangents, turns);
        case 2: return run_pass<T, Lanes, 2, Turns>(state, w, tangents, turns);
        case 3: return run_pass<T, Lanes, 3, Turns>(state, w, tangents, turns);
#if QAML_RUN >= 4
        case 4: return run_pass<T, Lanes, 4, Turns>(state, w, tangents, turns);
#endif
    }
}

template <class T, class Lanes>
void run_group(Vec<T>* state, const Walk& w, int wires, const T* tangents, const T* turns) {
    if constexpr (Lanes::template wires<T> > 0) {
        if (turns) return run_wires<T, Lanes, true>(state, w, wires, tangents, turns);
    }
    run_wires<T, Lanes, false>(state, w, wires, tangents, turns);
}

template <class T, class Lanes, int M>
void fused_wires(Vec<T>* state, const Walk& w, const T* before, const T* table, long size, const T* after) {
    if (before && after) return fused_pass<T, Lanes, M, true, true>(state, w, before, table, size, after);
    if (before) return fused_pass<T, Lanes, M, true, false>(state, w, before, table, size, after);
    if (after) return fused_pass<T, Lanes, M, false, true>(state, w, before, table, size, after);
    return fused_pass<T, Lanes, M, false, false>(state, w, before, table, size, after);
}

template <class T, class Lanes>
void fused_group(Vec<T>* state, const Walk& w, int wires, const T* before, const T* table, long size,
                 const T* after) {
    switch (wires) {
        case 1: return fused_wires<T, Lanes, 1>(state, w, before, table, size, after);
        case 2: return fused_wires<T, Lanes, 2>(state, w, before, table, size, after);
#if QAML_FUSED >= 3
        case 3: return fused_wires<T, Lanes, 3>(state, w, before, table, size, after);
#endif
    }
}

template <class T, class Lanes, bool Turns>
void run_both_wires(Vec<T>* state, Vec<T>* adjoint, const Walk& w, int wires, const GroupTurn<T>& turn, Vec<T>* sums,
                    const T* turns, Vec<T>* lane_sums) {
#define QAML_CASE(m) \
    return run_both_pass<T, Lanes, m, Turns>(state, adjoint, w, turn, sums, turns, lane_sums)
    switch (wires) {
        case 0:
            if constexpr (Turns) QAML_CASE(0);
            return;
        case 1: QAML_CASE(1);
        case 2: QAML_CASE(2);
#if QAML_BOTH >= 3
        case 3: QAML_CASE(3);
#endif
    }
#undef QAML_CASE
}

template <class T, class Lanes>
void run_both_group(Vec<T>* state, Vec<T>* adjoint, const Walk& w, int wires, const GroupTurn<T>& turn, Vec<T>* sums,
                    const T* turns, Vec<T>* lane_sums) {
    if constexpr (Lanes::template wires<T> > 0) {
        if (turns)
            return run_both_wires<T, Lanes, true>(state, adjoint, w, wires, turn, sums, turns, lane_sums);
    }
    run_both_wires<T, Lanes, false>(state, adjoint, w, wires, turn, sums, turns, lane_sums);
}

template <class T, class Lanes, int M, bool Every>
void fused_both_wires(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const GroupTurn<T>* before, const T* table,
                      long size, const GroupTurn<T>* after, Vec<T>* sums_before, Vec<T>* signs, Vec<T>* sums_after,
                      Vec<T>* products) {
#define QAML_CASE(b, a)                                                                                          \
    return fused_both_pass<T, Lanes, M, b, a, Every>(state, adjoint, w, before, table, size, after, sums_before, \
                                                     signs, sums_after, products)
    if (before && after) QAML_CASE(true, true);
    if (before) QAML_CASE(true, false);
    if (after) QAML_CASE(false, true);
    QAML_CASE(false, false);
#undef QAML_CASE
}

template <class T, class Lanes>
void fused_both_group(Vec<T>* state, Vec<T>* adjoint, const Walk& w, int wires, bool every,
                      const GroupTurn<T>* before, const T* table, long size, const GroupTurn<T>* after,
                      Vec<T>* sums_before, Vec<T>* signs, Vec<T>* sums_after, Vec<T>* products) {
#define QAML_CASE(m, e)                                                                                            \
    return fused_both_wires<T, Lanes, m, e>(state, adjoint, w, before, table, size, after, sums_before, signs, \
                                            sums_after, products)
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
