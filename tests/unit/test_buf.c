/* buf: growth, consuming from the front, and what the pieces promise. */
#include <stdlib.h>

#include "buf.h"
#include "tap.h"

static void test_bytes(void)
{
    struct buf b = {0};
    tap_ok(b.len == 0, "a zeroed buffer is empty");
    buf_add(&b, NULL, 0);
    tap_int((long long)b.len, 0, "adding nothing adds nothing");
    buf_add(&b, "a\0b", 3);
    buf_addch(&b, 'c');
    tap_ok(b.len == 4 && memcmp(buf_data(&b), "a\0bc", 4) == 0, "NUL bytes are kept");
    tap_ok(buf_str(&b)[4] == '\0' && b.len == 4, "buf_str ends the bytes without counting the NUL");
    buf_reset(&b);
    buf_addstr(&b, "x");
    tap_str(buf_str(&b), "x", "a reset buffer starts anew");
    buf_free(&b);
    tap_ok(b.base == NULL && b.len == 0 && b.cap == 0, "a freed buffer is as zeroed");
}

static void test_format(void)
{
    struct buf b = {0};
    char want[2001];
    memset(want, 'y', 2000);
    want[2000] = '\0';
    buf_addf(&b, "%s", "");
    tap_int((long long)b.len, 0, "an empty format adds nothing");
    buf_addf(&b, "%s=%d;", "run", 17);
    buf_addf(&b, "%s", want);
    tap_int((long long)b.len, 7 + 2000, "a long format grows the buffer");
    tap_ok(memcmp(buf_data(&b), "run=17;yyy", 10) == 0, "formats are appended");
    buf_free(&b);
}

static void test_consume(void)
{
    struct buf b = {0};
    buf_addstr(&b, "frame one|frame two");
    buf_consume(&b, 10);
    tap_str(buf_str(&b), "frame two", "consumed bytes are gone from the front");
    buf_truncate(&b, 5);
    tap_str(buf_str(&b), "frame", "truncated bytes are gone from the end");
    buf_consume(&b, 5);
    tap_ok(b.len == 0 && b.start == 0, "a buffer that was consumed whole starts at its front");
    buf_free(&b);
}

/* What a connection does for months: as much goes out as comes in. The memory must not grow. */
static void test_steady_state(void)
{
    struct buf b = {0};
    unsigned char in = 0, out = 0;
    bool right = true;
    for (int i = 0; i < 100000; i++) {
        for (int k = 0; k < 37; k++)
            buf_addch(&b, (char)in++);
        for (int k = 0; k < 37; k++) {
            right = right && (unsigned char)*buf_data(&b) == out++;
            if (b.len > 1 || i % 2)
                buf_consume(&b, 1);
            else
                buf_truncate(&b, b.len - 1);
        }
    }
    tap_ok(right, "bytes come out in the order they went in");
    tap_ok(b.cap <= 1024, "a buffer that is emptied as fast as it is filled stays small");
    buf_free(&b);
}

static void test_room(void)
{
    struct buf b = {0};
    buf_addstr(&b, "ab");
    memset(buf_room(&b, 5000), 'z', 5000);
    tap_int((long long)b.len, 2, "room is not content");
    buf_grew(&b, 3);
    tap_str(buf_str(&b), "abzzz", "buf_grew makes it content");
    buf_consume(&b, 2);
    char *s = buf_detach(&b);
    tap_str(s, "zzz", "a detached string holds what was left");
    tap_ok(b.base == NULL && b.len == 0 && b.start == 0, "the buffer is empty after detach");
    free(s);
    s = buf_detach(&b);
    tap_str(s, "", "an empty buffer detaches as an empty string");
    free(s);
}

int main(void)
{
    test_bytes();
    test_format();
    test_consume();
    test_steady_state();
    test_room();
    return tap_done();
}
