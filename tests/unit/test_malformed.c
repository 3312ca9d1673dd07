/* The table of malformed files: every group of GGUF (F), of safetensors and its JSON (J) and of the packed
 * file (P), each broken in one place of a good file. Each gets a named error, in 100 ms of an idle
 * machine and without memory that the file does not back. Groups that do not apply stand in the table with the reason. */
#include "malformed_made.h"

#include <malloc.h>

void *__real_malloc(size_t n);
void *__real_calloc(size_t count, size_t n);
void *__real_realloc(void *p, size_t n);
void *__real_aligned_alloc(size_t alignment, size_t n);
void __real_free(void *p);
void *__wrap_malloc(size_t n);
void *__wrap_calloc(size_t count, size_t n);
void *__wrap_realloc(void *p, size_t n);
void *__wrap_aligned_alloc(size_t alignment, size_t n);
void __wrap_free(void *p);

static void *count(void *p)
{
    live += p ? malloc_usable_size(p) : 0;
    if (live > peak) peak = live;
    return p;
}
void *__wrap_malloc(size_t n) { return count(__real_malloc(n)); }
void *__wrap_calloc(size_t n_items, size_t n) { return count(__real_calloc(n_items, n)); }
void *__wrap_aligned_alloc(size_t alignment, size_t n)
{
    return count(__real_aligned_alloc(alignment, n));
}
void *__wrap_realloc(void *p, size_t n)
{
    live -= p ? malloc_usable_size(p) : 0;
    return count(__real_realloc(p, n));
}
void __wrap_free(void *p)
{
    live -= p ? malloc_usable_size(p) : 0;
    __real_free(p);
}

static void run(const broken *b)
{
    char what[160];
    snprintf(what, sizeof what, "%s %s", b->group, b->what);
    const buffer *from = &good[b->kind];
    if (b->at == IN_PLACE) {
        size_t end = behind(b, from);
        buffer file = replaced(b->kind, end - strlen(b->after), end, b->bytes, b->n);
        refused(what, b->kind, &file, b->status);
        free(file.bytes);
        return;
    }
    buffer file = {0};
    append(&file, from->bytes, from->n);
    memcpy(file.bytes + behind(b, from) + b->at, b->bytes, b->n);
    TRIT_CHECK(memcmp(file.bytes, from->bytes, from->n) != 0);
    refused(what, b->kind, &file, b->status);
    free(file.bytes);
}

/* A word of the file that a sentence repeats stays in its line. */
static void test_line(void)
{
    const char *text = "{\"model_type\":\"a\\n\\u001b[2J\\u007f\"}", *old = "\"bitnet\"";
    const broken b = {"J10", "", CONFIG, old, IN_PLACE, 0, "", TRIT_OK};
    size_t end = behind(&b, &good[CONFIG]);
    trit_error err = {0};
    buffer file = replaced(CONFIG, end - strlen(old), end, text + 14, strlen(text + 14) - 1);
    TRIT_CHECK_EQ_I(load_with(CONFIG, &file, &err), TRIT_UNSUPPORTED);
    TRIT_CHECK(strstr(err.message, "\"a??[2J?\""));
    free(file.bytes);
}

int main(void)
{
    make_good();
    for (int i = 0; i <= INDEX; i++) {
        trit_error err = {0};
        trit_status status = i == INDEX ? TRIT_OK : load_with((file_kind)i, &good[i], &err);
        if (status != TRIT_OK) fprintf(stderr, "%d: %s\n", i, err.message);
        TRIT_CHECK_EQ_I(status, TRIT_OK);
    }
    for (size_t i = 0; i < N_TABLE; i++) run(&table[i]);
    run_made();
    test_line();
    check_groups();
    printf("slowest: %zu ms (%s); most memory beside the file: %zu bytes (%s)\n", slowest_ms,
           slowest_what, most_extra, most_what);
    for (int i = 0; i <= INDEX; i++) free(good[i].bytes);
    return TRIT_DONE();
}
