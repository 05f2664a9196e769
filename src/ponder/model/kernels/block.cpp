// One block of a decoder for rows of one token each: the other kernels in a row, called from C++ because thirty blocks of
// eleven calls each from Python cost a tenth of a step.
//
// Shapes: x [B,D] fp32, changed in place; matrices are packed. T is what the matrices are kept in, and what they hand on.
#include <algorithm>
#include <vector>

#include "sight.h"
#include "simd.h"

#define OF_TYPE(T, WIDE)                                                                                             \
    extern "C" {                                                                                                     \
    void ponder_linear_##T(const Fold<T>::Step*, const Fold<T>::Step*, const T*, T*, int64_t, int64_t, int64_t,      \
                           int64_t, int64_t);                                                                        \
    void ponder_linear_##WIDE(const Fold<T>::Step*, const Fold<T>::Step*, const T*, float*, int64_t, int64_t,        \
                              int64_t, int64_t, int64_t);                                                            \
    void ponder_norm_##T(const float*, const T*, T*, int64_t, int64_t, float, int64_t);                              \
    void ponder_norm_heads_##T(T*, const T*, int64_t, int64_t, float, int64_t);                                      \
    void ponder_rotate_##T(T*, const float*, const float*, int64_t, int64_t, int64_t, int64_t);                      \
    void ponder_gated_##T(const T*, const T*, T*, int64_t, int64_t);                                                 \
    void ponder_attend_##T(const T*, const T*, const T*, T*, const Store*, const Sight*, int64_t, const int64_t*,    \
                           int64_t, float, int64_t, int64_t, int64_t, int64_t, int64_t);                             \
    }                                                                                                                \
    template <> struct Of<T> {                                                                                       \
        static constexpr auto linear = ponder_linear_##T;                                                            \
        static constexpr auto wide = ponder_linear_##WIDE;                                                           \
        static constexpr auto norm = ponder_norm_##T;                                                                \
        static constexpr auto norm_heads = ponder_norm_heads_##T;                                                    \
        static constexpr auto rotate = ponder_rotate_##T;                                                            \
        static constexpr auto gated = ponder_gated_##T;                                                              \
        static constexpr auto attend = ponder_attend_##T;                                                            \
    };

namespace {

template <class T> struct Of;  // the kernels for T
OF_TYPE(float, float)
OF_TYPE(bf16, wide)

constexpr int64_t PART = 32;  // rows of a part: they stay in the second-level cache from one end of the block to the other
constexpr int64_t PARTS = 4;  // parts a thread at least; one that others slow down takes fewer of them

template <class T> struct Product {  // a packed matrix and its bias, null where there is none
    const T *packed, *bias;
};

template <class T> struct Block {  // weights of a block; norms of queries and keys are null where there are none
    const T *first_norm, *second_norm, *query_norm, *key_norm;
    Product<T> query, key, value, out, gate, up, down;
    const Store* stores;
    int64_t window;
};

struct Sizes {
    int64_t D, H, K, E, inner;  // inner: width of the feed-forward
    float eps;
};

template <class T> struct Scratch {  // [B,D], [B,H E] twice, [B,K E] twice, [B,inner] twice
    T *normed, *query, *mixed, *key, *value, *gate, *up;
};

// Rows `from` to `from + n`.
template <class T>
void part(float* x, const Block<T>* b, const Sizes* s, const Scratch<T>* t, const float* cos, const float* sin,
          const Sight* sights, int64_t levels, const int64_t* position, float scale, int64_t from, int64_t n,
          int64_t threads) {
    using Step = typename Fold<T>::Step;
    int64_t wide = s->H * s->E, narrow = s->K * s->E;
    x += from * s->D, cos += from * s->E / 2, sin += from * s->E / 2, position += from;
    T *normed = t->normed + from * s->D, *query = t->query + from * wide, *mixed = t->mixed + from * wide;
    T *key = t->key + from * narrow, *value = t->value + from * narrow;
    T *gate = t->gate + from * s->inner, *up = t->up + from * s->inner;
    std::vector<Sight> seen;
    for (int64_t l = 0; l < levels; l++)
        seen.push_back({sights[l].owner + from, sights[l].length + from, sights[l].start + from});
    auto multiply = [&](auto kernel, const T* in, const Product<T>& p, auto* out, int64_t N, int64_t K, bool add) {
        kernel(reinterpret_cast<const Step*>(in), reinterpret_cast<const Step*>(p.packed), p.bias, out, n, N,
               K * sizeof(T) / sizeof(Step), add, threads);
    };
    auto product = [&](const T* in, const Product<T>& p, T* out, int64_t N) {
        multiply(Of<T>::linear, in, p, out, N, s->D, false);
    };
    auto add = [&](const T* in, const Product<T>& p, int64_t K) { multiply(Of<T>::wide, in, p, x, s->D, K, true); };
    Of<T>::norm(x, b->first_norm, normed, n, s->D, s->eps, threads);
    product(normed, b->query, query, wide);
    product(normed, b->key, key, narrow);
    product(normed, b->value, value, narrow);
    if (b->query_norm) Of<T>::norm_heads(query, b->query_norm, n * s->H, s->E, s->eps, threads);
    if (b->key_norm) Of<T>::norm_heads(key, b->key_norm, n * s->K, s->E, s->eps, threads);
    Of<T>::rotate(query, cos, sin, n, s->H, s->E, threads);
    Of<T>::rotate(key, cos, sin, n, s->K, s->E, threads);
    Of<T>::attend(query, key, value, mixed, b->stores, seen.data(), levels, position, b->window, scale, n, s->H, s->K,
                  s->E, threads);
    add(mixed, b->out, wide);
    Of<T>::norm(x, b->second_norm, normed, n, s->D, s->eps, threads);
    product(normed, b->gate, gate, s->inner);
    product(normed, b->up, up, s->inner);
    Of<T>::gated(gate, up, gate, n * s->inner, threads);
    add(gate, b->down, s->inner);
}

// Few rows share each matrix among the threads; many are shared out themselves, and nobody waits for anybody.
template <class T>
void block(float* x, const Block<T>* b, const Sizes* s, const Scratch<T>* t, const float* cos, const float* sin,
           const Sight* sights, int64_t levels, const int64_t* position, float scale, int64_t B, int64_t threads) {
    if (B < PART * PARTS * threads) return part(x, b, s, t, cos, sin, sights, levels, position, scale, 0, B, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t from = 0; from < B; from += PART)
        part(x, b, s, t, cos, sin, sights, levels, position, scale, from, std::min(PART, B - from), 1);
}

}  // namespace

#define FOR_TYPE(T)                                                                                                  \
    extern "C" void ponder_block_##T(float* x, const Block<T>* b, const Sizes* s, const Scratch<T>* t,               \
                                     const float* cos, const float* sin, const Sight* sights, int64_t levels,        \
                                     const int64_t* position, float scale, int64_t B, int64_t threads) {             \
        block(x, b, s, t, cos, sin, sights, levels, position, scale, B, threads);                                    \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
