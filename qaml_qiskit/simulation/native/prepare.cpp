// From cosines and sines of the half angles to a chain; see Step for the frame.
#include "prepare.hpp"

#include <cmath>
#include <complex>

namespace qaml {

namespace {

using Complex = std::complex<double>;

// Rows (diagonal, low, high) are sorted by diagonal: the range that belongs to one of them.
struct Range {
    std::int64_t first, last;
};

Range rows_of(const std::int64_t* rows, std::int64_t count, std::int64_t diagonal) {
    std::int64_t first = 0, last = count;
    while (first < last) {
        const std::int64_t middle = (first + last) / 2;
        if (rows[3 * middle] < diagonal) first = middle + 1;
        else last = middle;
    }
    while (last < count && rows[3 * last] == diagonal) last++;
    return {first, last};
}

bool bit(std::size_t bits, std::int64_t wire) { return bits >> wire & 1; }

}  // namespace

template <class T>
Prepared<T>::Prepared(const QamlProgram& program, bool backwards)
    : program_(program), n_(int(program.num_qubits)), chain_{} {
    const int steps = int(program.num_walls) + 1;
    chain_.num_qubits = n_;
    chain_.low_bits = n_ / 2;
    chain_.num_steps = steps;
    chain_.phase_index = program.num_angles - 1;
    low_half_.last = high_half_.first = chain_.low_bits;
    high_half_.last = n_;
    steps_.resize(steps);
    halves_.resize(steps * 2 * ((std::size_t(1) << chain_.low_bits) + (std::size_t(1) << (n_ - chain_.low_bits))));
    wires_.resize(std::size_t(steps) * 4 * n_);
    std::uint32_t frame = 0;
    double scale = 1.0;
    for (int s = 0; s < steps; s++) {
        const std::int64_t last = program.num_walls;
        Place place{s, s < last ? s : -1, 1.0};
        if (backwards) place = {last - s, s < last ? last - 1 - s : -1, -1.0};
        double next_scale = 1.0;
        const std::uint32_t flips = add_wall(place, frame, s, &next_scale);
        add_diagonal(place, frame, flips, s, scale);
        frame ^= flips;
        scale = next_scale;
    }
    chain_.frame = frame;
    link();
}

// Tangents of the wall behind diagonal s; returns the wires that flip, and the product of cosines in `scale`.
template <class T>
std::uint32_t Prepared<T>::add_wall(const Place& place, std::uint32_t frame, int s, double* scale) {
    Step<T>& step = steps_[s];
    T* wires = wires_.data() + std::size_t(s) * 4 * n_;
    step.turning = step.wanted = 0;
    std::uint32_t flips = 0;
    if (place.wall < 0) return flips;
    step.wall_index = place.wall * n_;
    for (int wire = 0; wire < n_; wire++) {
        const std::int64_t index = step.wall_index + wire;
        const double c = program_.cosines[index];
        const double s = program_.sines[index] * (bit(frame, wire) ? -place.direction : place.direction);
        const bool flip = std::abs(s) > std::abs(c);
        const double tangent = flip ? c / s : s / c, cosine = flip ? s : c;
        if (flip) flips |= 1u << wire;
        if (tangent != 0.0) step.turning |= 1u << wire;
        if (program_.wanted[index]) step.wanted |= 1u << wire;
        *scale *= cosine;
        wires[wire] = T(tangent);
        wires[n_ + wire] = T(cosine * cosine);
        wires[2 * n_ + wire] = T(bit(frame ^ flips, wire) ? -0.5 : 0.5);
    }
    return flips;
}

template <class T>
void Prepared<T>::add_diagonal(const Place& place, std::uint32_t frame, std::uint32_t flips, int s, double scale) {
    Step<T>& step = steps_[s];
    T* wires = wires_.data() + std::size_t(s) * 4 * n_;
    step.frame = frame;
    step.z_index = program_.num_walls * n_ + place.diagonal * n_;
    for (int wire = 0; wire < n_; wire++) wires[3 * n_ + wire] = T(bit(frame, wire) ? -0.5 : 0.5);
    Complex base = scale;
    if (place.diagonal == 0) {
        const std::int64_t index = program_.num_angles - 1;
        const Complex half(program_.cosines[index], place.direction * program_.sines[index]);
        base *= half * half;
    }
    const std::size_t low = std::size_t(1) << chain_.low_bits, high = std::size_t(1) << (n_ - chain_.low_bits);
    T* half = halves_.data() + s * 2 * (low + high);
    fill_half(place, frame, flips, low_half_, base.real(), base.imag(), half, half + low);
    fill_half(place, frame, flips, high_half_, 1.0, 0.0, half + 2 * low, half + 2 * low + high);
    add_pairs(place, frame);
}

// The part of a diagonal that lives on wires [first, last), tabulated by the true bits and stored by the framed ones.
template <class T>
void Prepared<T>::fill_half(const Place& place, std::uint32_t frame, std::uint32_t flips, Half& half, double re,
                            double im, T* out_re, T* out_im) {
    const int first = half.first;
    const std::size_t size = std::size_t(1) << (half.last - first);
    work_.resize(2 * size);
    double *x = work_.data(), *y = x + size;
    x[0] = re;
    y[0] = im;
    const std::int64_t offset = program_.num_walls * n_ + place.diagonal * n_;
    for (int wire = first; wire < half.last; wire++) {
        const double c = program_.cosines[offset + wire], s = program_.sines[offset + wire] * place.direction;
        // Z on a flipping wire, in the frame: it is +1 on the framed bit 0.
        const double lower = bit(flips & frame, wire) ? -1.0 : 1.0;
        const double upper = bit(flips & ~frame, wire) ? -1.0 : 1.0;
        const std::size_t width = std::size_t(1) << (wire - first);
        for (std::size_t i = 0; i < width; i++) {
            const double ca = c * x[i], sa = s * x[i], cb = c * y[i], sb = s * y[i];
            x[i] = lower * (ca + sb);  // times c - i·s
            y[i] = lower * (cb - sa);
            x[i + width] = upper * (ca - sb);
            y[i + width] = upper * (cb + sa);
        }
    }
    const double* signs = cz_signs(half, place.diagonal);
    for (std::size_t i = 0; i < size; i++) x[i] *= signs[i], y[i] *= signs[i];
    turn_pairs(half, place, x, y);
    const std::size_t shift = frame >> first & (size - 1);
    for (std::size_t i = 0; i < size; i++) out_re[i] = T(x[i ^ shift]), out_im[i] = T(y[i ^ shift]);
}

// Multiply by the ZZ rotations within a half.
template <class T>
void Prepared<T>::turn_pairs(const Half& half, const Place& place, double* x, double* y) const {
    const std::size_t size = std::size_t(1) << (half.last - half.first);
    const Range turns = rows_of(program_.pairs, program_.num_pairs, place.diagonal);
    const std::int64_t pair_offset = program_.num_angles - 1 - program_.num_pairs;
    for (std::int64_t row = turns.first; row < turns.last; row++) {
        const std::int64_t low = program_.pairs[3 * row + 1] - half.first;
        const std::int64_t high = program_.pairs[3 * row + 2] - half.first;
        if (low < 0 || high >= half.last - half.first) continue;
        const double c = program_.cosines[pair_offset + row], s = program_.sines[pair_offset + row] * place.direction;
        for (std::size_t i = 0; i < size; i++) {
            const double turn = bit(i, low) == bit(i, high) ? -s : s;
            const double a = x[i], b = y[i];
            x[i] = c * a - turn * b;
            y[i] = c * b + turn * a;
        }
    }
}

// Signs of the CZ within a half; kept while the diagonals repeat the same ones.
template <class T>
const double* Prepared<T>::cz_signs(Half& half, std::int64_t diagonal) const {
    const Range range = rows_of(program_.cz, program_.num_cz, diagonal);
    std::vector<std::int64_t>& wires = half.found;
    wires.clear();
    for (std::int64_t row = range.first; row < range.last; row++) {
        const std::int64_t low = program_.cz[3 * row + 1], high = program_.cz[3 * row + 2];
        if (low < half.first || high >= half.last) continue;
        wires.push_back(low - half.first);
        wires.push_back(high - half.first);
    }
    const std::size_t size = std::size_t(1) << (half.last - half.first);
    if (wires == half.cz && half.signs.size() == size) return half.signs.data();
    half.signs.assign(size, 1.0);
    for (std::size_t k = 0; k < wires.size(); k += 2) {
        for (std::size_t i = 0; i < size; i++) {
            if (bit(i, wires[k]) && bit(i, wires[k + 1])) half.signs[i] = -half.signs[i];
        }
    }
    half.cz = wires;
    return half.signs.data();
}

// Terms between the halves, and the pairs that want gradients.
template <class T>
void Prepared<T>::add_pairs(const Place& place, std::uint32_t frame) {
    const int border = chain_.low_bits;
    const auto crosses = [border](std::int64_t low, std::int64_t high) { return low < border && high >= border; };
    const Range signs = rows_of(program_.cz, program_.num_cz, place.diagonal);
    for (std::int64_t row = signs.first; row < signs.last; row++) {
        const std::int64_t low = program_.cz[3 * row + 1], high = program_.cz[3 * row + 2];
        if (crosses(low, high)) crosses_.push_back({int(low), int(high), 1, 1.0, 0.0});
    }
    const Range turns = rows_of(program_.pairs, program_.num_pairs, place.diagonal);
    const std::int64_t pair_offset = program_.num_angles - 1 - program_.num_pairs;
    for (std::int64_t row = turns.first; row < turns.last; row++) {
        const std::int64_t low = program_.pairs[3 * row + 1], high = program_.pairs[3 * row + 2];
        const std::int64_t index = pair_offset + row;
        if (crosses(low, high)) {
            crosses_.push_back(
                {int(low), int(high), 0, program_.cosines[index], -place.direction * program_.sines[index]});
        }
        if (program_.wanted[index]) {
            pairs_.push_back({int(low), int(high), index, bit(frame, low) == bit(frame, high) ? 0.5 : -0.5});
        }
    }
    cross_ends_.push_back(crosses_.size());
    pair_ends_.push_back(pairs_.size());
}

// Pointers, now that nothing moves any more.
template <class T>
void Prepared<T>::link() {
    const std::size_t low = std::size_t(1) << chain_.low_bits, high = std::size_t(1) << (n_ - chain_.low_bits);
    for (std::size_t s = 0; s < steps_.size(); s++) {
        Step<T>& step = steps_[s];
        const T* half = halves_.data() + s * 2 * (low + high);
        step.low_re = half;
        step.low_im = half + low;
        step.high_re = half + 2 * low;
        step.high_im = half + 2 * low + high;
        const T* wires = wires_.data() + s * 4 * n_;
        step.tangents = wires;
        step.squared_cosines = wires + n_;
        step.wall_factors = wires + 2 * n_;
        step.z_factors = wires + 3 * n_;
        const std::size_t first_cross = s ? cross_ends_[s - 1] : 0, first_pair = s ? pair_ends_[s - 1] : 0;
        step.crosses = crosses_.data() + first_cross;
        step.num_crosses = int(cross_ends_[s] - first_cross);
        step.pairs = pairs_.data() + first_pair;
        step.num_pairs = int(pair_ends_[s] - first_pair);
    }
    chain_.steps = steps_.data();
}

template class Prepared<float>;
template class Prepared<double>;

}  // namespace qaml
