// y = x W^T + b, for the few dozen to few hundred rows of a sampling step: factors in fp32 or bf16, sums in fp32.
//
// W comes packed in panels, which makes the few rows of a batch's tail two to four times as fast as MKL and the head
// half as fast again. An output is summed over K in order, in one accumulator: a row gives the same bits whatever
// batch it is in.
//
// Shapes: x [M,K], W [N,K], y [M,N], all row-major. K counts steps: elements of fp32, pairs of bf16.
#include <type_traits>

#include "amx.h"

constexpr int64_t BLOCK_BYTES = 144 << 10;  // of panels at a time: they stay in the second-level cache
constexpr int64_t SHARES = 4;               // blocks a thread at least: one that others slow down takes fewer of them
constexpr int64_t FEW = 16;                 // rows that are not worth sharing out so finely

// W [N,K] as panels, one after another.
extern "C" void ponder_pack(const float* w, float* packed, int64_t N, int64_t K, int64_t threads) {
    int64_t panels = (N + PANEL - 1) / PANEL;
#pragma omp parallel for num_threads(threads)
    for (int64_t p = 0; p < panels; p++)
        pack(w + p * PANEL * K, K, std::min<int64_t>(PANEL, N - p * PANEL), K, packed + p * PANEL * K);
}

extern "C" int64_t ponder_panel() { return PANEL; }

namespace {

// y = x W^T + b, or y + x W^T + b where `add`.
template <class S, class B, class Y>
void linear(const S* x, const S* packed, const B* bias, Y* y, int64_t M, int64_t N, int64_t K, bool add,
            int64_t threads) {
    int64_t panels = (N + PANEL - 1) / PANEL;
    int64_t held = std::max<int64_t>(1, BLOCK_BYTES / (PANEL * sizeof(S) * K));
    int64_t blocks = std::max((panels + held - 1) / held, M < FEW ? threads : SHARES * threads);
    blocks = std::min(panels, (blocks + threads - 1) / threads * threads);
    auto start = [&](int64_t block) { return panels * std::min(block, blocks) / blocks; };
    auto multiply = [&](int64_t block, int64_t next) {
        int64_t first = start(block), last = start(block + 1);
#if defined(MATRIX_UNIT)
        if constexpr (std::is_same_v<S, pair>)
            if (K % SIDE == 0 && matrix_unit()) {
                Squares squares;
                for (int64_t m = 0; m < M; m += 2 * SIDE)
                    for (int64_t p = first; p < last; p++)
                        squares.multiply(x + m * K, std::min<int64_t>(2 * SIDE, M - m), packed + p * PANEL * K, K,
                                         y + m * N + p * PANEL, N, std::min<int64_t>(PANEL, N - p * PANEL), add,
                                         bias ? bias + p * PANEL : nullptr);
                return;
            }
#endif
        const S* ahead = packed + start(next) * PANEL * K;  // fetched while this one is multiplied
        for (int64_t m = 0; m < M; m += ROWS)
            for (int64_t p = first; p < last; p++, ahead += K / STRIDE * LINE)
                rows(M - m, Tile<S>{x + m * K, K, 1}, packed + p * PANEL * K, PANEL, K, y + m * N + p * PANEL, N,
                     std::min<int64_t>(PANEL, N - p * PANEL), add, bias ? bias + p * PANEL : nullptr, ahead);
    };
    if (M < FEW) {
#pragma omp parallel for num_threads(threads) schedule(static)
        for (int64_t block = 0; block < blocks; block++) multiply(block, block + 1);
    } else {
#pragma omp parallel for num_threads(threads) schedule(dynamic)
        for (int64_t block = 0; block < blocks; block++) multiply(block, block + threads);
    }
}

}  // namespace

// In fp32; in bf16; and of bf16 factors into fp32.
#define FOR_TYPES(NAME, S, B, Y)                                                                                    extern "C" void ponder_linear_##NAME(const S* x, const S* packed, const B* bias, Y* y, int64_t M, int64_t N,                                          int64_t K, int64_t add, int64_t threads) {                                     linear(x, packed, bias, y, M, N, K, add, threads);                                                          }
FOR_TYPES(float, float, float, float)
FOR_TYPES(bf16, pair, bf16, bf16)
FOR_TYPES(wide, pair, bf16, float)
