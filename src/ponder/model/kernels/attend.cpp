// Attention of one new position a row over what the row has read, wherever that is kept.
//
// A row's text lies in several levels: what all rows began with, its prompt, its own continuation. A level holds texts
// that many rows may share; nothing is copied together, and rows that follow each other find what they share in the
// processor's cache.
//
// Shapes: B rows, H query heads, K key-value heads, E head size, C columns of a level.
#include <algorithm>
#include <type_traits>
#include <vector>

#include "sight.h"
#include "simd.h"

namespace {

struct Span {  // columns that one row sees of one level
    int64_t first, size;
    const void *keys, *values;
};

constexpr int HEADS = V == 16 ? 4 : 1;   // query heads that share what is loaded: as many as the registers hold
constexpr int VECTORS = V == 16 ? 4 : 8;  // of a value, at a time

// Dot products of q with `n` keys of K steps, as many at a time as a vector has elements.
template <class S> void scores(const S* q, const S* keys, int64_t n, int64_t K, float scale, float* out) {
    int64_t c = 0;
    for (; c + V <= n; c += V) {
        vec sums[V] = {};
        each(K, [&](int64_t at, int64_t wide) {
            auto part = take(q + at, wide);
#pragma GCC unroll 16
            for (int i = 0; i < V; i++) sums[i] = fold(sums[i], part, take(keys + (c + i) * K + at, wide));
        });
        store(out + c, totals(sums) * splat(scale));
    }
    for (; c < n; c++) {
        vec sum{};
        each(K, [&](int64_t at, int64_t wide) { sum = fold(sum, take(q + at, wide), take(keys + c * K + at, wide)); });
        out[c] = total(sum) * scale;
    }
}

// Scores to weights that sum to 1.
void soften(float* scores, int64_t n) {
    float high = highest(scores, n);
    vec sums{};
    each(n, [&](int64_t at, int64_t wide) {
        vec mass = exponential(take(scores + at, wide) - splat(high));
        put(scores + at, mass, wide);
        for (int64_t i = wide; i < V; i++) mass[i] = 0;
        sums += mass;
    });
    vec share = splat(1.0f / total(sums));
    each(n, [&](int64_t at, int64_t wide) { put(scores + at, take(scores + at, wide) * share, wide); });
}

// Of G heads, MANY vectors of `wide` elements of out += sum over n columns of weight * value.
template <int G, int MANY, class T>
inline void weigh_part(const float* weights, int64_t apart, const T* values, int64_t n, int64_t E, float* out,
                       int64_t wide = V) {
    vec sums[G][MANY];
    for (int g = 0; g < G; g++)
        for (int i = 0; i < MANY; i++) sums[g][i] = take(out + g * E + i * V, wide);
    for (int64_t c = 0; c < n; c++) {
        vec value[MANY];
        for (int i = 0; i < MANY; i++) value[i] = take(values + c * E + i * V, wide);
#pragma GCC unroll 4
        for (int g = 0; g < G; g++)
            for (int i = 0; i < MANY; i++) sums[g][i] += splat(weights[g * apart + c]) * value[i];
    }
    for (int g = 0; g < G; g++)
        for (int i = 0; i < MANY; i++) put(out + g * E + i * V, sums[g][i], wide);
}

// The same for whole rows from element e on; weights of a head are `apart` from the next one's.
template <int G, int MANY = VECTORS, class T>
void weigh(const float* weights, int64_t apart, const T* values, int64_t n, int64_t E, float* out, int64_t e = 0) {
    for (; e + MANY * V <= E; e += MANY * V) weigh_part<G, MANY>(weights, apart, values + e, n, E, out + e);
    if constexpr (MANY > 1)
        weigh<G, MANY - 1>(weights, apart, values, n, E, out, e);
    else if (e < E)
        weigh_part<G, 1>(weights, apart, values + e, n, E, out + e, E - e);
}

// f with as many heads as there are, HEADS at most, as a constant.
template <int G = HEADS, class F> void with_heads(int64_t n, F f) {
    if (n >= G)
        f(std::integral_constant<int, G>{});
    else if constexpr (G > 1)
        with_heads<G - 1>(n, f);
}

template <class T>
void attend(const T* q, const T* key, const T* value, T* out, const Store* stores, const Sight* sights, int64_t L,
            const int64_t* position, int64_t window, float scale,
            int64_t B, int64_t H, int64_t K, int64_t E, int64_t threads) {
    using Step = typename Fold<T>::Step;
    int64_t group = H / K, steps = E * sizeof(T) / sizeof(Step);
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> weights, mixed(HEADS * E);
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
                if (static_cast<int64_t>(weights.size()) < HEADS * size) weights.resize(2 * HEADS * size);
                auto heads = [&](int64_t first, auto many) {
                    constexpr int G = many;
                    int64_t at = (b * H + k * group + first) * E;
                    for (int g = 0; g < G; g++) {
                        auto query = reinterpret_cast<const Step*>(q + at + g * E);
                        for (const Span& span : spans)
                            scores(query, static_cast<const Step*>(span.keys), span.size, steps, scale,
                                   &weights[g * size + span.first]);
                        soften(&weights[g * size], size);
                    }
                    std::fill(mixed.begin(), mixed.end(), 0.0f);
                    for (const Span& span : spans)
                        weigh<G>(&weights[span.first], size, static_cast<const T*>(span.values), span.size, E,
                                 mixed.data());
                    each(G * E, [&](int64_t e, int64_t n) { put(out + at + e, take(&mixed[e], n), n); });
                };
                for (int64_t g = 0; g < group; g += HEADS)
                    with_heads(group - g, [&](auto many) { heads(g, many); });
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
