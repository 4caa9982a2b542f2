/*
 * The page: board.html with style, program and data in place of its marks.
 *
 * The files are part of the program: the assembler reads them (.incbin), found from the top of the
 * source. The Makefile makes this object anew when one of them changes.
 */
#include <string.h>

#include "board_internal.h"

#define EMBED(name, file)                                                                          \
    __asm__(".pushsection .rodata\n" #name ":\n.incbin \"lib/monitor/" file "\"\n" #name           \
            "_end:\n.byte 0\n.popsection\n")

EMBED(embedded_html, "board.html");
EMBED(embedded_css, "board.css");
EMBED(embedded_core, "board_core.js");
EMBED(embedded_timeline, "board_timeline.js");
EMBED(embedded_jobs, "board_jobs.js");
EMBED(embedded_panels, "board_panels.js");
EMBED(embedded_detail, "board_detail.js");
EMBED(embedded_main, "board_main.js");

/* Where each begins and ends. */
#pragma GCC visibility push(hidden)
extern const char embedded_html[], embedded_html_end[];
extern const char embedded_css[], embedded_css_end[];
extern const char embedded_core[], embedded_core_end[];
extern const char embedded_timeline[], embedded_timeline_end[];
extern const char embedded_jobs[], embedded_jobs_end[];
extern const char embedded_panels[], embedded_panels_end[];
extern const char embedded_detail[], embedded_detail_end[];
extern const char embedded_main[], embedded_main_end[];
#pragma GCC visibility pop

/* In the order of the page; the program's files are one scope. */
static const struct part {
    const char *begin, *end;
} styles[] = {{embedded_css, embedded_css_end}},
  programs[] = {
      {embedded_core, embedded_core_end},     {embedded_timeline, embedded_timeline_end},
      {embedded_jobs, embedded_jobs_end},     {embedded_panels, embedded_panels_end},
      {embedded_detail, embedded_detail_end}, {embedded_main, embedded_main_end},
};

static void put_parts(struct buf *out, const struct part *parts, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add(out, parts[i].begin, (size_t)(parts[i].end - parts[i].begin));
}

/* A mark of board.html and what stands for it. */
static size_t put_mark(struct buf *out, const char *mark, const char *nonce, const struct buf *json)
{
    if (strncmp(mark, "@NONCE@", 7) == 0)
        buf_addstr(out, nonce);
    else if (strncmp(mark, "@STYLE@", 7) == 0)
        put_parts(out, styles, sizeof styles / sizeof *styles);
    else if (strncmp(mark, "@DATA@", 6) == 0)
        buf_add(out, buf_data(json), json->len);
    else if (strncmp(mark, "@PROGRAM@", 9) == 0)
        put_parts(out, programs, sizeof programs / sizeof *programs);
    else
        return 0;
    return strcspn(mark + 1, "@") + 2;
}

void board_page(struct buf *out, const char *nonce, const struct buf *json)
{
    const char *at = embedded_html;
    while (at < embedded_html_end) {
        const char *mark = memchr(at, '@', (size_t)(embedded_html_end - at));
        buf_add(out, at, (size_t)((mark ? mark : embedded_html_end) - at));
        if (!mark)
            return;
        size_t n = put_mark(out, mark, nonce, json);
        if (!n)
            buf_addch(out, '@');
        at = mark + (n ? n : 1);
    }
}

int board_page_is_ours(const char *p, size_t len)
{
    static const char mark[] = "<meta name=\"generator\" content=\"rota monitor board\">";
    return memmem(p, len, mark, sizeof mark - 1) != NULL;
}

size_t board_page_frame(void)
{
    struct buf page = {0}, json = {0};
    buf_addstr(&json, "{}");
    board_page(&page, "", &json);
    size_t bytes = page.len;
    buf_free(&page);
    buf_free(&json);
    return bytes;
}
