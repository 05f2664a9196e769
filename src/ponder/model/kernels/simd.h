// What the kernels share: vectors as wide as the machine's, in the compiler's own vector extension (GCC, Clang),
// so that one source serves AVX2, AVX-512 and NEON. Storage is fp32 or bf16; arithmetic is always fp32.
#pragma once
#include <cstdint>
#include <cstring>
#if defined(__AVX512BF16__)
#include <immintrin.h>
#endif

#if !defined(WIDTH)  // floats of a vector; the compiler makes wider ones of several
#if defined(__AVX512F__)
#define WIDTH 16
#elif defined(__AVX__)
#define WIDTH 8
#else
#define WIDTH 4
#endif
#endif
constexpr int V = WIDTH;

typedef float vec __attribute__((vector_size(V * 4)));
typedef int32_t ivec __attribute__((vector_size(V * 4)));
typedef float loose __attribute__((vector_size(V * 4), aligned(4)));
typedef uint16_t half __attribute__((vector_size(V * 2), aligned(2)));
typedef uint32_t word __attribute__((vector_size(V * 4)));
typedef uint32_t loose_word __attribute__((vector_size(V * 4), aligned(4), may_alias));

struct bf16 {
    uint16_t bits;
};
struct __attribute__((may_alias)) pair {  // two bf16 side by side, the first in the lower half
    uint32_t bits;
};

inline vec splat(float x) { return x - vec{}; }
inline vec load(const float* p) { return *reinterpret_cast<const loose*>(p); }
inline void store(float* p, vec x) { *reinterpret_cast<loose*>(p) = x; }
inline vec load(const bf16* p) {
    word bits = __builtin_convertvector(*reinterpret_cast<const half*>(p), word) << 16;
    return (vec)bits;
}
inline void store(bf16* p, vec x) {  // to the nearest, ties to even, as torch rounds
    word bits = (word)x;
    bits = (bits + 0x7fff + ((bits >> 16) & 1)) >> 16;
    *reinterpret_cast<half*>(p) = __builtin_convertvector(bits, half);
}

inline word load(const pair* p) { return *reinterpret_cast<const loose_word*>(p); }

inline word splat(pair x) { return x.bits - word{}; }

// sum + a * b, where elements are fp32 or pairs of bf16: then both products of a pair are added.
inline vec fold(vec sum, vec a, vec b) { return sum + a * b; }
inline vec fold(vec sum, word a, word b) {
#if defined(__AVX512BF16__) && WIDTH == 16
    return (vec)_mm512_dpbf16_ps((__m512)sum, (__m512bh)a, (__m512bh)b);
#else
    constexpr uint32_t HIGH = 0xffff0000;
    return sum + (vec)(a << 16) * (vec)(b << 16) + (vec)(a & HIGH) * (vec)(b & HIGH);
#endif
}

// What `fold` takes elements of T by.
template <class T> struct Fold;
template <> struct Fold<float> { typedef float Step; };
template <> struct Fold<bf16> { typedef pair Step; };

// The last n < V elements of a row, and back.
template <class T> inline auto load(const T* p, int64_t n) {
    T part[V] = {};
    memcpy(part, p, n * sizeof(T));
    return load(part);
}
template <class T> inline void store(T* p, vec x, int64_t n) {
    T part[V];
    store(part, x);
    memcpy(p, part, n * sizeof(T));
}

// f(at, n): whole vectors of a row of `size` elements with n = V, then what is left.
template <class F> inline void each(int64_t size, F f) {
    int64_t at = 0;
    for (; at + V <= size; at += V) f(at, V);
    if (at < size) f(at, size - at);
}
template <class T> inline auto take(const T* p, int64_t n) { return n == V ? load(p) : load(p, n); }
template <class T> inline void put(T* p, vec x, int64_t n) { n == V ? store(p, x) : store(p, x, n); }

#if defined(__clang__)
#define PICK(a, b, ...) __builtin_shufflevector(a, b, __VA_ARGS__)
#else
#define PICK(a, b, ...) __builtin_shuffle(a, b, ivec{__VA_ARGS__})
#endif

inline float total(vec x) {
    float part[V];
    store(part, x);
    for (int size = V / 2; size; size /= 2)
        for (int i = 0; i < size; i++) part[i] += part[i + size];
    return part[0];
}

// The totals of V vectors as one: neighbours are laid into each other and added, until one is left.
inline vec totals(const vec* x) {
#if WIDTH == 16
    vec pairs[8], fours[4], eights[2];
    for (int i = 0; i < 8; i++)
        pairs[i] = PICK(x[2 * i], x[2 * i + 1], 0, 16, 2, 18, 4, 20, 6, 22, 8, 24, 10, 26, 12, 28, 14, 30) +
                   PICK(x[2 * i], x[2 * i + 1], 1, 17, 3, 19, 5, 21, 7, 23, 9, 25, 11, 27, 13, 29, 15, 31);
    for (int i = 0; i < 4; i++)
        fours[i] = PICK(pairs[2 * i], pairs[2 * i + 1], 0, 1, 16, 17, 4, 5, 20, 21, 8, 9, 24, 25, 12, 13, 28, 29) +
                   PICK(pairs[2 * i], pairs[2 * i + 1], 2, 3, 18, 19, 6, 7, 22, 23, 10, 11, 26, 27, 14, 15, 30, 31);
    for (int i = 0; i < 2; i++)
        eights[i] = PICK(fours[2 * i], fours[2 * i + 1], 0, 1, 2, 3, 16, 17, 18, 19, 8, 9, 10, 11, 24, 25, 26, 27) +
                    PICK(fours[2 * i], fours[2 * i + 1], 4, 5, 6, 7, 20, 21, 22, 23, 12, 13, 14, 15, 28, 29, 30, 31);
    return PICK(eights[0], eights[1], 0, 1, 2, 3, 4, 5, 6, 7, 16, 17, 18, 19, 20, 21, 22, 23) +
           PICK(eights[0], eights[1], 8, 9, 10, 11, 12, 13, 14, 15, 24, 25, 26, 27, 28, 29, 30, 31);
#elif WIDTH == 8
    vec pairs[4], fours[2];
    for (int i = 0; i < 4; i++)
        pairs[i] = PICK(x[2 * i], x[2 * i + 1], 0, 8, 2, 10, 4, 12, 6, 14) +
                   PICK(x[2 * i], x[2 * i + 1], 1, 9, 3, 11, 5, 13, 7, 15);
    for (int i = 0; i < 2; i++)
        fours[i] = PICK(pairs[2 * i], pairs[2 * i + 1], 0, 1, 8, 9, 4, 5, 12, 13) +
                   PICK(pairs[2 * i], pairs[2 * i + 1], 2, 3, 10, 11, 6, 7, 14, 15);
    return PICK(fours[0], fours[1], 0, 1, 2, 3, 8, 9, 10, 11) + PICK(fours[0], fours[1], 4, 5, 6, 7, 12, 13, 14, 15);
#else
    vec out;
    for (int i = 0; i < V; i++) out[i] = total(x[i]);
    return out;
#endif
}
inline vec larger(vec a, vec b) { return a > b ? a : b; }

// The largest of a row, which has one at least.
inline float highest(const float* row, int64_t size) {
    vec high = splat(row[0]);
    int64_t at = 0;
    for (; at + V <= size; at += V) high = larger(high, load(row + at));
    float most[V], found = row[0];
    store(most, high);
    for (int i = 0; i < V; i++) found = most[i] > found ? most[i] : found;
    for (; at < size; at++) found = row[at] > found ? row[at] : found;
    return found;
}

// e^x to 2 units in the last place: 2^n times a polynomial (Cephes) on [-ln 2 / 2, ln 2 / 2]; 0 below -87.
inline vec exponential(vec x) {
    ivec tiny = x < splat(-87.0f);
    x = tiny ? splat(-87.0f) : (x > splat(88.0f) ? splat(88.0f) : x);
    vec shift = splat(12582912.0f);  // 1.5 * 2^23: adding it rounds to a whole number
    vec rounded = (x * splat(1.44269504f) + shift);
    vec n = rounded - shift;
    vec r = x - n * splat(0.693359375f) - n * splat(-2.12194440e-4f);
    vec p = splat(1.9875691500e-4f);
    p = p * r + splat(1.3981999507e-3f);
    p = p * r + splat(8.3334519073e-3f);
    p = p * r + splat(4.1665795894e-2f);
    p = p * r + splat(1.6666665459e-1f);
    p = p * r + splat(5.0000001201e-1f);
    p = p * r * r + r + splat(1.0f);
    ivec power = (__builtin_convertvector(n, ivec) + 127) << 23;
    vec scaled = p * (vec)power;
    return tiny ? vec{} : scaled;
}
