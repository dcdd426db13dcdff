// The table of a diagonal, a slice at a time. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// `count` amplitudes of one row of the table, from column `first`.
template <class T>
QAML_OUTLINE void apply_cross(T* re, T* im, long first, long count, bool high_set, const Cross& cross) {
    const long run = 1L << cross.low < count ? 1L << cross.low : count;
    for (long start = 0; start < count; start += run) {
        const bool low_set = (first + start) >> cross.low & 1;
        if (cross.is_cz) {
            if (!low_set) continue;
            for (long i = start; i < start + run; i++) re[i] = -re[i], im[i] = -im[i];
            continue;
        }
        const T c = T(cross.cos), s = T(low_set == high_set ? cross.sin : -cross.sin);
        for (long i = start; i < start + run; i++) {
            const T real = c * re[i] - s * im[i];
            im[i] = c * im[i] + s * re[i];
            re[i] = real;
        }
    }
}

// Numbers that lie anywhere.
template <class Number, class T>
QAML_INLINE Number at_any(const T* place) {
    Number value;
    __builtin_memcpy(&value, place, sizeof value);
    return value;
}

template <class Number, class T>
QAML_INLINE void put_any(const Number& value, T* place) {
    __builtin_memcpy(place, &value, sizeof value);
}

// An entry of the upper half times `count` of the lower half and their signs, if any.
template <class Number, class T>
QAML_INLINE void fill_row(T hr, T hi, const T* lr, const T* li, const T* signs, long count, T* re, T* im) {
    for (long i = 0; i < count; i += long(sizeof(Number) / sizeof(T))) {
        const Number a = at_any<Number>(lr + i), b = at_any<Number>(li + i);
        Number real = hr * a - hi * b, imaginary = hr * b + hi * a;
        if (signs) {
            const Number sign = at_any<Number>(signs + i);
            real *= sign;
            imaginary *= sign;
        }
        put_any(real, re + i);
        put_any(imaginary, im + i);
    }
}

// The entries of `count` amplitudes from `first` on, both a multiple of the same power of two, times `scale`, into re
// and im.
template <class T>
QAML_OUTLINE void build_slice(const Chain<T>& chain, const Step<T>& step, long first, long count, T scale, T* re,
                               T* im) {
    const long width = 1L << chain.low_bits, columns = count < width ? count : width;
    for (long start = 0; start < count; start += columns, re += columns, im += columns) {
        const long row = (first + start) >> chain.low_bits, column = (first + start) & (width - 1);
        const T hr = scale * step.high_re[row], hi = scale * step.high_im[row];
        const T *lr = step.low_re + column, *li = step.low_im + column;
        const int kind = step.row_signs ? step.row_signs[row] : -1;
        const T* signs = kind < 0 ? nullptr : step.signs + (long(kind) << chain.low_bits) + column;
        if (columns % kLanes<T>) fill_row<T>(hr, hi, lr, li, signs, columns, re, im);
        else if (signs) fill_row<Vec<T>>(hr, hi, lr, li, signs, columns, re, im);
        else fill_row<Vec<T>>(hr, hi, lr, li, static_cast<const T*>(nullptr), columns, re, im);
        for (int k = 0; k < step.num_crosses; k++) {
            const Cross& cross = step.crosses[k];
            const bool high_set = row >> (cross.high - chain.low_bits) & 1;
            if (cross.is_cz && !high_set) continue;
            apply_cross(re, im, column, columns, high_set, cross);
        }
    }
}

}  // namespace
}  // namespace qaml
