#include "draft.h"

#include <ctype.h>
#include <string.h>

/* rota.ini takes lines of 200 bytes. */
enum { COMMENT_MAX = 180 };

/* A reason as a comment of one line: what a host says must neither end it nor make it too long. */
static void add_comment(struct buf *text, const char *name, const char *reason)
{
    size_t begin = text->len;
    buf_addf(text, "; %s: ", name);
    for (; *reason && text->len - begin < COMMENT_MAX; reason++)
        buf_addch(text, isprint((unsigned char)*reason) ? *reason : '?');
    buf_addstr(text, *reason ? "...\n" : "\n");
}

void draft_worker(struct buf *text, const struct draft_worker *worker)
{
    const struct hostspec *spec = worker->spec;
    const char *off = worker->off ? "; " : "";
    buf_addch(text, '\n');
    if (worker->off)
        add_comment(text, spec->worker, worker->off);
    buf_addf(text, "%s[worker %s]", off, spec->worker);
    buf_addf(text, worker->from ? "    ; %s\n" : "\n", worker->from);
    if (spec->address)
        buf_addf(text, "%saddress = %s\n", off, spec->address);
    if (spec->user)
        buf_addf(text, "%suser = %s\n", off, spec->user);
    if (spec->port)
        buf_addf(text, "%sport = %d\n", off, spec->port);
}

void draft_begin(struct buf *text, const char *catalogue)
{
    buf_addstr(
        text, "; rota.ini: which hosts run jobs, and how they are reached. All keys: rota.ini(5).\n"
              "; A line that begins with ; is a comment: what stands in one is the default, or an "
              "example.\n"
              "; Made by `rota init`. It is yours: `rota init HOST` adds to its end, and changes "
              "nothing.\n"
              "\n"
              "[rota]\n");
    if (strlen(catalogue) < COMMENT_MAX)
        buf_addf(text, "; catalogue = %s\n", catalogue);
    buf_addstr(text,
               "; timezone  = Europe/Berlin      ; of schedules; default: the system's\n"
               "; keep      = 30d                ; finished runs and their output, until `rota "
               "catalogue prune`\n"
               "\n"
               "[ssh]                            ; for all workers; what is not said here, "
               "~/.ssh/config says\n"
               "; identity = ~/.ssh/id_ed25519   ; cron has no ssh agent: a key that needs none\n"
               "; strict   = yes                 ; accept-new: take unknown host keys, refuse "
               "changed ones\n"
               "\n"
               "; Workers. Below a [worker] line these can stand:\n"
               ";   address = db1.example.com     ; default: the name, or what ~/.ssh/config says "
               "of it\n"
               ";   slots   = 4                   ; runs at a time; default: the host's "
               "processors\n"
               ";   tags    = web, eu             ; jobs say: where: {tags: [web]}\n");
}

void draft_end(struct buf *text, bool local)
{
    const char *off = local ? "" : "; ";
    buf_addf(text,
             "\n"
             "%s[worker local]                  ; this machine, without ssh\n"
             "%stransport = local\n"
             "\n"
             "; Who is told of troubles; try it with: rota monitor check --test ops\n"
             "; [alert ops]\n"
             "; on   = failed, missed, late, lost, host-down, recovered\n"
             "; mail = ops@example.com\n",
             off, off);
}
