/* Synchronises a clone with its central:  sync CENTRAL CLONE
 *
 * Each is a conninfo ("host=… dbname=…"), a URI, or a service of pg_service.conf. Without passwords in it:
 * they belong into ~/.pgpass. Build:  cc sync.c -I../../include -L../../target/release -llizsync -o sync */
#include <lizsync.h>
#include <stdio.h>

/* Called while it runs, on this thread. Ask is_canceled likewise: see the header. */
static void on_message(void *user_data, int level, const char *utf8) {
    (void)user_data;
    if (level > 0) { /* 0 is for diagnostics */
        fprintf(stderr, "%s\n", utf8);
    }
}

int main(int argc, char **argv) {
    if (argc != 3 || lizsync_abi_version() != LIZSYNC_ABI_VERSION) {
        fprintf(stderr, "usage: %s CENTRAL CLONE\n", argv[0]);
        return 1;
    }
    char parameters[4096], *outputs = NULL;
    lizsync_feedback feedback = {.message = on_message};
    /* Texts with quotes or backslashes in them: write the JSON with a library instead. */
    snprintf(parameters, sizeof parameters, "{\"CONNECTION_NAME_CENTRAL\": \"%s\", \"CONNECTION_NAME_CLONE\": \"%s\"}",
             argv[1], argv[2]);
    lizsync_status status = lizsync_run("synchronize_database", parameters, &feedback, &outputs);
    printf("%s\n", outputs); /* JSON: OUTPUT_STATUS, OUTPUT_STRING, and what was done */
    lizsync_string_free(outputs);
    return (int)status;
}
