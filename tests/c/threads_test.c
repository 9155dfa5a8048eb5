/*
 * Many threads that run algorithms at once, each on a database of its own.
 *
 *     threads_test ROUNDS CONNINFO…
 *
 * One thread for each CONNINFO, an empty database in which a superuser may install LizSync. Ends with 0, or
 * tells on stderr what was not as it should be and ends with 1.
 */
#include "expect.h"

#include <pthread.h>

#define MOST 64

typedef struct {
    pthread_t thread; /* main's: it may still be writing it when the thread runs */
    pthread_t self;
    const char *conninfo;
    int rounds;
    /* Plain numbers, without a lock: a callback on another thread would race, and ThreadSanitizer tell. */
    long calls;
    double percent;
    bool cancel;
} worker;

static pthread_barrier_t together;

static void on_progress(void *user_data, double percent) {
    worker *w = (worker *)user_data;
    EXPECT(percent >= w->percent);
    w->percent = percent;
    w->calls++;
}

static void on_message(void *user_data, int level, const char *utf8) {
    worker *w = (worker *)user_data;
    EXPECT(level >= 0 && level <= 3 && utf8[0] != '\0');
    EXPECT(pthread_equal(pthread_self(), w->self));
    w->calls++;
}

static bool on_poll(void *user_data) {
    worker *w = (worker *)user_data;
    w->calls++;
    return w->cancel;
}

static lizsync_status run(worker *w, const char *id, const char *parameter, const char *more) {
    char parameters[2048], *out = NULL;
    lizsync_feedback feedback = {w, on_progress, on_message, on_poll};
    snprintf(parameters, sizeof parameters, "{\"%s\": \"own\", \"connections\": {\"own\": \"%s\"}%s}", parameter,
             w->conninfo, more);
    w->percent = 0.0;
    lizsync_status status = lizsync_run(id, parameters, &feedback, &out);
    if (status != LIZSYNC_OK && status != LIZSYNC_CANCELED && status != LIZSYNC_STATE) {
        fprintf(stderr, "%s: %s\n", id, out);
    }
    EXPECT(holds(&out, "\"OUTPUT_STRING\""));
    return status;
}

static void *work(void *argument) {
    worker *w = (worker *)argument;
    w->self = pthread_self();
    pthread_barrier_wait(&together);
    for (int round = 0; round < w->rounds; round++) {
        const char *override = ", \"OVERRIDE_AUDIT\": true, \"OVERRIDE_LIZSYNC\": true";
        EXPECT(run(w, "create_database_structure", "CONNECTION_NAME", override) == LIZSYNC_OK);
        EXPECT(run(w, "initialize_central_database", "CONNECTION_NAME_CENTRAL", "") == LIZSYNC_OK);
        EXPECT(run(w, "create_database_structure", "CONNECTION_NAME", "") == LIZSYNC_STATE);
        w->cancel = true;
        EXPECT(run(w, "initialize_central_database", "CONNECTION_NAME_CENTRAL", "") == LIZSYNC_CANCELED);
        w->cancel = false;
        lizsync_string_free(lizsync_algorithms());
    }
    EXPECT(w->calls > 0);
    return NULL;
}

int main(int argc, char **argv) {
    static worker workers[MOST];
    int count = argc - 2;
    if (count < 1 || count > MOST) {
        fprintf(stderr, "usage: %s ROUNDS CONNINFO…\n", argv[0]);
        return 1;
    }
    EXPECT(pthread_barrier_init(&together, NULL, (unsigned)count) == 0);
    for (int i = 0; i < count; i++) {
        workers[i].conninfo = argv[i + 2];
        workers[i].rounds = atoi(argv[1]);
        EXPECT(pthread_create(&workers[i].thread, NULL, work, &workers[i]) == 0);
    }
    for (int i = 0; i < count; i++) {
        EXPECT(pthread_join(workers[i].thread, NULL) == 0);
    }
    pthread_barrier_destroy(&together);
    return failures == 0 ? 0 : 1;
}
