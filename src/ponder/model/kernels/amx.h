// Products by Intel's matrix unit (AMX): squares of 16 outputs by 16, from 16 pairs of bf16 at a time.
//
// A panel of pairs, as `pack` lays it out, is what the unit wants of its right side: 16 columns are a square, a row of
// it 32 pairs after the one before. An output is summed over K in order, as everywhere: whatever rows are beside it.
#pragma once
#include "panels.h"

#if defined(__AMX_BF16__) && defined(__linux__) && WIDTH == 16
#define MATRIX_UNIT 1
#include <immintrin.h>
#include <sys/syscall.h>
#include <unistd.h>

constexpr int SIDE = 16;  // rows and columns of a square, and pairs that are added at once

// Whether the system lets this process use the unit; asked for once.
inline bool matrix_unit() {
    static const bool granted = syscall(SYS_arch_prctl, 0x1023 /* ARCH_REQ_XCOMP_PERM */, 18 /* its registers */) == 0;
    return granted;
}

// The unit's registers, of a thread, for products of up to 2 SIDE rows: 0 to 3 hold sums, 4 and 5 rows of x, 6 and 7 a
// panel.
class Squares {
    int64_t held = 0;

   public:
    ~Squares() { _tile_release(); }

    // Shapes for this many rows.
    void shape(int64_t rows) {
        if (rows == held) return;
        held = rows;
        struct alignas(64) {
            uint8_t palette = 1, start = 0, rest[14] = {};
            uint16_t bytes[16] = {};
            uint8_t rows[16] = {};
        } config;
        uint8_t upper = std::min<int64_t>(rows, SIDE), lower = std::max<int64_t>(rows - SIDE, 1);
        for (int i = 0; i < 8; i++) {
            config.bytes[i] = SIDE * 4;
            config.rows[i] = i > 5 ? SIDE : (i < 4 ? i / 2 : i - 4) ? lower : upper;
        }
        _tile_loadconfig(&config);
    }

    // y [m,n] (+)= x [m,K] times panel [K,PANEL], for m up to 2 SIDE rows; K is a multiple of SIDE pairs.
    template <class Y, class B>
    void multiply(const pair* x, int64_t m, const pair* panel, int64_t K, Y* y, int64_t ld, int64_t n, bool add,
                  const B* bias) {
        shape(m);
        bool two = m > SIDE;
        int64_t row = K * sizeof(pair), down = PANEL * sizeof(pair);
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        for (int64_t k = 0; k < K; k += SIDE) {
            _tile_loadd(6, panel + k * PANEL, down);
            _tile_loadd(7, panel + k * PANEL + SIDE, down);
            _tile_loadd(4, x + k, row);
            _tile_dpbf16ps(0, 4, 6);
            _tile_dpbf16ps(1, 4, 7);
            if (!two) continue;
            _tile_loadd(5, x + SIDE * K + k, row);
            _tile_dpbf16ps(2, 5, 6);
            _tile_dpbf16ps(3, 5, 7);
        }
        alignas(64) float sums[2 * SIDE][PANEL];
        _tile_stored(0, &sums[0][0], sizeof(sums[0]));
        _tile_stored(1, &sums[0][SIDE], sizeof(sums[0]));
        if (two) {
            _tile_stored(2, &sums[SIDE][0], sizeof(sums[0]));
            _tile_stored(3, &sums[SIDE][SIDE], sizeof(sums[0]));
        }
        for (int64_t r = 0; r < m; r++)
            for (int v = 0; v < WIDE && v * V < n; v++) {
                int64_t wide = std::min<int64_t>(V, n - v * V);
                finish(load(&sums[r][v * V]), y + r * ld + v * V, wide, add, bias ? bias + v * V : bias);
            }
    }
};
#endif
