// What happens to each row between the matrices: norms, rotations, the gate. Storage T is fp32 or bf16.
//
// Shapes: M rows, D elements of a row, H heads, E head size.
#include <algorithm>
#include <cmath>
#include <vector>

#include "simd.h"

namespace {

constexpr int64_t SMALL = 1 << 16;  // elements that are not worth waking a thread for

template <class X> inline vec inverse_root(const X* row, int64_t D, float eps) {
    vec squares{};
    each(D, [&](int64_t at, int64_t n) {
        vec v = take(row + at, n);
        squares += v * v;
    });
    return splat(1.0f / std::sqrt(total(squares) / D + eps));
}

// out = x / sqrt(mean(x^2) + eps) * weight; x is fp32, or T and changed in place.
template <class X, class T>
void norm(const X* x, const T* weight, T* out, int64_t M, int64_t D, float eps, int64_t threads) {
#pragma omp parallel for num_threads(threads) if (M * D > SMALL)
    for (int64_t m = 0; m < M; m++) {
        const X* row = x + m * D;
        vec scale = inverse_root(row, D, eps);
        each(D, [&](int64_t at, int64_t n) { put(out + m * D + at, take(row + at, n) * scale * take(weight + at, n), n); });
    }
}

// dx = s (g w) - x s^3 mean(g w x), and what each thread's rows add to dw = sum g x s; s is 1 / sqrt(mean(x^2) + eps).
template <class T>
void norm_grad(const float* x, const T* weight, const T* grad, float* dx, float* dw, int64_t M, int64_t D, float eps,
               int64_t threads) {
    std::vector<float> sums(threads * D);
#pragma omp parallel for num_threads(threads) schedule(static)
    for (int64_t t = 0; t < threads; t++)
        for (int64_t m = M * t / threads; m < M * (t + 1) / threads; m++) {
            const float* row = x + m * D;
            const T* g = grad + m * D;
            float* sum = &sums[t * D];
            vec scale = inverse_root(row, D, eps), dots{};
            each(D, [&](int64_t at, int64_t n) {
                vec gx = take(g + at, n) * take(row + at, n);
                dots += gx * take(weight + at, n);
                put(sum + at, take(sum + at, n) + gx * scale, n);
            });
            vec back = splat(total(dots) / D) * scale * scale * scale;
            each(D, [&](int64_t at, int64_t n) {
                put(dx + m * D + at, scale * take(g + at, n) * take(weight + at, n) - take(row + at, n) * back, n);
            });
        }
    for (int64_t d = 0; d < D; d++) {
        dw[d] = 0;
        for (int64_t t = 0; t < threads; t++) dw[d] += sums[t * D + d];
    }
}

// out = silu(gate) * up
template <class T> void gated(const T* gate, const T* up, T* out, int64_t size, int64_t threads) {
    constexpr int64_t PIECE = 4096;
#pragma omp parallel for num_threads(threads) if (size > SMALL / 2)
    for (int64_t from = 0; from < size; from += PIECE)
        each(size - from < PIECE ? size - from : PIECE, [&](int64_t at, int64_t n) {
            vec g = take(gate + from + at, n);
            put(out + from + at, g / (splat(1.0f) + exponential(-g)) * take(up + from + at, n), n);
        });
}

// With s = sigmoid(gate): dgate = g up s (1 + gate (1 - s)), dup = g gate s.
template <class T>
void gated_grad(const T* gate, const T* up, const T* grad, T* dgate, T* dup, int64_t size, int64_t threads) {
    constexpr int64_t PIECE = 4096;
#pragma omp parallel for num_threads(threads) if (size > SMALL)
    for (int64_t from = 0; from < size; from += PIECE)
        each(size - from < PIECE ? size - from : PIECE, [&](int64_t at, int64_t n) {
            int64_t i = from + at;
            vec x = take(gate + i, n), g = take(grad + i, n);
            vec s = splat(1.0f) / (splat(1.0f) + exponential(-x));
            put(dgate + i, g * take(up + i, n) * s * (splat(1.0f) + x * (splat(1.0f) - s)), n);
            put(dup + i, g * x * s, n);
        });
}

// Rotary embedding in place: x [M,H,E], cos and sin [M,E/2]; halves are paired.
template <class T> void rotate(T* x, const float* cos, const float* sin, int64_t M, int64_t H, int64_t E, int64_t threads) {
#pragma omp parallel for num_threads(threads) if (M * H * E > SMALL)
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

// sum += part: PyTorch would make an fp32 copy of the part first.
extern "C" void ponder_collect(float* sum, const bf16* part, int64_t size, int64_t threads) {
    constexpr int64_t PIECE = 1 << 14;
#pragma omp parallel for num_threads(threads) if (size > SMALL)
    for (int64_t from = 0; from < size; from += PIECE)
        each(std::min(PIECE, size - from), [&](int64_t at, int64_t n) {
            put(sum + from + at, take(sum + from + at, n) + take(part + from + at, n), n);
        });
}

#define FOR_TYPE(T)                                                                                                   \
    extern "C" void ponder_norm_##T(const float* x, const T* weight, T* out, int64_t M, int64_t D, float eps,         \
                                    int64_t threads) {                                                                \
        norm(x, weight, out, M, D, eps, threads);                                                                     \
    }                                                                                                                 \
    extern "C" void ponder_norm_heads_##T(T* x, const T* weight, int64_t M, int64_t D, float eps, int64_t threads) {  \
        norm(x, weight, x, M, D, eps, threads);                                                                       \
    }                                                                                                                 \
    extern "C" void ponder_norm_grad_##T(const float* x, const T* weight, const T* grad, float* dx, float* dw,        \
                                         int64_t M, int64_t D, float eps, int64_t threads) {                          \
        norm_grad(x, weight, grad, dx, dw, M, D, eps, threads);                                                       \
    }                                                                                                                 \
    extern "C" void ponder_gated_##T(const T* gate, const T* up, T* out, int64_t size, int64_t threads) {             \
        gated(gate, up, out, size, threads);                                                                          \
    }                                                                                                                 \
    extern "C" void ponder_gated_grad_##T(const T* gate, const T* up, const T* grad, T* dgate, T* dup, int64_t size,  \
                                          int64_t threads) {                                                          \
        gated_grad(gate, up, grad, dgate, dup, size, threads);                                                        \
    }                                                                                                                 \
    extern "C" void ponder_rotate_##T(T* x, const float* cos, const float* sin, int64_t M, int64_t H, int64_t E,      \
                                      int64_t threads) {                                                              \
        rotate(x, cos, sin, M, H, E, threads);                                                                        \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
