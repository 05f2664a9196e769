// Attention over packed rows, forward and backward: a prompt, then branches that see the prompt and themselves.
//
// Nothing of size [L,L] is kept or computed: a block of queries multiplies the prompt's keys and its own branch's keys
// so far, and the backward pass computes the weights again from the logarithm of their sum.
//
// Shapes: R rows, L positions, H query heads, K key-value heads, E head size, G = H / K.
#include <cmath>
#include <vector>

#include "panels.h"

namespace {

constexpr int64_t BLOCK = 16;  // positions whose queries are multiplied together

struct Shape {
    int64_t R, L, H, K, E, window;
    float scale;
};

// A run of positions that belong together: the prompt, or one branch of it.
struct Run {
    int64_t first, size, prompt;  // its first position, how many, and how many positions of the prompt it sees
};

// begin[i] is where the run of position i begins, -1 for padding.
std::vector<Run> runs_of(const int64_t* begin, int64_t prompt, int64_t L) {
    std::vector<Run> found;
    for (int64_t i = 0; i < L && begin[i] >= 0; i++) {
        if (begin[i] == i) found.push_back({i, 0, i < prompt ? 0 : prompt});
        found.back().size++;
    }
    return found;
}

// What products between rows of T are made of: whole numbers of T a step.
template <class T> using Step = typename Fold<T>::Step;
template <class T> int64_t steps(int64_t E) { return E * sizeof(T) / sizeof(Step<T>); }

// n rows of E elements, `apart` from each other, in fp32.
template <class T> void copy(const T* from, int64_t apart, int64_t n, int64_t E, std::vector<float>& to) {
    to.resize(n * E + PANEL);
    for (int64_t i = 0; i < n; i++)
        each(E, [&](int64_t at, int64_t wide) { put(&to[i * E + at], take(from + i * apart + at, wide), wide); });
}

// The rows of a run as panels.
template <class T>
void turn_run(const T* from, int64_t apart, int64_t E, const Run& run, std::vector<Step<T>>& panels) {
    int64_t count = (run.size + PANEL - 1) / PANEL, K = steps<T>(E);
    panels.resize(count * PANEL * K);
    for (int64_t p = 0; p < count; p++)
        pack(reinterpret_cast<const float*>(from + (run.first + p * PANEL) * apart), steps<T>(apart),
             std::min<int64_t>(PANEL, run.size - p * PANEL), K, reinterpret_cast<float*>(&panels[p * PANEL * K]));
}

// y [m,columns] = a [m,E] times panels.
template <class T>
void across(const T* a, int64_t m, int64_t E, const std::vector<Step<T>>& panels, int64_t columns, float* y, int64_t ld) {
    auto x = reinterpret_cast<const Step<T>*>(a);
    int64_t K = steps<T>(E);
    for (int64_t p = 0; p * PANEL < columns; p++)
        for (int64_t r = 0; r < m; r += ROWS)
            rows(m - r, Tile<Step<T>>{x + r * K, K, 1}, &panels[p * PANEL * K], PANEL, K, y + r * ld + p * PANEL, ld,
                 std::min<int64_t>(PANEL, columns - p * PANEL));
}

// y [m,E] (+)= a [m,K] times b [K,E]; `a` as a tile, so that it can be a transpose.
void along(Tile<float> a, int64_t m, int64_t K, const float* b, int64_t E, float* y, bool add) {
    for (int64_t c = 0; c < E; c += PANEL)
        for (int64_t r = 0; r < m; r += ROWS)
            rows(m - r, Tile<float>{a.x + r * a.row, a.row, a.column}, b + c, E, K, y + r * E + c, E,
                 std::min<int64_t>(PANEL, E - c), add);
}

// A block of queries of one run: positions `from` to `to`, all heads of the group, and what they see.
struct Block {
    int64_t from, to, group;
    Run run;
    int64_t own() const { return to - run.first; }
    int64_t seen() const { return run.prompt + own(); }
    int64_t rows() const { return group * (to - from); }
    // Which element of [L,H,E] is row m's first.
    int64_t at(int64_t m, int64_t head, const Shape& s) const {
        return ((from + m % (to - from)) * s.H + head + m / (to - from)) * s.E;
    }
};

// Keys or values of one head as panels: the prompt's, and those of the run at hand.
template <class T> struct Turned {
    std::vector<Step<T>> prompt, own;
};

// y [rows,seen] = x [rows,E] times what a block sees.
template <class T> void meet(const Block& b, const T* x, const Turned<T>& turned, const Shape& s, float* y) {
    int64_t ld = b.seen();
    if (b.run.prompt) across(x, b.rows(), s.E, turned.prompt, b.run.prompt, y, ld);
    across(x, b.rows(), s.E, turned.own, b.own(), y + b.run.prompt, ld);
}

// Scores of a block [rows,seen], -inf where a query sees nothing.
template <class T> void score(const Block& b, const T* q, const Turned<T>& keys, const Shape& s, float* out) {
    int64_t ld = b.seen();
    meet(b, q, keys, s, out);
    for (int64_t m = 0; m < b.rows(); m++) {
        float* row = out + m * ld;
        int64_t place = b.from - b.run.first + m % (b.to - b.from);  // in its run
        each(ld, [&](int64_t at, int64_t n) { put(row + at, take(row + at, n) * splat(s.scale), n); });
        std::fill(row + b.run.prompt + place + 1, row + ld, -INFINITY);
        if (!s.window) continue;
        std::fill(row, row + std::clamp<int64_t>(b.run.prompt + place - s.window + 1, 0, b.run.prompt), -INFINITY);
        int64_t unseen = std::clamp<int64_t>(place - s.window + 1, 0, place);
        std::fill(row + b.run.prompt, row + b.run.prompt + unseen, -INFINITY);
    }
}

// e^(row - shift) in place; the sum of it.
double soften(float* row, int64_t n, float shift) {
    vec sums{};
    each(n, [&](int64_t at, int64_t wide) {
        vec mass = exponential(take(row + at, wide) - splat(shift));
        for (int64_t i = wide; i < V; i++) mass[i] = 0;
        put(row + at, mass, wide);
        sums += mass;
    });
    return total(sums);
}

template <class T> struct Scratch {
    Turned<T> keys, values;
    std::vector<T> q, grad;
    std::vector<float> wide_keys, wide_values, wide_q, wide_grad, out, scores, slopes, d_keys, d_values;
};

// The rows of a block, of one head group, side by side.
template <class T> void gather(const T* from, const Block& b, int64_t head, const Shape& s, std::vector<T>& to) {
    to.resize(b.rows() * s.E + PANEL);
    for (int64_t m = 0; m < b.rows(); m++) memcpy(&to[m * s.E], from + b.at(m, head, s), s.E * sizeof(T));
}
template <class T> void gather_wide(const T* from, const Block& b, int64_t head, const Shape& s, std::vector<float>& to) {
    to.resize(b.rows() * s.E + PANEL);
    for (int64_t m = 0; m < b.rows(); m++)
        each(s.E, [&](int64_t at, int64_t n) { put(&to[m * s.E + at], take(from + b.at(m, head, s) + at, n), n); });
}
template <class T> void scatter(const float* from, const Block& b, int64_t head, const Shape& s, T* to) {
    for (int64_t m = 0; m < b.rows(); m++)
        each(s.E, [&](int64_t at, int64_t n) { put(to + b.at(m, head, s) + at, take(from + m * s.E + at, n), n); });
}

// Calls work(block) for every block of a row, the keys of its run turned into panels (and its values, if asked).
template <class T, class F>
void walk(const T* k, const T* v, const int64_t* begin, int64_t prompt, int64_t kv, const Shape& s, bool turn_values,
          Scratch<T>& x, F work) {
    k += kv * s.E, v += kv * s.E;
    int64_t apart = s.K * s.E;
    copy(v, apart, s.L, s.E, x.wide_values);
    if (turn_values) copy(k, apart, s.L, s.E, x.wide_keys);
    for (const Run& run : runs_of(begin, prompt, s.L)) {
        turn_run(k, apart, s.E, run, x.keys.own);
        if (turn_values) turn_run(v, apart, s.E, run, x.values.own);
        for (int64_t from = run.first; from < run.first + run.size; from += BLOCK) {
            Block block{from, std::min(from + BLOCK, run.first + run.size), s.H / s.K, run};
            x.scores.resize(block.rows() * block.seen() + PANEL);
            work(block);
        }
        if (run.first == 0) x.keys.prompt = x.keys.own, x.values.prompt = x.values.own;
    }
}

template <class T>
void forward(const T* q, const T* k, const T* v, const int64_t* begin, const int64_t* prompt, T* out, float* sums,
             const Shape& s, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        Scratch<T> x;
#pragma omp for collapse(2) schedule(dynamic, 1)
        for (int64_t r = 0; r < s.R; r++)
            for (int64_t kv = 0; kv < s.K; kv++) {
                int64_t whole = r * s.L * s.H * s.E, part = r * s.L * s.K * s.E, head = kv * (s.H / s.K);
                walk(k + part, v + part, begin + r * s.L, prompt[r], kv, s, false, x, [&](const Block& b) {
                    gather(q + whole, b, head, s, x.q);
                    score(b, x.q.data(), x.keys, s, x.scores.data());
                    int64_t ld = b.seen(), wide = b.to - b.from;
                    for (int64_t m = 0; m < b.rows(); m++) {
                        float* row = &x.scores[m * ld];
                        float high = highest(row, ld);
                        double sum = soften(row, ld, high);
                        vec share = splat(static_cast<float>(1.0 / sum));
                        each(ld, [&](int64_t at, int64_t n) { put(row + at, take(row + at, n) * share, n); });
                        sums[(r * s.H + head + m / wide) * s.L + b.from + m % wide] = high + std::log(sum);
                    }
                    x.out.resize(b.rows() * s.E + PANEL);
                    along({x.scores.data(), ld, 1}, b.rows(), b.run.prompt, x.wide_values.data(), s.E, x.out.data(), false);
                    along({x.scores.data() + b.run.prompt, ld, 1}, b.rows(), b.own(), &x.wide_values[b.run.first * s.E],
                          s.E, x.out.data(), true);
                    scatter(x.out.data(), b, head, s, out + whole);
                });
            }
    }
}

template <class T>
void backward(const T* q, const T* k, const T* v, const T* out, const T* grad, const int64_t* begin,
              const int64_t* prompt, const float* sums, T* dq, T* dk, T* dv, const Shape& s, int64_t threads) {
#pragma omp parallel num_threads(threads)
    {
        Scratch<T> x;
#pragma omp for collapse(2) schedule(dynamic, 1)
        for (int64_t r = 0; r < s.R; r++)
            for (int64_t kv = 0; kv < s.K; kv++) {
                int64_t whole = r * s.L * s.H * s.E, part = r * s.L * s.K * s.E, head = kv * (s.H / s.K);
                x.d_keys.assign(s.L * s.E, 0.0f);
                x.d_values.assign(s.L * s.E, 0.0f);
                walk(k + part, v + part, begin + r * s.L, prompt[r], kv, s, true, x, [&](const Block& b) {
                    int64_t ld = b.seen(), wide = b.to - b.from, P = b.run.prompt, M = b.rows(), own = b.run.first * s.E;
                    gather(q + whole, b, head, s, x.q);
                    gather(grad + whole, b, head, s, x.grad);
                    gather_wide(q + whole, b, head, s, x.wide_q);
                    gather_wide(out + whole, b, head, s, x.out);
                    gather_wide(grad + whole, b, head, s, x.wide_grad);
                    score(b, x.q.data(), x.keys, s, x.scores.data());
                    x.slopes.resize(M * ld + PANEL);
                    meet(b, x.grad.data(), x.values, s, x.slopes.data());
                    for (int64_t m = 0; m < M; m++)
                        soften(&x.scores[m * ld], ld, sums[(r * s.H + head + m / wide) * s.L + b.from + m % wide]);
                    along({x.scores.data(), 1, ld}, P, M, x.wide_grad.data(), s.E, x.d_values.data(), true);
                    along({x.scores.data() + P, 1, ld}, b.own(), M, x.wide_grad.data(), s.E, &x.d_values[own], true);
                    for (int64_t m = 0; m < M; m++) {
                        vec dots{};
                        each(s.E, [&](int64_t at, int64_t n) {
                            dots += take(&x.wide_grad[m * s.E + at], n) * take(&x.out[m * s.E + at], n);
                        });
                        vec mean = splat(total(dots)), scale = splat(s.scale);
                        float *slope = &x.slopes[m * ld], *weight = &x.scores[m * ld];
                        each(ld, [&](int64_t at, int64_t n) {
                            put(slope + at, (take(slope + at, n) - mean) * take(weight + at, n) * scale, n);
                        });
                    }
                    along({x.slopes.data(), ld, 1}, M, P, x.wide_keys.data(), s.E, x.out.data(), false);
                    along({x.slopes.data() + P, ld, 1}, M, b.own(), &x.wide_keys[own], s.E, x.out.data(), true);
                    scatter(x.out.data(), b, head, s, dq + whole);
                    along({x.slopes.data(), 1, ld}, P, M, x.wide_q.data(), s.E, x.d_keys.data(), true);
                    along({x.slopes.data() + P, 1, ld}, b.own(), M, x.wide_q.data(), s.E, &x.d_keys[own], true);
                });
                for (int64_t i = 0; i < s.L; i++)
                    each(s.E, [&](int64_t at, int64_t n) {
                        int64_t to = part + (i * s.K + kv) * s.E + at;
                        put(dk + to, take(&x.d_keys[i * s.E + at], n), n);
                        put(dv + to, take(&x.d_values[i * s.E + at], n), n);
                    });
            }
    }
}

}  // namespace

#define FOR_TYPE(T)                                                                                                    \
    extern "C" void ponder_tree_##T(const T* q, const T* k, const T* v, const int64_t* begin, const int64_t* prompt,   \
                                    T* out, float* sums, int64_t R, int64_t L, int64_t H, int64_t K, int64_t E,        \
                                    int64_t window, float scale, int64_t threads) {                                    \
        forward(q, k, v, begin, prompt, out, sums, Shape{R, L, H, K, E, window, scale}, threads);                      \
    }                                                                                                                  \
    extern "C" void ponder_tree_grad_##T(const T* q, const T* k, const T* v, const T* out, const T* grad,              \
                                         const int64_t* begin, const int64_t* prompt, const float* sums, T* dq, T* dk, \
                                         T* dv, int64_t R, int64_t L, int64_t H, int64_t K, int64_t E, int64_t window, \
                                         float scale, int64_t threads) {                                               \
        backward(q, k, v, out, grad, begin, prompt, sums, dq, dk, dv, Shape{R, L, H, K, E, window, scale}, threads);   \
    }
FOR_TYPE(float)
FOR_TYPE(bf16)
