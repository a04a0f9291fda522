/* The operators `MaxPool` and `MaxPoolGrad` of the domain `cornu.kernels`: the largest of every window [N, C, H, W], and
 * what it hands back. The input of the latter is followed by the cotangent: each window's is added to its first largest
 * element. A NaN ends the search.
 *
 * Attributes: `dims` holds 4, N, C, H and W; `window`, for both axes, the kernel, the stride and the dilation.
 */
#include "kernels.h"
#include "widest.h"

#include <stdlib.h>
#include <string.h>


enum { NUMBERS_A_TASK = 1 << 14 };

typedef struct {
  const OrtApi *api;
  int64_t *dims; /* 4, then N, C, H, W */
  int64_t kernel[2], stride[2], dilation[2], out[2], planes, planes_a_task;
  int in_pairs; /* windows of 2 x 2 side by side */
} Kernel;

typedef struct {
  const Kernel *kernel;
  const float *x, *g;
  float *out;
} Run;

INSIDE int is_larger(float other, float best) { return other > best; }
INSIDE float larger(float best, float other) {
  const float most = best > other ? best : other; /* `other` where that is not a number */
  return best != best ? best : most;
}

/* Windows of 2 x 2 side by side, one row of them. Rows are short: wider vectors would leave more of them over. */
static void pairs(const float *x, const float *below, const float *g, float *dx, float *dx_below, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float a = x[2 * i], b = x[2 * i + 1], c = below[2 * i], d = below[2 * i + 1], v = g[i];
    const int right = is_larger(b, a), right_below = is_larger(d, c);
    const int lower = is_larger(larger(c, d), larger(a, b));
    dx[2 * i] = lower | right ? 0.0f : v;
    dx[2 * i + 1] = right & !lower ? v : 0.0f;
    dx_below[2 * i] = lower & !right_below ? v : 0.0f;
    dx_below[2 * i + 1] = lower & right_below ? v : 0.0f;
  }
}

static void plane_of_pairs(const Kernel *k, const float *x, const float *g, float *dx) {
  int64_t height = k->dims[3], width = k->dims[4], used = 2 * k->out[1];
  for (int64_t r = 0; r < k->out[0]; r++) {
    float *row = dx + 2 * r * width;
    pairs(x + 2 * r * width, x + (2 * r + 1) * width, g + r * k->out[1], row, row + width, k->out[1]);
    for (int64_t c = used; c < width; c++) row[c] = row[width + c] = 0.0f;
  }
  for (int64_t i = 2 * k->out[0] * width; i < height * width; i++) dx[i] = 0.0f;
}

static void plane(const Kernel *k, const float *x, const float *g, float *dx) {
  int64_t height = k->dims[3], width = k->dims[4];
  memset(dx, 0, (size_t)(height * width) * sizeof *dx);
  for (int64_t r = 0; r < k->out[0]; r++) {
    for (int64_t c = 0; c < k->out[1]; c++) {
      int64_t corner = r * k->stride[0] * width + c * k->stride[1], where = corner;
      float best = 0;
      for (int64_t i = 0; i < k->kernel[0]; i++) {
        int64_t line = corner + i * k->dilation[0] * width, first = line;
        float largest = x[line];
        for (int64_t j = 1; j < k->kernel[1]; j++) {
          float other = x[line + j * k->dilation[1]];
          if (is_larger(other, largest)) first = line + j * k->dilation[1];
          largest = larger(largest, other);
        }
        if (!i || is_larger(largest, best)) where = first;
        best = i ? larger(best, largest) : largest;
      }
      dx[where] += g[r * k->out[1] + c];
    }
  }
}

static void largest_of_pairs(const float *x, const float *below, float *restrict out, int64_t n) {
  for (int64_t i = 0; i < n; i++) {
    const float a = x[2 * i], b = x[2 * i + 1], c = below[2 * i], d = below[2 * i + 1];
    out[i] = larger(larger(a, b), larger(c, d));
  }
}

static void largest(const Kernel *k, const float *x, float *out) {
  int64_t width = k->dims[4];
  for (int64_t r = 0; r < k->out[0]; r++, out += k->out[1]) {
    const float *line = x + r * k->stride[0] * width;
    if (k->in_pairs) {
      largest_of_pairs(line, line + width, out, k->out[1]);
      continue;
    }
    for (int64_t c = 0; c < k->out[1]; c++) {
      const float *corner = line + c * k->stride[1];
      float best = *corner;
      for (int64_t i = 0; i < k->kernel[0]; i++) {
        for (int64_t j = 0; j < k->kernel[1]; j++) {
          best = larger(best, corner[i * k->dilation[0] * width + j * k->dilation[1]]);
        }
      }
      out[c] = best;
    }
  }
}

static void run_task(void *data, size_t task) {
  const Run *run = data;
  const Kernel *k = run->kernel;
  int64_t size = k->dims[3] * k->dims[4], pooled = k->out[0] * k->out[1];
  int64_t first = (int64_t)task * k->planes_a_task, last = first + k->planes_a_task;
  for (int64_t p = first; p < last && p < k->planes; p++) {
    const float *x = run->x + p * size, *g = run->g + p * pooled;
    if (!run->g) largest(k, x, run->out + p * pooled);
    else if (k->in_pairs) plane_of_pairs(k, x, g, run->out + p * size);
    else plane(k, x, g, run->out + p * size);
  }
}

static const char *set_window(Kernel *k, const int64_t *window) {
  k->in_pairs = 1;
  for (int a = 0; a < 2; a++) {
    k->kernel[a] = window[3 * a], k->stride[a] = window[3 * a + 1], k->dilation[a] = window[3 * a + 2];
    int64_t size = k->dims[3 + a], reach = (k->kernel[a] - 1) * k->dilation[a] + 1;
    if (k->kernel[a] < 1 || k->stride[a] < 1 || k->dilation[a] < 1 || reach > size) {
      return "Maximum of windows: there is no such window.";
    }
    k->out[a] = (size - reach) / k->stride[a] + 1;
    k->in_pairs &= k->kernel[a] == 2 && k->stride[a] == 2 && k->dilation[a] == 1;
  }
  k->planes = k->dims[1] * k->dims[2];
  int64_t size = k->dims[3] * k->dims[4];
  k->planes_a_task = NUMBERS_A_TASK / size + 1;
  return k->planes < 1 ? "Maximum of windows: a size is below 1." : NULL;
}

static void destroy(void *data) {
  Kernel *k = data;
  free(k->dims);
  free(k);
}

static OrtStatus *create(const OrtOp *op, const OrtApi *api, const OrtInfo *info, void **out) {
  (void)op;
  Kernel *k = calloc(1, sizeof *k);
  if (!k) return ort_status(api, ORT_FAIL, "Maximum of windows: no memory.");
  k->api = api;
  int64_t *window = NULL;
  size_t dims = 0, count = 0;
  OrtStatus *wrong = read_integers(api, info, "dims", &k->dims, &dims);
  if (!wrong) wrong = read_integers(api, info, "window", &window, &count);
  if (!wrong) {
    const char *message = dims != 5 || count != 6 ? "Maximum of windows: attributes are incomplete." : set_window(k, window);
    if (message) wrong = ort_status(api, ORT_FAIL, message);
  }
  free(window);
  if (wrong) destroy(k);
  else *out = k;
  return wrong;
}

static OrtStatus *run(const Kernel *k, OrtContext *context, Run *run) {
  run->kernel = k;
  size_t tasks = (size_t)((k->planes + k->planes_a_task - 1) / k->planes_a_task);
  return ort_parallel(k->api, context, run_task, tasks, 0, run);
}

static OrtStatus *compute(void *data, OrtContext *context) {
  const Kernel *k = data;
  int64_t out[] = {k->dims[1], k->dims[2], k->out[0], k->out[1]};
  Run given = {0};
  OrtStatus *wrong = read_input(k->api, context, 0, k->planes * k->dims[3] * k->dims[4], (const void **)&given.x);
  if (!wrong) wrong = make_output(k->api, context, 0, out, 4, &given.out);
  return wrong ? wrong : run(k, context, &given);
}

static OrtStatus *compute_gradient(void *data, OrtContext *context) {
  const Kernel *k = data;
  Run given = {0};
  OrtStatus *wrong = read_input(k->api, context, 0, k->planes * k->dims[3] * k->dims[4], (const void **)&given.x);
  if (!wrong) wrong = read_input(k->api, context, 1, k->planes * k->out[0] * k->out[1], (const void **)&given.g);
  if (!wrong) wrong = make_output(k->api, context, 0, k->dims + 1, 4, &given.out);
  return wrong ? wrong : run(k, context, &given);
}

static const char *name(const OrtOp *op) {
  (void)op;
  return "MaxPool";
}

static const char *gradient_name(const OrtOp *op) {
  (void)op;
  return "MaxPoolGrad";
}

const OrtOp MAX_POOL = KERNEL_OF_FLOATS(name, create, compute, destroy);
const OrtOp MAX_POOL_GRAD = KERNEL_OF_FLOATS(gradient_name, create, compute_gradient, destroy);
