// The table of a diagonal. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

template <class T>
QAML_OUTLINE void apply_cross(T* re, T* im, long size, std::uint32_t frame, bool high_set, const Cross& cross) {
    const long run = 1L << cross.low;
    const bool low_flipped = frame >> cross.low & 1;
    for (long start = 0; start < size; start += run) {
        const bool low_set = bool(start >> cross.low & 1) != low_flipped;
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

template <class T>
QAML_OUTLINE void build_table(const Chain<T>& chain, const Step<T>& step, T* table) {
    const long size = 1L << chain.num_qubits, width = 1L << chain.low_bits;
    for (long row = 0; row < size / width; row++) {
        const T hr = step.high_re[row], hi = step.high_im[row];
        T *__restrict re = table + row * width, *__restrict im = re + size;
        const T *__restrict lr = step.low_re, *__restrict li = step.low_im;
        for (long i = 0; i < width; i++) {
            re[i] = hr * lr[i] - hi * li[i];
            im[i] = hr * li[i] + hi * lr[i];
        }
        for (int k = 0; k < step.num_crosses; k++) {
            const Cross& cross = step.crosses[k];
            const bool high_set = ((row << chain.low_bits) ^ step.frame) >> cross.high & 1;
            if (cross.is_cz && !high_set) continue;
            apply_cross(re, im, width, step.frame, high_set, cross);
        }
    }
}

}  // namespace
}  // namespace qaml
