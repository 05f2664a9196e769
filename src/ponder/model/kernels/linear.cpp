// y = x W^T + b in fp32, for the few dozen to few hundred rows of a sampling step.
//
// W comes packed in panels, which makes the few rows of a batch's tail two to four times as fast as MKL and the head
// half as fast again. An output is summed over K in order, in one accumulator: a row gives the same bits whatever
// batch it is in.
//
// Shapes: x [M,K], W [N,K], y [M,N], all row-major.
#include <algorithm>

#include "simd.h"

namespace {

constexpr int ROWS = V == 16 ? 12 : 6;        // accumulators: ROWS x WIDE of the 16 (32) registers
constexpr int WIDE = 2;                       // vectors that a panel is wide
constexpr int PANEL = WIDE * V;               // columns of y that a panel of W makes
constexpr int64_t BLOCK_BYTES = 144 << 10;    // of panels at a time: they stay in the second-level cache

typedef float quad __attribute__((vector_size(16)));
typedef float loose_quad __attribute__((vector_size(16), aligned(4)));
typedef int pick __attribute__((vector_size(16)));

#if defined(__clang__)
#define SHUFFLE(a, b, i, j, k, l) __builtin_shufflevector(a, b, i, j, k, l)
#else
#define SHUFFLE(a, b, i, j, k, l) __builtin_shuffle(a, b, pick{i, j, k, l})
#endif

inline quad load4(const float* p) { return *reinterpret_cast<const loose_quad*>(p); }
inline void store4(float* p, quad x) { *reinterpret_cast<loose_quad*>(p) = x; }

// Four rows of W as four columns of a panel.
void turn(const float* w, int64_t K, float* panel) {
    int64_t k = 0;
    for (; k + 4 <= K; k += 4, panel += 4 * PANEL) {
        quad a = load4(w + k), b = load4(w + K + k), c = load4(w + 2 * K + k), d = load4(w + 3 * K + k);
        quad ab = SHUFFLE(a, b, 0, 4, 1, 5), cd = SHUFFLE(c, d, 0, 4, 1, 5);
        store4(panel, SHUFFLE(ab, cd, 0, 1, 4, 5));
        store4(panel + PANEL, SHUFFLE(ab, cd, 2, 3, 6, 7));
        ab = SHUFFLE(a, b, 2, 6, 3, 7), cd = SHUFFLE(c, d, 2, 6, 3, 7);
        store4(panel + 2 * PANEL, SHUFFLE(ab, cd, 0, 1, 4, 5));
        store4(panel + 3 * PANEL, SHUFFLE(ab, cd, 2, 3, 6, 7));
    }
    for (; k < K; k++, panel += PANEL)
        for (int i = 0; i < 4; i++) panel[i] = w[i * K + k];
}

// n rows of W [n,K] as a panel [K,PANEL], 0 where there are fewer.
void pack(const float* w, int64_t n, int64_t K, float* panel) {
    if (n < PANEL) memset(panel, 0, K * PANEL * sizeof(float));
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) turn(w + j * K, K, panel + j);
    for (; j < n; j++)
        for (int64_t k = 0; k < K; k++) panel[k * PANEL + j] = w[j * K + k];
}

// R rows of x times a panel.
template <int R>
inline void multiply(const float* x, int64_t K, const float* panel, const float* bias, float* y, int64_t N, int64_t n) {
    vec sums[R][WIDE] = {};
    for (int64_t k = 0; k < K; k++) {
        vec w[WIDE];
        for (int v = 0; v < WIDE; v++) w[v] = load(panel + k * PANEL + v * V);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            for (int v = 0; v < WIDE; v++) sums[r][v] += splat(x[r * K + k]) * w[v];
    }
    for (int r = 0; r < R; r++)
        for (int v = 0; v < WIDE && v * V < n; v++) {
            int64_t wide = std::min<int64_t>(V, n - v * V);
            vec sum = bias ? sums[r][v] + take(bias + v * V, wide) : sums[r][v];
            put(y + r * N + v * V, sum, wide);
        }
}

template <int R>
void rows(int64_t m, const float* x, int64_t K, const float* panel, const float* bias, float* y, int64_t N, int64_t n) {
    if (m >= R)
        multiply<R>(x, K, panel, bias, y, N, n);
    else if constexpr (R > 1)
        rows<R - 1>(m, x, K, panel, bias, y, N, n);
}

}  // namespace

// W [N,K] as panels, one after another.
extern "C" void ponder_pack(const float* w, float* packed, int64_t N, int64_t K, int64_t threads) {
    int64_t panels = (N + PANEL - 1) / PANEL;
#pragma omp parallel for num_threads(threads)
    for (int64_t p = 0; p < panels; p++)
        pack(w + p * PANEL * K, std::min<int64_t>(PANEL, N - p * PANEL), K, packed + p * PANEL * K);
}

extern "C" int64_t ponder_panel() { return PANEL; }

extern "C" void ponder_linear(const float* x, const float* packed, const float* bias, float* y, int64_t M, int64_t N,
                              int64_t K, int64_t threads) {
    int64_t panels = (N + PANEL - 1) / PANEL;
    int64_t held = std::max<int64_t>(1, BLOCK_BYTES / (PANEL * sizeof(float) * K));
    int64_t blocks = std::max<int64_t>((panels + held - 1) / held, std::min<int64_t>(panels, threads));
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t block = 0; block < blocks; block++)
        for (int64_t m = 0; m < M; m += ROWS)
            for (int64_t p = panels * block / blocks; p < panels * (block + 1) / blocks; p++)
                rows<ROWS>(M - m, x + m * K, K, packed + p * PANEL * K, bias ? bias + p * PANEL : nullptr,
                           y + m * N + p * PANEL, N, std::min<int64_t>(PANEL, N - p * PANEL));
}
