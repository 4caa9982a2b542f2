/* fuzz_hostrange: any text as a list of hosts; what it expands to is bounded and expands to itself. */
#include "buf.h"
#include "fuzz.h"
#include "hostrange.h"

enum { NAME_BYTES = 255 * 10 }; /* a term of 255 bytes, in which [1-9] may become nine digits */

static void check_names(const struct strlist *names)
{
    struct buf joined = {0};
    struct strlist again = {0};
    struct err err;
    MUST(names->n > 0 && names->n <= HOSTRANGE_MAX && !names->v[names->n]);
    for (size_t i = 0; i < names->n; i++) {
        MUST(*names->v[i] && strlen(names->v[i]) < NAME_BYTES);
        MUST(!strpbrk(names->v[i], "[], \t\n"));
        buf_addstr(&joined, i ? "," : "");
        buf_addstr(&joined, names->v[i]);
    }
    MUST(hostrange_expand(buf_str(&joined), &again, &err) == 0);
    MUST(again.n == names->n);
    for (size_t i = 0; i < names->n; i++)
        MUST(strcmp(again.v[i], names->v[i]) == 0);
    strlist_free(&again);
    buf_free(&joined);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char *text = fuzz_text(data, size);
    struct strlist names = {0};
    struct err err = {0};
    if (hostrange_expand(text, &names, &err) == 0)
        check_names(&names);
    else
        MUST(err.code == ERR_DATA && err.msg[0] && names.n == 0);
    strlist_free(&names);
    free(text);
    return 0;
}
