/* Elementwise instructions on a block of numbers that stays in the processor's nearest cache. */
#ifndef CORNU_BLOCK_H
#define CORNU_BLOCK_H

#include <stddef.h>
#include <stdint.h>

enum { BLOCK = 512 };

/* The order is that of INSTRUCTIONS in elementwise.py. Truth is 1, falsehood 0. */
enum {
  NEG, ABS, SIGN, SQRT, RECIPROCAL, EXP, TANH, SIGMOID, RELU, NOT, TRUTH,
  ADD, SUB, MUL, DIV, MAX, MIN, LESS, LESS_OR_EQUAL, GREATER, GREATER_OR_EQUAL, EQUAL, AND, OR,
  WHERE, COPY, INSTRUCTIONS
};

/* out[i] = op(a[i], b[i], c[i]) for i < n; what an instruction does not take is not read. `out` may be any of them. */
void run_block(int op, const float *a, const float *b, const float *c, float *out, size_t n);

/* out[i] = in[((start + i) / inner) % count] */
void spread(const float *in, size_t start, size_t inner, size_t count, float *out, size_t n);
void spread_truths(const uint8_t *in, size_t start, size_t inner, size_t count, float *out, size_t n);

/* Rows of `width` numbers, of which one begins every `pitch` numbers in memory: element i of the rows laid end to end is
 * the memory's (i / width) * pitch + i % width. */
void read_rows(const float *memory, size_t start, size_t width, size_t pitch, float *out, size_t n);
void write_rows(const float *in, size_t start, size_t width, size_t pitch, float *memory, size_t n);

#endif
