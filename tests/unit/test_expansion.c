/* The elements of arrays: how many, in which order, and what stands for one in a command. */
#include <fcntl.h>
#include <stdlib.h>
#include <unistd.h>

#include "expansion.h"
#include "io.h"
#include "placeholder.h"
#include "tap.h"
#include "xalloc.h"

/* ---- arrays by hand ---- */

static struct job_array ranges(size_t n, const struct job_indices *v)
{
    return (struct job_array){.ranges = xmemdup(v, n * sizeof *v), .nranges = n};
}

/* Axes k0, k1 … of so many values v0, v1 … */
static struct job_array axes(size_t n, const int *sizes)
{
    struct job_array array = {.axes = xcalloc(n, sizeof *array.axes), .naxes = n};
    for (size_t i = 0; i < n; i++) {
        array.axes[i].key = xasprintf("k%zu", i);
        for (int value = 0; value < sizes[i]; value++)
            strlist_take(&array.axes[i].values, xasprintf("v%d", value));
    }
    return array;
}

/* "index:item" of each, with blanks. */
static char *all(const struct job_array *array, const struct elements *elements)
{
    struct expansion e;
    struct buf out = {0};
    expansion_begin(&e, array, elements);
    while (expansion_next(&e))
        buf_addf(&out, "%s%lld%s%s", out.len ? " " : "", (long long)e.index, e.item ? ":" : "",
                 e.item ? e.item : "");
    expansion_end(&e);
    return buf_detach(&out);
}

static void expands(struct job_array array, int64_t count, const char *want, const char *what)
{
    char *got = all(&array, NULL);
    (void)tap_str(got, want, what);
    (void)tap_ok(expansion_count(&array) == count, "and are counted");
    free(got);
    job_array_free(&array);
}

static void test_order(void)
{
    static const struct job_indices some[] = {{7, 9}, {1, 1}, {3, 4}}, one[] = {{0, 0}};
    static const int sizes[] = {2, 1, 3};
    struct job_array items = {0};
    expands(ranges(3, some), 6, "7 8 9 1 3 4", "indices come as they are written");
    expands(ranges(1, one), 1, "0", "an array may have one element");
    strlist_add(&items.items, "a b");
    strlist_add(&items.items, "");
    strlist_add(&items.items, "a b");
    expands(items, 3, "0:a b 1: 2:a b", "items are counted from 0, and may be equal or empty");
    expands(axes(3, sizes), 6,
            "0:k0=v0 k1=v0 k2=v0 1:k0=v0 k1=v0 k2=v1 2:k0=v0 k1=v0 k2=v2"
            " 3:k0=v1 k1=v0 k2=v0 4:k0=v1 k1=v0 k2=v1 5:k0=v1 k1=v0 k2=v2",
            "of a matrix the last key changes fastest");
    expands((struct job_array){0}, 0, "", "what is no array has no elements");
}

static void test_values(void)
{
    static const int sizes[] = {2, 1, 3};
    struct job_array array = axes(3, sizes);
    (void)tap_str(expansion_value(&array, 0, 4), "v1", "the first key's value of an element");
    (void)tap_str(expansion_value(&array, 1, 4), "v0", "the second's");
    (void)tap_str(expansion_value(&array, 2, 4), "v1", "the last's");
    job_array_free(&array);
}

static void counts(struct job_array array, int64_t want, const char *what)
{
    int64_t got = expansion_count(&array);
    (void)tap_ok(got == want, "%s: %lld", what, (long long)got);
    job_array_free(&array);
}

static void test_count(void)
{
    static const struct job_indices full[] = {{5, 1000004}}, beyond[] = {{5, 1000005}},
                                    far[] = {{0, ARRAY_INDEX_MAX}, {0, ARRAY_INDEX_MAX}};
    static const int million[] = {100, 100, 100}, beyond_million[] = {101, 100, 100};
    int ten[40];
    for (size_t i = 0; i < sizeof ten / sizeof *ten; i++)
        ten[i] = 10;
    counts(ranges(1, full), ARRAY_MAX, "a million indices are not too many");
    counts(ranges(1, beyond), ARRAY_MAX + 1, "one more is");
    counts(ranges(2, far), ARRAY_MAX + 1, "and so are the most that can be written");
    counts(axes(3, million), ARRAY_MAX, "a million combinations are not too many");
    counts(axes(3, beyond_million), ARRAY_MAX + 1, "some more are");
    counts(axes(40, ten), ARRAY_MAX + 1, "10^40 combinations overflow nothing");
}

/* ---- lines ---- */

static void reads(const char *text, size_t len, const char *want, const char *what)
{
    char path[] = "/tmp/elements-XXXXXX";
    struct elements elements;
    struct err err = {0};
    int fd = mkstemp(path);
    bool written = fd >= 0 && io_write_all(fd, text, len, NULL) == 0;
    int rc = written ? elements_read(&elements, path, &err) : -1;
    struct job_indices range = {0, rc == 0 ? (int64_t)elements.n - 1 : 0};
    struct job_array array = {.ranges = &range, .nranges = rc == 0 && elements.n};
    char *got =
        rc == 0 ? all(&array, &elements) : xasprintf("%s: %s", err.place + strlen(path), err.msg);
    (void)tap_str(got, want, what);
    free(got);
    if (rc == 0)
        elements_free(&elements);
    close(fd);
    (void)unlink(path);
}

#define READS(text, want, what) reads(text, sizeof(text) - 1, want, what)

static void test_lines(void)
{
    char *wide = xcalloc(1, ELEMENT_BYTES + 2);
    char *many = xcalloc(1, ELEMENTS_MAX + 1);
    READS("a\n b c \n\nd", "0:a 1: b c  2: 3:d", "a line is an element, also an empty one");
    READS("a\r\nb\rc\r\n\r\n", "0:a 1:b\rc 2:", "a line may end as on Windows");
    READS("", "", "no lines, no elements");
    READS("a\nb\0c\n", ":2: the line holds a NUL byte", "a NUL is refused");
    READS("a\n\xff\n", ":2: the line is no text in UTF-8", "and bytes that are no text");
    (void)memset(wide, 'x', ELEMENT_BYTES + 1);
    reads(wide, ELEMENT_BYTES + 1, ":1: the line is over 64 KiB", "and a line that is too long");
    (void)memset(many, '\n', ELEMENTS_MAX + 1);
    reads(many, ELEMENTS_MAX + 1, ":1000001: an array has at most 1000000 elements",
          "and too many of them");
    free(wide);
    free(many);
}

/* ---- what stands for the element ---- */

static void fills(const char *line, const char *want)
{
    char *got = placeholder_line(line, "{}", "V");
    (void)tap_str(got, want, strchr(line, '\n') ? "a comment" : line);
    free(got);
}

static void test_placeholder(void)
{
    char *word = placeholder_word("a{}b{}{", "{}", "{}$x");
    (void)tap_str(word, "a{}$xb{}$x{", "in a word it is put once, as it is");
    free(word);
    fills("gzip {}", "gzip \"${V}\"");
    fills("{}", "\"${V}\"");
    fills("echo \"a {} b\" {}", "echo \"a ${V} b\" \"${V}\"");
    fills("echo 'a {} b' {}", "echo 'a '\"${V}\"' b' \"${V}\"");
    fills("echo \"it's {}\"", "echo \"it's ${V}\"");
    fills("echo \\\n#{}\n{}", "echo \\\n#${V}\n\"${V}\"");
    fills("echo x\\ #{}", "echo x\\ #\"${V}\"");
    fills("echo it\\'s {}", "echo it\\'s \"${V}\"");
    fills("echo \"\\\"{}\"", "echo \"\\\"${V}\"");
    fills("echo \\{} {}", "echo \\{} \"${V}\"");
    fills("# don't {}\necho {}", "# don't ${V}\necho \"${V}\"");
    fills("echo a#b' {}'", "echo a#b' '\"${V}\"''");
    fills("echo $# {}", "echo $# \"${V}\"");
}

int main(void)
{
    test_order();
    test_values();
    test_count();
    test_lines();
    test_placeholder();
    return tap_done();
}
