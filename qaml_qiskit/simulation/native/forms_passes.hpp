// Values and gradients of quadratic forms, a block of images at a time. Included like vectors.hpp.
#pragma once

namespace qaml {
namespace {

// The left factor of a product and the places of its columns.
template <class T>
struct FormsScratch {
    T* left;
    std::int64_t stride;
    std::int32_t* rows;

    FormsScratch(T* scratch, std::int64_t depth)
        : left(scratch), stride(filled_up<T>(depth)),
          rows(reinterpret_cast<std::int32_t*>(scratch + kFormsBlock * stride)) {}

    // Room for the products of a block that nobody keeps.
    T* behind() const { return left + (kFormsBlock + 1) * stride; }
};

template <class T>
std::int64_t scratch_size(std::int64_t depth, std::int64_t behind) {
    return (kFormsBlock + 1) * filled_up<T>(depth) + kFormsBlock * filled_up<T>(behind);
}

template <class T>
void product(const PanelMatrix* matrix, std::int64_t count, const T* left, T* out, T* scratch) {
    const FormsScratch<T> s(scratch, matrix->depth);
    for (std::int64_t i = 0; i < count; i++)
        for (std::int64_t k = 0; k < matrix->depth; k++) s.left[i * s.stride + k] = left[i * matrix->depth + k];
    multiply_panels(*matrix, count, s.left, s.stride, s.rows, out, matrix->width);
}

// Sums of squares with the signs of Count forms.
template <class T, int Count>
QAML_OUTLINE void sum_squares(const T* products, const T* signs, std::int64_t width, T* values) {
    Vec<T> sums[Count] = {};
    for (std::int64_t r = 0; r < width; r += kLanes<T>) {
        const Vec<T> product = *reinterpret_cast<const Vec<T>*>(products + r), square = product * product;
        QAML_UNROLL for (int k = 0; k < Count; k++) {
            sums[k] += square * *reinterpret_cast<const Vec<T>*>(signs + k * width + r);
        }
    }
    QAML_UNROLL for (int k = 0; k < Count; k++) values[k] = sum_lanes<T>(sums[k]);
}

// The same for any number of forms.
template <class T>
void sum_all_squares(const T* products, const T* signs, std::int64_t width, std::int64_t count, T* values) {
    for (; count >= 8; count -= 8, signs += 8 * width, values += 8) sum_squares<T, 8>(products, signs, width, values);
    if (count & 4) sum_squares<T, 4>(products, signs, width, values), signs += 4 * width, values += 4;
    if (count & 2) sum_squares<T, 2>(products, signs, width, values), signs += 2 * width, values += 2;
    if (count & 1) sum_squares<T, 1>(products, signs, width, values);
}

// The l2 norm of a vector.
template <class T>
QAML_OUTLINE T norm_of(const T* vector, std::int64_t size) {
    Vec<T> sums[4] = {};
    const std::int64_t lanes = kLanes<T>;
    std::int64_t at = 0;
    for (; at + 4 * lanes <= size; at += 4 * lanes) {
        QAML_UNROLL for (int i = 0; i < 4; i++) {
            const Vec<T> part = *reinterpret_cast<const Loose<T>*>(vector + at + i * lanes);
            sums[i] += part * part;
        }
    }
    T total = sum_lanes<T>((sums[0] + sums[1]) + (sums[2] + sums[3]));
    for (; at < size; at++) total += vector[at] * vector[at];
    return T(__builtin_sqrt(double(total)));  // std::sqrt is no function of this file, see chain.hpp
}

template <class T>
bool forward(const Forms* forms, const FormsBatch* batch, std::int64_t first, std::int64_t last, T* scratch) {
    const std::int64_t pixels = forms->rows.depth, width = filled_up<T>(forms->rows.width), count = forms->forms;
    const FormsScratch<T> s(scratch, pixels);
    for (std::int64_t i = first; i < last; i++) {
        const T* image = static_cast<const T*>(batch->images) + i * pixels;
        T *__restrict to = s.left + (i - first) * s.stride;
        const T norm = norm_of(image, pixels);
        static_cast<T*>(batch->norms)[i] = norm;
        if (!(norm > 0 && norm - norm == 0)) return false;  // zero, infinite or NaN
        for (std::int64_t p = 0; p < pixels; p++) to[p] = image[p] / norm;
    }
    T* products = batch->products ? static_cast<T*>(batch->products) + first * width : s.behind();
    if (width != forms->rows.width) {
        for (std::int64_t i = 0; i < (last - first) * width; i++) products[i] = T(0);
    }
    multiply_panels(forms->rows, last - first, s.left, s.stride, s.rows, products, width);
    const T* signs = static_cast<const T*>(forms->signs);
    T* values = static_cast<T*>(batch->values);
    for (std::int64_t i = first; i < last; i++)
        sum_all_squares(products + (i - first) * width, signs, width, count, values + i * count);
    return true;
}

// Twice the products, with the signs of all forms by the cotangent.
template <class T>
QAML_OUTLINE void weigh(const T* products, const T* signs, std::int64_t width, const T* cotangent, std::int64_t count,
                        T* weighed) {
    for (std::int64_t r = 0; r < width; r += kLanes<T>) {
        Vec<T> sum = {};
        for (std::int64_t k = 0; k < count; k++) {
            sum += cotangent[k] * *reinterpret_cast<const Vec<T>*>(signs + k * width + r);
        }
        const Vec<T> product = *reinterpret_cast<const Vec<T>*>(products + r);
        *reinterpret_cast<Vec<T>*>(weighed + r) = T(2) * (sum * product);
    }
}

template <class T>
void backward(const Forms* forms, const FormsBatch* batch, std::int64_t first, std::int64_t last, T* scratch) {
    const std::int64_t pixels = forms->rows.depth, width = filled_up<T>(forms->rows.width), count = forms->forms;
    const FormsScratch<T> s(scratch, forms->rows.width);
    const T *signs = static_cast<const T*>(forms->signs), *norms = static_cast<const T*>(batch->norms);
    for (std::int64_t i = first; i < last; i++) {
        const T* cotangent = static_cast<const T*>(batch->cotangent) + i * count;
        weigh(static_cast<const T*>(batch->products) + i * width, signs, width, cotangent, count,
              s.left + (i - first) * s.stride);
    }
    T* gradient = static_cast<T*>(batch->gradient) + first * pixels;
    multiply_panels(forms->back, last - first, s.left, s.stride, s.rows, gradient, pixels);
    for (std::int64_t i = first; i < last; i++) {
        const T* image = static_cast<const T*>(batch->images) + i * pixels;
        const T* cotangent = static_cast<const T*>(batch->cotangent) + i * count;
        const T* values = static_cast<const T*>(batch->values) + i * count;
        T *__restrict row = gradient + (i - first) * pixels;
        T radial = 0;
        for (std::int64_t k = 0; k < count; k++) radial += cotangent[k] * values[k];
        // A form of x/|x| does not change along x.
        const T inverse = 1 / norms[i], along = 2 * radial * inverse;
        for (std::int64_t p = 0; p < pixels; p++) row[p] = (row[p] - along * image[p]) * inverse;
    }
}

template <class T>
constexpr FormsFunctions<T> kFormsFunctions = {filled_up<T>, scratch_size<T>, pack<T>,
                                               product<T>,   forward<T>,      backward<T>};

}  // namespace
}  // namespace qaml
