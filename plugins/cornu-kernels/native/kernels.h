/* What the operators share. */
#ifndef CORNU_KERNELS_H
#define CORNU_KERNELS_H

#include "ort.h"

extern const OrtOp ELEMENTWISE, MOVE, MAX_POOL, MAX_POOL_GRAD;

/* An attribute's numbers, which the caller frees. */
OrtStatus *read_integers(const OrtApi *api, const OrtInfo *info, const char *name, int64_t **out, size_t *count);
OrtStatus *read_floats(const OrtApi *api, const OrtInfo *info, const char *name, float **out, size_t *count);

/* An input's elements; an error where there are fewer than `needed`. */
OrtStatus *read_input(const OrtApi *api, const OrtContext *context, size_t i, int64_t needed, const void **data);
OrtStatus *make_output(const OrtApi *api, OrtContext *context, size_t i, const int64_t *dims, size_t rank, float **data);

const char *on_host(const OrtOp *op);
size_t one_list(const OrtOp *op);
int at_least_one(const OrtOp *op), any_types(const OrtOp *op), since_one(const OrtOp *op), until_now(const OrtOp *op);
int any_type(const OrtOp *op, size_t i), float_type(const OrtOp *op, size_t i);
int variadic(const OrtOp *op, size_t i), host_memory(const OrtOp *op, size_t i);

/* An operator of any inputs whose outputs are 32-bit floats. */
#define KERNEL_OF_FLOATS(name_, create_, compute_, destroy_)                                                      \
  {                                                                                                               \
    .version = ORT_INTERFACE, .name = name_, .provider = on_host, .input_type = any_type,                         \
    .input_count = one_list, .output_type = float_type, .output_count = one_list, .destroy = destroy_,            \
    .input_characteristic = variadic, .output_characteristic = variadic, .input_memory = host_memory,             \
    .fewest_inputs = any_types, .inputs_of_one_type = any_types, .fewest_outputs = at_least_one,                  \
    .outputs_of_one_type = at_least_one, .create_checked = create_, .compute_checked = compute_,                  \
    .first_version = since_one, .last_version = until_now,                                                        \
  }

#endif
