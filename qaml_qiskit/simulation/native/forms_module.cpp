// The C interface of the products of collapsed circuits.
#include <algorithm>
#include <atomic>
#include <cstddef>
#include <cstdint>
#include <memory>
#include <new>
#include <type_traits>
#include <vector>

#include "forms.hpp"
#include "../../native/interface.hpp"
#include "../../native/threads.hpp"

namespace {

using namespace qaml;

template <class T>
const FormsFunctions<T>& functions(int level) {
    const FormsInstructionSet* set = &kFormsGeneric;
#if defined(__x86_64__)
    if (level == 2) set = &kFormsAvx512;
    if (level == 1) set = &kFormsAvx2;
#endif
    (void)level;
    if constexpr (std::is_same_v<T, float>) return set->single_precision;
    else return set->double_precision;
}

// Multiply-adds that are worth starting a thread for: about 0.3 ms.
constexpr std::int64_t kWorthAThread = 10'000'000;

// Of the product of a pass, and of what is not kept behind it.
struct Sizes {
    std::int64_t depth, width, behind;
};

// Calls work(first, last, scratch) for blocks of images, on several threads where that pays. No result depends on how
// many there are.
template <class T, class Work>
void for_blocks(const FormsFunctions<T>& f, const Sizes& sizes, std::int64_t count, int threads, Work work) {
    const std::int64_t useful = 1 + count * sizes.depth * sizes.width / kWorthAThread;
    const std::int64_t workers = std::max<std::int64_t>(1, std::min<std::int64_t>({threads, count, useful}));
    // Whole tiles, whatever the instruction set.
    const std::int64_t share = ((count + workers - 1) / workers + 7) / 8 * 8;
    const std::int64_t block = std::min(kFormsBlock, std::max<std::int64_t>(share, 8));
    const std::size_t size = std::size_t(f.scratch_size(sizes.depth, sizes.behind)) * sizeof(T);
    std::vector<std::unique_ptr<void, FreePages>> scratch;
    for (std::int64_t k = 0; k < workers; k++) scratch.emplace_back(::operator new(size, std::align_val_t(kPage)));
    std::atomic<std::int64_t> next{0};
    with_threads(int(workers), [&](int k) {
        for (std::int64_t first = next.fetch_add(block); first < count; first = next.fetch_add(block))
            work(first, std::min(first + block, count), static_cast<T*>(scratch[k].get()));
    });
}

}  // namespace

// A matrix is (depth, width) numbers before it is in panels. Panels, signs and products start at a multiple of 64 bytes.

// Columns filled up to whole vectors. The panels of a matrix have as many, times its depth.
QAML_API std::int64_t qaml_filled_up(int level, int is_double, std::int64_t width) {
    return is_double ? functions<double>(level).filled_up(width) : functions<float>(level).filled_up(width);
}

QAML_API int qaml_pack(int level, int is_double, int threads, std::int64_t depth, std::int64_t width, const void* from,
                       void* panels) {
    (void)threads;
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const PanelMatrix matrix = {depth, width, panels};
        functions<T>(level).pack(&matrix, static_cast<const T*>(from), static_cast<T*>(panels));
    });
}

// left (count, depth) times the matrix -> (count, width).
QAML_API int qaml_product(int level, int is_double, int threads, std::int64_t depth, std::int64_t width,
                          const void* panels, std::int64_t count, const void* left, void* out) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const FormsFunctions<T>& f = functions<T>(level);
        const PanelMatrix matrix = {depth, width, panels};
        const auto work = [&](std::int64_t first, std::int64_t last, T* scratch) {
            f.product(&matrix, last - first, static_cast<const T*>(left) + first * depth,
                      static_cast<T*>(out) + first * width, scratch);
        };
        for_blocks<T>(f, {depth, width, 0}, count, threads, work);
    });
}

// Values (batch, forms) of images (batch, pixels), and the norms and the products that a backward pass needs; these
// may be null. 2 where an image has no direction.
QAML_API int qaml_forms_forward(int level, int is_double, int threads, std::int64_t pixels, std::int64_t rows,
                                std::int64_t forms, const void* panels, const void* signs, std::int64_t batch,
                                const void* images, void* norms, void* products, void* values) {
    std::atomic<bool> usable{true};
    const int status = guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const FormsFunctions<T>& f = functions<T>(level);
        const Forms all = {{pixels, rows, panels}, {rows, pixels, nullptr}, forms, signs};
        const FormsBatch job = {batch, images, norms, products, values, nullptr, nullptr};
        const auto work = [&](std::int64_t first, std::int64_t last, T* scratch) {
            if (!f.forward(&all, &job, first, last, scratch)) usable = false;
        };
        for_blocks<T>(f, {pixels, rows, products ? 0 : rows}, batch, threads, work);
    });
    return status ? status : usable ? 0 : 2;
}

// The gradient (batch, pixels) of a batch from that with respect to its values; `panels` are those of the transpose.
QAML_API int qaml_forms_backward(int level, int is_double, int threads, std::int64_t pixels, std::int64_t rows,
                                 std::int64_t forms, const void* panels, const void* signs, std::int64_t batch,
                                 const void* images, const void* norms, const void* products, const void* values,
                                 const void* cotangent, void* gradient) {
    return guarded(is_double, [&](auto* type) {
        using T = std::remove_pointer_t<decltype(type)>;
        const FormsFunctions<T>& f = functions<T>(level);
        const Forms all = {{pixels, rows, nullptr}, {rows, pixels, panels}, forms, signs};
        const FormsBatch job = {batch,    images,    const_cast<void*>(norms), const_cast<void*>(products),
                                const_cast<void*>(values), cotangent, gradient};
        const auto work = [&](std::int64_t first, std::int64_t last, T* scratch) {
            f.backward(&all, &job, first, last, scratch);
        };
        for_blocks<T>(f, {rows, pixels, 0}, batch, threads, work);
    });
}
