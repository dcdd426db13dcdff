// From cosines and sines of the half angles to a chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <vector>

#include "chain.hpp"

extern "C" {

// A Program with its angles, as Python passes it.
struct QamlProgram {
    std::int64_t num_qubits;
    std::int64_t num_walls;
    std::int64_t num_angles;
    const double* cosines;  // of half of every angle
    const double* sines;
    const std::uint8_t* wanted;  // angles that depend on a weight
    const std::int64_t* cz;      // rows (diagonal, low wire, high wire), sorted
    std::int64_t num_cz;
    const std::int64_t* pairs;  // likewise
    std::int64_t num_pairs;
};

}  // extern "C"

namespace qaml {

// A chain together with the memory that it points into.
template <class T>
class Prepared {
  public:
    // Forwards D_0, W_0, ..., D_K; backwards the inverses in opposite order.
    Prepared(const QamlProgram& program, bool backwards);
    Prepared(const Prepared&) = delete;
    Prepared& operator=(const Prepared&) = delete;

    const Chain<T>& chain() const { return chain_; }

  private:
    struct Place {
        std::int64_t diagonal, wall;  // wall is -1 behind the last diagonal
        double direction;
    };

    // Wires [first, last) with the signs of the CZ that were last met among them.
    struct Half {
        int first = 0, last = 0;
        std::vector<std::int64_t> cz, found;
        std::vector<double> signs;
    };

    std::uint32_t add_wall(const Place& place, std::uint32_t frame, int s, double* scale);
    void add_diagonal(const Place& place, std::uint32_t frame, std::uint32_t flips, int s, double scale);
    void add_pairs(const Place& place, std::uint32_t frame);
    void fill_half(const Place& place, std::uint32_t frame, std::uint32_t flips, Half& half, double re, double im,
                   T* out_re, T* out_im);
    void turn_pairs(const Half& half, const Place& place, double* x, double* y) const;
    const double* cz_signs(Half& half, std::int64_t diagonal) const;
    void link();

    const QamlProgram& program_;
    const int n_;
    Chain<T> chain_;
    Half low_half_, high_half_;
    std::vector<Step<T>> steps_;
    std::vector<T> halves_;      // a step: low re, low im, high re, high im
    std::vector<T> wires_;       // a step: tangents, squared cosines, wall factors, z factors
    std::vector<Cross> crosses_;
    std::vector<PairGradient> pairs_;
    std::vector<std::size_t> cross_ends_, pair_ends_;
    std::vector<double> work_;
};

}  // namespace qaml
