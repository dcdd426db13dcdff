// What Python hands to the products of a collapsed circuit: real matrices in panels, and the forms that they make.
//
// A form is z_k = sum_r s_kr (a_r·x)² of a normalised real vector x, the pixels of an image. The rows a_r are the real
// and imaginary parts of a circuit's matrix, s_kr the signs with which their squares are read. All values take one
// product with the matrix, the gradient of any function of them one product with its transpose.
#pragma once
#include <cstdint>

namespace qaml {

// A matrix of `depth` rows and `width` columns, as panels of a few vectors of columns: all rows of a panel lie one
// behind the other. The last panel has as many vectors as it needs, filled up with zeros.
struct PanelMatrix {
    std::int64_t depth, width;
    const void* panels;
};

struct Forms {
    PanelMatrix rows;  // pixels × rows: from x to a_r·x
    PanelMatrix back;  // rows × pixels: its transpose
    std::int64_t forms;
    const void* signs;  // s_kr, (forms, rows filled up to whole vectors), zero beyond the rows
};

// A batch of images and what is made of it, all contiguous. A forward pass writes norms, products and values, a backward
// pass reads them and the cotangent and writes the gradient.
struct FormsBatch {
    std::int64_t size;
    const void* images;     // x before it is normalised, (size, pixels)
    void* norms;            // in l2, (size)
    void* products;         // a_r·x, (size, rows filled up to whole vectors), at a multiple of 64 bytes; may be null
    void* values;           // z, (size, forms)
    const void* cotangent;  // with respect to z, (size, forms)
    void* gradient;         // with respect to the images, (size, pixels)
};

// Images that share a panel while it is in the cache.
constexpr std::int64_t kFormsBlock = 64;

// The entry points of one instruction set and precision. Passes take images first to last, at most kFormsBlock of them,
// and `scratch` at a multiple of 64 bytes: scratch_size numbers for the depth of the product, and for its width where
// nobody keeps the products of a forward pass. That returns false for an image without direction: zero, or not finite.
template <class T>
struct FormsFunctions {
    std::int64_t (*filled_up)(std::int64_t width);
    std::int64_t (*scratch_size)(std::int64_t depth, std::int64_t behind);
    void (*pack)(const PanelMatrix* matrix, const T* from, T* panels);
    void (*product)(const PanelMatrix* matrix, std::int64_t count, const T* left, T* out, T* scratch);
    bool (*forward)(const Forms* forms, const FormsBatch* batch, std::int64_t first, std::int64_t last,
                    T* scratch);
    void (*backward)(const Forms* forms, const FormsBatch* batch, std::int64_t first, std::int64_t last,
                     T* scratch);
};

struct FormsInstructionSet {
    FormsFunctions<float> single_precision;
    FormsFunctions<double> double_precision;
};

extern const FormsInstructionSet kFormsGeneric;
#if defined(__x86_64__)
extern const FormsInstructionSet kFormsAvx2;
extern const FormsInstructionSet kFormsAvx512;
#endif

}  // namespace qaml
