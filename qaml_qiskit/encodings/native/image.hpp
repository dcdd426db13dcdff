// The fit of one image. Included by one translation unit for each instruction set, which defines QAML_BYTES (vector
// width). Everything here has internal linkage, and nothing of the standard library is instantiated: a machine must not
// meet instructions that it lacks.
//
// Names and steps are those of v_layers.py and rotations.py, where the mathematics is told.
#pragma once

namespace qaml {
namespace {

typedef double Vec __attribute__((vector_size(QAML_BYTES), may_alias));
typedef double Row __attribute__((vector_size(32), may_alias, aligned(8)));
constexpr std::int64_t kLanes = QAML_BYTES / 8;

#define QAML_INLINE inline __attribute__((always_inline))

// As torch.nn.functional.normalize.
constexpr double kSmallest = 1e-12;

QAML_INLINE double sum_lanes(const Vec& value) {
    double sum = 0;
    for (std::int64_t lane = 0; lane < kLanes; lane++) sum += value[lane];
    return sum;
}

// ---- Small matrices, row-major

// Eigenvectors of a symmetric matrix as columns, by Jacobi's rotations; the eigenvalues stay on its diagonal.
void diagonalise(double* a, double* v) {
    for (int i = 0; i < 16; i++) v[i] = i % 5 == 0;
    for (int sweep = 0; sweep < 30; sweep++) {
        double off = 0, diagonal = 0;
        for (int i = 0; i < 4; i++) {
            diagonal += a[5 * i] * a[5 * i];
            for (int j = 0; j < i; j++) off += a[4 * i + j] * a[4 * i + j];
        }
        // Squared: nothing is left that a diagonal entry of this size could feel.
        if (off <= 1e-40 * diagonal) return;
        for (int i = 0; i < 3; i++)
            for (int j = i + 1; j < 4; j++) {
                const double apart = a[4 * i + j];
                if (apart == 0) continue;
                const double theta = (a[5 * j] - a[5 * i]) / (2 * apart);
                const double size = theta < 0 ? -theta : theta;
                double t = 1 / (size + __builtin_sqrt(theta * theta + 1));
                if (theta < 0) t = -t;
                const double c = 1 / __builtin_sqrt(t * t + 1), s = t * c;
                for (int k = 0; k < 4; k++) {
                    const double x = a[4 * k + i], y = a[4 * k + j];
                    a[4 * k + i] = c * x - s * y;
                    a[4 * k + j] = s * x + c * y;
                }
                for (int k = 0; k < 4; k++) {
                    const double x = a[4 * i + k], y = a[4 * j + k];
                    a[4 * i + k] = c * x - s * y;
                    a[4 * j + k] = s * x + c * y;
                    const double p = v[4 * k + i], q = v[4 * k + j];
                    v[4 * k + i] = c * p - s * q;
                    v[4 * k + j] = s * p + c * q;
                }
                a[4 * i + j] = a[4 * j + i] = 0;
            }
    }
}

// Columns by falling eigenvalue.
void sort_columns(const double* a, int* order) {
    for (int i = 0; i < 4; i++) order[i] = i;
    for (int i = 1; i < 4; i++)
        for (int k = i; k > 0 && a[5 * order[k]] > a[5 * order[k - 1]]; k--) {
            const int other = order[k];
            order[k] = order[k - 1];
            order[k - 1] = other;
        }
}

void rotation_matrix(const double* products, const double* rotor, double* matrix) {
    Row sums[4] = {};
    for (int a = 0; a < 4; a++)
        for (int b = 0; b < 4; b++) {
            const double weight = rotor[a] * rotor[4 + b];
            const double* row = products + 16 * (4 * a + b);
            for (int i = 0; i < 4; i++) sums[i] += weight * *reinterpret_cast<const Row*>(row + 4 * i);
        }
    for (int i = 0; i < 4; i++) *reinterpret_cast<Row*>(matrix + 4 * i) = sums[i];
}

void nearest_rotation(const double* products, const double* matrix, double* rotor) {
    double m[16], square[16], v[16];
    for (int k = 0; k < 16; k++) {
        Row sum = {};
        for (int i = 0; i < 4; i++)
            sum += *reinterpret_cast<const Row*>(products + 16 * k + 4 * i) *
                   *reinterpret_cast<const Row*>(matrix + 4 * i);
        m[k] = (sum[0] + sum[1]) + (sum[2] + sum[3]);
    }
    for (int i = 0; i < 4; i++)
        for (int j = 0; j <= i; j++) {
            double sum = 0;
            for (int k = 0; k < 4; k++) sum += m[4 * k + i] * m[4 * k + j];
            square[4 * i + j] = square[4 * j + i] = sum;
        }
    diagonalise(square, v);
    int order[4];
    sort_columns(square, order);
    double length = 0;
    for (int i = 0; i < 4; i++) {
        double sum = 0;
        for (int k = 0; k < 4; k++) sum += m[4 * i + k] * v[4 * k + order[0]];
        rotor[i] = sum;
        rotor[4 + i] = v[4 * i + order[0]];
        length += sum * sum;
    }
    length = __builtin_sqrt(length);
    for (int i = 0; i < 4; i++) rotor[i] /= length;
}

// ---- States: 4 rows of the pair at a bond, and columns for all other qubits

QAML_INLINE void turn(const Turn& turn, const double* from, double* to) {
    const std::int64_t block = turn.block;
    if (block % kLanes == 0) {
        for (std::int64_t k = 0; k < turn.count; k++, to += block)
            for (std::int64_t i = 0; i < block; i += kLanes)
                *reinterpret_cast<Vec*>(to + i) = *reinterpret_cast<const Vec*>(from + turn.from[k] + i);
        return;
    }
    for (std::int64_t k = 0; k < turn.count; k++)
        for (std::int64_t i = 0; i < block; i++) *to++ = from[turn.from[k] + i];
}

// R x, or its transpose times x; in place if wanted.
template <bool Transposed>
void rotate(const double* r, std::int64_t columns, const double* x, double* y) {
    const auto entry = [r](int i, int j) { return Transposed ? r[4 * j + i] : r[4 * i + j]; };
    std::int64_t c = 0;
    for (; c + kLanes <= columns; c += kLanes) {
        Vec in[4];
        for (int j = 0; j < 4; j++) in[j] = *reinterpret_cast<const Vec*>(x + j * columns + c);
        for (int i = 0; i < 4; i++)
            *reinterpret_cast<Vec*>(y + i * columns + c) =
                entry(i, 0) * in[0] + entry(i, 1) * in[1] + entry(i, 2) * in[2] + entry(i, 3) * in[3];
    }
    for (; c < columns; c++) {
        double in[4];
        for (int j = 0; j < 4; j++) in[j] = x[j * columns + c];
        for (int i = 0; i < 4; i++)
            y[i * columns + c] = entry(i, 0) * in[0] + entry(i, 1) * in[1] + entry(i, 2) * in[2] + entry(i, 3) * in[3];
    }
}

// x yᵀ, 4 by 4: traced over all other qubits.
void environment(std::int64_t columns, const double* x, const double* y, double* e) {
    for (int half = 0; half < 4; half += 2) {
        Vec sums[8] = {};
        double rest[8] = {};
        std::int64_t c = 0;
        for (; c + kLanes <= columns; c += kLanes)
            for (int i = 0; i < 2; i++) {
                const Vec left = *reinterpret_cast<const Vec*>(x + (half + i) * columns + c);
                for (int j = 0; j < 4; j++)
                    sums[4 * i + j] += left * *reinterpret_cast<const Vec*>(y + j * columns + c);
            }
        for (; c < columns; c++)
            for (int i = 0; i < 2; i++)
                for (int j = 0; j < 4; j++) rest[4 * i + j] += x[(half + i) * columns + c] * y[j * columns + c];
        for (int k = 0; k < 8; k++) e[4 * half + k] = sum_lanes(sums[k]) + rest[k];
    }
}

QAML_INLINE double dot(std::int64_t size, const double* x, const double* y) {
    Vec sums = {};
    double rest = 0;
    std::int64_t i = 0;
    for (; i + kLanes <= size; i += kLanes)
        sums += *reinterpret_cast<const Vec*>(x + i) * *reinterpret_cast<const Vec*>(y + i);
    for (; i < size; i++) rest += x[i] * y[i];
    return sum_lanes(sums) + rest;
}

void normalize(double* quaternion) {
    double length = 0;
    for (int i = 0; i < 4; i++) length += quaternion[i] * quaternion[i];
    length = __builtin_sqrt(length);
    if (length < kSmallest) length = kSmallest;
    for (int i = 0; i < 4; i++) quaternion[i] /= length;
}

// ---- The analytic start

double determinant(const double* m) {
    double sum = 0;
    for (int i = 0; i < 4; i++)
        for (int j = i + 1; j < 4; j++) {
            // Laplace's expansion by the first two rows: minors of columns i, j, and of the two others.
            int others[2], count = 0;
            for (int k = 0; k < 4; k++)
                if (k != i && k != j) others[count++] = k;
            const double upper = m[i] * m[4 + j] - m[j] * m[4 + i];
            const double lower = m[8 + others[0]] * m[12 + others[1]] - m[8 + others[1]] * m[12 + others[0]];
            sum += (i + j) % 2 ? upper * lower : -upper * lower;
        }
    return sum;
}

// The rotor that takes two basis states to the two dominant directions of a density, which is overwritten.
void concentrate(const QamlFit& fit, double* density, const int* places, double* rotor) {
    double v[16], matrix[16];
    for (int i = 0; i < 4; i++) density[5 * places[i]] += fit.preference * (3 - i);
    diagonalise(density, v);
    int order[4];
    sort_columns(density, order);
    for (int space = 0; space < 4; space += 2) {
        const int *columns = order + space, *place = places + space;
        double m[4] = {};
        for (int i = 0; i < 2; i++)
            for (int j = 0; j < 2; j++)
                for (int k = 0; k < 4; k++) m[2 * i + j] += v[4 * k + columns[i]] * fit.reference[4 * k + place[j]];
        // The polar factor: rotation or reflection, as the determinant says.
        const double sign = m[0] * m[3] - m[1] * m[2] < 0 ? -1 : 1;
        double polar[4] = {m[0] + sign * m[3], m[1] - sign * m[2], m[2] - sign * m[1], m[3] + sign * m[0]};
        normalize(polar);
        for (int i = 0; i < 4; i++)
            for (int j = 0; j < 2; j++)
                matrix[4 * i + place[j]] = __builtin_sqrt(2.0) * (v[4 * i + columns[0]] * polar[j] +
                                                                  v[4 * i + columns[1]] * polar[2 + j]);
    }
    if (determinant(matrix) < 0)
        for (int i = 0; i < 4; i++) matrix[4 * i + places[3]] = -matrix[4 * i + places[3]];
    nearest_rotation(fit.products, matrix, rotor);
}

// Rotors of one layer in the order of time; `rest` is a copy of the state and becomes anything.
void disentangle(const QamlFit& fit, const Plan& plan, double* rest, double* rotors) {
    const int n = plan.num_qubits, middle = n / 2 - 1;
    static const int kFirst[4] = {0, 1, 2, 3}, kSecond[4] = {0, 2, 1, 3};
    double density[16], r[16];
    std::int64_t size = std::int64_t(1) << n;
    for (int bond = 0; bond < middle; bond++, size /= 2) {
        double* rotor = rotors + 8 * (middle - bond);
        environment(size / 4, rest, rest, density);
        concentrate(fit, density, kFirst, rotor);
        rotation_matrix(fit.products, rotor, r);
        rotate<true>(r, size / 4, rest, rest);  // whose first half goes on
    }
    for (int bond = n - 2; bond > middle; bond--, size /= 2) {
        double* rotor = rotors + 8 * bond;
        for (int i = 0; i < 16; i++) density[i] = 0;
        for (std::int64_t row = 0; row < size; row += 4)
            for (int i = 0; i < 4; i++)
                for (int j = 0; j < 4; j++) density[4 * i + j] += rest[row + i] * rest[row + j];
        concentrate(fit, density, kSecond, rotor);
        rotation_matrix(fit.products, rotor, r);
        for (std::int64_t row = 0; row < size; row += 4) {
            double in[4];
            for (int i = 0; i < 4; i++) in[i] = rest[row + i];
            for (int half = 0; half < 2; half++)
                rest[row / 2 + half] = in[0] * r[2 * half] + in[1] * r[4 + 2 * half] + in[2] * r[8 + 2 * half] +
                                       in[3] * r[12 + 2 * half];
        }
    }
    for (int i = 0; i < 4; i++) {
        rotors[i] = rest[i];
        rotors[4 + i] = i == 0;
    }
    normalize(rotors);
}

// ---- One image

class Fit {
  public:
    Fit(const QamlFit& fit, const Plan& plan, double* scratch)
        : fit_(fit), plan_(plan), gates_(plan.layers * plan.layer), size_(std::int64_t(1) << plan.num_qubits),
          columns_(size_ / 4), stride_(size_ < 8 ? 8 : size_) {
        after_ = scratch;
        before_ = after_ + gates_ * stride_;
        state_ = before_ + gates_ * stride_;
        spare_ = state_ + stride_;
        gate_ = spare_ + stride_;
        previous_ = gate_ + 16 * gates_;
        ahead_ = previous_ + 8 * gates_;
        swept_ = ahead_ + 8 * gates_;
    }

    // After Ran 2020: layers that disentangle the state one after the other.
    void start(const double* wanted, double* rotors) {
        copy(size_, wanted, state_);
        for (int layer = plan_.layers - 1; layer >= 0; layer--) {
            double* mine = rotors + 8 * layer * plan_.layer;
            copy(size_, state_, spare_);
            disentangle(fit_, plan_, spare_, mine);
            for (int g = plan_.layer - 1; g >= 0; g--) {
                double r[16];
                rotation_matrix(fit_.products, mine + 8 * g, r);
                turn(plan_.from_line[g], state_, spare_);
                rotate<true>(r, columns_, spare_, spare_);
                turn(plan_.to_line[g], spare_, state_);
            }
        }
    }

    void refine(const double* wanted, double* rotors) {
        const std::int64_t last = gates_ - 1;
        double overlap = 0;
        copy(size_, wanted, spare_);
        turn(plan_.from_line[last % plan_.layer], spare_, after_ + last * stride_);
        copy(8 * gates_, rotors, previous_);
        for (std::int64_t sweep = 0; sweep < fit_.sweeps; sweep++) {
            for (std::int64_t i = 0; i < 8 * gates_; i++)
                ahead_[i] = rotors[i] + fit_.momentum * (rotors[i] - previous_[i]);
            for (std::int64_t i = 0; i < 8 * gates_; i += 4) normalize(ahead_ + i);
            const double reached = this->sweep();
            copy(8 * gates_, rotors, previous_);
            if (!(reached >= overlap)) continue;
            overlap = reached;
            for (std::int64_t g = 0; g < gates_; g++) {
                // Of the two signs of one rotation the one next to the old rotor.
                double same = 0;
                for (int i = 0; i < 8; i++) same += swept_[8 * g + i] * rotors[8 * g + i];
                for (int i = 0; i < 8; i++) rotors[8 * g + i] = same >= 0 ? swept_[8 * g + i] : -swept_[8 * g + i];
            }
        }
    }

    void prepare(const double* rotors, double* prepared) {
        zero(state_);
        for (std::int64_t g = 0; g < gates_; g++) {
            double r[16];
            rotation_matrix(fit_.products, rotors + 8 * g, r);
            rotate<false>(r, columns_, state_, state_);
            turn(g < gates_ - 1 ? plan_.between[g % plan_.layer] : plan_.to_line[g % plan_.layer], state_, spare_);
            double* other = state_;
            state_ = spare_;
            spare_ = other;
        }
        copy(size_, state_, prepared);
    }

  private:
    static void copy(std::int64_t size, const double* from, double* to) {
        for (std::int64_t i = 0; i < size; i++) to[i] = from[i];
    }

    void zero(double* state) const {
        for (std::int64_t i = 0; i < size_; i++) state[i] = i == 0;
    }

    // The best rotation given all others, from the wanted state undone down to it and the state prepared up to it.
    void improve(std::int64_t g, const double* before) {
        double e[16];
        environment(columns_, after_ + g * stride_, before, e);
        for (int i = 0; i < 16; i++) e[i] += fit_.inertia * gate_[16 * g + i];
        nearest_rotation(fit_.products, e, swept_ + 8 * g);
        rotation_matrix(fit_.products, swept_ + 8 * g, gate_ + 16 * g);
    }

    // Backwards in time and forwards again; returns the overlap that is reached.
    double sweep() {
        const std::int64_t last = gates_ - 1;
        zero(before_);
        for (std::int64_t g = 0; g <= last; g++) {
            rotation_matrix(fit_.products, ahead_ + 8 * g, gate_ + 16 * g);
            if (g == last) break;
            rotate<false>(gate_ + 16 * g, columns_, before_ + g * stride_, spare_);
            turn(plan_.between[g % plan_.layer], spare_, before_ + (g + 1) * stride_);
        }
        for (std::int64_t g = last; g >= 0; g--) {
            improve(g, before_ + g * stride_);
            if (g == 0) break;
            rotate<true>(gate_ + 16 * g, columns_, after_ + g * stride_, spare_);
            turn(plan_.back[(g - 1) % plan_.layer], spare_, after_ + (g - 1) * stride_);
        }
        zero(state_);
        for (std::int64_t g = 0; g <= last; g++) {
            if (g) {  // the first one has just been done
                turn(plan_.between[(g - 1) % plan_.layer], spare_, state_);
                improve(g, state_);
            }
            rotate<false>(gate_ + 16 * g, columns_, state_, spare_);
        }
        return dot(size_, after_ + last * stride_, spare_);
    }

    const QamlFit& fit_;
    const Plan& plan_;
    std::int64_t gates_, size_, columns_, stride_;
    double *after_, *before_, *state_, *spare_, *gate_, *previous_, *ahead_, *swept_;
};

void fit_image(const QamlFit* fit, const Plan* plan, const double* state, double* rotors, double* prepared,
               double* scratch) {
    Fit one(*fit, *plan, scratch);
    one.start(state, rotors);
    one.refine(state, rotors);
    if (prepared) one.prepare(rotors, prepared);
}

}  // namespace
}  // namespace qaml
