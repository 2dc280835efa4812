/* NVIDIA's management library, as far as we use it: one GPU at 00000000:65:00.0 that takes 250 W by its energy counter and
   300 W by its power sensor. STEP_MS is how often the counter moves. What is defined at compile time is missing or broken: LOSES and DENIES after so many readings. */
#include <string.h>
#include <time.h>

enum { OK = 0, NOT_SUPPORTED = 3, NO_PERMISSION = 4, NOT_FOUND = 6, NOT_LOADED = 9, LOST = 15 };

static int gpu;

int nvmlInit_v2(void) {
#ifdef NO_DRIVER
  return NOT_LOADED;
#else
  return OK;
#endif
}

int nvmlShutdown(void) { return OK; }

int nvmlDeviceGetHandleByPciBusId_v2(const char *address, void **device) {
  *device = &gpu;
  return strcmp(address, "00000000:65:00.0") ? NOT_FOUND : OK;
}

#ifndef OLD
int nvmlDeviceGetMigMode(void *device, unsigned *current, unsigned *pending) {
#ifdef MIG_HIDDEN
  return NO_PERMISSION;
#elif defined MIG
  *current = *pending = 1;
  return device == &gpu ? OK : NOT_FOUND;
#else
  return NOT_SUPPORTED;
#endif
}

int nvmlDeviceGetTotalEnergyConsumption(void *device, unsigned long long *millijoules) {
#if defined NO_SENSOR || defined NO_COUNTER
  return NOT_SUPPORTED;
#elif defined DENIED
  return NO_PERMISSION;
#elif defined STUCK
  *millijoules = 42;
#elif defined LOSES
  static int reads;
  if (++reads > LOSES) return LOST;
  *millijoules = reads;
#elif defined DENIES
  static int reads;
  if (++reads > DENIES) return NO_PERMISSION;
  *millijoules = reads;
#elif defined RESETS
  static int reads;
  *millijoules = ++reads > RESETS ? reads : 1000000 + reads;
#else
#ifndef STEP_MS
#define STEP_MS 1
#endif
  struct timespec now;
  clock_gettime(CLOCK_MONOTONIC, &now);
  unsigned long long ms = now.tv_sec * 1000ull + now.tv_nsec / 1000000;
  *millijoules = 250ull * (ms - ms % STEP_MS);
#endif
  return OK;
}
#endif

int nvmlDeviceGetPowerUsage(void *device, unsigned *milliwatts) {
  *milliwatts = 300000;
#ifdef NO_SENSOR
  return NOT_SUPPORTED;
#elif defined DENIED
  return NO_PERMISSION;
#elif defined LOSES
  static int reads;
  return ++reads > LOSES ? LOST : OK;
#else
  return OK;
#endif
}

int nvmlSystemGetDriverVersion(char *version, unsigned length) {
  strncpy(version, "570.1", length);
  return OK;
}

int nvmlDeviceGetClockInfo(void *device, int domain, unsigned *megahertz) {
  *megahertz = 1980;
  return domain == 1 && device == &gpu ? OK : NOT_SUPPORTED;
}

int nvmlDeviceGetTemperature(void *device, int sensor, unsigned *celsius) {
  *celsius = 64;
  return sensor == 0 && device == &gpu ? OK : NOT_SUPPORTED;
}
