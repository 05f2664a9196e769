// Attention of one new position a row over what the row has read, wherever that is kept.
//
// A row's text lies in several levels: what all rows began with, its prompt, its own continuation. A level holds texts
// that many rows may share; nothing is copied together, and rows that follow each other find what they share in the
// processor's cache.
//
// Shapes: B rows, H query heads, K key-value heads, E head size, C columns of a level.
#include <algorithm>
#include <vector>

#include "simd.h"

namespace {

struct Level {
    const void *keys, *values;  // [N,K,C,E]
    const int64_t* owner;       // [B]: which of the N texts a row reads
    const int64_t* length;      // [B]: how many of its columns
    const int64_t* start;       // [B]: position of its first column in the row's text
    int64_t columns;            // C
};

struct Span {  // columns that one row sees of one level
    int64_t first, size;
    const void *keys, *values;
};

// Dot products of q with `n` keys; eight at a time keep the adders busy.
template <class T> void scores(const float* q, const T* keys, int64_t n, int64_t E, float scale, float* out) {
    constexpr int MANY = 8;
    int64_t c = 0;
    for (; c + MANY <= n; c += MANY) {
        vec sums[MANY] = {};
        each(E, [&](int64_t at, int64_t wide) {
            vec part = take(q + at, wide);
#pragma GCC unroll 8
            for (int i = 0; i < MANY; i++) sums[i] += part * take(keys + (c + i) * E + at, wide);
        });
        for (int i = 0; i < MANY; i++) out[c + i] = total(sums[i]) * scale;
    }
    for (; c < n; c++) {
        vec sum{};
        each(E, [&](int64_t at, int64_t wide) { sum += take(q + at, wide) * take(keys + c * E + at, wide); });
        out[c] = total(sum) * scale;
    }
}

// out += sum over n columns of weight * value, four vectors of E at a time.
template <class T> void weigh(const float* weights, const T* values, int64_t n, int64_t E, float* out) {
    constexpr int MANY = 4;
    int64_t e = 0;
    for (; e + MANY * V <= E; e += MANY * V) {
        vec sums[MANY];
        for (int i = 0; i < MANY; i++) sums[i] = load(out + e + i * V);
        for (int64_t c = 0; c < n; c++)
#pragma GCC unroll 4
            for (int i = 0; i < MANY; i++) sums[i] += splat(weights[c]) * load(values + c * E + e + i * V);
        for (int i = 0; i < MANY; i++) store(out + e + i * V, sums[i]);
    }
    if (e < E)
        for (int64_t c = 0; c < n; c++)
            each(E - e, [&](int64_t at, int64_t wide) {
                put(out + e + at, take(out + e + at, wide) + splat(weights[c]) * take(values + c * E + e + at, wide), wide);
            });
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
void attend(const T* q, T* out, const Level* levels, int64_t L, const int64_t* position, int64_t window, float scale,
            int64_t B, int64_t H, int64_t K, int64_t E, int64_t threads) {
    int64_t group = H / K;
#pragma omp parallel num_threads(threads)
    {
        std::vector<float> weights, query(E), mixed(E);
        std::vector<Span> spans(L);
#pragma omp for schedule(static) collapse(2)
        for (int64_t b = 0; b < B; b++)
            for (int64_t k = 0; k < K; k++) {
                int64_t size = 0;
                for (int64_t l = 0; l < L; l++) {
                    const Level& level = levels[l];
                    int64_t unseen = window ? position[b] - window + 1 - level.start[b] : 0;
                    int64_t first = std::min(std::max<int64_t>(unseen, 0), level.length[b]);
                    int64_t at = ((level.owner[b] * K + k) * level.columns + first) * E;
                    spans[l] = {size, level.length[b] - first, static_cast<const T*>(level.keys) + at,
                                static_cast<const T*>(level.values) + at};
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

// What is new of a row, [B,K,E], to its column of the last level [N,K,C,E].
template <class T>
void keep(const T* fresh, T* kept, const int64_t* owner, const int64_t* length, int64_t C, int64_t B, int64_t K, int64_t E) {
    for (int64_t b = 0; b < B; b++)
        for (int64_t k = 0; k < K; k++)
            memcpy(kept + ((owner[b] * K + k) * C + length[b] - 1) * E, fresh + (b * K + k) * E, E * sizeof(T));
}

}  // namespace

#define FOR_TYPE(T)                                                                                                    \
    extern "C" void ponder_attend_##T(const T* q, T* out, const Level* levels, int64_t L, const int64_t* position,     \
                                      int64_t window, float scale, int64_t B, int64_t H, int64_t K, int64_t E,         \
                                      int64_t threads) {                                                                   \
        attend(q, out, levels, L, position, window, scale, B, H, K, E, threads);                                       \
    }                                                                                                                  \
    extern "C" void ponder_keep_##T(const T* fresh, T* kept, const int64_t* owner, const int64_t* length, int64_t C,   \
                                    int64_t B, int64_t K, int64_t E) {                                                 \
        keep(fresh, kept, owner, length, C, B, K, E);                                                                  \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
