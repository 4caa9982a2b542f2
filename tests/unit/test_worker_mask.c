/* Secrets in a stream of output, and in the texts of an order. */
#include <stdlib.h>
#include <string.h>

#include "buf.h"
#include "tap.h"
#include "worker/mask.h"
#include "worker/secret.h"
#include "xalloc.h"

static struct strlist secrets;

static void set_secrets(const char *const *values, size_t n)
{
    strlist_free(&secrets);
    for (size_t i = 0; i < n; i++)
        strlist_take(&secrets, xasprintf("S%zu=%s", i, values[i]));
}

/* The stream in pieces of so many bytes. */
static char *masked(const char *text, size_t len, size_t piece)
{
    struct mask *mask = mask_new(&secrets);
    struct buf out = {0};
    size_t shown;
    for (size_t at = 0; at < len; at += piece) {
        const char *p = mask_put(mask, text + at, len - at < piece ? len - at : piece, &shown);
        buf_add(&out, p, shown);
    }
    const char *p = mask_end(mask, &shown);
    buf_add(&out, p, shown);
    mask_free(mask);
    return buf_detach(&out);
}

static void is_masked(const char *text, const char *want, const char *what)
{
    size_t len = strlen(text);
    for (size_t piece = 1; piece <= len; piece++) {
        char *got = masked(text, len, piece);
        bool same = strcmp(got, want) == 0;
        if (!same || piece == len)
            (void)tap_str(got, want, what);
        free(got);
        if (!same)
            return;
    }
}

static void test_cases(void)
{
    set_secrets((const char *[]){"hunter2", "hunter2-long", "abab", "defghi", "ghijk"}, 5);
    is_masked("nothing here: hunter", "nothing here: hunter", "a beginning alone is shown");
    is_masked("pw=hunter2\n", "pw=***\n", "a value");
    is_masked("hunter2hunter2", "******", "two in a row are two");
    is_masked("hunter2-lonx hunter2-long", "***-lonx ***", "of two the longer one");
    is_masked("xababab!", "x***!", "a value that overlaps itself");
    is_masked("defghijk.", "***.", "two values that overlap");
    is_masked("hunthunter2", "hunt***", "a false beginning");
    is_masked("dehunter2", "de***", "a value in a false beginning");
    set_secrets((const char *[]){"first line\nshort\r\n12345678\r\nlast line"}, 1);
    is_masked("<first line\nshort\r\n12345678\r\nlast line>", "<***>", "a value of several lines");
    is_masked("first line\nx\nshort\n12345678\n last line", "***\nx\nshort\n***\n ***",
              "each of its lines, but for short ones");
    set_secrets((const char *[]){"abc"}, 1);
    is_masked("abcabc", "abcabc", "too short to be masked");
}

static void test_holding(void)
{
    size_t shown;
    set_secrets((const char *[]){"hunter2"}, 1);
    struct mask *mask = mask_new(&secrets);
    (void)mask_put(mask, "login: hun", 10, &shown);
    (void)tap_int((long long)shown, 7, "what may become one is held back, and nothing else");
    (void)mask_put(mask, "g", 1, &shown);
    (void)tap_int((long long)shown, 4, "and shown as soon as it cannot");
    (void)mask_put(mask, "hunte", 5, &shown);
    const char *p = mask_end(mask, &shown);
    (void)tap_ok(shown == 5 && memcmp(p, "hunte", 5) == 0, "and at the end");
    mask_free(mask);
}

/* ---- against the plain way: the whole text at once ---- */

static uint64_t seed = 7;

static unsigned draw(unsigned n)
{
    seed = seed * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return n ? (unsigned)(seed >> 33) % n : 0;
}

static char *draw_word(unsigned letters, size_t len)
{
    char *word = xcalloc(len + 1, 1);
    for (size_t i = 0; i < len; i++)
        word[i] = (char)('a' + draw(letters));
    return word;
}

static char *reference(const char *text)
{
    struct buf out = {0};
    size_t covered = 0;
    for (size_t at = 0; text[at]; at++) {
        size_t longest = 0;
        for (size_t i = 0; i < secrets.n; i++) {
            const char *value = strchr(secrets.v[i], '=') + 1;
            size_t len = strlen(value);
            if (len > longest && strncmp(text + at, value, len) == 0)
                longest = len;
        }
        if (at >= covered && longest)
            buf_addstr(&out, "***");
        else if (at >= covered)
            buf_addch(&out, text[at]);
        if (longest && at + longest > covered)
            covered = at + longest;
    }
    return buf_detach(&out);
}

static void test_random(void)
{
    int wrong = 0, hit = 0;
    for (int round = 0; round < 3000; round++) {
        char *text = draw_word(2, draw(60));
        strlist_free(&secrets);
        for (unsigned n = 1 + draw(4); n; n--) {
            char *word = draw_word(2, 4 + draw(5));
            strlist_take(&secrets, xasprintf("S=%s", word));
            free(word);
        }
        char *want = reference(text), *got = masked(text, strlen(text), 1 + draw(9));
        char *whole = xstrdup(text);
        size_t len = mask_text(&secrets, whole, strlen(whole));
        wrong += strcmp(got, want) != 0 || len != strlen(want) || memcmp(whole, want, len) != 0;
        hit += strcmp(text, want) != 0;
        free(text);
        free(want);
        free(got);
        free(whole);
    }
    (void)tap_int(wrong, 0, "random streams in random pieces");
    (void)tap_ok(hit > 1000, "many of which held one (%d)", hit);
}

/* ---- texts of an order ---- */

static void fills(const char *text, const char *want, const char *what)
{
    struct order order = {.secrets = secrets};
    char *got = secret_fill(&order, text);
    (void)tap_str(got, want, what);
    free(got);
}

static void test_fill(void)
{
    strlist_free(&secrets);
    strlist_add(&secrets, "TOKEN=a${TOKEN}$b");
    strlist_add(&secrets, "TOK=x=y");
    fills("Authorization: Bearer ${TOKEN}", "Authorization: Bearer a${TOKEN}$b", "a name");
    fills("${TOK}${TOK}-", "x=yx=y-", "names in a row");
    fills("$TOKEN ${OTHER} ${TOKEN ${} $ ${", "$TOKEN ${OTHER} ${TOKEN ${} $ ${",
          "what names no secret stays");
    fills("$${TOK}", "$x=y", "a dollar before a name");
    fills("${TO${TOK}", "${TOx=y", "a name in a name that is none");
    fills("", "", "nothing");
}

int main(void)
{
    test_cases();
    test_holding();
    test_random();
    test_fill();
    strlist_free(&secrets);
    return tap_done();
}
