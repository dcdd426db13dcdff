// Passes over a chunk's state. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// What a pass walks over: 2^wires amplitudes, [amplitude][re, im] of vectors, with a gap behind every 2^low amplitudes,
// so that amplitudes which differ in a high bit do not fall into the same cache set. A group of wires is below `low` or
// not below it.
struct View {
    int wires;
    int low;
    long block;  // vectors from one block to the next
};

// Adjacent wires that a pass takes together.
struct Group {
    int wire;
    int count;
};

// All amplitudes whose bits in the group are 0, in ascending order, as three nested loops.
struct Walk {
    long count[3];
    long offset[3];  // vectors
    long index[3];   // amplitudes
    long stride;     // vectors between amplitudes that differ in the group's lowest bit
    long distance;   // the same in amplitudes
};

QAML_INLINE Walk walk(const View& view, Group group) {
    const int bit = group.wire, count = group.count, low = view.low, bits = view.wires;
    const long size = 1L << low;
    if (bit >= low) {
        const int high = bit - low;
        return {{1L << (bits - bit - count), 1L << high, size},
                {view.block << (high + count), view.block, 2},
                {size << (high + count), size, 1},
                view.block << high,
                size << high};
    }
    Walk w = {{1L << (bits - low), size >> (bit + count), 1L << bit},
              {view.block, 2L << (bit + count), 2},
              {size, 1L << (bit + count), 1},
              2L << bit,
              1L << bit};
    if (bit == 0) {  // no innermost loop of one turn
        w.count[2] = w.count[1], w.offset[2] = w.offset[1], w.index[2] = w.index[1];
        w.count[1] = 1;
    }
    return w;
}

#define QAML_WALK(walk, offset, position)                                                       \
    for (long i0 = 0; i0 < (walk).count[0]; i0++)                                               \
        for (long i1 = 0; i1 < (walk).count[1]; i1++)                                           \
            for (long i2 = 0, offset = i0 * (walk).offset[0] + i1 * (walk).offset[1],           \
                      position = i0 * (walk).index[0] + i1 * (walk).index[1];                   \
                 i2 < (walk).count[2]; i2++, offset += (walk).offset[2], position += (walk).index[2])

// Where the 2^M amplitudes of a pass lie. Byte offsets of one and three strides and a pointer for every four
// amplitudes let the compiler address them without arithmetic of its own.
template <class T>
struct Places {
    char* base;
    long one, three;
};

template <class T>
QAML_INLINE Places<T> places(Vec<T>* base, long stride) {
    const long bytes = stride * long(sizeof(Vec<T>));
    return {reinterpret_cast<char*>(base), bytes, 3 * bytes};
}

template <class T>
QAML_INLINE Vec<T>& place(const Places<T>& p, int i) {
    char* row = p.base + (i >> 2) * 4 * p.one;
    return *reinterpret_cast<Vec<T>*>(i & 1 ? row + (i & 2 ? p.three : p.one) : row + (i & 2) * p.one);
}

template <class T, int M>
QAML_INLINE void load(Vec<T>* x, const Places<T>& from) {
    QAML_UNROLL for (int i = 0; i < (1 << M); i++) x[i] = place(from, i);
}

template <class T, int M>
QAML_INLINE void store(const Vec<T>* x, const Places<T>& to) {
    QAML_UNROLL for (int i = 0; i < (1 << M); i++) place(to, i) = x[i];
}

// Rotate M wires of one state, and with Turns those of the lanes.
template <class T, class Lanes, int M, bool Turns>
QAML_OUTLINE void run_pass(Vec<T>* state, const Walk& w, const T* tangents, const T* lane_tangents) {
    LaneTurn<T, Lanes> turn{};
    if (Turns) turn = lane_turn<T, Lanes>(lane_tangents);
    QAML_WALK(w, offset, position) {
        (void)position;
        for (int plane = 0; plane < 2; plane++) {
            Vec<T> x[1 << M];
            const Places<T> at = places<T>(state + offset + plane, w.stride);
            load<T, M>(x, at);
            rotate<M, !Turns, T>(x, tangents);
            if (Turns) rotate_lanes<1 << M, T, Lanes>(x, turn);
            store<T, M>(x, at);
        }
    }
}

// Rotate M wires, multiply by the diagonal, rotate them again. The walk's indices are the table's.
template <class T, class Lanes, int M, bool Before, bool After>
QAML_OUTLINE void fused_pass(Vec<T>* state, const Walk& w, const T* before, const T* table, long size,
                             const T* after) {
    QAML_WALK(w, offset, position) {
        Vec<T> re[1 << M], im[1 << M];
        const Places<T> res = places<T>(state + offset, w.stride), ims = places<T>(state + offset + 1, w.stride);
        load<T, M>(re, res);
        load<T, M>(im, ims);
        if (Before) {
            rotate<M, false, T>(re, before);
            rotate<M, false, T>(im, before);
        }
        QAML_UNROLL for (int i = 0; i < (1 << M); i++) {
            multiply<T>(re[i], im[i], factor<T, Lanes>(table, position + i * w.distance, size));
        }
        if (After) rotate<M, true, T>(re, after);
        store<T, M>(re, res);
        if (After) rotate<M, true, T>(im, after);
        store<T, M>(im, ims);
    }
}

// Rotate M wires of state and adjoint and correlate the two, into sums[0..M); with Turns those of the lanes, too, into
// lane_sums.
template <class T, class Lanes, int M, bool Turns>
QAML_OUTLINE void run_both_pass(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const T* tangents, Vec<T>* sums,
                                const T* lane_tangents, Vec<T>* lane_sums) {
    constexpr int lane_wires = Lanes::template wires<T>;
    Vec<T> local[M + 1], lane_local[lane_wires + 1];
    for (int wire = 0; wire < M; wire++) local[wire] = sums[wire];
    LaneTurn<T, Lanes> turn{};
    if (Turns) {
        turn = lane_turn<T, Lanes>(lane_tangents);
        for (int wire = 0; wire < lane_wires; wire++) lane_local[wire] = lane_sums[wire];
    }
    QAML_WALK(w, offset, position) {
        (void)position;
        for (int plane = 0; plane < 2; plane++) {
            Vec<T> x[1 << M], l[1 << M];
            const Places<T> xs = places<T>(state + offset + plane, w.stride);
            const Places<T> ls = places<T>(adjoint + offset + plane, w.stride);
            load<T, M>(x, xs);
            load<T, M>(l, ls);
            correlate<M, T>(l, x, local);
            rotate<M, !Turns, T>(x, tangents);
            if (!Turns) store<T, M>(x, xs);
            rotate<M, !Turns, T>(l, tangents);
            if (Turns) {
                rotate_both_lanes<1 << M, T, Lanes>(x, l, turn, lane_local);
                store<T, M>(x, xs);
            }
            store<T, M>(l, ls);
        }
    }
    for (int wire = 0; wire < M; wire++) sums[wire] = local[wire];
    if (Turns) {
        for (int wire = 0; wire < lane_wires; wire++) lane_sums[wire] = lane_local[wire];
    }
}

// Im(conj(l)·x) summed with the signs of M wires into signs[0..M); returns the plain sum.
template <class T, int M>
QAML_INLINE Vec<T> signed_sums(const Vec<T>* p, Vec<T>* signs) {
    if (M == 1) {
        signs[0] += p[0] - p[1];
        return p[0] + p[1];
    }
    const Vec<T> low = p[0] + p[1], high = p[2] + p[3];
    signs[0] += (p[0] - p[1]) + (p[2] - p[3]);
    signs[1] += low - high;
    return low + high;
}

// Rotate, multiply and rotate state and adjoint together, and collect: M correlations before, M signed sums, M
// correlations after. Every wants all products Im(conj(l)·x) kept in `products`, by the walk's indices; otherwise
// `products` gets their sums over the group, one for each step of the walk.
template <class T, class Lanes, int M, bool Before, bool After, bool Every>
QAML_OUTLINE void fused_both_pass(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const T* before, const T* table,
                                  long size, const T* after, Vec<T>* sums_before, Vec<T>* signs, Vec<T>* sums_after,
                                  Vec<T>* products) {
    Vec<T> local_before[M], local_signs[M], local_after[M];
    for (int wire = 0; wire < M; wire++) {
        local_before[wire] = sums_before[wire];
        local_signs[wire] = signs[wire];
        local_after[wire] = sums_after[wire];
    }
    Vec<T>* next = products;
    QAML_WALK(w, offset, position) {
        Vec<T> x[2][1 << M], l[2][1 << M], p[1 << M];
        QAML_UNROLL for (int plane = 0; plane < 2; plane++) {
            load<T, M>(x[plane], places<T>(state + offset + plane, w.stride));
            load<T, M>(l[plane], places<T>(adjoint + offset + plane, w.stride));
            if (Before) {
                correlate<M, T>(l[plane], x[plane], local_before);
                rotate<M, false, T>(x[plane], before);
                rotate<M, false, T>(l[plane], before);
            }
        }
        QAML_UNROLL for (int i = 0; i < (1 << M); i++) {
            const Factor<T> f = factor<T, Lanes>(table, position + i * w.distance, size);
            multiply<T>(x[0][i], x[1][i], f);
            multiply<T>(l[0][i], l[1][i], f);
            p[i] = l[0][i] * x[1][i] - l[1][i] * x[0][i];
            if (Every) products[position + i * w.distance] = p[i];
        }
        if (!Every) *next++ = signed_sums<T, M>(p, local_signs);
        QAML_UNROLL for (int plane = 0; plane < 2; plane++) {
            if (After) {
                correlate<M, T>(l[plane], x[plane], local_after);
                rotate<M, true, T>(x[plane], after);
                rotate<M, true, T>(l[plane], after);
            }
            store<T, M>(x[plane], places<T>(state + offset + plane, w.stride));
            store<T, M>(l[plane], places<T>(adjoint + offset + plane, w.stride));
        }
    }
    for (int wire = 0; wire < M; wire++) {
        sums_before[wire] = local_before[wire];
        signs[wire] = local_signs[wire];
        sums_after[wire] = local_after[wire];
    }
}

}  // namespace
}  // namespace qaml
