/*
 * What no caller should do, and some will: arguments of any kind, callbacks of any kind, strings that
 * are freed late, out of order and by other threads.
 *
 *     hostile_test CONNINFO MEGABYTES
 *
 * CONNINFO names an empty database in which a superuser may install LizSync; the largest arguments have
 * MEGABYTES. Ends with 0, or tells on stderr what was not as it should be and ends with 1.
 */
#include "expect.h"

#include <pthread.h>
#include <stdint.h>
#include <time.h>

#define COUNT(array) (sizeof(array) / sizeof *(array))

static const char *const INSTALL = "create_database_structure";
static const char *const FAILED = "\"OUTPUT_STATUS\":0";

/* Every way of calling with these arguments must fail, and alike. */
static void refused(const char *id, const char *parameters, lizsync_status expected) {
    lizsync_feedback nothing = {NULL, NULL, NULL, NULL};
    char *out = (char *)(uintptr_t)1; /* what stands there must not be looked at */
    EXPECT(lizsync_check(id, parameters, &out) == expected);
    EXPECT(holds(&out, FAILED));
    EXPECT(lizsync_run(id, parameters, NULL, &out) == expected);
    EXPECT(holds(&out, FAILED));
    EXPECT(lizsync_run(id, parameters, &nothing, &out) == expected);
    EXPECT(holds(&out, "\"error\""));
    EXPECT(lizsync_check(id, parameters, NULL) == expected);
    EXPECT(lizsync_run(id, parameters, NULL, NULL) == expected);
    EXPECT(lizsync_run(id, parameters, &nothing, NULL) == expected);
}

/* `before`, then `piece` as often as fits into `size` bytes, then `after`. */
static char *filled(const char *before, const char *piece, size_t size, const char *after) {
    size_t length = strlen(piece), times = size / length;
    char *text = (char *)malloc(strlen(before) + times * length + strlen(after) + 1);
    char *start = text + sprintf(text, "%s", before);
    size_t done = times > 0 ? length : 0;
    memcpy(start, piece, done);
    for (size_t more; done < times * length; done += more) {
        more = done < times * length - done ? done : times * length - done;
        memcpy(start + done, start, more);
    }
    strcpy(start + done, after);
    return text;
}

static void text_that_is_none(void) {
    /* Not UTF-8: lone bytes, an overlong slash, half of a character, a surrogate, beyond Unicode. */
    static const char *const broken[] = {"\xff",         "\x80",         "\xc0\xaf",
                                         "a\xe2\x82",    "\xed\xa0\x80", "\xf4\x90\x80\x80",
                                         "{\"a\":\"\xff\"}"};
    for (size_t i = 0; i < COUNT(broken); i++) {
        refused(broken[i], "{}", LIZSYNC_INVALID_PARAMETER);
        refused(INSTALL, broken[i], LIZSYNC_INVALID_PARAMETER);
    }
    static const char *const json[] = {
        "",     " \n\t",        "nul",       "null", "[]",   "1e999", "-",    "\"",    "{\"a\"}", "{}{}",
        "{\"CONNECTION_NAME\":\"a\\u0000b\"}", "{\"CONNECTION_NAME\":\"\\ud800\"}", "\xef\xbb\xbf{}",
        "{\"CONNECTION_NAME\":1e400}", "{\"CONNECTION_NAME\":[]}", "{\"connections\":{\"a\":{}}}"};
    for (size_t i = 0; i < COUNT(json); i++) {
        refused(INSTALL, json[i], LIZSYNC_INVALID_PARAMETER);
    }
    static const char *const ids[] = {"", " ", "nope", "CREATE_DATABASE_STRUCTURE", "create_database_structure ",
                                      "../x", "%s%n%s%n", "\xc3\xa9"};
    for (size_t i = 0; i < COUNT(ids); i++) {
        refused(ids[i], "{}", LIZSYNC_UNKNOWN_ALGORITHM);
    }
    refused(NULL, NULL, LIZSYNC_INVALID_PARAMETER);
    refused(NULL, "{}", LIZSYNC_INVALID_PARAMETER);
    refused(INSTALL, NULL, LIZSYNC_INVALID_PARAMETER);
}

/* As above, for what takes its time. */
static void refused_once(const char *id, const char *parameters, lizsync_status expected) {
    char *out = NULL;
    EXPECT(lizsync_check(id, parameters, &out) == expected);
    EXPECT(holds(&out, FAILED));
    EXPECT(lizsync_run(id, parameters, NULL, NULL) == expected);
}

static void text_without_end(size_t size) {
    static const char *const texts[][3] = {
        /* these in full size */
        {"{\"SURPRISE\":\"", "\\u00e9", "\"}"},
        {"{\"CONNECTION_NAME\":\"", "host=", "\"}"},
        {"", "[", ""},
        /* and these with a megabyte */
        {"", "{\"a\":", ""},
        {"", "x", ""},
        {"\"", "x", "\""},
        {"{\"", "x", "\":1}"},
        {"[", "0,", "0]"},
    };
    for (size_t i = 0; i < COUNT(texts); i++) {
        char *text = filled(texts[i][0], texts[i][1], i < 3 ? size : 1 << 20, texts[i][2]);
        refused_once(INSTALL, text, LIZSYNC_INVALID_PARAMETER);
        free(text);
    }
    char *id = filled("", "x", size, "");
    refused_once(id, "{}", LIZSYNC_UNKNOWN_ALGORITHM);
    free(id);
}

static void text_that_is_deep(void) {
    const size_t depth = 10000;
    char *arrays = filled("", "[", depth, ""), *closed = filled("", "]", depth, "");
    char *objects = filled("", "{\"a\":", 5 * depth, "1"), *braces = filled("", "}", depth, "");
    static const char *const around[][2] = {
        {"", ""}, {"{\"CONNECTION_NAME\":", "}"}, {"{\"connections\":{\"a\":", "}}"}};
    for (size_t i = 0; i < COUNT(around); i++) {
        char *text = (char *)malloc(20 * depth);
        sprintf(text, "%s%s%s%s", around[i][0], arrays, closed, around[i][1]);
        refused(INSTALL, text, LIZSYNC_INVALID_PARAMETER);
        sprintf(text, "%s%s%s%s", around[i][0], objects, braces, around[i][1]);
        refused(INSTALL, text, LIZSYNC_INVALID_PARAMETER);
        free(text);
    }
    free(arrays), free(closed), free(objects), free(braces);
}

/* A caller that takes its time and calls back. */
typedef struct {
    pthread_t thread;
    int calls;
    int asked;
    int cancel_at; /* 0: never */
    int depth;
} guest;

/* Calls every function, from within a callback. */
static void call_back(guest *g) {
    EXPECT(pthread_equal(pthread_self(), g->thread));
    g->calls++;
    struct timespec moment = {0, 3 * 1000 * 1000}; /* slow, as one that draws a window */
    nanosleep(&moment, NULL);
    if (g->depth > 0) {
        return;
    }
    g->depth++;
    char *out = NULL;
    EXPECT(strlen(lizsync_version()) > 0 && lizsync_abi_version() == LIZSYNC_ABI_VERSION);
    lizsync_string_free(lizsync_algorithms());
    EXPECT(lizsync_check("nope", "{}", &out) == LIZSYNC_UNKNOWN_ALGORITHM);
    EXPECT(holds(&out, FAILED));
    EXPECT(lizsync_run(INSTALL, "{}", NULL, &out) == LIZSYNC_INVALID_PARAMETER);
    EXPECT(holds(&out, FAILED));
    g->depth--;
}

static void on_progress(void *user_data, double percent) {
    EXPECT(percent >= 0.0 && percent <= 100.0);
    call_back((guest *)user_data);
}

static void on_message(void *user_data, int level, const char *utf8) {
    EXPECT(level >= 0 && level <= 3 && utf8 != NULL && utf8[0] != '\0');
    call_back((guest *)user_data);
}

static bool on_poll(void *user_data) {
    guest *g = (guest *)user_data;
    if (g->depth == 0 && g->asked == 1) {
        call_back(g);
    }
    g->asked++;
    return g->cancel_at > 0 && g->asked >= g->cancel_at;
}

static void callbacks(const char *conninfo) {
    char parameters[2048], *out = NULL;
    snprintf(parameters, sizeof parameters,
             "{\"CONNECTION_NAME\": \"central\", \"connections\": {\"central\": \"%s\"}}", conninfo);
    for (int cancel_at = 1; cancel_at <= 3; cancel_at++) {
        guest g = {pthread_self(), 0, 0, cancel_at, 0};
        lizsync_feedback feedback = {&g, on_progress, on_message, on_poll};
        lizsync_status status = lizsync_run(INSTALL, parameters, &feedback, &out);
        /* Whoever says stop late may be too late; nobody is stopped twice. */
        EXPECT(status == LIZSYNC_CANCELED || status == LIZSYNC_OK || status == LIZSYNC_STATE);
        EXPECT(holds(&out, "\"OUTPUT_STRING\""));
        EXPECT(cancel_at > 1 || status == LIZSYNC_CANCELED);
    }
    /* Each callback alone, and all of them. */
    for (int which = 0; which < 8; which++) {
        guest g = {pthread_self(), 0, 0, 0, 0};
        lizsync_feedback feedback = {&g, which & 1 ? on_progress : NULL, which & 2 ? on_message : NULL,
                                     which & 4 ? on_poll : NULL};
        lizsync_status status = lizsync_run(INSTALL, parameters, &feedback, &out);
        EXPECT(status == LIZSYNC_OK || status == LIZSYNC_STATE);
        EXPECT(holds(&out, "\"OUTPUT_STRING\""));
        EXPECT(!(which & 4) || g.asked > 0);
    }
}

#define STRINGS 400

static void *free_every_third(void *strings) {
    char **list = (char **)strings;
    for (int i = STRINGS - 1; i >= 0; i -= 3) {
        lizsync_string_free(list[i]);
        list[i] = NULL;
    }
    return NULL;
}

static void frees(void) {
    char *strings[STRINGS];
    for (int i = 0; i < STRINGS; i++) {
        if (i % 2 == 0) {
            strings[i] = lizsync_algorithms();
        } else {
            lizsync_check(INSTALL, "{}", &strings[i]);
        }
        EXPECT(strings[i] != NULL);
    }
    pthread_t thread;
    EXPECT(pthread_create(&thread, NULL, free_every_third, strings) == 0);
    EXPECT(pthread_join(thread, NULL) == 0);
    for (int i = 0; i < STRINGS; i++) {
        lizsync_string_free(strings[i]);
    }
    lizsync_string_free(NULL);
}

int main(int argc, char **argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s CONNINFO MEGABYTES\n", argv[0]);
        return 1;
    }
    text_that_is_none();
    text_without_end((size_t)atoi(argv[2]) << 20);
    text_that_is_deep();
    callbacks(argv[1]);
    frees();
    return failures == 0 ? 0 : 1;
}
