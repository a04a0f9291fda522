/* The operator `Elementwise` of the domain `cornu.kernels`: a straight-line program of elementwise instructions, run
 * block by block, so that a number is read from memory once and written once however many instructions there are.
 *
 * Attributes (elementwise.py writes them):
 *   dims       the rank and the sizes of every output
 *   code       five integers an instruction: what it does, three operands, where the result goes
 *   leaves     three integers a leaf: whether it holds truths, `inner`, `count`. Element i of the outputs belongs to
 *              element (i / inner) % count of the leaf.
 *   constants  numbers
 * An operand or place is 4 * index + kind. Inputs after the leaves are only waited for.
 */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"

enum { REGISTER, LEAF, OUTPUT, CONSTANT };
enum { MOST_REGISTERS = 32, MOST_LEAVES = 64, MOST_OUTPUTS = 32, MOST_CONSTANTS = 32, BLOCKS_A_TASK = 48 };

typedef struct {
  const OrtApi *api;
  int64_t *dims, *code, *leaves;
  float *constants;
  size_t rank, instructions, leaf_count, constant_count, outputs, size;
} Kernel;

typedef struct {
  const Kernel *kernel;
  const void *leaf[MOST_LEAVES];
  float *output[MOST_OUTPUTS];
} Run;

static void destroy(void *data) {
  Kernel *kernel = data;
  free(kernel->dims);
  free(kernel->code);
  free(kernel->leaves);
  free(kernel->constants);
  free(kernel);
}

/* A model is a file that anyone may have written: nothing in it may reach outside the arrays. */
static const char *defect(Kernel *k, size_t dims, size_t code, size_t leaves) {
  if (!dims || k->dims[0] != (int64_t)k->rank) return "Elementwise: dims are incomplete.";
  if (code % 5 || leaves % 3) return "Elementwise: code or leaves are incomplete.";
  if (k->leaf_count > MOST_LEAVES || k->constant_count > MOST_CONSTANTS) return "Elementwise: too many operands.";
  for (size_t i = 0; i < k->leaf_count; i++) {
    if (k->leaves[3 * i + 1] < 1 || k->leaves[3 * i + 2] < 1) return "Elementwise: a leaf is empty.";
  }
  for (size_t i = 1; i <= k->rank; i++) {
    if (k->dims[i] < 0) return "Elementwise: a size is negative.";
  }
  for (size_t i = 0; i < k->instructions; i++) {
    const int64_t *step = k->code + 5 * i;
    if (step[0] < 0 || step[0] >= INSTRUCTIONS) return "Elementwise: there is no such instruction.";
    for (size_t j = 1; j < 5; j++) {
      size_t kind = (size_t)step[j] & 3, index = (size_t)step[j] >> 2;
      size_t ends[] = {MOST_REGISTERS, k->leaf_count, MOST_OUTPUTS, k->constant_count};
      if (step[j] < 0 || index >= ends[kind]) return "Elementwise: there is no such operand.";
      if (j == 4 && kind != REGISTER && kind != OUTPUT) return "Elementwise: a result needs a place.";
      if (kind == OUTPUT && index + 1 > k->outputs) k->outputs = index + 1;
    }
  }
  return NULL;
}

static OrtStatus *create(const OrtOp *op, const OrtApi *api, const OrtInfo *info, void **out) {
  (void)op;
  Kernel *k = calloc(1, sizeof *k);
  if (!k) return ort_status(api, ORT_FAIL, "Elementwise: no memory.");
  size_t code = 0, leaves = 0, dims = 0;
  k->api = api;
  OrtStatus *wrong = read_integers(api, info, "dims", &k->dims, &dims);
  if (!wrong) wrong = read_integers(api, info, "code", &k->code, &code);
  if (!wrong) wrong = read_integers(api, info, "leaves", &k->leaves, &leaves);
  if (!wrong) wrong = read_floats(api, info, "constants", &k->constants, &k->constant_count);
  if (!wrong) {
    k->instructions = code / 5;
    k->leaf_count = leaves / 3;
    k->rank = dims - 1;
    const char *message = defect(k, dims, code, leaves);
    if (message) wrong = ort_status(api, ORT_FAIL, message);
  }
  if (wrong) {
    destroy(k);
    return wrong;
  }
  k->size = 1;
  for (size_t i = 0; i < k->rank; i++) k->size *= (size_t)k->dims[1 + i];
  *out = k;
  return NULL;
}

static void run_task(void *data, size_t task) {
  const Run *run = data;
  const Kernel *k = run->kernel;
  float registers[MOST_REGISTERS][BLOCK] __attribute__((aligned(64)));
  float spreads[MOST_LEAVES][BLOCK] __attribute__((aligned(64)));
  float constants[MOST_CONSTANTS][BLOCK] __attribute__((aligned(64)));
  for (size_t i = 0; i < k->constant_count; i++) spread(k->constants + i, 0, BLOCK, 1, constants[i], BLOCK);
  const float *leaf[MOST_LEAVES];
  for (size_t i = 0; i < k->leaf_count; i++) {
    const int64_t *form = k->leaves + 3 * i;
    leaf[i] = spreads[i];
    if (form[2] == 1) {
      if (form[0]) spread_truths(run->leaf[i], 0, BLOCK, 1, spreads[i], BLOCK);
      else spread(run->leaf[i], 0, BLOCK, 1, spreads[i], BLOCK);
    }
  }
  size_t first = task * BLOCKS_A_TASK * BLOCK, last = first + BLOCKS_A_TASK * BLOCK;
  if (last > k->size) last = k->size;
  for (size_t start = first; start < last; start += BLOCK) {
    size_t n = last - start < BLOCK ? last - start : BLOCK;
    for (size_t i = 0; i < k->leaf_count; i++) {
      const int64_t *form = k->leaves + 3 * i;
      size_t inner = (size_t)form[1], count = (size_t)form[2];
      if (count == 1) continue;
      if (form[0]) spread_truths(run->leaf[i], start, inner, count, spreads[i], n);
      else if (inner == 1 && count == k->size) leaf[i] = (const float *)run->leaf[i] + start;
      else spread(run->leaf[i], start, inner, count, spreads[i], n);
    }
    for (size_t i = 0; i < k->instructions; i++) {
      const int64_t *step = k->code + 5 * i;
      const float *operand[3];
      for (size_t j = 0; j < 3; j++) {
        size_t index = (size_t)step[1 + j] >> 2;
        switch (step[1 + j] & 3) {
          case REGISTER: operand[j] = registers[index]; break;
          case LEAF: operand[j] = leaf[index]; break;
          case OUTPUT: operand[j] = run->output[index] + start; break;
          default: operand[j] = constants[index];
        }
      }
      size_t index = (size_t)step[4] >> 2;
      float *out = (step[4] & 3) == OUTPUT ? run->output[index] + start : registers[index];
      run_block((int)step[0], operand[0], operand[1], operand[2], out, n);
    }
  }
}

static OrtStatus *compute(void *data, OrtContext *context) {
  const Kernel *k = data;
  const OrtApi *api = k->api;
  Run run = {.kernel = k};
  OrtStatus *wrong = NULL;
  for (size_t i = 0; i < k->leaf_count && !wrong; i++) {
    wrong = read_input(api, context, i, k->leaves[3 * i + 2], &run.leaf[i]);
  }
  for (size_t i = 0; i < k->outputs && !wrong; i++) {
    wrong = make_output(api, context, i, k->dims + 1, k->rank, &run.output[i]);
  }
  if (wrong) return wrong;
  size_t tasks = (k->size + BLOCKS_A_TASK * BLOCK - 1) / (BLOCKS_A_TASK * BLOCK);
  if (tasks > 1) return ort_parallel(api, context, run_task, tasks, 0, &run);
  if (tasks) run_task(&run, 0);
  return NULL;
}

static const char *name(const OrtOp *op) {
  (void)op;
  return "Elementwise";
}

const OrtOp ELEMENTWISE = KERNEL_OF_FLOATS(name, create, compute, destroy);
