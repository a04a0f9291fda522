#include "block.h"

#include <math.h>
#include <string.h>

#include "widest.h"

static const float LOG2E = 1.44269504088896341f;
static const float LN2_HIGH = 0.693145751953125f;  /* 15 bits: n times it is exact */
static const float LN2_LOW = 1.42860682030941723e-6f;
static const float ROUNDER = 12582912.0f; /* 1.5 * 2^23: adding it rounds to an integer */

INSIDE float two_to(int32_t n) {
  const union {
    int32_t bits;
    float value;
  } power = {(n + 127) << 23};
  return power.value;
}

/* x = n ln 2 + r with |r| <= ln 2 / 2 */
INSIDE float halvings(float x) { return (x * LOG2E + ROUNDER) - ROUNDER; }

/* e^r - 1 by its series to r^7, below half a unit in the last place. */
INSIDE float reduced(float x, float n) {
  float r = (x - n * LN2_HIGH) - n * LN2_LOW;
  float p = 1.0f / 5040;
  p = p * r + 1.0f / 720;
  p = p * r + 1.0f / 120;
  p = p * r + 1.0f / 24;
  p = p * r + 1.0f / 6;
  p = p * r + 0.5f;
  return p * r * r + r;
}

INSIDE float exponential(float x) {
  float below = x > 89.0f ? 89.0f : x, clipped = below < -104.0f ? -104.0f : below;
  float n = halvings(clipped), p = reduced(clipped, n) + 1.0f;
  int32_t k = (int32_t)n, half = k >> 1; /* in two steps: 2^k itself may be no number */
  return p * two_to(half) * two_to(k - half);
}

/* e^x where that is an ordinary number: one step fewer. */
INSIDE float bounded_exponential(float x) {
  float below = x > 88.0f ? 88.0f : x, clipped = below < -87.0f ? -87.0f : below;
  float n = halvings(clipped), p = reduced(clipped, n) + 1.0f;
  return p * two_to((int32_t)n);
}

/* tanh x = (e^2x - 1) / (e^2x + 1), where e^2x - 1 loses nothing near 0 */
INSIDE float hyperbolic_tangent(float x) {
  float y = fabsf(x) * 2.0f, clipped = y > 20.0f ? 20.0f : y;
  float n = halvings(clipped), p = reduced(clipped, n), scale = two_to((int32_t)n);
  float e = p * scale + (scale - 1.0f);
  return copysignf(e / (e + 2.0f), x);
}

/* An operand may lie where the result goes: element by element that is no dependence, which the compiler is told. */
#define EACH _Pragma("GCC ivdep") for (size_t i = 0; i < n; i++)
#define UNARY(op, value)                             \
  case op:                                           \
    EACH { const float x = a[i]; out[i] = (value); } \
    break;
#define BINARY(op, value)                                      \
  case op:                                                     \
    EACH { const float x = a[i], y = b[i]; out[i] = (value); } \
    break;

WIDEST void run_block(int op, const float *a, const float *b, const float *c, float *out, size_t n) {
  switch (op) {
    UNARY(NEG, -x)
    UNARY(ABS, fabsf(x))
    UNARY(SIGN, x > 0 ? 1.0f : x < 0 ? -1.0f : x)
    UNARY(SQRT, sqrtf(x))
    UNARY(RECIPROCAL, 1.0f / x)
    UNARY(EXP, exponential(x))
    UNARY(TANH, hyperbolic_tangent(x))
    UNARY(SIGMOID, 1.0f / (1.0f + bounded_exponential(-x)))
    UNARY(RELU, x < 0 ? 0.0f : x)
    UNARY(NOT, x == 0 ? 1.0f : 0.0f)
    UNARY(TRUTH, x == 0 ? 0.0f : 1.0f)
    BINARY(ADD, x + y)
    BINARY(SUB, x - y)
    BINARY(MUL, x * y)
    BINARY(DIV, x / y)
    BINARY(MAX, x > y || x != x ? x : y)
    BINARY(MIN, x < y || x != x ? x : y)
    BINARY(LESS, x < y ? 1.0f : 0.0f)
    BINARY(LESS_OR_EQUAL, x <= y ? 1.0f : 0.0f)
    BINARY(GREATER, x > y ? 1.0f : 0.0f)
    BINARY(GREATER_OR_EQUAL, x >= y ? 1.0f : 0.0f)
    BINARY(EQUAL, x == y ? 1.0f : 0.0f)
    BINARY(AND, x != 0 && y != 0 ? 1.0f : 0.0f)
    BINARY(OR, x != 0 || y != 0 ? 1.0f : 0.0f)
    case WHERE:
      EACH { const float x = a[i], y = b[i], z = c[i]; out[i] = x != 0 ? y : z; }
      break;
    case COPY:
      memmove(out, a, n * sizeof *out);
      break;
  }
}

/* Rows are short: a loop here takes less time than a call of memcpy. */
WIDEST void read_rows(const float *memory, size_t start, size_t width, size_t pitch, float *out, size_t n) {
  const float *in = memory + start / width * pitch + start % width;
  for (size_t left = width - start % width; n; left = width) {
    size_t part = left < n ? left : n;
    _Pragma("GCC ivdep") for (size_t i = 0; i < part; i++) out[i] = in[i];
    in += part + pitch - width;
    out += part;
    n -= part;
  }
}

WIDEST void write_rows(const float *in, size_t start, size_t width, size_t pitch, float *memory, size_t n) {
  float *out = memory + start / width * pitch + start % width;
  for (size_t left = width - start % width; n; left = width) {
    size_t part = left < n ? left : n;
    _Pragma("GCC ivdep") for (size_t i = 0; i < part; i++) out[i] = in[i];
    in += part;
    out += part + pitch - width;
    n -= part;
  }
}

#define SPREAD(in, value)                                                         \
  if (inner == 1 && count >= n) { /* rows: at most one wrap */                    \
    size_t at = start % count, first = count - at < n ? count - at : n;           \
    for (size_t i = 0; i < first; i++) { out[i] = (value)in[at + i]; }            \
    for (size_t i = first; i < n; i++) { out[i] = (value)in[i - first]; }         \
    return;                                                                       \
  }                                                                               \
  for (size_t i = 0, at = (start / inner) % count, left = inner - start % inner; i < n;) { \
    size_t end = n - i < left ? n : i + left;                                     \
    const float x = (value)in[at];                                                \
    for (; i < end; i++) { out[i] = x; }                                          \
    at = at + 1 == count ? 0 : at + 1;                                            \
    left = inner;                                                                 \
  }

WIDEST void spread(const float *in, size_t start, size_t inner, size_t count, float *out, size_t n) {
  SPREAD(in, float)
}

WIDEST void spread_truths(const uint8_t *in, size_t start, size_t inner, size_t count, float *out, size_t n) {
  SPREAD(in, float)
}
