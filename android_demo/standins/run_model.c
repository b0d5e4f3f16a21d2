/* Runs a TFLite model with an Android library of TFLite, off a phone:
 *
 *     run_model STANDINS LIB.so MODEL THREADS XNNPACK CALLS < FRAMES > LOGITS
 *
 * FRAMES holds the bytes of one or more clips, each of which is given to the model in CALLS calls: 1 for a clip model,
 * the number of segments for a streaming model. LOGITS receives the logits of every call as float32. All inputs but
 * `frames` are states: zero before the first call of a clip, then what the output of the same name gave. XNNPACK is 1
 * for the delegate, 0 for TFLite's own kernels. The version of TFLite goes to standard error. */
#include <dlfcn.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define STATES 256

/* arm64: Android's stack guard lies 40 bytes behind the thread pointer, where glibc has a program's thread variables.
 * These bytes keep the place free; they must not change while the program runs. */
__thread volatile char guard[128] = {1};

typedef struct {
  const void *in, *out;
  void *bytes;
  size_t size;
} State;

static void *require(const void *found, const char *what) {
  if (found) return (void *)found;
  fprintf(stderr, "run_model: %s: not to be had\n", what);
  exit(2);
}

static void check(int failed, const char *what) {
  if (!failed) return;
  fprintf(stderr, "run_model: %s failed\n", what);
  exit(2);
}

static void *load(const char *path) {
  void *library = dlopen(path, RTLD_NOW | RTLD_GLOBAL);
  if (library) return library;
  fprintf(stderr, "run_model: %s\n", dlerror());
  exit(2);
}

int main(int count, char **given) {
  if (count != 7) {
    fprintf(stderr, "usage: run_model STANDINS LIB.so MODEL THREADS XNNPACK CALLS < FRAMES > LOGITS\n");
    return 2;
  }
  guard[0] = 1;
  const char *names[] = {"libc.so", "libm.so", "libdl.so", "liblog.so"};
  for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
    char path[4096];
    snprintf(path, sizeof path, "%s/%s", given[1], names[i]);
    load(path);
  }
  void *library = load(given[2]);

#define FUNCTION(type, name, ...) type (*name)(__VA_ARGS__) = require(dlsym(library, #name), #name)
  FUNCTION(const char *, TfLiteVersion, void);
  FUNCTION(void *, TfLiteModelCreateFromFile, const char *);
  FUNCTION(void *, TfLiteInterpreterOptionsCreate, void);
  FUNCTION(void, TfLiteInterpreterOptionsSetNumThreads, void *, int32_t);
  FUNCTION(void, TfLiteInterpreterOptionsAddDelegate, void *, void *);
  FUNCTION(void *, TfLiteXNNPackDelegateCreate, const void *);
  FUNCTION(void *, TfLiteInterpreterCreate, void *, void *);
  FUNCTION(void *, TfLiteInterpreterGetSignatureRunner, void *, const char *);
  FUNCTION(int, TfLiteSignatureRunnerAllocateTensors, void *);
  FUNCTION(size_t, TfLiteSignatureRunnerGetInputCount, void *);
  FUNCTION(const char *, TfLiteSignatureRunnerGetInputName, void *, int32_t);
  FUNCTION(void *, TfLiteSignatureRunnerGetInputTensor, void *, const char *);
  FUNCTION(const void *, TfLiteSignatureRunnerGetOutputTensor, void *, const char *);
  FUNCTION(int, TfLiteSignatureRunnerInvoke, void *);
  FUNCTION(int, TfLiteTensorCopyFromBuffer, const void *, const void *, size_t);
  FUNCTION(int, TfLiteTensorCopyToBuffer, const void *, void *, size_t);
  FUNCTION(size_t, TfLiteTensorByteSize, const void *);

  fprintf(stderr, "TFLite %s\n", TfLiteVersion());
  void *options = TfLiteInterpreterOptionsCreate();
  TfLiteInterpreterOptionsSetNumThreads(options, atoi(given[4]));
  if (atoi(given[5])) TfLiteInterpreterOptionsAddDelegate(options, TfLiteXNNPackDelegateCreate(NULL));
  void *model = require(TfLiteModelCreateFromFile(given[3]), given[3]);
  void *interpreter = require(TfLiteInterpreterCreate(model, options), given[3]);
  void *runner = require(TfLiteInterpreterGetSignatureRunner(interpreter, "serve"), "signature serve");
  check(TfLiteSignatureRunnerAllocateTensors(runner), "allocation");

  const void *frames = require(TfLiteSignatureRunnerGetInputTensor(runner, "frames"), "input frames");
  const void *logits = require(TfLiteSignatureRunnerGetOutputTensor(runner, "logits"), "output logits");
  State states[STATES];
  size_t inputs = TfLiteSignatureRunnerGetInputCount(runner), known = 0;
  for (size_t i = 0; i < inputs && known < STATES; i++) {
    const char *name = TfLiteSignatureRunnerGetInputName(runner, (int32_t)i);
    if (!strcmp(name, "frames")) continue;
    State *state = &states[known++];
    state->in = require(TfLiteSignatureRunnerGetInputTensor(runner, name), name);
    state->out = require(TfLiteSignatureRunnerGetOutputTensor(runner, name), name);
    state->size = TfLiteTensorByteSize(state->in);
    state->bytes = require(malloc(state->size), "memory");
  }
  size_t size = TfLiteTensorByteSize(frames), answer = TfLiteTensorByteSize(logits);
  void *bytes = require(malloc(size), "memory"), *answers = require(malloc(answer), "memory");

  for (int calls = atoi(given[6]), call = 0; fread(bytes, 1, size, stdin) == size; call = (call + 1) % calls) {
    check(TfLiteTensorCopyFromBuffer(frames, bytes, size), "frames");
    for (size_t i = 0; i < known; i++) {
      if (call == 0) memset(states[i].bytes, 0, states[i].size);
      check(TfLiteTensorCopyFromBuffer(states[i].in, states[i].bytes, states[i].size), "state");
    }
    check(TfLiteSignatureRunnerInvoke(runner), "a call");
    for (size_t i = 0; i < known; i++)
      check(TfLiteTensorCopyToBuffer(states[i].out, states[i].bytes, states[i].size), "state");
    check(TfLiteTensorCopyToBuffer(logits, answers, answer), "logits");
    check(fwrite(answers, 1, answer, stdout) != answer, "writing");
  }
  return 0;
}
