/* What the tests of runs share: one open catalogue, and each step of a run as one transaction. */
#ifndef ROTA_TEST_CATALOGUE_RUN_H
#define ROTA_TEST_CATALOGUE_RUN_H

#include "test_catalogue.h"

static struct catalogue *cat;
static struct err err;

__attribute__((unused)) static void begin(void)
{
    must(catalogue_begin(cat, &err), &err);
}

__attribute__((unused)) static void commit(void)
{
    must(catalogue_commit(cat, &err), &err);
}

__attribute__((unused)) static struct run get(int64_t id)
{
    struct run run;
    must(run_get(cat, id, &run, &err), &err);
    return run;
}

__attribute__((unused)) static int state_of(int64_t id)
{
    struct run run = get(id);
    int state = (int)run.state;
    run_free(&run);
    return state;
}

/* One text from the catalogue, through a connection of its own. */
__attribute__((unused)) static char *ask(const char *sql)
{
    static char text[512];
    sqlite3 *db = NULL;
    sqlite3_stmt *stmt = NULL;
    text[0] = '\0';
    if (sqlite3_open(catalogue_path(cat), &db) == SQLITE_OK) {
        /* it must not checkpoint when it closes, as no other program of ours does */
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_NO_CKPT_ON_CLOSE, 1, NULL);
        (void)sqlite3_db_config(db, SQLITE_DBCONFIG_TRUSTED_SCHEMA, 0, NULL);
        if (sqlite3_prepare_v2(db, sql, -1, &stmt, NULL) != SQLITE_OK)
            (void)snprintf(text, sizeof text, "%s", sqlite3_errmsg(db));
        else if (sqlite3_step(stmt) == SQLITE_ROW && sqlite3_column_text(stmt, 0))
            (void)snprintf(text, sizeof text, "%s", (const char *)sqlite3_column_text(stmt, 0));
        (void)sqlite3_finalize(stmt);
    }
    (void)sqlite3_close(db);
    return text;
}

__attribute__((unused)) static int claim(int64_t id, const char *host, uint64_t token)
{
    int attempt;
    begin();
    int rc = run_claim(cat, id, host, token, 2000, &attempt, &err);
    commit();
    return rc < 0 ? rc : attempt;
}

__attribute__((unused)) static struct run_end end_of(int64_t id, int attempt, enum run_state state)
{
    return (struct run_end){.id = id,
                            .attempt = attempt,
                            .state = state,
                            .attempt_state = state,
                            .started_at = 2500,
                            .finished_at = 4000};
}

__attribute__((unused)) static int finish(struct run_end end)
{
    begin();
    int rc = run_finish(cat, &end, &err);
    commit();
    return rc;
}

#endif
