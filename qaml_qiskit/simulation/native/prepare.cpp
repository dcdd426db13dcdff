// From cosines and sines of the half angles to a chain; see Step for the frame.
#include "prepare.hpp"

#include <cmath>
#include <complex>
#include <utility>

namespace qaml {

namespace {

using Complex = std::complex<double>;

// Rows (diagonal, low, high) are sorted by diagonal: where those of each diagonal end.
std::vector<std::int64_t> ends_of(const std::int64_t* rows, std::int64_t count, std::int64_t diagonals) {
    std::vector<std::int64_t> ends(diagonals + 1, 0);
    std::int64_t row = 0;
    for (std::int64_t diagonal = 0; diagonal < diagonals; diagonal++) {
        while (row < count && rows[3 * row] == diagonal) row++;
        ends[diagonal + 1] = row;
    }
    return ends;
}

// Distinct rows of signs up to which CZ between the halves are tabulated.
constexpr std::size_t kSignRows = 4;

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
    low_half_ = {0, chain_.low_bits};
    high_half_ = {chain_.low_bits, n_};
    cz_ends_ = ends_of(program.cz, program.num_cz, steps);
    turn_ends_ = ends_of(program.pairs, program.num_pairs, steps);
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
        wires[n_ + wire] = T(std::abs(cosine));
        wires[2 * n_ + wire] = T(bit(frame ^ flips, wire) ? -0.5 : 0.5);
    }
    return flips;
}

template <class T>
void Prepared<T>::add_diagonal(const Place& place, std::uint32_t frame, std::uint32_t flips, int s, double scale) {
    Step<T>& step = steps_[s];
    T* wires = wires_.data() + std::size_t(s) * 4 * n_;
    step.z_index = program_.num_walls * n_ + place.diagonal * n_;
    for (int wire = 0; wire < n_; wire++) wires[3 * n_ + wire] = T(bit(frame, wire) ? -0.5 : 0.5);
    Complex base = scale;
    if (place.diagonal == 0) {
        const std::int64_t index = program_.num_angles - 1;
        const Complex half(program_.cosines[index], place.direction * program_.sines[index]);
        base *= half * half;
    }
    // A CZ of framed bits is one of the stored bits, with a Z on either wire whose partner is flipped.
    const Pattern& pattern = pattern_of(place.diagonal);
    std::uint32_t negated = flips;
    for (std::size_t k = 0; frame && k < pattern.wires.size(); k += 2) {
        const std::int64_t low = pattern.wires[k], high = pattern.wires[k + 1];
        if (bit(frame, high)) negated ^= 1u << low;
        if (bit(frame, low)) negated ^= 1u << high;
        if (bit(frame, low) && bit(frame, high)) base = -base;
    }
    const std::size_t low = low_half_.size(), high = high_half_.size();
    T* half = halves_.data() + s * 2 * (low + high);
    fill_half(place, frame, negated, low_half_, pattern.low_signs, base.real(), base.imag(), half, half + low);
    fill_half(place, frame, negated, high_half_, pattern.high_signs, 1.0, 0.0, half + 2 * low,
              half + 2 * low + high);
    if (pattern.tabulated) step.row_signs = pattern.row_signs.data(), step.signs = pattern.signs.data();
    add_pairs(place, frame, pattern);
}

// The part of a diagonal that lives on the wires of a half, by stored bits.
template <class T>
void Prepared<T>::fill_half(const Place& place, std::uint32_t frame, std::uint32_t negated, const Half& half,
                            const std::vector<double>& signs, double re, double im, T* out_re, T* out_im) {
    const std::size_t size = half.size();
    work_.resize(2 * size);
    double *__restrict x = work_.data(), *__restrict y = x + size;
    x[0] = re;
    y[0] = im;
    const std::int64_t offset = program_.num_walls * n_ + place.diagonal * n_;
    for (int wire = half.first; wire < half.last; wire++) {
        const double c = program_.cosines[offset + wire];
        const double s = program_.sines[offset + wire] * (bit(frame, wire) ? -place.direction : place.direction);
        const double upper = bit(negated, wire) ? -1.0 : 1.0, uc = upper * c, us = upper * s;
        const std::size_t width = std::size_t(1) << (wire - half.first);
        for (std::size_t i = 0; i < width; i++) {
            const double a = x[i], b = y[i];
            x[i] = c * a + s * b;  // times c - i·s
            y[i] = c * b - s * a;
            x[i + width] = uc * a - us * b;
            y[i + width] = uc * b + us * a;
        }
    }
    turn_pairs(half, place, frame, x, y);
    if (signs.empty()) {
        for (std::size_t i = 0; i < size; i++) out_re[i] = T(x[i]), out_im[i] = T(y[i]);
    } else {
        for (std::size_t i = 0; i < size; i++) out_re[i] = T(signs[i] * x[i]), out_im[i] = T(signs[i] * y[i]);
    }
}

// Multiply by the ZZ rotations within a half.
template <class T>
void Prepared<T>::turn_pairs(const Half& half, const Place& place, std::uint32_t frame, double* x, double* y) const {
    const std::int64_t pair_offset = program_.num_angles - 1 - program_.num_pairs;
    for (std::int64_t row = turn_ends_[place.diagonal]; row < turn_ends_[place.diagonal + 1]; row++) {
        const std::int64_t low = program_.pairs[3 * row + 1], high = program_.pairs[3 * row + 2];
        if (low < half.first || high >= half.last) continue;
        const double direction = bit(frame, low) == bit(frame, high) ? place.direction : -place.direction;
        const double c = program_.cosines[pair_offset + row], s = program_.sines[pair_offset + row] * direction;
        for (std::size_t i = 0; i < half.size(); i++) {
            const double turn = bit(i, low - half.first) == bit(i, high - half.first) ? -s : s;
            const double a = x[i], b = y[i];
            x[i] = c * a - turn * b;
            y[i] = c * b + turn * a;
        }
    }
}

template <class T>
const typename Prepared<T>::Pattern& Prepared<T>::pattern_of(std::int64_t diagonal) {
    const std::int64_t *rows = program_.cz + 3 * cz_ends_[diagonal], count = cz_ends_[diagonal + 1] - cz_ends_[diagonal];
    const auto repeats = [&](const Pattern& pattern) {
        if (std::int64_t(pattern.wires.size()) != 2 * count) return false;
        for (std::int64_t k = 0; k < count; k++) {
            if (pattern.wires[2 * k] != rows[3 * k + 1] || pattern.wires[2 * k + 1] != rows[3 * k + 2]) return false;
        }
        return true;
    };
    for (std::size_t k = 0; k < patterns_.size(); k++) {
        const std::size_t index = (latest_ + k) % patterns_.size();
        if (repeats(*patterns_[index])) {
            latest_ = index;
            return *patterns_[index];
        }
    }
    auto pattern = std::make_unique<Pattern>();
    for (std::int64_t k = 0; k < count; k++) {
        pattern->wires.push_back(rows[3 * k + 1]);
        pattern->wires.push_back(rows[3 * k + 2]);
    }
    tabulate(pattern.get());
    latest_ = patterns_.size();
    patterns_.push_back(std::move(pattern));
    return *patterns_.back();
}

template <class T>
void Prepared<T>::tabulate(Pattern* pattern) const {
    const std::vector<std::int64_t>& wires = pattern->wires;
    const int border = chain_.low_bits;
    std::vector<std::size_t> masks(high_half_.size(), 0);  // of low wires that a row's signs belong to
    for (std::size_t k = 0; k < wires.size(); k += 2) {
        const std::int64_t low = wires[k], high = wires[k + 1];
        if (low < border && high >= border) {
            for (std::size_t row = 0; row < masks.size(); row++) {
                if (bit(row, high - border)) masks[row] ^= std::size_t(1) << low;
            }
            continue;
        }
        const Half& half = low < border ? low_half_ : high_half_;
        std::vector<double>& signs = low < border ? pattern->low_signs : pattern->high_signs;
        signs.resize(half.size(), 1.0);
        for (std::size_t i = 0; i < signs.size(); i++) {
            if (bit(i, low - half.first) && bit(i, high - half.first)) signs[i] = -signs[i];
        }
    }
    std::vector<std::size_t> distinct;
    for (const std::size_t mask : masks) {
        std::size_t place = 0;
        while (place < distinct.size() && distinct[place] != mask) place++;
        pattern->row_signs.push_back(mask ? int(place) : -1);
        if (mask && place == distinct.size()) distinct.push_back(mask);
        if (distinct.size() > kSignRows) break;
    }
    pattern->tabulated = distinct.size() <= kSignRows;
    if (!pattern->tabulated) return;
    for (const std::size_t mask : distinct) {
        for (std::size_t i = 0; i < low_half_.size(); i++) {
            bool negative = false;
            for (std::size_t rest = i & mask; rest; rest &= rest - 1) negative = !negative;
            pattern->signs.push_back(negative ? T(-1) : T(1));
        }
    }
}

// Terms between the halves, and the pairs that want gradients.
template <class T>
void Prepared<T>::add_pairs(const Place& place, std::uint32_t frame, const Pattern& pattern) {
    const int border = chain_.low_bits;
    for (std::size_t k = 0; !pattern.tabulated && k < pattern.wires.size(); k += 2) {
        const std::int64_t low = pattern.wires[k], high = pattern.wires[k + 1];
        if (low < border && high >= border) crosses_.push_back({int(low), int(high), 1, 1.0, 0.0});
    }
    const std::int64_t pair_offset = program_.num_angles - 1 - program_.num_pairs;
    for (std::int64_t row = turn_ends_[place.diagonal]; row < turn_ends_[place.diagonal + 1]; row++) {
        const std::int64_t low = program_.pairs[3 * row + 1], high = program_.pairs[3 * row + 2];
        const std::int64_t index = pair_offset + row;
        const bool equal = bit(frame, low) == bit(frame, high);
        if (low < border && high >= border) {
            const double direction = equal ? -place.direction : place.direction;
            crosses_.push_back({int(low), int(high), 0, program_.cosines[index], direction * program_.sines[index]});
        }
        if (program_.wanted[index]) pairs_.push_back({int(low), int(high), index, equal ? 0.5 : -0.5});
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
        step.cosines = wires + n_;
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
