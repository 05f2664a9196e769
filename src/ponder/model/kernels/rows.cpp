// What happens to each row between the matrices: norms, rotations, the gate. Storage T is fp32 or bf16.
//
// Shapes: M rows, D elements of a row, H heads, E head size.
#include <cmath>

#include "simd.h"

namespace {

// out = x / sqrt(mean(x^2) + eps) * weight; x is fp32.
template <class T>
void norm(const float* x, const T* weight, T* out, int64_t M, int64_t D, float eps, int64_t threads) {
#pragma omp parallel for num_threads(threads) if (M * D > 8192)
    for (int64_t m = 0; m < M; m++) {
        const float* row = x + m * D;
        vec squares{};
        each(D, [&](int64_t at, int64_t n) {
            vec v = take(row + at, n);
            squares += v * v;
        });
        vec scale = splat(1.0f / std::sqrt(total(squares) / D + eps));
        each(D, [&](int64_t at, int64_t n) { put(out + m * D + at, take(row + at, n) * scale * take(weight + at, n), n); });
    }
}

// out = silu(gate) * up
template <class T> void gated(const T* gate, const T* up, T* out, int64_t size, int64_t threads) {
    constexpr int64_t PIECE = 4096;
#pragma omp parallel for num_threads(threads) if (size > PIECE)
    for (int64_t from = 0; from < size; from += PIECE)
        each(size - from < PIECE ? size - from : PIECE, [&](int64_t at, int64_t n) {
            vec g = take(gate + from + at, n);
            put(out + from + at, g / (splat(1.0f) + exponential(-g)) * take(up + from + at, n), n);
        });
}

// Rotary embedding in place: x [M,H,E], cos and sin [M,E/2]; halves are paired.
template <class T> void rotate(T* x, const float* cos, const float* sin, int64_t M, int64_t H, int64_t E, int64_t threads) {
#pragma omp parallel for num_threads(threads) if (M * H * E > 8192)
    for (int64_t m = 0; m < M; m++)
        for (int64_t h = 0; h < H; h++) {
            T *first = x + (m * H + h) * E, *second = first + E / 2;
            each(E / 2, [&](int64_t at, int64_t n) {
                vec a = take(first + at, n), b = take(second + at, n);
                vec c = take(cos + m * (E / 2) + at, n), s = take(sin + m * (E / 2) + at, n);
                put(first + at, a * c - b * s, n);
                put(second + at, b * c + a * s, n);
            });
        }
}

}  // namespace

#define FOR_TYPE(T)                                                                                                  \
    extern "C" void ponder_norm_##T(const float* x, const T* weight, T* out, int64_t M, int64_t D, float eps,        \
                                    int64_t threads) {                                                                   \
        norm(x, weight, out, M, D, eps, threads);                                                                    \
    }                                                                                                                \
    extern "C" void ponder_gated_##T(const T* gate, const T* up, T* out, int64_t size, int64_t threads) {                \
        gated(gate, up, out, size, threads);                                                                         \
    }                                                                                                                \
    extern "C" void ponder_rotate_##T(T* x, const float* cos, const float* sin, int64_t M, int64_t H, int64_t E,     \
                                      int64_t threads) {                                                                 \
        rotate(x, cos, sin, M, H, E, threads);                                                                       \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
