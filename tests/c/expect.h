/*
 * What the C tests share: an assertion that goes on, and a look into outputs.
 */
#ifndef EXPECT_H
#define EXPECT_H

#include "lizsync.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static int failures = 0;

#define EXPECT(condition)                                                                          \
    do {                                                                                           \
        if (!(condition)) {                                                                        \
            fprintf(stderr, "%s:%d: not so: %s\n", __FILE__, __LINE__, #condition);                \
            __atomic_fetch_add(&failures, 1, __ATOMIC_SEQ_CST);                                    \
        }                                                                                          \
    } while (0)

/* Whether the JSON object in *out holds `part`; frees it. */
static inline bool holds(char **out, const char *part) {
    bool found = *out != NULL && (*out)[0] == '{' && strstr(*out, part) != NULL;
    if (!found) {
        fprintf(stderr, "outputs: %.2000s\n", *out != NULL ? *out : "(null)");
    }
    lizsync_string_free(*out);
    *out = NULL;
    return found;
}

#endif
