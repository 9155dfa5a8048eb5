/*
 * What is left in memory of passwords that were given to a call, once it has returned: nothing, as far as the
 * call did not hand them to a server.
 *
 *     wiped_test
 *
 * Linux only. Ends with 0, or tells on stderr what was not as it should be and ends with 1.
 */
#define _GNU_SOURCE
#include "expect.h"

#include <fcntl.h>
#include <stdint.h>
#include <unistd.h>

#define LENGTH 24
#define MASK 0x5a

/* The password, masked: this program must not hold it itself. */
static unsigned char masked[LENGTH];

static void password(char *to) {
    for (int i = 0; i < LENGTH; i++) {
        to[i] = (char)(masked[i] ^ MASK);
    }
}

static void wipe(volatile char *text, size_t size) {
    while (size > 0) {
        text[--size] = 0;
    }
}

/* How often the password stands in what this process can write to. */
static int found(void) {
    static unsigned char page[1 << 16];
    int count = 0, memory = open("/proc/self/mem", O_RDONLY);
    FILE *maps = fopen("/proc/self/maps", "r");
    char line[4096];
    EXPECT(memory >= 0 && maps != NULL);
    while (maps != NULL && fgets(line, sizeof line, maps) != NULL) {
        unsigned long from, to;
        char access[8];
        if (sscanf(line, "%lx-%lx %7s", &from, &to, access) != 3 || access[1] != 'w') {
            continue;
        }
        size_t kept = 0; /* of the piece before: the password may lie across two */
        for (unsigned long at = from; at < to;) {
            size_t wanted = sizeof page - kept;
            if (wanted > to - at) {
                wanted = to - at;
            }
            ssize_t got = pread(memory, page + kept, wanted, (off_t)at);
            if (got <= 0) {
                break;
            }
            size_t size = kept + (size_t)got;
            for (size_t i = 0; i + LENGTH <= size; i++) {
                int same = 0;
                while (same < LENGTH && page[i + same] == (masked[same] ^ MASK)) {
                    same++;
                }
                count += same == LENGTH && (uintptr_t)(at - kept + i) - (uintptr_t)page >= sizeof page;
            }
            kept = size < LENGTH ? size : LENGTH - 1;
            memmove(page, page + size - kept, kept);
            at += (unsigned long)got;
        }
        wipe((volatile char *)page, sizeof page);
    }
    if (maps != NULL) {
        fclose(maps);
    }
    close(memory);
    return count;
}

/* Parameters with the password in them. */
static char *filled(const char *form) {
    char text[LENGTH + 1] = {0};
    size_t size = strlen(form) + LENGTH + 1;
    char *parameters = (char *)malloc(size);
    password(text);
    snprintf(parameters, size, form, text);
    wipe(text, sizeof text);
    return parameters;
}

static void left(const char *id, const char *form) {
    char *parameters = filled(form), *out = NULL;
    EXPECT(found() > 0); /* it looks well */
    lizsync_status status = lizsync_run(id, parameters, NULL, &out);
    EXPECT(status == LIZSYNC_INVALID_PARAMETER);
    EXPECT(holds(&out, "\"OUTPUT_STATUS\":0"));
    wipe(parameters, strlen(parameters));
    free(parameters);
    int times = found();
    if (times != 0) {
        fprintf(stderr, "%d times in memory after %s\n", times, form);
    }
    EXPECT(times == 0);
}

int main(void) {
    FILE *random = fopen("/dev/urandom", "r");
    EXPECT(random != NULL && fread(masked, 1, LENGTH, random) == LENGTH);
    for (int i = 0; i < LENGTH; i++) {
        masked[i] = (unsigned char)(('a' + masked[i] % 26) ^ MASK);
    }
    const char *install = "create_database_structure", *media = "synchronize_media_subfolder_to_ftp";
    left(install, "{\"CONNECTION_NAME\": \"central\", \"connections\": {\"central\": \"%s\"}, \"SURPRISE\": 1}");
    left(install, "{\"CONNECTION_NAME\": \"host=db password=%s sslmode=odd\"}");
    left(install, "{\"CONNECTION_NAME\": \"host=db password='%s' port=odd\"}");
    left(install, "{\"CONNECTION_NAME\": \"host=db password='%s\"}");
    left(install, "{\"CONNECTION_NAME\": \"postgresql://anna:%s@db:odd/gis\"}");
    left(install, "{\"CONNECTION_NAME\": \"c\", \"connections\": {\"c\": \"host=db password=%s sslmode=odd\"}}");
    left(install, "{\"CONNECTION_NAME\": \"host=db sslmode=odd\", \"%s\": 1}");
    left(install, "{\"CONNECTION_NAME\": [{\"%s\": [1]}]}");
    left(media, "{\"CENTRAL_FTP_PASSWORD\": \"%s\"}");
    left(media, "{\"CENTRAL_FTP_PASSWORD\": \"%s\", \"CENTRAL_FTP_HOST\": \"a@b\", \"CENTRAL_FTP_LOGIN\": \"anna\","
                " \"CENTRAL_FTP_REMOTE_DIR\": \"/\", \"LOCAL_QGIS_PROJECT_FOLDER\": \"/tmp\"}");
    return failures == 0 ? 0 : 1;
}
