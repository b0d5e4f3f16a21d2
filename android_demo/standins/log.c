/* Android's log: warnings and errors go to standard error. */
#include <stdarg.h>
#include <stdio.h>

enum { WARNING = 5 };

int __android_log_vprint(int level, const char *tag, const char *format, va_list values) {
  if (level < WARNING) return 0;
  int written = fprintf(stderr, "%s: ", tag) + vfprintf(stderr, format, values);
  fputc('\n', stderr);
  return written;
}
