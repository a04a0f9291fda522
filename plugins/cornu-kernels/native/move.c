/* The operator `Move` of the domain `cornu.kernels`: a copy of 32-bit numbers between any two orders, with a value where
 * the source has none.
 *
 * Attributes (moving.py writes them):
 *   dims   the rank and the sizes of the output
 *   view   an offset, and for each axis its size, its stride in the source, and the first and last + 1 position that
 *          the source has numbers for; the axes are the output's, with those merged that lie behind each other
 *   value  what stands elsewhere
 */
#include "kernels.h"

#include <stdlib.h>

#include "widest.h"

enum { MOST_AXES = 8, TILE = 16, NUMBERS_A_TASK = 1 << 15 };

typedef struct {
  int64_t size, stride, low, high;
  int64_t step; /* in the output */
} Axis;

typedef struct {
  const OrtApi *api;
  int64_t *dims;
  size_t rank, axes, outer; /* axes: all; outer: those that are walked before a row or tile */
  Axis axis[MOST_AXES + 1], walked[MOST_AXES + 1], across, along;
  int tiled;
  int64_t offset, positions, positions_a_task, needed;
  float value;
} Kernel;

typedef struct {
  const Kernel *kernel;
  const float *in;
  float *out;
} Run;

/* Rows are short: a loop here takes less time than a call of memcpy. */
WIDEST static void copy(const float *in, float *out, int64_t n) {
  _Pragma("GCC ivdep") for (int64_t i = 0; i < n; i++) out[i] = in[i];
}

static void fill(float *out, int64_t n, float value) {
  for (int64_t i = 0; i < n; i++) out[i] = value;
}

/* One row of the output: `along` is its last axis. */
static void row(const Kernel *k, const float *in, int64_t at, float *out) {
  const Axis *a = &k->along;
  fill(out, a->low, k->value);
  if (a->stride == 1) copy(in + at + a->low, out + a->low, a->high - a->low);
  else {
    for (int64_t i = a->low; i < a->high; i++) out[i] = in[at + i * a->stride];
  }
  fill(out + a->high, a->size - a->high, k->value);
}

/* Some rows at once, whose numbers lie behind each other in the source: in tiles, both sides stay in the cache. */
static void rows(const Kernel *k, const float *in, int64_t at, float *out, int64_t first, int64_t last) {
  const Axis *a = &k->along, *c = &k->across;
  for (int64_t j = first; j < last; j++) {
    float *line = out + j * c->step;
    if (j < c->low || j >= c->high) fill(line, a->size, k->value);
    else {
      fill(line, a->low, k->value);
      fill(line + a->high, a->size - a->high, k->value);
    }
  }
  if (first < c->low) first = c->low;
  if (last > c->high) last = c->high;
  for (int64_t i = a->low; i < a->high; i += TILE) {
    int64_t end = i + TILE < a->high ? i + TILE : a->high;
    for (int64_t j = first; j < last; j++) {
      float *line = out + j * c->step;
      const float *column = in + at + j;
      for (int64_t l = i; l < end; l++) line[l] = column[l * a->stride];
    }
  }
}

static void run_task(void *data, size_t task) {
  const Run *run = data;
  const Kernel *k = run->kernel;
  int64_t position = (int64_t)task * k->positions_a_task, last = position + k->positions_a_task;
  if (last > k->positions) last = k->positions;
  int64_t index[MOST_AXES + 1], rest = position, at = k->offset, to = 0;
  int outside = 0;
  for (size_t d = k->outer; d-- > 0;) {
    const Axis *a = &k->walked[d];
    index[d] = rest % a->size;
    rest /= a->size;
    at += index[d] * a->stride;
    to += index[d] * a->step;
    outside += index[d] < a->low || index[d] >= a->high;
  }
  for (; position < last; position++) {
    float *out = run->out + to;
    if (k->tiled) {
      /* The last of the walked axes counts blocks of `across`. */
      int64_t first = index[k->outer - 1] * TILE, end = first + TILE < k->across.size ? first + TILE : k->across.size;
      if (outside) {
        for (int64_t j = first; j < end; j++) fill(out + j * k->across.step, k->along.size, k->value);
      } else rows(k, run->in, at, out, first, end);
    } else if (outside) fill(out, k->along.size, k->value);
    else row(k, run->in, at, out);
    for (size_t d = k->outer; d-- > 0;) {
      const Axis *a = &k->walked[d];
      outside -= index[d] < a->low || index[d] >= a->high;
      at += a->stride;
      to += a->step;
      if (++index[d] < a->size) {
        outside += index[d] < a->low || index[d] >= a->high;
        break;
      }
      at -= a->size * a->stride;
      to -= a->size * a->step;
      index[d] = 0;
      outside += a->low > 0 || a->high <= 0;
    }
  }
}

/* Chooses how to walk: rows where numbers of a row lie together, else tiles across an axis whose numbers do. */
static void plan(Kernel *k) {
  int64_t step = 1;
  for (size_t d = k->axes; d-- > 0;) {
    k->axis[d].step = step;
    step *= k->axis[d].size;
  }
  k->along = k->axis[k->axes - 1];
  size_t across = k->axes;
  for (size_t d = 0; d + 1 < k->axes; d++) {
    if (k->axis[d].stride == 1 && k->axis[d].size >= 4) across = d;
  }
  k->tiled = k->along.stride != 1 && across < k->axes;
  for (size_t d = 0; d + 1 < k->axes; d++) {
    if (!k->tiled || d != across) k->walked[k->outer++] = k->axis[d];
  }
  int64_t numbers = k->along.size;
  if (k->tiled) {
    k->across = k->axis[across];
    int64_t blocks = (k->across.size + TILE - 1) / TILE;
    k->walked[k->outer++] = (Axis){blocks, 0, 0, blocks, 0};
    numbers *= k->across.size < TILE ? k->across.size : TILE;
  }
  k->positions = 1;
  for (size_t d = 0; d < k->outer; d++) k->positions *= k->walked[d].size;
  k->positions_a_task = NUMBERS_A_TASK / (numbers ? numbers : 1) + 1;
}

/* Nothing in a model may reach outside the arrays. */
static const char *defect(Kernel *k, const int64_t *view, size_t count) {
  int64_t least = view[0], most = view[0], size = 1, numbers = 1;
  int empty = 0;
  for (size_t d = 0; d < k->axes; d++) {
    const int64_t *a = view + 1 + 4 * d;
    if (a[0] < 1 || a[2] < 0 || a[3] > a[0]) return "Move: an axis is impossible.";
    k->axis[d] = (Axis){a[0], a[1], a[2], a[3], 0};
    size *= a[0];
    if (a[3] <= a[2]) {
      empty = 1;
      continue;
    }
    least += a[1] * (a[1] > 0 ? a[2] : a[3] - 1);
    most += a[1] * (a[1] > 0 ? a[3] - 1 : a[2]);
  }
  for (size_t i = 1; i <= k->rank; i++) numbers *= k->dims[i];
  if (size != numbers || count != 1 + 4 * k->axes) return "Move: the view has another size than the output.";
  if (!empty && least < 0) return "Move: the view begins before the source.";
  k->needed = empty ? 0 : most + 1;
  return NULL;
}

static void destroy(void *data) {
  Kernel *k = data;
  free(k->dims);
  free(k);
}

static OrtStatus *create(const OrtOp *op, const OrtApi *api, const OrtInfo *info, void **out) {
  (void)op;
  Kernel *k = calloc(1, sizeof *k);
  if (!k) return ort_status(api, ORT_FAIL, "Move: no memory.");
  k->api = api;
  int64_t *view = NULL;
  float *value = NULL;
  size_t dims = 0, count = 0, values = 0;
  OrtStatus *wrong = read_integers(api, info, "dims", &k->dims, &dims);
  if (!wrong) wrong = read_integers(api, info, "view", &view, &count);
  if (!wrong) wrong = read_floats(api, info, "value", &value, &values);
  if (!wrong) {
    const char *message = NULL;
    k->rank = dims ? dims - 1 : 0;
    k->axes = count / 4;
    if (!dims || k->dims[0] != (int64_t)k->rank || !count || values != 1) message = "Move: attributes are incomplete.";
    else if (k->axes > MOST_AXES) message = "Move: too many axes.";
    else message = defect(k, view, count);
    if (message) wrong = ort_status(api, ORT_FAIL, message);
  }
  if (!wrong) {
    k->offset = view[0];
    k->value = value[0];
    if (!k->axes) k->axis[k->axes++] = (Axis){1, 1, 0, 1, 0};
    plan(k);
    *out = k;
  } else destroy(k);
  free(view);
  free(value);
  return wrong;
}

static OrtStatus *compute(void *data, OrtContext *context) {
  const Kernel *k = data;
  const OrtApi *api = k->api;
  Run run = {.kernel = k};
  OrtStatus *wrong = read_input(api, context, 0, k->needed, (const void **)&run.in);
  if (!wrong) wrong = make_output(api, context, 0, k->dims + 1, k->rank, &run.out);
  if (wrong) return wrong;
  size_t tasks = (size_t)((k->positions + k->positions_a_task - 1) / k->positions_a_task);
  if (tasks > 1) return ort_parallel(api, context, run_task, tasks, 0, &run);
  run_task(&run, 0);
  return NULL;
}

static const char *name(const OrtOp *op) {
  (void)op;
  return "Move";
}

const OrtOp MOVE = KERNEL_OF_FLOATS(name, create, compute, destroy);
