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

// All amplitudes whose bits in the group are 0, in ascending order, as one loop.
struct Walk {
    long end;       // amplitudes
    long group;     // its bits
    long inside;    // the bits below `low`
    int low;
    long block;     // vectors from one block to the next
    long stride;    // vectors between amplitudes that differ in the group's lowest bit
    long distance;  // the same in amplitudes

    QAML_INLINE long next(long position) const { return ((position | group) + 1) & ~group; }
    QAML_INLINE long offset(long position) const { return 2 * (position & inside) + (position >> low) * block; }
};

QAML_INLINE Walk walk(const View& view, Group group) {
    const long bits = ((1L << group.count) - 1) << group.wire, inside = (1L << view.low) - 1;
    const long stride = group.wire < view.low ? 2L << group.wire : view.block << (group.wire - view.low);
    return {1L << view.wires, bits, inside, view.low, view.block, stride, 1L << group.wire};
}

#define QAML_WALK(walk, offset, position)                      \
    for (long position = 0, offset = 0; position < (walk).end; \
         position = (walk).next(position), offset = (walk).offset(position))

// Where the amplitudes of a pass lie.
struct Places {
    char* first;
    long stride;  // bytes
};

template <class T>
QAML_INLINE Places places(Vec<T>* first, long stride) {
    return {reinterpret_cast<char*>(first), stride * long(sizeof(Vec<T>))};
}

// Hides from the compiler where a pointer comes from, and with different numbers that two are the same. It would compute
// the places of all loads and stores in advance and keep them, for want of others in registers of the vector unit, where
// fetching them takes the ports that stores need.
#define QAML_HIDE(number, pointer) __asm__("" : "+r"(pointer) : "i"(number))

template <class T, int M>
QAML_INLINE void load(Vec<T>* x, const Places& from) {
    const char* at = from.first;
    QAML_HIDE(0, at);
    QAML_UNROLL for (int i = 0; i < (1 << M); i++, at += from.stride) x[i] = *reinterpret_cast<const Vec<T>*>(at);
}

template <class T, int M>
QAML_INLINE void store(const Vec<T>* x, const Places& to) {
    char* at = to.first;
    QAML_HIDE(1, at);
    QAML_UNROLL for (int i = 0; i < (1 << M); i++, at += to.stride) *reinterpret_cast<Vec<T>*>(at) = x[i];
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
            const Places at = places<T>(state + offset + plane, w.stride);
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
        const Places res = places<T>(state + offset, w.stride), ims = places<T>(state + offset + 1, w.stride);
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
QAML_OUTLINE void run_both_pass(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const GroupTurn<T>& group_turn,
                                Vec<T>* sums, const T* lane_tangents, Vec<T>* lane_sums) {
    const GroupTurn<T> wires = group_turn;  // a copy, which no store can change
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
        QAML_UNROLL for (int plane = 0; plane < 2; plane++) {
            Vec<T> x[1 << M], l[1 << M];
            const Places xs = places<T>(state + offset + plane, w.stride);
            const Places ls = places<T>(adjoint + offset + plane, w.stride);
            load<T, M>(x, xs);
            load<T, M>(l, ls);
            if (M) rotate_both<M, T>(x, l, wires, local);
            if (Turns) rotate_both_lanes<1 << M, T, Lanes>(x, l, turn, lane_local);
            store<T, M>(x, xs);
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
QAML_OUTLINE void fused_both_pass(Vec<T>* state, Vec<T>* adjoint, const Walk& w, const GroupTurn<T>* before,
                                  const T* table, long size, const GroupTurn<T>* after, Vec<T>* sums_before,
                                  Vec<T>* signs, Vec<T>* sums_after, Vec<T>* products) {
    Vec<T> local_before[M], local_signs[M], local_after[M];
    for (int wire = 0; wire < M; wire++) {
        local_before[wire] = sums_before[wire];
        local_signs[wire] = signs[wire];
        local_after[wire] = sums_after[wire];
    }
    const GroupTurn<T> turn_before = Before ? *before : GroupTurn<T>{}, turn_after = After ? *after : GroupTurn<T>{};
    Vec<T>* next = products;
    QAML_WALK(w, offset, position) {
        Vec<T> x[2][1 << M], l[2][1 << M], p[1 << M];
        QAML_UNROLL for (int plane = 0; plane < 2; plane++) {
            load<T, M>(x[plane], places<T>(state + offset + plane, w.stride));
            load<T, M>(l[plane], places<T>(adjoint + offset + plane, w.stride));
            if (Before) rotate_both<M, T>(x[plane], l[plane], turn_before, local_before);
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
            if (After) rotate_both<M, T>(x[plane], l[plane], turn_after, local_after);
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
