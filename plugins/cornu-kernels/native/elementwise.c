/* The operator `Elementwise` of the domain `cornu.kernels`: a straight-line program of elementwise instructions, run
 * block by block, so that a number is read from memory once and written once however many instructions there are. It
 * may be run on several sets of tensors, its lanes.
 *
 * Attributes (elementwise.py writes them):
 *   dims       for each lane the rank and the sizes of its outputs
 *   code       five integers an instruction: what it does, three operands, where the result goes
 *   leaves     for each lane three integers a leaf: whether it holds truths, `inner`, `count`. Element i of the outputs
 *              belongs to element (i / inner) % count of the leaf.
 *   constants  numbers
 * An operand or place is 4 * index + kind. Inputs are the leaves lane by lane; further ones are only waited for.
 */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"

enum { REGISTER, LEAF, OUTPUT, CONSTANT };
enum { MOST_REGISTERS = 32, MOST_LEAVES = 64, MOST_OUTPUTS = 32, MOST_CONSTANTS = 32 };
enum { BLOCKS_A_TASK = 48, CODE = 5, FORM = 3 };

typedef struct {
  const int64_t *dims;  /* of its outputs */
  const int64_t *forms; /* of its leaves */
  size_t rank, size, first_task;
} Lane;

typedef struct {
  const OrtApi *api;
  int64_t *dims, *code, *leaves;
  float *constants;
  Lane *lanes;
  size_t lane_count, instructions, leaf_count, constant_count, outputs, tasks;
} Kernel;

typedef struct {
  const Kernel *kernel;
  const void **leaf; /* lane by lane */
  float **output;
} Run;

static void destroy(void *data) {
  Kernel *kernel = data;
  free(kernel->dims);
  free(kernel->code);
  free(kernel->leaves);
  free(kernel->constants);
  free(kernel->lanes);
  free(kernel);
}

static const char *set_lanes(Kernel *k, size_t dims, size_t leaves) {
  for (size_t at = 0; at < dims; at += 1 + (size_t)k->dims[at]) {
    if (k->dims[at] < 0 || (size_t)k->dims[at] >= dims - at) return "Elementwise: dims are incomplete.";
    Lane *lane = &k->lanes[k->lane_count++];
    *lane = (Lane){k->dims + at + 1, NULL, (size_t)k->dims[at], 1, k->tasks};
    for (size_t i = 0; i < lane->rank; i++) {
      if (lane->dims[i] < 1) return "Elementwise: a size is below 1.";
      lane->size *= (size_t)lane->dims[i];
    }
    k->tasks += (lane->size + BLOCKS_A_TASK * BLOCK - 1) / (BLOCKS_A_TASK * BLOCK);
  }
  if (!k->lane_count || leaves % (FORM * k->lane_count)) return "Elementwise: leaves are incomplete.";
  k->leaf_count = leaves / FORM / k->lane_count;
  for (size_t i = 0; i < k->lane_count; i++) k->lanes[i].forms = k->leaves + FORM * i * k->leaf_count;
  for (size_t i = 0; i < leaves; i += FORM) {
    if (k->leaves[i + 1] < 1 || k->leaves[i + 2] < 1) return "Elementwise: a leaf is empty.";
  }
  return NULL;
}

/* A model is a file that anyone may have written: nothing in it may reach outside the arrays. */
static const char *defect(Kernel *k, size_t dims, size_t code, size_t leaves) {
  if (code % CODE) return "Elementwise: code is incomplete.";
  const char *wrong = set_lanes(k, dims, leaves);
  if (wrong) return wrong;
  if (k->leaf_count > MOST_LEAVES || k->constant_count > MOST_CONSTANTS) return "Elementwise: too many operands.";
  for (size_t i = 0; i < k->instructions; i++) {
    const int64_t *step = k->code + CODE * i;
    if (step[0] < 0 || step[0] >= INSTRUCTIONS) return "Elementwise: there is no such instruction.";
    for (size_t j = 1; j < CODE; j++) {
      size_t kind = (size_t)step[j] & 3, index = (size_t)step[j] >> 2;
      size_t ends[] = {MOST_REGISTERS, k->leaf_count, MOST_OUTPUTS, k->constant_count};
      if (step[j] < 0 || index >= ends[kind]) return "Elementwise: there is no such operand.";
      if (j == CODE - 1 && kind != REGISTER && kind != OUTPUT) return "Elementwise: a result needs a place.";
      if (kind == OUTPUT && index + 1 > k->outputs) k->outputs = index + 1;
    }
  }
  return k->outputs ? NULL : "Elementwise: there is no output.";
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
    k->instructions = code / CODE;
    k->lanes = calloc(dims + 1, sizeof *k->lanes);
    const char *message = k->lanes ? defect(k, dims, code, leaves) : "Elementwise: no memory.";
    if (message) wrong = ort_status(api, ORT_FAIL, message);
  }
  if (wrong) destroy(k);
  else *out = k;
  return wrong;
}

static size_t lane_of(const Kernel *k, size_t task) {
  size_t low = 0, high = k->lane_count;
  while (high - low > 1) {
    size_t middle = (low + high) / 2;
    if (k->lanes[middle].first_task <= task) low = middle;
    else high = middle;
  }
  return low;
}

static void run_task(void *data, size_t task) {
  const Run *run = data;
  const Kernel *k = run->kernel;
  size_t at = lane_of(k, task);
  const Lane *lane = &k->lanes[at];
  const void *const *given = run->leaf + at * k->leaf_count;
  float *const *output = run->output + at * k->outputs;
  float registers[MOST_REGISTERS][BLOCK] __attribute__((aligned(64)));
  float spreads[MOST_LEAVES][BLOCK] __attribute__((aligned(64)));
  float constants[MOST_CONSTANTS][BLOCK] __attribute__((aligned(64)));
  size_t first = (task - lane->first_task) * BLOCKS_A_TASK * BLOCK, last = first + BLOCKS_A_TASK * BLOCK;
  if (last > lane->size) last = lane->size;
  size_t widest = last - first < BLOCK ? last - first : BLOCK;
  for (size_t i = 0; i < k->constant_count; i++) spread(k->constants + i, 0, BLOCK, 1, constants[i], widest);
  const float *leaf[MOST_LEAVES];
  for (size_t i = 0; i < k->leaf_count; i++) {
    const int64_t *form = lane->forms + FORM * i;
    leaf[i] = spreads[i];
    if (form[2] > 1) continue;
    if (form[0]) spread_truths(given[i], 0, BLOCK, 1, spreads[i], widest);
    else spread(given[i], 0, BLOCK, 1, spreads[i], widest);
  }
  for (size_t start = first; start < last; start += BLOCK) {
    size_t n = last - start < BLOCK ? last - start : BLOCK;
    for (size_t i = 0; i < k->leaf_count; i++) {
      const int64_t *form = lane->forms + FORM * i;
      size_t inner = (size_t)form[1], count = (size_t)form[2];
      if (count == 1) continue;
      if (form[0]) spread_truths(given[i], start, inner, count, spreads[i], n);
      else if (inner == 1 && count == lane->size) leaf[i] = (const float *)given[i] + start;
      else spread(given[i], start, inner, count, spreads[i], n);
    }
    for (size_t i = 0; i < k->instructions; i++) {
      const int64_t *step = k->code + CODE * i;
      const float *operand[3];
      for (size_t j = 0; j < 3; j++) {
        size_t index = (size_t)step[1 + j] >> 2;
        switch (step[1 + j] & 3) {
          case REGISTER: operand[j] = registers[index]; break;
          case LEAF: operand[j] = leaf[index]; break;
          case OUTPUT: operand[j] = output[index] + start; break;
          default: operand[j] = constants[index];
        }
      }
      size_t index = (size_t)step[4] >> 2;
      float *out = (step[4] & 3) == OUTPUT ? output[index] + start : registers[index];
      run_block((int)step[0], operand[0], operand[1], operand[2], out, n);
    }
  }
}

static OrtStatus *compute(void *data, OrtContext *context) {
  const Kernel *k = data;
  const OrtApi *api = k->api;
  size_t leaves = k->lane_count * k->leaf_count, outputs = k->lane_count * k->outputs;
  void **pointers = malloc((leaves + outputs + 1) * sizeof *pointers);
  if (!pointers) return ort_status(api, ORT_FAIL, "Elementwise: no memory.");
  Run run = {k, (const void **)pointers, (float **)(pointers + leaves)};
  OrtStatus *wrong = NULL;
  for (size_t i = 0; i < leaves && !wrong; i++) {
    wrong = read_input(api, context, i, k->leaves[FORM * i + 2], &run.leaf[i]);
  }
  for (size_t i = 0; i < outputs && !wrong; i++) {
    const Lane *lane = &k->lanes[i / k->outputs];
    wrong = make_output(api, context, i, lane->dims, lane->rank, &run.output[i]);
  }
  if (!wrong && k->tasks > 1) wrong = ort_parallel(api, context, run_task, k->tasks, 0, &run);
  else if (!wrong) run_task(&run, 0);
  free(pointers);
  return wrong;
}

static const char *name(const OrtOp *op) {
  (void)op;
  return "Elementwise";
}

const OrtOp ELEMENTWISE = KERNEL_OF_FLOATS(name, create, compute, destroy);
