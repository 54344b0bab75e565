/* tests/fuzz/main.c - runs a fuzzer over files where there is no libFuzzer: its seeds, or the files and directories given.
 * SPDX-License-Identifier: Apache-2.0 */
#include <dirent.h>
#include <errno.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static int nfiles;

/* A copy of exactly its size, so that a sanitizer or valgrind sees a read past the end. */
static void run_file(const char *path)
{
    FILE *f = fopen(path, "rb");
    struct stat st;
    uint8_t *data;
    size_t n;

    if (f == NULL || fstat(fileno(f), &st) != 0) {
        fprintf(stderr, "%s: %s\n", path, strerror(errno));
        exit(1);
    }
    data = malloc((size_t)st.st_size + !st.st_size);
    if (data == NULL)
        abort();
    n = fread(data, 1, (size_t)st.st_size, f);
    fclose(f);
    LLVMFuzzerTestOneInput(data, n);
    free(data);
    printf("ok %d - %s\n", ++nfiles, path);
}

static int is_plain(const struct dirent *e)
{
    return e->d_name[0] != '.';
}

static void run_path(const char *path)
{
    struct dirent **names;
    char below[4096];
    int n = scandir(path, &names, is_plain, alphasort);

    if (n < 0) {
        run_file(path);
        return;
    }
    for (int i = 0; i < n; i++) {
        snprintf(below, sizeof(below), "%s/%s", path, names[i]->d_name);
        run_file(below);
        free(names[i]);
    }
    free(names);
}

/* fuzz_uri has its seeds in tests/fuzz/seeds/uri. */
static void run_seeds(const char *program)
{
    const char *srcdir = getenv("srcdir"), *name = strrchr(program, '/');
    char path[4096];

    name = name != NULL ? name + 1 : program;
    if (strncmp(name, "fuzz_", 5) == 0)
        name += 5;
    snprintf(path, sizeof(path), "%s/tests/fuzz/seeds/%s", srcdir != NULL ? srcdir : ".", name);
    run_path(path);
}

int main(int argc, char **argv)
{
    setvbuf(stdout, NULL, _IOLBF, 0);
    if (argc == 1)
        run_seeds(argv[0]);
    for (int i = 1; i < argc; i++)
        run_path(argv[i]);
    printf("1..%d\n", nfiles);
    return nfiles > 0 ? 0 : 1;
}
