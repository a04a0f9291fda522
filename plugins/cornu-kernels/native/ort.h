/* The part of ONNX Runtime's C interface that a custom operator needs.
 *
 * The interface is one table of functions to which new ones are only ever added at the end, so that a function is known
 * by its place (ONNX Runtime, "onnxruntime_c_api.h", version 18 of the interface, from 1.18 on). Naming the few places
 * that are used here spares the build the whole header.
 */
#ifndef CORNU_ORT_H
#define CORNU_ORT_H

#include <stddef.h>
#include <stdint.h>

enum { ORT_INTERFACE = 18, ORT_FAIL = 1, ORT_FLOAT = 1, ORT_BOOL = 9, ORT_ANY_TYPE = 0, ORT_VARIADIC = 2 };

typedef struct OrtStatus OrtStatus; /* NULL: success */
typedef struct OrtValue OrtValue;
typedef struct OrtInfo OrtInfo;       /* a node, when its kernel is made */
typedef struct OrtContext OrtContext; /* one run of a kernel */
typedef struct OrtDomain OrtDomain;
typedef struct OrtOptions OrtOptions;
typedef struct OrtOp OrtOp;
typedef struct OrtShape OrtShape;
typedef struct OrtShapes OrtShapes;

typedef void (*OrtFunction)(void);
typedef struct OrtApi {
  OrtFunction function[275];
} OrtApi;
typedef struct OrtApiBase {
  const OrtApi *(*get)(uint32_t version);
  const char *(*version)(void);
} OrtApiBase;

/* The members and their order are ONNX Runtime's. */
struct OrtOp {
  uint32_t version;
  void *(*create)(const OrtOp *, const OrtApi *, const OrtInfo *);
  const char *(*name)(const OrtOp *);
  const char *(*provider)(const OrtOp *);
  int (*input_type)(const OrtOp *, size_t);
  size_t (*input_count)(const OrtOp *);
  int (*output_type)(const OrtOp *, size_t);
  size_t (*output_count)(const OrtOp *);
  void (*compute)(void *, OrtContext *);
  void (*destroy)(void *);
  int (*input_characteristic)(const OrtOp *, size_t);
  int (*output_characteristic)(const OrtOp *, size_t);
  int (*input_memory)(const OrtOp *, size_t);
  int (*fewest_inputs)(const OrtOp *);
  int (*inputs_of_one_type)(const OrtOp *);
  int (*fewest_outputs)(const OrtOp *);
  int (*outputs_of_one_type)(const OrtOp *);
  OrtStatus *(*create_checked)(const OrtOp *, const OrtApi *, const OrtInfo *, void **);
  OrtStatus *(*compute_checked)(void *, OrtContext *);
  OrtStatus *(*infer_shapes)(const OrtOp *, OrtShapes *);
  int (*first_version)(const OrtOp *);
  int (*last_version)(const OrtOp *);
  size_t (*may_inplace)(int **, int **);
  void (*release_may_inplace)(int *, int *);
  size_t (*aliases)(int **, int **);
  void (*release_aliases)(int *, int *);
};

/* `ort_name(api, ...)` calls the function of that place. */
#define ORT_DEFINE(place, name, types, parameters, arguments)        \
  static inline OrtStatus *name parameters {                        \
    return ((OrtStatus * (*) types) api->function[place]) arguments; \
  }

ORT_DEFINE(0, ort_status, (int, const char *), (const OrtApi *api, int code, const char *message), (code, message))
ORT_DEFINE(26, ort_create_domain, (const char *, OrtDomain **), (const OrtApi *api, const char *name, OrtDomain **domain),
           (name, domain))
ORT_DEFINE(27, ort_add_op, (OrtDomain *, const OrtOp *), (const OrtApi *api, OrtDomain *domain, const OrtOp *op),
           (domain, op))
ORT_DEFINE(28, ort_add_domain, (OrtOptions *, OrtDomain *),
           (const OrtApi *api, OrtOptions *options, OrtDomain *domain), (options, domain))
ORT_DEFINE(51, ort_data, (OrtValue *, void **), (const OrtApi *api, const OrtValue *value, void **data),
           ((OrtValue *)value, data))
ORT_DEFINE(64, ort_size, (const OrtShape *, size_t *), (const OrtApi *api, const OrtShape *shape, size_t *count),
           (shape, count))
ORT_DEFINE(65, ort_shape, (const OrtValue *, OrtShape **), (const OrtApi *api, const OrtValue *value, OrtShape **shape),
           (value, shape))
ORT_DEFINE(90, ort_input, (const OrtContext *, size_t, const OrtValue **),
           (const OrtApi *api, const OrtContext *context, size_t i, const OrtValue **value), (context, i, value))
ORT_DEFINE(91, ort_output, (OrtContext *, size_t, const int64_t *, size_t, OrtValue **),
           (const OrtApi *api, OrtContext *context, size_t i, const int64_t *dims, size_t rank, OrtValue **value),
           (context, i, dims, rank, value))
ORT_DEFINE(162, ort_floats, (const OrtInfo *, const char *, float *, size_t *),
           (const OrtApi *api, const OrtInfo *info, const char *name, float *out, size_t *count),
           (info, name, out, count))
ORT_DEFINE(163, ort_integers, (const OrtInfo *, const char *, int64_t *, size_t *),
           (const OrtApi *api, const OrtInfo *info, const char *name, int64_t *out, size_t *count),
           (info, name, out, count))
ORT_DEFINE(274, ort_parallel, (const OrtContext *, void (*)(void *, size_t), size_t, size_t, void *),
           (const OrtApi *api, const OrtContext *context, void (*task)(void *, size_t), size_t total, size_t batches,
            void *data),
           (context, task, total, batches, data))

static inline void ort_release_shape(const OrtApi *api, OrtShape *shape) {
  ((void (*)(OrtShape *))api->function[99])(shape);
}

#endif
