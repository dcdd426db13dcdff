// From cosines and sines of the half angles to a chain.
#pragma once

#include <cstddef>
#include <cstdint>
#include <memory>
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

    // The CZ of a diagonal, with what depends on them alone; circuits repeat the same few.
    struct Pattern {
        std::vector<std::int64_t> wires;          // low, high, low, high, …
        std::vector<double> low_signs, high_signs;  // of the CZ within a half
        std::vector<int> row_signs;               // for a row of the table: which of `signs`, -1 for none
        std::vector<T> signs;                     // rows of the signs of the CZ between the halves
        bool tabulated;                           // otherwise these are among the step's crosses
    };

    // Wires [first, last).
    struct Half {
        int first, last;
        std::size_t size() const { return std::size_t(1) << (last - first); }
    };

    std::uint32_t add_wall(const Place& place, std::uint32_t frame, int s, double* scale);
    void add_diagonal(const Place& place, std::uint32_t frame, std::uint32_t flips, int s, double scale);
    void add_pairs(const Place& place, std::uint32_t frame, const Pattern& pattern);
    void fill_half(const Place& place, std::uint32_t frame, std::uint32_t negated, const Half& half,
                   const std::vector<double>& signs, double re, double im, T* out_re, T* out_im);
    void turn_pairs(const Half& half, const Place& place, std::uint32_t frame, double* x, double* y) const;
    const Pattern& pattern_of(std::int64_t diagonal);
    void tabulate(Pattern* pattern) const;
    void link();

    const QamlProgram& program_;
    const int n_;
    Chain<T> chain_;
    Half low_half_, high_half_;
    std::vector<std::int64_t> cz_ends_, turn_ends_;  // rows of every diagonal
    std::vector<std::unique_ptr<Pattern>> patterns_;
    std::size_t latest_ = 0;
    std::vector<Step<T>> steps_;
    std::vector<T> halves_;      // a step: low re, low im, high re, high im
    std::vector<T> wires_;       // a step: tangents, cosines, wall factors, z factors
    std::vector<Cross> crosses_;
    std::vector<PairGradient> pairs_;
    std::vector<std::size_t> cross_ends_, pair_ends_;
    std::vector<double> work_;
};

}  // namespace qaml
