/* Matrix products of arrays that are stored row by row. */

#if defined(__GNUC__)
#define INLINE static inline __attribute__((always_inline, unused))
#else
#define INLINE static inline
#endif

/* out[m, r] = the sum over k of a[m, k]·b[r, k]; b[r, k] lies at b[r * row + k * column]. */
INLINE void matmul(int samples, int outer, int inner, const double *restrict a, const double *restrict b, int row,
                   int column, double *restrict out) {
    for (int m = 0; m < samples; m++, a += inner, out += outer) {
        for (int r = 0; r < outer; r++) out[r] = 0.0;
        if (row == 1 && outer > 1)
            for (int k = 0; k < inner; k++)
                for (int r = 0; r < outer; r++) out[r] += a[k] * b[r + k * column];
        else
            for (int r = 0; r < outer; r++) {
                double t[8] = {0.0};
                int k = 0;
                for (; k + 8 <= inner; k += 8)
                    for (int c = 0; c < 8; c++) t[c] += a[k + c] * b[r * row + (k + c) * column];
                for (; k < inner; k++) out[r] += a[k] * b[r * row + k * column];
                for (int c = 0; c < 8; c++) out[r] += t[c];
            }
    }
}

/* out[i, k] += the sum over samples m of a[m, i]·b[m, k]. */
INLINE void gram(int samples, int outer, int inner, const double *restrict a, const double *restrict b,
                 double *restrict out) {
    for (int m = 0; m < samples; m++, a += outer, b += inner)
        for (int i = 0; i < outer; i++)
            for (int k = 0; k < inner; k++) out[i * inner + k] += a[i] * b[k];
}
