/*
 * The C interface, used from C11 and from C++.
 *
 *     lizsync_test CONNINFO
 *
 * CONNINFO names an empty database in which a superuser may install LizSync. Ends with 0, or tells
 * on stderr what was not as it should be and ends with 1.
 */
#include "expect.h"

typedef struct {
    int polls;
    int messages;
    double percent;
    bool cancel;
} caller;

static void on_progress(void *user_data, double percent) {
    caller *c = (caller *)user_data;
    EXPECT(percent >= c->percent && percent <= 100.0);
    c->percent = percent;
}

static void on_message(void *user_data, int level, const char *utf8) {
    caller *c = (caller *)user_data;
    EXPECT(level >= 0 && level <= 3);
    EXPECT(utf8 != NULL && strlen(utf8) > 0);
    c->messages++;
}

static bool on_poll(void *user_data) {
    caller *c = (caller *)user_data;
    c->polls++;
    return c->cancel;
}

static void registry(void) {
    EXPECT(lizsync_abi_version() == LIZSYNC_ABI_VERSION);
    EXPECT(strlen(lizsync_version()) > 0);
    char *algorithms = lizsync_algorithms();
    EXPECT(algorithms != NULL && algorithms[0] == '[');
    EXPECT(algorithms != NULL && strstr(algorithms, "\"synchronize_database\"") != NULL);
    lizsync_string_free(algorithms);
    lizsync_string_free(NULL);
}

static void nulls_and_rubbish(void) {
    const char *ids[] = {NULL, "", "nope", "\xff\xfe", "create_database_structure"};
    const char *parameters[] = {NULL,      "",     "{",
                                "[[[[",    "null", "\xff",
                                "{\"a\":", "{}",   "{\"CONNECTION_NAME\": 1}"};
    for (size_t i = 0; i < sizeof ids / sizeof *ids; i++) {
        for (size_t p = 0; p < sizeof parameters / sizeof *parameters; p++) {
            char *out = NULL;
            lizsync_status status = lizsync_check(ids[i], parameters[p], &out);
            EXPECT(status == LIZSYNC_INVALID_PARAMETER || status == LIZSYNC_UNKNOWN_ALGORITHM);
            EXPECT(holds(&out, "\"OUTPUT_STATUS\":0"));
            EXPECT(lizsync_run(ids[i], parameters[p], NULL, &out) == status);
            EXPECT(holds(&out, "\"error\""));
            EXPECT(lizsync_check(ids[i], parameters[p], NULL) == status);
            EXPECT(lizsync_run(ids[i], parameters[p], NULL, NULL) == status);
        }
    }
}

static void a_run(const char *conninfo) {
    char parameters[2048];
    char *out = NULL;
    caller c = {0, 0, 0.0, false};
    lizsync_feedback feedback = {&c, on_progress, on_message, on_poll};
    const char *id = "create_database_structure";

    snprintf(parameters, sizeof parameters,
             "{\"CONNECTION_NAME\": \"central\", \"connections\": {\"central\": \"%s\"}}", conninfo);
    EXPECT(lizsync_check(id, parameters, &out) == LIZSYNC_OK);
    EXPECT(holds(&out, "\"OUTPUT_STATUS\":1"));

    c.cancel = true;
    EXPECT(lizsync_run(id, parameters, &feedback, &out) == LIZSYNC_CANCELED);
    EXPECT(holds(&out, "\"canceled\""));

    c.cancel = false;
    EXPECT(lizsync_run(id, parameters, &feedback, &out) == LIZSYNC_OK);
    EXPECT(holds(&out, "\"OUTPUT_STRING\""));
    EXPECT(c.polls > 1);
    EXPECT(c.percent == 100.0);

    EXPECT(lizsync_run(id, parameters, NULL, &out) == LIZSYNC_STATE);
    EXPECT(holds(&out, "\"code\":6"));
}

int main(int argc, char **argv) {
    if (argc != 2) {
        fprintf(stderr, "usage: %s CONNINFO\n", argv[0]);
        return 1;
    }
    registry();
    nulls_and_rubbish();
    a_run(argv[1]);
    return failures == 0 ? 0 : 1;
}
