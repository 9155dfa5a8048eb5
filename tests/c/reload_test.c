/*
 * Load, use, unload, and load again; threads that the library started may still be at work then.
 *
 *     reload_test LIBRARY CONNINFO FOLDER
 *
 * CONNINFO names a database that is prepared as a central; FOLDER holds a pg_dump that leaves behind a process
 * which keeps its pipes open, and ends with the file FOLDER/end. Ends with 0, or tells on stderr what was not as
 * it should be and ends with 1.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <dlfcn.h>
#include <pthread.h>
#include <unistd.h>

typedef struct {
    const char *library;
    const char *conninfo;
    const char *folder;
    bool cancel;
} user;

static bool on_poll(void *user_data) {
    user *u = (user *)user_data;
    if (u->cancel) {
        /* The wrapper says that it runs. */
        char path[1024];
        snprintf(path, sizeof path, "%s/began", u->folder);
        return access(path, F_OK) == 0;
    }
    return false;
}

/* ISO C knows no way from an object pointer to a function. */
#define LOAD(function, name)                                                                       \
    do {                                                                                           \
        void *found = dlsym(library, name);                                                        \
        EXPECT(found != NULL);                                                                     \
        memcpy(&function, &found, sizeof found);                                                   \
    } while (0)

/* The whole life of the library in a thread of its own, so that nothing of this thread keeps it. */
static void *life(void *argument) {
    user *u = (user *)argument;
    void *library = dlopen(u->library, RTLD_NOW | RTLD_LOCAL);
    if (library == NULL) {
        fprintf(stderr, "%s\n", dlerror());
        failures++;
        return NULL;
    }
    uint32_t (*version)(void);
    lizsync_status (*run)(const char *, const char *, const lizsync_feedback *, char **);
    char *(*algorithms)(void);
    void (*string_free)(char *);
    LOAD(version, "lizsync_abi_version");
    LOAD(run, "lizsync_run");
    LOAD(algorithms, "lizsync_algorithms");
    LOAD(string_free, "lizsync_string_free");
    EXPECT(version() == LIZSYNC_ABI_VERSION);
    string_free(algorithms());

    char parameters[4096], began[1024], *out = NULL;
    lizsync_feedback feedback = {u, NULL, NULL, on_poll};
    snprintf(began, sizeof began, "%s/began", u->folder);
    remove(began);
    snprintf(parameters, sizeof parameters,
             "{\"CONNECTION_NAME_CENTRAL\": \"c\", \"connections\": {\"c\": \"%s\"}, \"SCHEMAS\": \"gis\","
             " \"POSTGRESQL_BINARY_PATH\": \"%s\", \"ZIP_FILE\": \"%s/p.zip\"}",
             u->conninfo, u->folder, u->folder);
    lizsync_status status = run("package_master_database", parameters, &feedback, &out);
    EXPECT(status == (u->cancel ? LIZSYNC_CANCELED : LIZSYNC_PROGRAM));
    if (status != LIZSYNC_CANCELED && status != LIZSYNC_PROGRAM) {
        fprintf(stderr, "%s\n", out);
    }
    string_free(out);
    EXPECT(dlclose(library) == 0);
    return NULL;
}

int main(int argc, char **argv) {
    if (argc != 4) {
        fprintf(stderr, "usage: %s LIBRARY CONNINFO FOLDER\n", argv[0]);
        return 1;
    }
    user u = {argv[1], argv[2], argv[3], true};
    for (int i = 0; i < 5; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, life, &u) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    /* Now what was left behind may end, and the threads that waited for it go on, after the last dlclose. */
    char path[1024];
    snprintf(path, sizeof path, "%s/end", argv[3]);
    FILE *end = fopen(path, "w");
    EXPECT(end != NULL && fclose(end) == 0);
    u.cancel = false;
    for (int i = 0; i < 20; i++) {
        pthread_t thread;
        EXPECT(pthread_create(&thread, NULL, life, &u) == 0);
        EXPECT(pthread_join(thread, NULL) == 0);
    }
    return failures == 0 ? 0 : 1;
}
