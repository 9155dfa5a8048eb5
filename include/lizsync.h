/*
 * LizSync: offline editing of PostGIS databases.
 *
 * Generated from src/ffi by “make header”; do not edit.
 *
 * No call unwinds into the caller, whatever it is given. Strings are UTF-8. Strings that the library
 * returns belong to the caller, who frees them with lizsync_string_free, except that of
 * lizsync_version.
 *
 * SPDX-License-Identifier: GPL-2.0-or-later
 */

#ifndef LIZSYNC_H
#define LIZSYNC_H

#include <stdbool.h>
#include <stdint.h>

/**
 * Raised when an existing call changes.
 */
#define LIZSYNC_ABI_VERSION 1

/**
 * How a call ended. The numbers are fixed and never reused.
 */
typedef enum {
    /**
     * Success.
     */
    LIZSYNC_OK = 0,
    /**
     * A parameter is missing, unknown, of the wrong type, or its value cannot be used.
     */
    LIZSYNC_INVALID_PARAMETER = 1,
    /**
     * No algorithm has that id.
     */
    LIZSYNC_UNKNOWN_ALGORITHM = 2,
    /**
     * A connection cannot be made, or broke.
     */
    LIZSYNC_CONNECTION = 3,
    /**
     * The role lacks a right.
     */
    LIZSYNC_PERMISSION = 4,
    /**
     * PostgreSQL refused a statement.
     */
    LIZSYNC_DATABASE = 5,
    /**
     * A database is not in the state that the algorithm needs.
     */
    LIZSYNC_STATE = 6,
    /**
     * A local file cannot be read, written or understood.
     */
    LIZSYNC_FILE = 7,
    /**
     * A file transfer failed.
     */
    LIZSYNC_TRANSFER = 8,
    /**
     * An external program is missing or failed.
     */
    LIZSYNC_PROGRAM = 9,
    /**
     * The caller canceled.
     */
    LIZSYNC_CANCELED = 10,
    /**
     * A defect of the library.
     */
    LIZSYNC_INTERNAL = 11,
} lizsync_status;

/**
 * What the caller wants to hear while an algorithm runs. Each callback may be null; all are called
 * on the thread that called `lizsync_run`, and must not unwind.
 */
typedef struct {
    /**
     * Handed to every callback.
     */
    void *user_data;
    /**
     * How far the work is, in percent.
     */
    void (*progress)(void *user_data, double percent);
    /**
     * A sentence in UTF-8, valid during the call; level 0 debug, 1 information, 2 warning, 3 error.
     */
    void (*message)(void *user_data, int level, const char *utf8);
    /**
     * Whether the caller wants the algorithm to stop; asked at least every 100 ms.
     */
    bool (*is_canceled)(void *user_data);
} lizsync_feedback;

#ifdef __cplusplus
extern "C" {
#endif // __cplusplus

/**
 * Returns the number that is raised when an existing call changes.
 */
uint32_t lizsync_abi_version(void);

/**
 * Returns the version of the library, a static string that is not to be freed.
 */
const char *lizsync_version(void);

/**
 * Returns the registry: a JSON array with one object for each algorithm.
 *
 * Free the string with `lizsync_string_free`. Null only when memory ran out.
 */
char *lizsync_algorithms(void);

/**
 * Validates the parameters and reaches the servers that they name; changes nothing.
 *
 * `id` and `params_json` are UTF-8. `out_json`, unless null, is set to a JSON object that the
 * caller frees with `lizsync_string_free`, also on failure.
 *
 * # Safety
 * `id` and `params_json` are null or point to NUL-terminated strings; `out_json` is null or
 * points to a writable pointer.
 */
lizsync_status lizsync_check(const char *id, const char *params_json, char **out_json);

/**
 * Runs one algorithm. The work is done on another thread; callbacks are called on this one.
 *
 * `id` and `params_json` are UTF-8; `feedback` and each of its callbacks may be null. `out_json`,
 * unless null, is set to a JSON object that the caller frees with `lizsync_string_free`, also on
 * failure.
 *
 * # Safety
 * As for `lizsync_check`; `feedback` is null or points to a valid struct whose callbacks may be
 * called during this call.
 */
lizsync_status lizsync_run(const char *id,
                           const char *params_json,
                           const lizsync_feedback *feedback,
                           char **out_json);

/**
 * Frees a string that the library returned; null is fine.
 *
 * # Safety
 * `text` is null or was returned by this library and not freed before.
 */
void lizsync_string_free(char *text);

#ifdef __cplusplus
}  // extern "C"
#endif  // __cplusplus

#endif  /* LIZSYNC_H */
