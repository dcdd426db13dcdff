// Signed sums over amplitudes. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// Signed sums over `values` (one for each setting of the bits, ascending) for every bit, overwriting `values`;
// returns the plain sum.
template <class T>
QAML_OUTLINE Vec<T> fold_signs(Vec<T>* values, int bits, Vec<T>* signs) {
    int bit = bits;
    for (; bit >= 2; bit -= 2) {
        const long quarter = 1L << (bit - 2);
        Vec<T> lower{}, upper{};
        for (long i = 0; i < quarter; i++) {
            const Vec<T> a = values[i], b = values[i + quarter], c = values[i + 2 * quarter],
                         d = values[i + 3 * quarter];
            const Vec<T> low = a + b, high = c + d;
            lower += (a - b) + (c - d);
            upper += low - high;
            values[i] = low + high;
        }
        signs[bit - 2] = lower;
        signs[bit - 1] = upper;
    }
    if (bit == 1) {
        signs[0] = values[0] - values[1];
        values[0] = values[0] + values[1];
    }
    return values[0];
}

// Values summed with the sign of the parity of the masked bits of their index.
template <class T>
QAML_OUTLINE Vec<T> parity_sum(const Vec<T>* values, int bits, long mask) {
    Vec<T> even{}, odd{};
    for (long i = 0; i < 1L << bits; i++) {
        Vec<T>& sum = __builtin_parityl(i & mask) ? odd : even;
        sum += values[i];
    }
    return even - odd;
}

template <class T>
QAML_OUTLINE Vec<T> negated_lanes(Vec<T> value, int bit) {
    for (int lane = 0; lane < kLanes<T>; lane++) {
        if (lane >> bit & 1) value[lane] = -value[lane];
    }
    return value;
}

}  // namespace
}  // namespace qaml
