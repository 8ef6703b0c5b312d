/* Functions that a compiler can vectorise, and matrix products over a block of rows.

   A block has a number of rows side by side, its lanes: number i of the row in lane l lies at a[i * lanes + l], and the
   lanes are whole vectors. The functions have no branches and call nothing, so a loop over lanes that calls them becomes
   vector instructions; they are right to 2 ULP, also for nan, infinities and subnormal numbers. */

/* ---- functions ---- */

#define LOG2E 1.4426950408889634
#define LN2_HIGH 0x1.62e42feep-1 /* short: times a whole number up to 2000 it is exact */
#define LN2_LOW 0x1.a39ef35793c76p-33
#define ROUND 0x1.8p52 /* a number plus this, less this, is rounded to a whole number, which stands in its low bits */

INLINE double from_bits(uint64_t bits) {
    double x;
    memcpy(&x, &bits, sizeof x);
    return x;
}

INLINE uint64_t to_bits(double x) {
    uint64_t bits;
    memcpy(&bits, &x, sizeof bits);
    return bits;
}

/* 2 to the power of a whole number from -1022 to 1023, given with ROUND added. */
INLINE double power_of_two(double rounded) { return from_bits((to_bits(rounded) + 1023) << 52); }

/* exp(r) - 1 for |r| up to ln(2) / 2: Taylor's series, whose next term would be 2e-18 of the sum. */
INLINE double exp_series(double r) {
    double s = 1.0 / 87178291200.0;
    s = s * r + 1.0 / 6227020800.0;
    s = s * r + 1.0 / 479001600.0;
    s = s * r + 1.0 / 39916800.0;
    s = s * r + 1.0 / 3628800.0;
    s = s * r + 1.0 / 362880.0;
    s = s * r + 1.0 / 40320.0;
    s = s * r + 1.0 / 5040.0;
    s = s * r + 1.0 / 720.0;
    s = s * r + 1.0 / 120.0;
    s = s * r + 1.0 / 24.0;
    s = s * r + 1.0 / 6.0;
    s = s * r + 0.5;
    return r + r * r * s;
}

/* exp(x) = 2^n · (1 + series); 2^n in two factors, since either end of the range needs more than one holds. */
INLINE double array_exp(double x) {
    x = x > 710.0 ? 710.0 : x < -750.0 ? -750.0 : x;
    const double n = x * LOG2E + ROUND, half = (n - ROUND) * 0.5 + ROUND;
    const double r = (x - (n - ROUND) * LN2_HIGH) - (n - ROUND) * LN2_LOW;
    return (1.0 + exp_series(r)) * power_of_two(half) * power_of_two((n - ROUND) - (half - ROUND) + ROUND);
}

/* exp(x) - 1 = 2^n · series + (2^n - 1). */
INLINE double array_expm1(double x) {
    const double beyond = x > 709.0 ? array_exp(x) : 0.0;
    x = x > 709.0 ? 0.0 : x < -50.0 ? -50.0 : x;
    const double n = x * LOG2E + ROUND, scale = power_of_two(n);
    const double r = (x - (n - ROUND) * LN2_HIGH) - (n - ROUND) * LN2_LOW;
    return scale * exp_series(r) + (scale - 1.0) + beyond;
}

/* With m = exp(2|x|) - 1 it is m / (m + 2). */
INLINE double array_tanh(double x) {
    const double a = fabs(x), m = array_expm1(2.0 * (a > 20.0 ? 20.0 : a));
    return copysign(m / (m + 2.0), x);
}

/* ln(m) for m from √½ to √2: 2·artanh(s) with s = (m - 1) / (m + 1), its series after 2s. */
INLINE double log_series(double s) {
    const double q = s * s;
    double t = 2.0 / 21.0;
    t = t * q + 2.0 / 19.0;
    t = t * q + 2.0 / 17.0;
    t = t * q + 2.0 / 15.0;
    t = t * q + 2.0 / 13.0;
    t = t * q + 2.0 / 11.0;
    t = t * q + 2.0 / 9.0;
    t = t * q + 2.0 / 7.0;
    t = t * q + 2.0 / 5.0;
    t = t * q + 2.0 / 3.0;
    return s * q * t;
}

/* ln(u + low), where low is less than half of u's last digit: u = 2^n · m. */
INLINE double log_of_sum(double u, double low) {
    const double tiny = u < 0x1p-1022 ? 54.0 : 0.0;
    const double w = u < 0x1p-1022 ? u * 0x1p54 : u;
    const uint64_t shifted = to_bits(w) + (0x3ff0000000000000u - 0x3fe6a09e667f3bcdu);
    const double n = from_bits((shifted >> 52) | 0x4330000000000000u) - (0x1p52 + 1023.0);
    const double m = from_bits((shifted & 0x000fffffffffffffu) + 0x3fe6a09e667f3bcdu);
    const double f = m - 1.0, s = f / (2.0 + f), e = n - tiny;
    const double rest = log_series(s) - s * f + low / u + e * LN2_LOW;
    const double finite = e * LN2_HIGH + (f + rest);
    return u > 0.0 ? (u <= 1.7976931348623157e308 ? finite : u) : u == 0.0 ? -INFINITY : NAN;
}

INLINE double array_log(double x) { return log_of_sum(x, 0.0); }

INLINE double array_log1p(double x) {
    const double u = 1.0 + x, low = x > 1.0 ? 1.0 - (u - x) : x - (u - 1.0);
    return log_of_sum(u, u <= 1.7976931348623157e308 ? low : 0.0);
}

/* ---- vectors and matrix products ---- */

/* As many numbers as an instruction of this processor takes. */
#if !defined(__GNUC__)
typedef double vector;
#elif defined(__AVX512F__)
typedef double vector __attribute__((vector_size(64), aligned(8), may_alias));
#elif defined(__AVX__)
typedef double vector __attribute__((vector_size(32), aligned(8), may_alias));
#else
typedef double vector __attribute__((vector_size(16), aligned(8), may_alias));
#endif

enum { WIDTH = sizeof(vector) / sizeof(double) };
#define NOTHING ((vector){0.0})
#define AT(a) (*(vector *)(a))
#define FROM(a) (*(const vector *)(a))

INLINE double sum(vector v) {
    double t[WIDTH];
    memcpy(t, &v, sizeof t);
    for (int half = WIDTH / 2; half; half /= 2)
        for (int c = 0; c < half; c++) t[c] += t[c + half];
    return t[0];
}

/* The sum of a number over the lanes. */
INLINE double over_lanes(int lanes, const double *a) {
    vector t = NOTHING;
    for (int l = 0; l < lanes; l += WIDTH) t += FROM(a + l);
    return sum(t);
}

/* out[r] = the sum over k of b[r, k]·a[k], for the next `rows` rows and for `wide` vectors of lanes from `first` on;
   b[r, k] lies at b[r * row + k * column]. The sums stay in registers. */
#define PRODUCTS(rows, wide) \
    for (; r + rows <= outer; r += rows) { \
        vector t[rows][wide]; \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < wide; c++) t[m][c] = NOTHING; \
        for (int k = 0; k < inner; k++) { \
            vector x[wide]; \
            for (int c = 0; c < wide; c++) x[c] = FROM(a + k * lanes + first + c * WIDTH); \
            for (int m = 0; m < rows; m++) \
                for (int c = 0; c < wide; c++) t[m][c] += b[(r + m) * row + k * column] * x[c]; \
        } \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < wide; c++) AT(out + (r + m) * lanes + first + c * WIDTH) = t[m][c]; \
    }
#define BLOCKS(wide) \
    for (; first + wide * WIDTH <= lanes; first += wide * WIDTH) { \
        int r = 0; \
        if (WIDTH == 8) PRODUCTS(8, wide) \
        PRODUCTS(4, wide) \
        PRODUCTS(1, wide) \
    }

/* out[m, r] = the sum over k of a[m, k]·b[r, k], in each lane. */
INLINE void matmul_lanes(int lanes, int samples, int outer, int inner, const double *restrict a,
                         const double *restrict b, int row, int column, double *restrict out) {
    for (int m = 0; m < samples; m++, a += inner * lanes, out += outer * lanes) {
        int first = 0;
        BLOCKS(2)
        BLOCKS(1)
    }
}

/* out[i, k] += the sum over lanes of a[i]·b[k], for the next `rows` rows i and the next `columns` rows k. */
#define DOTS(rows, columns) \
    for (; k + columns <= inner; k += columns) { \
        vector t[rows][columns]; \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < columns; c++) t[m][c] = NOTHING; \
        for (int l = 0; l < lanes; l += WIDTH) \
            for (int m = 0; m < rows; m++) \
                for (int c = 0; c < columns; c++) \
                    t[m][c] += FROM(a + (i + m) * lanes + l) * FROM(b + (k + c) * lanes + l); \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < columns; c++) out[(i + m) * inner + k + c] += sum(t[m][c]); \
    }
#define ROWS_OF_DOTS(rows) \
    for (; i + rows <= outer; i += rows) { \
        int k = 0; \
        DOTS(rows, 4) \
        DOTS(rows, 1) \
    }

/* out[i, k] += the sum over samples m and lanes of a[m, i]·b[m, k]. */
INLINE void gram_lanes(int lanes, int samples, int outer, int inner, const double *restrict a,
                       const double *restrict b, double *restrict out) {
    for (int m = 0; m < samples; m++, a += outer * lanes, b += inner * lanes) {
        int i = 0;
        if (WIDTH == 8) ROWS_OF_DOTS(4)
        ROWS_OF_DOTS(2)
        ROWS_OF_DOTS(1)
    }
}

/* The next columns of out[i, k] += the sum over rows of a[i]·x[k], for `rows` rows i of the outcome. */
#define TILES(rows, wide) \
    for (; k + wide * WIDTH <= inner; k += wide * WIDTH) { \
        vector t[rows][wide]; \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < wide; c++) t[m][c] = FROM(out + (i + m) * inner + k + c * WIDTH); \
        for (int l = 0; l < used; l++) { \
            const double *row = x + inner * order[l] + k; \
            for (int m = 0; m < rows; m++) \
                for (int c = 0; c < wide; c++) t[m][c] += a[(i + m) * lanes + l] * FROM(row + c * WIDTH); \
        } \
        for (int m = 0; m < rows; m++) \
            for (int c = 0; c < wide; c++) AT(out + (i + m) * inner + k + c * WIDTH) = t[m][c]; \
    }
#define ROWS_OF_TILES(rows) \
    for (; i + rows <= outer; i += rows) { \
        int k = 0; \
        TILES(rows, 2) \
        TILES(rows, 1) \
        for (; k < inner; k++) \
            for (int m = 0; m < rows; m++) \
                for (int l = 0; l < used; l++) \
                    out[(i + m) * inner + k] += a[(i + m) * lanes + l] * x[inner * order[l] + k]; \
    }

/* out[i, k] += the sum over the rows of a[i]·x[k], where rows of x lie as they were given. */
INLINE void gram_rows(int lanes, int used, int outer, int inner, const double *restrict a, const double *restrict x,
                      const int64_t *restrict order, double *restrict out) {
    int i = 0;
    if (WIDTH == 8) ROWS_OF_TILES(8)
    ROWS_OF_TILES(4)
    ROWS_OF_TILES(1)
}

/* Zeros in the lanes from `used` on. */
INLINE void clear(int size, int lanes, int used, double *a) {
    for (int i = 0; i < size; i++)
        for (int l = used; l < lanes; l++) a[i * lanes + l] = 0.0;
}
