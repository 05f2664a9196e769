// Attention of one new position a row over what the row has read, wherever that is kept.
//
// A row's text lies in several levels: what all rows began with, its prompt, its own continuation. A level holds texts
// that many rows may share; nothing is copied together, and rows that follow each other find what they share in the
// processor's cache.
//
// Shapes: B rows, H query heads, K key-value heads, E head size, C columns of a level.
#include <algorithm>
#include <vector>

#include "sight.h"
#include "simd.h"

namespace {

struct Span {  // columns that one row sees of one level
    int64_t first, size;
    const void *keys, *values;
};

// Dot products of q with `n` keys, as many at a time as a vector has elements.
template <class T> void scores(const float* q, const T* keys, int64_t n, int64_t E, float scale, float* out) {
    int64_t c = 0;
    for (; c + V <= n; c += V) {
        vec sums[V] = {};
        each(E, [&](int64_t at, int64_t wide) {
            vec part = take(q + at, wide);
#pragma GCC unroll 16
            for (int i = 0; i < V; i++) sums[i] += part * take(keys + (c + i) * E + at, wide);
        });
        store(out + c, totals(sums) * splat(scale));
    }
    for (; c < n; c++) {
        vec sum{};
        each(E, [&](int64_t at, int64_t wide) { sum += take(q + at, wide) * take(keys + c * E + at, wide); });
        out[c] = total(sum) * scale;
    }
}

// MANY vectors of out += sum over n columns of weight * value.
template <int MANY, class T> void weigh_part(const float* weights, const T* values, int64_t n, int64_t E, float* out) {
    vec sums[MANY];
    for (int i = 0; i < MANY; i++) sums[i] = load(out + i * V);
    for (int64_t c = 0; c < n; c++)
#pragma GCC unroll 8
        for (int i = 0; i < MANY; i++) sums[i] += splat(weights[c]) * load(values + c * E + i * V);
    for (int i = 0; i < MANY; i++) store(out + i * V, sums[i]);
}

// The same for whole vectors from element e on, at most MANY at once; returns where they end.
template <int MANY, class T>
int64_t weigh_parts(const float* weights, const T* values, int64_t n, int64_t E, float* out, int64_t e) {
    for (; e + MANY * V <= E; e += MANY * V) weigh_part<MANY>(weights, values + e, n, E, out + e);
    if constexpr (MANY > 1) e = weigh_parts<MANY - 1>(weights, values, n, E, out, e);
    return e;
}

// out += sum over n columns of weight * value.
template <class T> void weigh(const float* weights, const T* values, int64_t n, int64_t E, float* out) {
    int64_t e = weigh_parts<8>(weights, values, n, E, out, 0);
    for (; e < E; e++)
        for (int64_t c = 0; c < n; c++) {
            float value[1];
            put(value, take(values + c * E + e, 1), 1);
            out[e] += weights[c] * value[0];
        }
}

// Scores to weights that sum to 1.
void soften(float* scores, int64_t n) {
    float highest = *std::max_element(scores, scores + n);
    vec sums{};
    each(n, [&](int64_t at, int64_t wide) {
        vec mass = exponential(take(scores + at, wide) - splat(highest));
        put(scores + at, mass, wide);
        for (int64_t i = wide; i < V; i++) mass[i] = 0;
        sums += mass;
    });
    vec share = splat(1.0f / total(sums));
    each(n, [&](int64_t at, int64_t wide) { put(scores + at, take(scores + at, wide) * share, wide); });
}

template <class T>
void attend(const T* q, const T* key, const T* value, T* out, const Store* stores, const Sight* sights, int64_t L,
            const int64_t* position, int64_t window, float scale,
            int64_t B, int64_t H, int64_t K, int64_t E, int64_t threads) {
    int64_t group = H / K;
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> weights, query(E), mixed(E);
        std::vector<Span> spans(L);
#pragma omp for schedule(static) collapse(2)
        for (int64_t b = 0; b < B; b++)
            for (int64_t k = 0; k < K; k++) {
                const Store& own = stores[L - 1];
                int64_t column = sights[L - 1].length[b] - 1;
                int64_t kept = ((sights[L - 1].owner[b] * K + k) * own.columns + column) * E;
                memcpy(static_cast<T*>(own.keys) + kept, key + (b * K + k) * E, E * sizeof(T));
                memcpy(static_cast<T*>(own.values) + kept, value + (b * K + k) * E, E * sizeof(T));
                int64_t size = 0;
                for (int64_t l = 0; l < L; l++) {
                    const Sight& sight = sights[l];
                    int64_t unseen = window ? position[b] - window + 1 - sight.start[b] : 0;
                    int64_t first = std::clamp<int64_t>(unseen, 0, sight.length[b]);
                    int64_t at = ((sight.owner[b] * K + k) * stores[l].columns + first) * E;
                    spans[l] = {size, sight.length[b] - first, static_cast<const T*>(stores[l].keys) + at,
                                static_cast<const T*>(stores[l].values) + at};
                    size += spans[l].size;
                }
                if (static_cast<int64_t>(weights.size()) < size) weights.resize(2 * size);
                for (int64_t g = 0; g < group; g++) {
                    int64_t head = (b * H + k * group + g) * E;
                    each(E, [&](int64_t at, int64_t n) { put(query.data() + at, take(q + head + at, n), n); });
                    for (const Span& span : spans)
                        scores(query.data(), static_cast<const T*>(span.keys), span.size, E, scale,
                               weights.data() + span.first);
                    soften(weights.data(), size);
                    std::fill(mixed.begin(), mixed.end(), 0.0f);
                    for (const Span& span : spans)
                        weigh(weights.data() + span.first, static_cast<const T*>(span.values), span.size, E,
                              mixed.data());
                    each(E, [&](int64_t at, int64_t n) { put(out + head + at, take(mixed.data() + at, n), n); });
                }
            }
    }
}

}  // namespace

// A row's own key and value, [B,K,E], first go to its last column of the last level.
#define FOR_TYPE(T)                                                                                                  \
    extern "C" void ponder_attend_##T(const T* q, const T* key, const T* value, T* out, const Store* stores,         \
                                      const Sight* sights, int64_t L, const int64_t* position, int64_t window,       \
                                      float scale, int64_t B, int64_t H, int64_t K, int64_t E, int64_t threads) {    \
        attend(q, key, value, out, stores, sights, L, position, window, scale, B, H, K, E, threads);                 \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
