/* Functions of Android's C library that glibc lacks or has in another form. The comment "as NAME" tells build.sh which
 * function of Android each one stands in for; all others go straight to glibc. */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* stdin, stdout and stderr, side by side: a FILE of Android takes 152 bytes. */
char bionic___sF[3][152]; /* as __sF */

static FILE *stream(void *given) {
  if (given == bionic___sF[0]) return stdin;
  if (given == bionic___sF[1]) return stdout;
  if (given == bionic___sF[2]) return stderr;
  return given;
}

int bionic_vfprintf(void *file, const char *format, va_list values) { /* as vfprintf */
  return vfprintf(stream(file), format, values);
}

int bionic_fprintf(void *file, const char *format, ...) { /* as fprintf */
  va_list values;
  va_start(values, format);
  int written = vfprintf(stream(file), format, values);
  va_end(values);
  return written;
}

int bionic_fputc(int character, void *file) { /* as fputc */
  return fputc(character, stream(file));
}

int bionic_fflush(void *file) { /* as fflush */
  return fflush(file ? stream(file) : NULL);
}

int bionic_fileno(void *file) { /* as fileno */
  return fileno(stream(file));
}

size_t bionic_fwrite(const void *items, size_t size, size_t count, void *file) { /* as fwrite */
  return fwrite(items, size, count, stream(file));
}

int *bionic___errno(void) { /* as __errno */
  return &errno;
}

size_t bionic___strlen_chk(const char *text, size_t size) { /* as __strlen_chk */
  (void)size;
  return strlen(text);
}

int __xpg_strerror_r(int code, char *text, size_t size);

int bionic_strerror_r(int code, char *text, size_t size) { /* as strerror_r */
  return __xpg_strerror_r(code, text, size);
}

int bionic___system_property_get(const char *name, char *value) { /* as __system_property_get */
  (void)name;
  value[0] = 0;
  return 0;
}

void bionic_android_set_abort_message(const char *text) { /* as android_set_abort_message */
  fprintf(stderr, "%s\n", text);
}

/* The numbers are those of Android's <bits/sysconf.h>. */
long bionic_sysconf(int name) { /* as sysconf */
  switch (name) {
    case 0x27:
    case 0x28:
      return sysconf(_SC_PAGESIZE);
    case 0x60:
      return sysconf(_SC_NPROCESSORS_CONF);
    case 0x61:
      return sysconf(_SC_NPROCESSORS_ONLN);
    default:
      return -1;
  }
}

/* On Android, dlsym(RTLD_DEFAULT, ...) also finds what the calling library has; TFLite finds XNNPACK that way. */
void *bionic_dlsym(void *library, const char *name) { /* as dlsym */
  void *found = dlsym(library, name);
  Dl_info caller;
  if (found || library || !dladdr(__builtin_return_address(0), &caller)) return found;
  library = dlopen(caller.dli_fname, RTLD_LAZY | RTLD_NOLOAD);
  return library ? dlsym(library, name) : NULL;
}
