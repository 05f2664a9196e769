// One block of a decoder for rows of one token each: the other kernels in a row, called from C++ because thirty blocks of
// eleven calls each from Python cost a tenth of a step.
//
// Shapes: x [B,D] fp32, changed in place; matrices are packed.
#include "simd.h"

struct Store;
struct Sight;

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

void ponder_block(float* x, const Block* b, const Sizes* s, const Scratch* t, const float* cos, const float* sin,
                  const Sight* sights, int64_t levels, const int64_t* position, float scale, int64_t B,
                  int64_t threads) {
    int64_t wide = s->H * s->E, narrow = s->K * s->E;
    auto product = [&](const float* in, const Product& p, float* out, int64_t N, int64_t K, bool add = false) {
        ponder_linear(in, p.packed, p.bias, out, B, N, K, add, threads);
    };
    ponder_norm_float(x, b->first_norm, t->normed, B, s->D, s->eps, threads);
    product(t->normed, b->query, t->query, wide, s->D);
    product(t->normed, b->key, t->key, narrow, s->D);
    product(t->normed, b->value, t->value, narrow, s->D);
    if (b->query_norm) ponder_norm_float(t->query, b->query_norm, t->query, B * s->H, s->E, s->eps, threads);
    if (b->key_norm) ponder_norm_float(t->key, b->key_norm, t->key, B * s->K, s->E, s->eps, threads);
    ponder_rotate_float(t->query, cos, sin, B, s->H, s->E, threads);
    ponder_rotate_float(t->key, cos, sin, B, s->K, s->E, threads);
    ponder_attend_float(t->query, t->key, t->value, t->mixed, b->stores, sights, levels, position, b->window, scale, B,
                        s->H, s->K, s->E, threads);
    product(t->mixed, b->out, x, s->D, wide, true);
    ponder_norm_float(x, b->second_norm, t->normed, B, s->D, s->eps, threads);
    product(t->normed, b->gate, t->gate, s->inner, s->D);
    product(t->normed, b->up, t->up, s->inner, s->D);
    ponder_gated_float(t->gate, t->up, t->gate, B * s->inner, threads);
    product(t->gate, b->down, x, s->D, s->inner, true);
}
}
