// Sweeps of gates that are diagonal in the computational basis. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// Strings that a rotation about ZZ turns into each other, the first towards the second, as 4·P_high + P_low.
constexpr int kTurnedFrom[4] = {1, 9, 4, 6}, kTurnedTo[4] = {11, 3, 14, 12};

template <class T>
QAML_INLINE void turn_zz(Vec<T>* x, const Vec<T>* turn) {
    QAML_UNROLL for (int k = 0; k < 4; k++) {
        const Vec<T> a = x[kTurnedFrom[k]], b = x[kTurnedTo[k]];
        x[kTurnedFrom[k]] = turn[0] * a - turn[1] * b;
        x[kTurnedTo[k]] = turn[0] * b + turn[1] * a;
    }
}

template <class T>
QAML_INLINE void exchange(Vec<T>& a, Vec<T>& b) {
    const Vec<T> kept = a;
    a = b, b = kept;
}

template <class T>
QAML_INLINE void controlled_z(Vec<T>* x) {
    exchange<T>(x[1], x[9]), exchange<T>(x[3], x[11]), exchange<T>(x[4], x[6]), exchange<T>(x[12], x[14]);
    exchange<T>(x[5], x[15]), exchange<T>(x[7], x[13]);
    x[7] = -x[7], x[13] = -x[13];
}

// A 3×3 matrix on X, Z and Y of the digit whose values lie `Step` apart, whatever the other digit is.
template <int Step, class T>
QAML_INLINE void turn_digit(Vec<T>* x, const Vec<T>* m) {
    QAML_UNROLL for (int i = 0; i < 4; i++) {
        Vec<T>* at = x + i * (5 - Step);
        const Vec<T> b = at[Step], c = at[2 * Step], d = at[3 * Step];
        at[Step] = m[0] * b + m[1] * c + m[2] * d;
        at[2 * Step] = m[3] * b + m[4] * c + m[5] * d;
        at[3 * Step] = m[6] * b + m[7] * c + m[8] * d;
    }
}

template <int Count, class T>
QAML_INLINE void splat_all(Vec<T>* to, const T* from) {
    QAML_UNROLL for (int i = 0; i < Count; i++) to[i] = splat(from[i]);
}

// The numbers of the sweep stay in registers, since they serve all strings alike; a sweep of blocks waits for those of each
// block.
template <class T, int Form>
QAML_OUTLINE void phases_sweep(T* tile, const Rows& rows, const Pattern& pattern, const T* numbers) {
    const PhasesNumbers<T>& given = *reinterpret_cast<const PhasesNumbers<T>*>(numbers);
    Vec<T> first[2], last[2], on_low[9], on_high[9];
    splat_all<2>(first, given.first), splat_all<2>(last, given.last);
    splat_all<9>(on_low, given.low), splat_all<9>(on_high, given.high);
    const Vec<T> scale = splat(given.scale);
    for_rows(rows, tile, [&](T* row) QAML_ALWAYS {
        for (T* part = row; part < row + kRow; part += QAML_BYTES / sizeof(T)) {
            Vec<T> x[16];
            load<T>(x, part, pattern.source);
            if (Form & kTurned) turn_zz<T>(x, first);
            if (Form & kControlled) controlled_z<T>(x);
            turn_digit<1, T>(x, on_low);
            x[4] *= scale, x[8] *= scale, x[12] *= scale;
            if (Form & kOnHigh) turn_digit<4, T>(x, on_high);
            if (Form & kTurnedLast) turn_zz<T>(x, last);
            store<T>(x, part, pattern.target);
        }
    });
}

template <class T, int... Form>
void run_phases(int form, T* tile, const Rows& rows, const Pattern& pattern, const T* numbers,
                std::integer_sequence<int, Form...>) {
    using Function = void (*)(T*, const Rows&, const Pattern&, const T*);
    constexpr Function functions[] = {phases_sweep<T, Form>...};
    functions[form](tile, rows, pattern, numbers);
}

}  // namespace
}  // namespace qaml
