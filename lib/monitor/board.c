/* The board from the catalogue to the directory. */
#include "board.h"

#include <inttypes.h>
#include <stdlib.h>
#include <sys/random.h>
#include <unistd.h>

#include "board_internal.h"
#include "clock.h"
#include "xalloc.h"
#include "zone.h"

/* The page's own script and style carry it; text that got in from elsewhere could not know it. */
static int make_nonce(char nonce[33], struct err *err)
{
    unsigned char bytes[16];
    if (getrandom(bytes, sizeof bytes, 0) != sizeof bytes)
        return err_sys(err, ERR_OS, "cannot get random bytes");
    for (size_t i = 0; i < sizeof bytes; i++) {
        nonce[2 * i] = "0123456789abcdef"[bytes[i] >> 4];
        nonce[2 * i + 1] = "0123456789abcdef"[bytes[i] & 15];
    }
    nonce[32] = '\0';
    return 0;
}

static char *zone_of(const struct config *config)
{
    char *zone = config->timezone ? xstrdup(config->timezone) : zone_system();
    if (zone_exists(zone))
        return zone;
    free(zone);
    return xstrdup("UTC");
}

static void put_head(struct board *board)
{
    struct buf *out = &board->json;
    char head[65] = "";
    (void)gethostname(head, sizeof head - 1);
    buf_addf(out, "{\"made\":%" PRId64, board->now);
    board_string(out, "head", head);
    board_string(out, "catalogue", board->config->catalogue);
    board_string(out, "version", ROTA_VERSION);
    board_string(out, "zone", board->zone);
}

/* All but the ends of output, which take the room that is left. */
static int put_data(struct board *board, struct err *err)
{
    const size_t spare = 4096, most = 1200000;
    put_head(board);
    int rc = board_put_summary(board, err);
    if (rc == 0)
        rc = board_put_hosts(board, err);
    if (rc == 0)
        rc = board_put_jobs(board, err);
    if (rc == 0)
        rc = board_put_runs(board, err);
    if (rc < 0)
        return rc;
    size_t used = board->json.len + board_page_frame() + spare;
    size_t left = used < BOARD_PAGE_BYTES ? BOARD_PAGE_BYTES - used : 0;
    board_put_output(board, left < most ? left : most);
    buf_addch(&board->json, '}');
    return 0;
}

static int put_page(struct board *board, const struct board_place *place,
                    struct board_report *report, struct err *err)
{
    char nonce[33];
    struct buf page = {0};
    int rc = make_nonce(nonce, err);
    if (rc < 0)
        return rc;
    board_page(&page, nonce, &board->json);
    rc = board_place_write(place, place->fd, "index.html", buf_data(&page), page.len, err);
    report->bytes = page.len;
    buf_free(&page);
    return rc;
}

static void board_free(struct board *board)
{
    for (size_t i = 0; i < board->nruns; i++)
        run_free(&board->runs[i]);
    free(board->runs);
    free(board->beside);
    board_words_free(&board->words);
    buf_free(&board->json);
}

int board_write(struct catalogue *cat, const struct config *config, const char *directory,
                struct board_report *report, struct err *err)
{
    char *zone = zone_of(config);
    struct board board = {.cat = cat, .config = config, .now = clock_now(), .zone = zone};
    struct board_place place;
    *report = (struct board_report){0};
    int rc = board_place_open(&place, directory, err);
    if (rc == 0)
        rc = board_read_runs(&board, err);
    if (rc == 0)
        rc = board_copy_output(&board, &place, &report->copies, err);
    if (rc == 0)
        rc = put_data(&board, err);
    if (rc == 0)
        rc = put_page(&board, &place, report, err);
    report->runs = board.nruns;
    board_place_close(&place);
    board_free(&board);
    free(zone);
    return rc;
}
