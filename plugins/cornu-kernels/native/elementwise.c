/* The operator `Elementwise` of the domain `cornu.kernels`: a straight-line program of elementwise instructions, run
 * block by block, so that a number is read from memory once and written once however many instructions there are. It
 * may be run on several sets of tensors, its lanes.
 *
 * Attributes (elementwise.py writes them):
 *   dims       for each lane the rank and the sizes of what it computes; an output that holds windows is as wide as
 *              their pitch
 *   code       five integers an instruction: what it does, three operands, where the result goes
 *   leaves     for each lane seven integers a leaf: its input (of the lane's), whether it holds truths, `inner` and
 *              `count`, `width`, `pitch` and `offset`. Element i belongs to element (i / inner) % count of the leaf; where
 *              there is a width, to that of rows which begin every `pitch` numbers, the first at `offset`.
 *   results    four integers a place for results: the output, and `width`, `pitch` and `offset` as above
 *   constants  numbers
 * An operand or place is 4 * index + kind. Inputs are the leaves lane by lane; further ones are only waited for.
 */
#include "kernels.h"

#include <stdlib.h>
#include <string.h>

#include "block.h"

enum { REGISTER, LEAF, OUTPUT, CONSTANT };
enum { MOST_REGISTERS = 32, MOST_LEAVES = 64, MOST_OUTPUTS = 128, MOST_CONSTANTS = 64, MOST_DIMS = 16 };
enum { WORK_A_TASK = 240, CODE = 5, FORM = 7, PLACE = 4 };
enum { INPUT, TRUTHS, INNER, COUNT, WIDTH, PITCH, OFFSET }; /* of a leaf's form */

typedef struct {
  const int64_t *dims;  /* of its outputs */
  const int64_t *forms; /* of its leaves */
  size_t rank, size, first_task;
} Lane;

typedef struct {
  const OrtApi *api;
  int64_t *dims, *code, *leaves, *places;
  float *constants;
  Lane *lanes;
  size_t lane_count, instructions, leaf_count, constant_count, place_count, inputs, outputs;
  size_t task_size, tasks; /* in numbers; of all lanes */
} Kernel;

typedef struct {
  const Kernel *kernel;
  const void **input; /* lane by lane */
  float **output;
} Run;

static void destroy(void *data) {
  Kernel *kernel = data;
  free(kernel->dims);
  free(kernel->code);
  free(kernel->leaves);
  free(kernel->places);
  free(kernel->constants);
  free(kernel->lanes);
  free(kernel);
}

static const char *set_lanes(Kernel *k, size_t dims, size_t leaves) {
  for (size_t at = 0; at < dims; at += 1 + (size_t)k->dims[at]) {
    if (k->dims[at] < 0 || k->dims[at] > MOST_DIMS || (size_t)k->dims[at] >= dims - at) return "Elementwise: dims are incomplete.";
    Lane *lane = &k->lanes[k->lane_count++];
    *lane = (Lane){k->dims + at + 1, NULL, (size_t)k->dims[at], 1, k->tasks};
    for (size_t i = 0; i < lane->rank; i++) {
      if (lane->dims[i] < 1) return "Elementwise: a size is below 1.";
      lane->size *= (size_t)lane->dims[i];
    }
    k->tasks += (lane->size + k->task_size - 1) / k->task_size;
  }
  if (!k->lane_count || leaves % (FORM * k->lane_count)) return "Elementwise: leaves are incomplete.";
  k->leaf_count = leaves / FORM / k->lane_count;
  for (size_t i = 0; i < k->lane_count; i++) k->lanes[i].forms = k->leaves + FORM * i * k->leaf_count;
  for (size_t i = 0; i < leaves; i += FORM) {
    const int64_t *form = k->leaves + i;
    if (form[INPUT] < 0 || form[INNER] < 1 || form[COUNT] < 1) return "Elementwise: a leaf is empty.";
    if ((size_t)form[INPUT] >= k->inputs) k->inputs = (size_t)form[INPUT] + 1;
  }
  return NULL;
}

/* Windows are as wide as what is computed, and lie inside of their rows. */
static int is_window(const Lane *lane, int64_t width, int64_t pitch, int64_t offset) {
  if (!width) return 1;
  return lane->rank && width == lane->dims[lane->rank - 1] && offset >= 0 && pitch >= width && offset <= pitch - width;
}

static const char *check_windows(Kernel *k, size_t places) {
  if (places % PLACE) return "Elementwise: results are incomplete.";
  k->place_count = places / PLACE;
  for (size_t l = 0; l < k->lane_count; l++) {
    const Lane *lane = &k->lanes[l];
    for (size_t i = 0; i < k->leaf_count; i++) {
      const int64_t *form = lane->forms + FORM * i;
      int fits = is_window(lane, form[WIDTH], form[PITCH], form[OFFSET]);
      if (!fits || (form[WIDTH] && (form[TRUTHS] || (size_t)form[COUNT] != lane->size))) {
        return "Elementwise: there is no such window.";
      }
    }
    for (size_t i = 0; i < k->place_count; i++) {
      const int64_t *place = k->places + PLACE * i;
      if (place[0] < 0 || place[0] >= MOST_OUTPUTS) return "Elementwise: there is no such output.";
      if (!is_window(lane, place[1], place[2], place[3])) return "Elementwise: there is no such window.";
      if ((size_t)place[0] >= k->outputs) k->outputs = (size_t)place[0] + 1;
    }
  }
  return k->outputs ? NULL : "Elementwise: there is no output.";
}

/* Tasks are as long as it takes for another thread to be worth it: work is counted in passes over a block. */
static size_t task_size(const Kernel *k) {
  size_t work = 1;
  for (size_t i = 0; i < k->instructions; i++) {
    int64_t op = k->code[CODE * i];
    work += op == EXP || op == TANH || op == SIGMOID ? 8 : op == DIV || op == SQRT || op == RECIPROCAL ? 3 : 1;
  }
  return (WORK_A_TASK / work + 1) * BLOCK;
}

/* A model is a file that anyone may have written: nothing in it may reach outside the arrays. */
static const char *defect(Kernel *k, size_t dims, size_t code, size_t leaves, size_t places) {
  if (code % CODE) return "Elementwise: code is incomplete.";
  const char *wrong = set_lanes(k, dims, leaves);
  if (!wrong) wrong = check_windows(k, places);
  if (wrong) return wrong;
  if (k->leaf_count > MOST_LEAVES || k->constant_count > MOST_CONSTANTS || k->place_count > MOST_OUTPUTS) return "Elementwise: too many operands.";
  for (size_t i = 0; i < k->instructions; i++) {
    const int64_t *step = k->code + CODE * i;
    if (step[0] < 0 || step[0] >= INSTRUCTIONS) return "Elementwise: there is no such instruction.";
    for (size_t j = 1; j < CODE; j++) {
      size_t kind = (size_t)step[j] & 3, index = (size_t)step[j] >> 2;
      size_t ends[] = {MOST_REGISTERS, k->leaf_count, k->place_count, k->constant_count};
      if (step[j] < 0 || index >= ends[kind]) return "Elementwise: there is no such operand.";
      if (j == CODE - 1 && kind != REGISTER && kind != OUTPUT) return "Elementwise: a result needs a place.";
      if (kind == OUTPUT && k->places[PLACE * index + 1] && (j < CODE - 1 || step[0] != COPY)) {
        return "Elementwise: windows are only copied to.";
      }
    }
  }
  return NULL;
}

static OrtStatus *create(const OrtOp *op, const OrtApi *api, const OrtInfo *info, void **out) {
  (void)op;
  Kernel *k = calloc(1, sizeof *k);
  if (!k) return ort_status(api, ORT_FAIL, "Elementwise: no memory.");
  size_t code = 0, leaves = 0, dims = 0, places = 0;
  k->api = api;
  OrtStatus *wrong = read_integers(api, info, "dims", &k->dims, &dims);
  if (!wrong) wrong = read_integers(api, info, "code", &k->code, &code);
  if (!wrong) wrong = read_integers(api, info, "leaves", &k->leaves, &leaves);
  if (!wrong) wrong = read_integers(api, info, "results", &k->places, &places);
  if (!wrong) wrong = read_floats(api, info, "constants", &k->constants, &k->constant_count);
  if (!wrong) {
    k->instructions = code / CODE;
    k->task_size = task_size(k);
    k->lanes = calloc(dims + 1, sizeof *k->lanes);
    const char *message = k->lanes ? defect(k, dims, code, leaves, places) : "Elementwise: no memory.";
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

static void read_leaf(const int64_t *form, const void *input, size_t start, size_t n, float *out) {
  size_t inner = (size_t)form[INNER], count = (size_t)form[COUNT];
  if (form[WIDTH]) read_rows((const float *)input + form[OFFSET], start, (size_t)form[WIDTH], (size_t)form[PITCH], out, n);
  else if (form[TRUTHS]) spread_truths(input, start, inner, count, out, n);
  else spread(input, start, inner, count, out, n);
}

static void run_task(void *data, size_t task) {
  const Run *run = data;
  const Kernel *k = run->kernel;
  size_t at = lane_of(k, task);
  const Lane *lane = &k->lanes[at];
  const void *const *input = run->input + at * k->inputs;
  float *const *output = run->output + at * k->outputs;
  float registers[MOST_REGISTERS][BLOCK] __attribute__((aligned(64)));
  float spreads[MOST_LEAVES][BLOCK] __attribute__((aligned(64)));
  float constants[MOST_CONSTANTS][BLOCK] __attribute__((aligned(64)));
  const float *leaf[MOST_LEAVES];
  size_t first = (task - lane->first_task) * k->task_size, last = first + k->task_size;
  if (last > lane->size) last = lane->size;
  size_t widest = last - first < BLOCK ? last - first : BLOCK;
  for (size_t i = 0; i < k->constant_count; i++) spread(k->constants + i, 0, BLOCK, 1, constants[i], widest);
  for (size_t i = 0; i < k->leaf_count; i++) {
    const int64_t *form = lane->forms + FORM * i;
    leaf[i] = spreads[i];
    if (form[COUNT] == 1) read_leaf(form, input[form[INPUT]], 0, widest, spreads[i]);
  }
  for (size_t start = first; start < last; start += BLOCK) {
    size_t n = last - start < BLOCK ? last - start : BLOCK;
    for (size_t i = 0; i < k->leaf_count; i++) {
      const int64_t *form = lane->forms + FORM * i;
      int whole = !form[WIDTH] && !form[TRUTHS] && form[INNER] == 1 && (size_t)form[COUNT] == lane->size;
      if (whole && form[COUNT] > 1) leaf[i] = (const float *)input[form[INPUT]] + start;
      else if (form[COUNT] > 1) read_leaf(form, input[form[INPUT]], start, n, spreads[i]);
    }
    for (size_t i = 0; i < k->instructions; i++) {
      const int64_t *step = k->code + CODE * i;
      const float *operand[3];
      for (size_t j = 0; j < 3; j++) {
        size_t index = (size_t)step[1 + j] >> 2;
        switch (step[1 + j] & 3) {
          case REGISTER: operand[j] = registers[index]; break;
          case LEAF: operand[j] = leaf[index]; break;
          case OUTPUT: operand[j] = output[k->places[PLACE * index]] + start; break;
          default: operand[j] = constants[index];
        }
      }
      size_t index = (size_t)step[CODE - 1] >> 2;
      if ((step[CODE - 1] & 3) == REGISTER) {
        run_block((int)step[0], operand[0], operand[1], operand[2], registers[index], n);
        continue;
      }
      const int64_t *place = k->places + PLACE * index;
      float *memory = output[place[0]];
      if (place[1]) write_rows(operand[0], start, (size_t)place[1], (size_t)place[2], memory + place[3], n);
      else run_block((int)step[0], operand[0], operand[1], operand[2], memory + start, n);
    }
  }
}

/* How many numbers of an input a lane reads at least. */
static int64_t needed(const Kernel *k, const Lane *lane, size_t input) {
  int64_t most = 0;
  for (size_t i = 0; i < k->leaf_count; i++) {
    const int64_t *form = lane->forms + FORM * i;
    if ((size_t)form[INPUT] != input) continue;
    int64_t numbers = form[COUNT];
    if (form[WIDTH]) numbers = form[COUNT] / form[WIDTH] * form[PITCH];
    if (numbers > most) most = numbers;
  }
  return most;
}

static OrtStatus *make_place(const Kernel *k, OrtContext *context, size_t i, float **out) {
  const Lane *lane = &k->lanes[i / k->outputs];
  int64_t dims[MOST_DIMS];
  for (size_t d = 0; d < lane->rank; d++) dims[d] = lane->dims[d];
  for (size_t p = 0; p < k->place_count; p++) {
    const int64_t *place = k->places + PLACE * p;
    if ((size_t)place[0] == i % k->outputs && place[1]) dims[lane->rank - 1] = place[2];
  }
  return make_output(k->api, context, i, dims, lane->rank, out);
}

static OrtStatus *compute(void *data, OrtContext *context) {
  const Kernel *k = data;
  const OrtApi *api = k->api;
  size_t inputs = k->lane_count * k->inputs, outputs = k->lane_count * k->outputs;
  void **pointers = malloc((inputs + outputs + 1) * sizeof *pointers);
  if (!pointers) return ort_status(api, ORT_FAIL, "Elementwise: no memory.");
  Run run = {k, (const void **)pointers, (float **)(pointers + inputs)};
  OrtStatus *wrong = NULL;
  for (size_t i = 0; i < inputs && !wrong; i++) {
    wrong = read_input(api, context, i, needed(k, &k->lanes[i / k->inputs], i % k->inputs), &run.input[i]);
  }
  for (size_t i = 0; i < outputs && !wrong; i++) wrong = make_place(k, context, i, &run.output[i]);
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
