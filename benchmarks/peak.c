/* Multiply-adds as fast as this core can: twelve independent chains in its widest registers. */
#if defined(__AVX512F__)
#define BYTES 64
#elif defined(__AVX__)
#define BYTES 32
#else
#define BYTES 16
#endif
#define CHAINS 12

typedef float vector __attribute__((vector_size(BYTES)));

/* Keeps the compiler from knowing the value. */
#define HIDE(value) __asm__ volatile("" : "+m"(value))

int multiply_adds_per_round(void) { return CHAINS * (int)(BYTES / sizeof(float)); }

float run_rounds(long rounds) {
    vector start[CHAINS], factor, term;
    for (int lane = 0; lane < (int)(BYTES / sizeof(float)); lane++) {
        factor[lane] = 0.999f, term[lane] = 0.001f;
        for (int chain = 0; chain < CHAINS; chain++) start[chain][lane] = 0.5f + 0.01f * (float)(lane + chain);
    }
    HIDE(start);
    HIDE(factor);
    HIDE(term);
    vector a = start[0], b = start[1], c = start[2], d = start[3], e = start[4], f = start[5];
    vector g = start[6], h = start[7], i = start[8], j = start[9], k = start[10], l = start[11];
    const vector x = factor, y = term;
    for (long round = 0; round < rounds; round++) {
        a = a * x + y, b = b * x + y, c = c * x + y, d = d * x + y, e = e * x + y, f = f * x + y;
        g = g * x + y, h = h * x + y, i = i * x + y, j = j * x + y, k = k * x + y, l = l * x + y;
    }
    const vector sum = a + b + c + d + e + f + g + h + i + j + k + l;
    return sum[0];
}
