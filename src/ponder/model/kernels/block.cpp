// One block of a decoder for rows of one token each: the other kernels in a row, called from C++ because thirty blocks of
// eleven calls each from Python cost a tenth of a step.
//
// Shapes: x [B,D] fp32, changed in place; matrices are packed.
#include <algorithm>
#include <vector>

#include "sight.h"
#include "simd.h"

extern "C" {
void ponder_norm_float(const float*, const float*, float*, int64_t, int64_t, float, int64_t);
void ponder_linear(const float*, const float*, const float*, float*, int64_t, int64_t, int64_t, int64_t, int64_t);
void ponder_rotate_float(float*, const float*, const float*, int64_t, int64_t, int64_t, int64_t);
void ponder_gated_float(const float*, const float*, float*, int64_t, int64_t);
void ponder_attend_float(const float*, const float*, const float*, float*, const Store*, const Sight*, int64_t,
                         const int64_t*, int64_t, float, int64_t, int64_t, int64_t, int64_t, int64_t);

struct Product {  // a packed matrix and its bias, null where there is none
    const float *packed, *bias;
};

struct Block {  // weights of a block; norms of queries and keys are null where there are none
    const float *first_norm, *second_norm, *query_norm, *key_norm;
    Product query, key, value, out, gate, up, down;
    const Store* stores;
    int64_t window;
};

struct Sizes {
    int64_t D, H, K, E, inner;  // inner: width of the feed-forward
    float eps;
};

struct Scratch {  // [B, D or H E], [B, H E] twice, [B, K E] twice, [B, inner] twice
    float *normed, *query, *mixed, *key, *value, *gate, *up;
};

constexpr int64_t PART = 32;  // rows of a part: they stay in the second-level cache from one end of the block to the other
constexpr int64_t PARTS = 4;  // parts a thread at least; one that others slow down takes fewer of them
}

namespace {

// Rows `from` to `from + n`.
void part(float* x, const Block* b, const Sizes* s, const Scratch* t, const float* cos, const float* sin,
          const Sight* sights, int64_t levels, const int64_t* position, float scale, int64_t from, int64_t n,
          int64_t threads) {
    int64_t wide = s->H * s->E, narrow = s->K * s->E;
    x += from * s->D, cos += from * s->E / 2, sin += from * s->E / 2, position += from;
    float *normed = t->normed + from * s->D, *query = t->query + from * wide, *mixed = t->mixed + from * wide;
    float *key = t->key + from * narrow, *value = t->value + from * narrow;
    float *gate = t->gate + from * s->inner, *up = t->up + from * s->inner;
    std::vector<Sight> seen;
    for (int64_t l = 0; l < levels; l++)
        seen.push_back({sights[l].owner + from, sights[l].length + from, sights[l].start + from});
    auto product = [&](const float* in, const Product& p, float* out, int64_t N, int64_t K, bool add = false) {
        ponder_linear(in, p.packed, p.bias, out, n, N, K, add, threads);
    };
    ponder_norm_float(x, b->first_norm, normed, n, s->D, s->eps, threads);
    product(normed, b->query, query, wide, s->D);
    product(normed, b->key, key, narrow, s->D);
    product(normed, b->value, value, narrow, s->D);
    if (b->query_norm) ponder_norm_float(query, b->query_norm, query, n * s->H, s->E, s->eps, threads);
    if (b->key_norm) ponder_norm_float(key, b->key_norm, key, n * s->K, s->E, s->eps, threads);
    ponder_rotate_float(query, cos, sin, n, s->H, s->E, threads);
    ponder_rotate_float(key, cos, sin, n, s->K, s->E, threads);
    ponder_attend_float(query, key, value, mixed, b->stores, seen.data(), levels, position, b->window, scale, n, s->H,
                        s->K, s->E, threads);
    product(mixed, b->out, x, s->D, wide, true);
    ponder_norm_float(x, b->second_norm, normed, n, s->D, s->eps, threads);
    product(normed, b->gate, gate, s->inner, s->D);
    product(normed, b->up, up, s->inner, s->D);
    ponder_gated_float(gate, up, gate, n * s->inner, threads);
    product(gate, b->down, x, s->D, s->inner, true);
}

}  // namespace

// Few rows share each matrix among the threads; many are shared out themselves, and nobody waits for anybody.
extern "C" void ponder_block(float* x, const Block* b, const Sizes* s, const Scratch* t, const float* cos,
                             const float* sin, const Sight* sights, int64_t levels, const int64_t* position,
                             float scale, int64_t B, int64_t threads) {
    if (B < PART * PARTS * threads) return part(x, b, s, t, cos, sin, sights, levels, position, scale, 0, B, threads);
#pragma omp parallel for num_threads(threads) schedule(dynamic)
    for (int64_t from = 0; from < B; from += PART)
        part(x, b, s, t, cos, sin, sights, levels, position, scale, from, std::min(PART, B - from), 1);
}
