#include "kernels.h"

#include <stdlib.h>

static OrtStatus *no_memory(const OrtApi *api) { return ort_status(api, ORT_FAIL, "cornu-kernels: no memory."); }

OrtStatus *read_integers(const OrtApi *api, const OrtInfo *info, const char *name, int64_t **out, size_t *count) {
  *count = 0;
  OrtStatus *wrong = ort_integers(api, info, name, NULL, count);
  if (wrong) return wrong;
  *out = malloc((*count + 1) * sizeof **out);
  if (!*out) return no_memory(api);
  return *count ? ort_integers(api, info, name, *out, count) : NULL;
}

OrtStatus *read_floats(const OrtApi *api, const OrtInfo *info, const char *name, float **out, size_t *count) {
  *count = 0;
  OrtStatus *wrong = ort_floats(api, info, name, NULL, count);
  if (wrong) return wrong;
  *out = malloc((*count + 1) * sizeof **out);
  if (!*out) return no_memory(api);
  return *count ? ort_floats(api, info, name, *out, count) : NULL;
}

OrtStatus *read_input(const OrtApi *api, const OrtContext *context, size_t i, int64_t needed, const void **data) {
  const OrtValue *value;
  OrtShape *shape;
  size_t size = 0;
  OrtStatus *wrong = ort_input(api, context, i, &value);
  if (!wrong) wrong = ort_data(api, value, (void **)data);
  if (!wrong) wrong = ort_shape(api, value, &shape);
  if (wrong) return wrong;
  wrong = ort_size(api, shape, &size);
  ort_release_shape(api, shape);
  if (!wrong && size < (size_t)needed) wrong = ort_status(api, ORT_FAIL, "cornu-kernels: an input is too small.");
  return wrong;
}

OrtStatus *make_output(const OrtApi *api, OrtContext *context, size_t i, const int64_t *dims, size_t rank, float **data) {
  OrtValue *value;
  OrtStatus *wrong = ort_output(api, context, i, dims, rank, &value);
  return wrong ? wrong : ort_data(api, value, (void **)data);
}

#define ANSWER(type, name, value) \
  type name(const OrtOp *op) {    \
    (void)op;                     \
    return value;                 \
  }
#define ANSWER_OF(name, value)           \
  int name(const OrtOp *op, size_t i) {  \
    (void)op, (void)i;                   \
    return value;                        \
  }

ANSWER(const char *, on_host, NULL)
ANSWER(size_t, one_list, 1)
ANSWER(int, at_least_one, 1)
ANSWER(int, any_types, 0)
ANSWER(int, since_one, 1)
ANSWER(int, until_now, INT32_MAX)
ANSWER_OF(any_type, ORT_ANY_TYPE)
ANSWER_OF(float_type, ORT_FLOAT)
ANSWER_OF(variadic, ORT_VARIADIC)
ANSWER_OF(host_memory, 0)
