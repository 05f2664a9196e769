// What is wanted of logits: a token drawn by inverting softmax(logits / temperature) at a row's uniform number, or how
// likely a given token is and which way the logits would change that.
//
// Two passes over a row and no second copy of it: the highest logit, then the masses of blocks. The block that holds
// the token is found among their sums, the token within it by computing that block's masses once more.
//
// Shapes: B rows, V vocabulary, in blocks of BLOCK entries.
#include <algorithm>
#include <cmath>
#include <vector>

#include "simd.h"

namespace {

constexpr int64_t BLOCK = 256;

int64_t likeliest(const float* logits, int64_t size, float* highest) {
    vec best = splat(-INFINITY);
    ivec odd{};
    each(size, [&](int64_t at, int64_t n) {
        vec x = take(logits + at, n);
        for (int64_t i = n; i < V; i++) x[i] = -INFINITY;
        best = larger(best, x);
        odd |= x != x;
    });
    bool broken = std::any_of(&odd[0], &odd[0] + V, [](int32_t o) { return o != 0; });
    *highest = broken ? NAN : *std::max_element(&best[0], &best[0] + V);
    return broken ? -1 : std::find(logits, logits + size, *highest) - logits;
}

// Masses of n entries, relative to the highest logit.
inline double masses(const float* logits, int64_t n, float highest, float warmth, float* out) {
    double sum = 0;
    vec part{};
    each(n, [&](int64_t at, int64_t wide) {
        vec mass = exponential((take(logits + at, wide) - splat(highest)) * splat(warmth));
        for (int64_t i = wide; i < V; i++) mass[i] = 0;
        put(out + at, mass, wide);
        part += mass;
    });
    for (int i = 0; i < V; i++) sum += part[i];
    return sum;
}

// First entry at which the running sum exceeds `target`; the last one with mass where rounding leaves none.
int64_t within(const float* mass, int64_t n, double target) {
    double sum = 0;
    int64_t last = 0;
    for (int64_t i = 0; i < n; i++) {
        if (mass[i] > 0) last = i;
        if ((sum += mass[i]) > target) return i;
    }
    return last;
}

}  // namespace

// put[b] >= 0 is a token that is put there and not drawn. logprob is NaN where a logit is.
extern "C" void ponder_draw(const float* logits, const float* uniform, const int64_t* put, float temperature, int64_t B,
                            int64_t size, int64_t* token, float* logprob, int64_t threads) {
    float warmth = temperature > 0 ? 1.0f / temperature : 1.0f;
#pragma omp parallel num_threads(threads)
    {
        std::vector<double> sums((size + BLOCK - 1) / BLOCK);
        float mass[BLOCK];
#pragma omp for schedule(static)
        for (int64_t b = 0; b < B; b++) {
            const float* row = logits + b * size;
            float highest;
            int64_t best = likeliest(row, size, &highest);
            double sum = 0;
            for (size_t w = 0; w < sums.size(); w++) {
                int64_t at = w * BLOCK;
                sums[w] = sum += masses(row + at, std::min(BLOCK, size - at), highest, warmth, mass);
            }
            if (put[b] >= 0) {
                token[b] = put[b];
            } else if (temperature > 0 && best >= 0) {
                double target = static_cast<double>(uniform[b]) * sum;
                size_t w = std::upper_bound(sums.begin(), sums.end(), target) - sums.begin();
                w = std::min(w, sums.size() - 1);
                int64_t at = w * BLOCK, n = std::min(BLOCK, size - at);
                masses(row + at, n, highest, warmth, mass);
                token[b] = at + within(mass, n, target - (w ? sums[w - 1] : 0.0));
            } else {
                token[b] = std::max<int64_t>(best, 0);
            }
            logprob[b] = best < 0 || !std::isfinite(highest)
                             ? NAN
                             : (row[token[b]] - highest) * warmth - static_cast<float>(std::log(sum));
        }
    }
}

// Log probability of each row's target, and the logarithm of the sum of all masses e^(logit / temperature).
extern "C" void ponder_likelihood(const float* logits, const int64_t* target, float temperature, int64_t B, int64_t size,
                                  float* logprob, float* whole, int64_t threads) {
    float warmth = 1.0f / temperature;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < B; b++) {
        const float* row = logits + b * size;
        float mass[BLOCK], highest;
        double sum = 0;
        likeliest(row, size, &highest);
        for (int64_t at = 0; at < size; at += BLOCK)
            sum += masses(row + at, std::min(BLOCK, size - at), highest, warmth, mass);
        whole[b] = highest * warmth + static_cast<float>(std::log(sum));
        logprob[b] = (row[target[b]] - highest) * warmth - static_cast<float>(std::log(sum));
    }
}

// Logits to slopes, in place: grad (1[target] - softmax(logits / temperature)) / temperature.
extern "C" void ponder_likelihood_grad(float* logits, const int64_t* target, const float* whole, const float* grad,
                                       float temperature, int64_t B, int64_t size, int64_t threads) {
    float warmth = 1.0f / temperature;
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t b = 0; b < B; b++) {
        float* row = logits + b * size;
        vec shift = splat(whole[b]), slope = splat(-grad[b] * warmth);
        each(size, [&](int64_t at, int64_t n) {
            put(row + at, exponential(take(row + at, n) * splat(warmth) - shift) * slope, n);
        });
        row[target[b]] += grad[b] * warmth;
    }
}
