// The table of a diagonal, a slice at a time. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// `count` amplitudes of one row of the table, from column `first`.
template <class T>
QAML_OUTLINE void apply_cross(T* re, T* im, long first, long count, std::uint32_t frame, bool high_set,
                              const Cross& cross) {
    const long run = 1L << cross.low < count ? 1L << cross.low : count;
    const bool low_flipped = frame >> cross.low & 1;
    for (long start = 0; start < count; start += run) {
        const bool low_set = bool((first + start) >> cross.low & 1) != low_flipped;
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

// The entries of `count` amplitudes from `first` on, both a multiple of the same power of two, into re and im.
template <class T>
QAML_OUTLINE void build_slice(const Chain<T>& chain, const Step<T>& step, long first, long count, T* __restrict re,
                              T* __restrict im) {
    const long width = 1L << chain.low_bits, columns = count < width ? count : width;
    for (long start = 0; start < count; start += columns, re += columns, im += columns) {
        const long row = (first + start) >> chain.low_bits, column = (first + start) & (width - 1);
        const T hr = step.high_re[row], hi = step.high_im[row];
        const T *__restrict lr = step.low_re + column, *__restrict li = step.low_im + column;
        for (long i = 0; i < columns; i++) {
            re[i] = hr * lr[i] - hi * li[i];
            im[i] = hr * li[i] + hi * lr[i];
        }
        for (int k = 0; k < step.num_crosses; k++) {
            const Cross& cross = step.crosses[k];
            const bool high_set = ((row << chain.low_bits) ^ step.frame) >> cross.high & 1;
            if (cross.is_cz && !high_set) continue;
            apply_cross(re, im, column, columns, step.frame, high_set, cross);
        }
    }
}

}  // namespace
}  // namespace qaml
