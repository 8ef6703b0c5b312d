/* Gradient descent on a multi-layer perceptron, written by hand: the physical limit that others are held against.

   What the problem fixes comes from the compiler's command line, so that every loop has a known length:
     FLOAT float or double    EXP exp or expf
     INPUTS of a row   WIDEST layer   LANES numbers in a vector   BLOCKS vectors for the rows of a batch
     UP(L), DOWN(L)   L(k, nin, nout, kind, at) for each layer from the first, or from the last; `at` is where its
                      weights w[o][i] begin, its biases behind them
     TOP the number of layers   TOP_OUT the outputs   LOSS

   The rows of a batch lie side by side in vectors (gcc's and clang's vector_size), padded with rows of share 0. Each
   neuron's sums stay in registers while its inputs pass by. */

#include <math.h>

#if LANES == 1
typedef FLOAT lane;
#else
typedef FLOAT lane __attribute__((vector_size(LANES * sizeof(FLOAT))));
#endif
enum { SIGMOID, RELU, IDENTITY, MSE, HINGE, SOFTMAX };
enum { ROWS = BLOCKS * LANES };
typedef lane net[TOP + 1][WIDEST][BLOCKS]; /* [layer][neuron] */

#define INLINE static inline __attribute__((always_inline))
#define EACH_BLOCK _Pragma("GCC unroll 16") for (int j = 0; j < BLOCKS; j++)
#define EACH_ROW(pointer) FLOAT *p = (FLOAT *)(pointer); for (int r = 0; r < ROWS; r++)

INLINE void forward(int nin, int nout, int kind, const FLOAT *w, lane (*in)[BLOCKS], lane (*out)[BLOCKS]) {
    for (int o = 0; o < nout; o++) {
        lane sum[BLOCKS];
        EACH_BLOCK sum[j] = w[nin * nout + o] - (lane){0};
        for (int i = 0; i < nin; i++) EACH_BLOCK sum[j] += w[o * nin + i] * in[i][j];
        EACH_BLOCK out[o][j] = sum[j];
        EACH_ROW(out[o]) p[r] = kind == SIGMOID ? 1 / (1 + EXP(-p[r])) : kind == RELU ? (p[r] > 0 ? p[r] : 0) : p[r];
    }
}

/* slopes in the outputs, of a loss that is a sum over rows with these shares */
INLINE void loss_slopes(lane (*out)[BLOCKS], lane (*slopes)[BLOCKS], const FLOAT *y, const FLOAT *share) {
    const FLOAT *z = (const FLOAT *)out;
    EACH_ROW(slopes) {
        if (LOSS == MSE) p[r] = 2 * share[r] * (z[r] - y[r]);
        if (LOSS == HINGE) p[r] = y[r] * z[r] < 1 ? -share[r] * y[r] : 0;
        if (LOSS == SOFTMAX) {
            FLOAT largest = z[r], whole = 0;
            for (int o = 1; o < TOP_OUT; o++) largest = z[o * ROWS + r] > largest ? z[o * ROWS + r] : largest;
            for (int o = 0; o < TOP_OUT; o++) whole += p[o * ROWS + r] = EXP(z[o * ROWS + r] - largest);
            for (int o = 0; o < TOP_OUT; o++) p[o * ROWS + r] *= share[r] / whole;
            p[(int)y[r] * ROWS + r] -= share[r];
        }
    }
}

INLINE FLOAT total(lane v) {
    FLOAT parts[LANES];
    __builtin_memcpy(parts, &v, sizeof v);
    for (int half = LANES / 2; half; half /= 2) for (int l = 0; l < half; l++) parts[l] += parts[l + half];
    return parts[0];
}

/* through the activation, on to the layer below with the old weights, then move the weights */
INLINE void backward(int k, int nin, int nout, int kind, FLOAT *w, net a, net d, FLOAT lr, FLOAT keep) {
    for (int o = 0; o < nout && kind != IDENTITY; o++) {
        const FLOAT *out = (const FLOAT *)a[k + 1][o];
        EACH_ROW(d[k + 1][o]) p[r] = kind == SIGMOID ? p[r] * out[r] * (1 - out[r]) : out[r] > 0 ? p[r] : 0;
    }
    for (int i = 0; i < nin && k; i++) {
        lane sum[BLOCKS];
        EACH_BLOCK sum[j] = (lane){0};
        for (int o = 0; o < nout; o++) EACH_BLOCK sum[j] += w[o * nin + i] * d[k + 1][o][j];
        EACH_BLOCK d[k][i][j] = sum[j];
    }
    for (int o = 0; o < nout; o++) {
        lane sum = {0};
        for (int i = 0; i < nin; i++) {
            lane slope = {0};
            EACH_BLOCK slope += d[k + 1][o][j] * a[k][i][j];
            w[o * nin + i] = keep * w[o * nin + i] - lr * total(slope);
        }
        EACH_BLOCK sum += d[k + 1][o][j];
        w[nin * nout + o] = keep * w[nin * nout + o] - lr * total(sum);
    }
}

/* x[batch][input][row], y[batch][row], share[row] */
void train(long steps, long batches, FLOAT lr, FLOAT l2, FLOAT *restrict w, const FLOAT *restrict x,
           const FLOAT *restrict y, const FLOAT *restrict share) {
    const FLOAT keep = 1 - 2 * lr * l2;
    net a, d;
    for (long step = 0, batch = 0; step < steps; step++, batch = batch + 1 < batches ? batch + 1 : 0) {
        __builtin_memcpy(a[0], x + batch * INPUTS * ROWS, INPUTS * ROWS * sizeof(FLOAT));
#define UPWARDS(k, nin, nout, kind, at) forward(nin, nout, kind, w + at, a[k], a[k + 1]);
        UP(UPWARDS)
        loss_slopes(a[TOP], d[TOP], y + batch * ROWS, share);
#define DOWNWARDS(k, nin, nout, kind, at) backward(k, nin, nout, kind, w + at, a, d, lr, keep);
        DOWN(DOWNWARDS)
    }
}
