// Products of small matrices in registers: rows of x times a panel, which is a few columns of W side by side.
//
// An output is summed over K in order, in one accumulator, so a row gives the same bits whatever rows are beside it.
#pragma once
#include <algorithm>

#include "simd.h"

constexpr int ROWS = V == 16 ? 12 : 6;        // accumulators: ROWS x WIDE of the 16 (32) registers
constexpr int WIDE = 2;                       // vectors that a panel is wide
constexpr int STRIDE = 8;                     // steps of a product for a line of memory that is fetched
constexpr int64_t LINE = 16;                  // elements of a line, four bytes each
constexpr int PANEL = WIDE * V;               // columns of y that a panel of W makes

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

// Four rows of W, `apart` floats from each other, as four columns of a panel.
inline void turn(const float* w, int64_t apart, int64_t K, float* panel) {
    int64_t k = 0;
    for (; k + 4 <= K; k += 4, panel += 4 * PANEL) {
        quad a = load4(w + k), b = load4(w + apart + k), c = load4(w + 2 * apart + k), d = load4(w + 3 * apart + k);
        quad ab = SHUFFLE(a, b, 0, 4, 1, 5), cd = SHUFFLE(c, d, 0, 4, 1, 5);
        store4(panel, SHUFFLE(ab, cd, 0, 1, 4, 5));
        store4(panel + PANEL, SHUFFLE(ab, cd, 2, 3, 6, 7));
        ab = SHUFFLE(a, b, 2, 6, 3, 7), cd = SHUFFLE(c, d, 2, 6, 3, 7);
        store4(panel + 2 * PANEL, SHUFFLE(ab, cd, 0, 1, 4, 5));
        store4(panel + 3 * PANEL, SHUFFLE(ab, cd, 2, 3, 6, 7));
    }
    for (; k < K; k++, panel += PANEL)
        for (int i = 0; i < 4; i++) panel[i] = w[i * apart + k];
}

// n rows of W [n,K] as a panel [K,PANEL], 0 where there are fewer; pairs of bf16 are moved as floats are.
inline void pack(const float* w, int64_t apart, int64_t n, int64_t K, float* panel) {
    if (n < PANEL) memset(panel, 0, K * PANEL * sizeof(float));
    int64_t j = 0;
    for (; j + 4 <= n; j += 4) turn(w + j * apart, apart, K, panel + j);
    for (; j < n; j++)
        for (int64_t k = 0; k < K; k++) panel[k * PANEL + j] = w[j * apart + k];
}

// A tile of x: row r, step k at x[r * row + k * column], so that it can be read as its transpose. A step S is a float,
// or a pair of bf16.
template <class S> struct Tile {
    const S* x;
    int64_t row, column;
};

// A sum where it belongs, with what is to be added.
template <class Y, class B> inline void finish(vec sum, Y* y, int64_t wide, bool add, const B* bias) {
    if (bias) sum += take(bias, wide);
    put(y, add ? take(y, wide) + sum : sum, wide);
}

// y [R,n] (+)= tile [R,K] times panel [K,PANEL]; a step down the panel is `down` elements. Meanwhile a line of memory in
// STRIDE steps is fetched from `ahead` on. K counts steps; y and bias are fp32 or bf16.
template <int R, class S, class Y, class B>
inline void multiply(Tile<S> a, const S* panel, int64_t down, int64_t K, Y* y, int64_t ld, int64_t n, bool add,
                     const B* bias, const S* ahead) {
    vec sums[R][WIDE] = {};
    for (int64_t k = 0; k < K; k++) {
        if (ahead && k % STRIDE == 0) __builtin_prefetch(ahead + k / STRIDE * LINE, 0, 2);
        decltype(load(panel)) w[WIDE];
        for (int v = 0; v < WIDE; v++) w[v] = load(panel + k * down + v * V);
#pragma GCC unroll 16
        for (int r = 0; r < R; r++)
            for (int v = 0; v < WIDE; v++) sums[r][v] = fold(sums[r][v], splat(a.x[r * a.row + k * a.column]), w[v]);
    }
    for (int r = 0; r < R; r++)
        for (int v = 0; v < WIDE && v * V < n; v++) {
            int64_t wide = std::min<int64_t>(V, n - v * V);
            finish(sums[r][v], y + r * ld + v * V, wide, add, bias ? bias + v * V : bias);
        }
}

// The same for at most ROWS rows.
template <int R = ROWS, class S, class Y, class B = float>
inline void rows(int64_t m, Tile<S> a, const S* panel, int64_t down, int64_t K, Y* y, int64_t ld, int64_t n,
                 bool add = false, const B* bias = nullptr, const S* ahead = nullptr) {
    if (m >= R)
        multiply<R>(a, panel, down, K, y, ld, n, add, bias, ahead);
    else if constexpr (R > 1)
        rows<R - 1>(m, a, panel, down, K, y, ld, n, add, bias, ahead);
}
