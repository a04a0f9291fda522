/* What ONNX Runtime calls when `SessionOptions.register_custom_ops_library` loads the library. */
#include "kernels.h"

#ifdef _WIN32
#define EXPORTED __declspec(dllexport)
#else
#define EXPORTED __attribute__((visibility("default")))
#endif

static const OrtOp *const OPERATORS[] = {&ELEMENTWISE, &MOVE, &MAX_POOL, &MAX_POOL_GRAD};

EXPORTED OrtStatus *RegisterCustomOps(OrtOptions *options, const OrtApiBase *base) {
  const OrtApi *api = base->get(ORT_INTERFACE);
  static OrtDomain *domain; /* one for all sessions: it must live as long as any of them */
  if (!domain) {
    OrtDomain *made;
    OrtStatus *wrong = ort_create_domain(api, "cornu.kernels", &made);
    for (size_t i = 0; i < sizeof OPERATORS / sizeof *OPERATORS && !wrong; i++) {
      wrong = ort_add_op(api, made, OPERATORS[i]);
    }
    if (wrong) return wrong;
    domain = made;
  }
  return ort_add_domain(api, options, domain);
}
