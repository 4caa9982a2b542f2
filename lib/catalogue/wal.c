/*
 * Whether the -wal beside the catalogue's file is the file's own.
 *
 * SQLite binds a WAL to no file: whatever lies there under the name is played back. A backup put in place
 * beside the -wal of before, or a -wal brought from elsewhere, makes a mix of both, and mostly a silent one.
 *
 * So the catalogue knows its generation, a random number in `meta`. The first commit after all of the WAL was
 * copied to the file, which is the one with which SQLite may begin the WAL anew, changes it and writes down
 * the one before (wal_stamp). The file, read alone, then is always at the generation that the WAL leads to (it
 * was copied, in part or whole) or at the one before that: anything else is another file's (wal_check).
 *
 * No false alarm may ever be given: people would throw away a WAL that holds their runs. Therefore
 * - a stamp is written only when the one before is in the file *and on its disk*. SQLite says so by the
 *   number of frames copied, in the -shm, which it raises after the sync of the file. What can be read of the
 *   file is no proof: after a sync that failed, or a checkpoint that was killed, a power cut takes it back.
 *   Whether a commit begins the WAL anew is decided by the same number, but only at its first page; a
 *   number that was not yet complete when the transaction began keeps SQLite from it (readLock of wal.c there).
 * - the check is made inside one read transaction. While it lasts nobody can begin the WAL anew, nor copy more
 *   of it than that transaction sees; so whoever else writes or checkpoints, it is one moment.
 * - other programs (sqlite3) write without a stamp and checkpoint when they like: then file and WAL say the
 *   same, or the next commit of ours makes the stamp. A catalogue of before schema 5 has none; nor is there one
 *   until the first commit after the migration: no generation is a generation like another.
 * - a file that cannot be read as we expect (one that was made anew from a dump) is not judged here.
 *
 * What is not seen: a copy that was made with other means in the very generation that the WAL goes on from.
 * rota catalogue backup gives each copy a generation of its own (wal_part).
 */
#include <sched.h>
#include <sqlite3.h>
#include <string.h>

#include "internal.h"

/* SQLite's file format, 1.3, 1.6 and 2.1. meta is the table that was made first: its one row is on page 2. */
enum {
    PAGE = 4096,
    SIZE_AT = 16, /* of pages, 16 bit */
    LEAF = 0x0d,  /* of a table */
    CELLS_AT = 3, /* how many, 16 bit */
    CELL_AT = 8,  /* where the first is, 16 bit */
    TYPE_INT64 = 6,
    TYPE_UUID = 13 + 2 * 32,
    UUID_COLUMN = 1,
    GENERATION_COLUMN = 3
};

/* Its wal-index format, 2: words of the machine's order in the first region of the -shm. */
enum { FRAMES_AT = 16 / 4, COPIED_AT = 96 / 4, REGION = 32768 };

/* meta as it is in the file alone. */
struct meta {
    char uuid[33];
    int64_t generation;  /* 0: none */
    sqlite3_int64 place; /* of the generation's eight bytes in the file; 0: none */
};

static sqlite3_file *file_of(sqlite3 *db)
{
    sqlite3_file *file = NULL;
    (void)sqlite3_file_control(db, "main", SQLITE_FCNTL_FILE_POINTER, &file);
    return file && file->pMethods ? file : NULL;
}

/* Whether the next commit may begin the WAL anew. In a transaction that writes. */
static bool is_copied(struct catalogue *cat)
{
    sqlite3_file *file = file_of(cat->db);
    void volatile *region = NULL;
    if (!file || file->pMethods->iVersion < 2 ||
        file->pMethods->xShmMap(file, 0, REGION, 0, &region) != SQLITE_OK || !region)
        return false;
    const volatile uint32_t *words = region;
    return words[COPIED_AT] == words[FRAMES_AT];
}

int wal_stamp(struct catalogue *cat, struct err *err)
{
    /* always of eight bytes: see wal_part */
    static const char STAMP[] =
        "UPDATE meta SET previous = generation, generation ="
        " (random() & 0x3fffffffffffffff) | 0x4000000000000000 WHERE one = 1";
    if (!cat->stamps || cat->changes == sqlite3_total_changes(cat->db) || !is_copied(cat))
        return 0;
    int rc = statement_write(cat, STAMP, NO_VALUES, err);
    return rc < 0 ? rc : 0;
}

/* ---- the file alone ---- */

static unsigned get16(const unsigned char *p)
{
    return (unsigned)p[0] << 8 | p[1];
}

/* A number of the header of a cell or record; those of meta are of one or two bytes. */
static unsigned get_varint(const unsigned char **p)
{
    unsigned n = *(*p)++;
    return n < 0x80 ? n : (n & 0x7f) << 7 | *(*p)++;
}

/* Bytes of a value by its type in the header of the record. */
static unsigned size_of(unsigned type)
{
    static const unsigned char sizes[12] = {0, 1, 2, 3, 4, 6, 8, 8};
    return type < 12 ? sizes[type] : (type - 12) / 2;
}

static int64_t get64(const unsigned char *p)
{
    uint64_t n = 0;
    for (int i = 0; i < 8; i++)
        n = n << 8 | p[i];
    return (int64_t)n;
}

/* The record of meta at `at` of its page; false: it is none. */
static bool parse(const unsigned char *page, unsigned at, struct meta *meta)
{
    const unsigned char *p = page + at;
    if (at > PAGE - 24) /* the two numbers, and the header */
        return false;
    (void)get_varint(&p); /* bytes */
    (void)get_varint(&p); /* rowid */
    const unsigned char *header = p;
    unsigned header_size = get_varint(&p);
    if (header_size > 16)
        return false;
    const unsigned char *value = header + header_size;
    for (unsigned column = 0; p < header + header_size; column++) {
        unsigned type = get_varint(&p), size = size_of(type);
        if (size > (size_t)(page + PAGE - value) || (column == UUID_COLUMN && type != TYPE_UUID))
            return false;
        if (column == UUID_COLUMN)
            memcpy(meta->uuid, value, 32);
        if (column == GENERATION_COLUMN && type == TYPE_INT64) {
            meta->generation = get64(value);
            meta->place = PAGE + (value - page);
        }
        value += size;
    }
    return meta->uuid[0] != '\0';
}

static bool read_file(sqlite3 *db, struct meta *meta)
{
    unsigned char pages[2 * PAGE];
    const unsigned char *page = pages + PAGE;
    sqlite3_file *file = file_of(db);
    *meta = (struct meta){0};
    /* through SQLite's own descriptor: closing another one would drop its locks */
    return file && file->pMethods->xRead(file, pages, sizeof pages, 0) == SQLITE_OK &&
           memcmp(pages, "SQLite format 3", 16) == 0 && get16(pages + SIZE_AT) == PAGE &&
           page[0] == LEAF && get16(page + CELLS_AT) == 1 &&
           parse(page, get16(page + CELL_AT), meta);
}

int wal_part(sqlite3 *copy, struct err *err)
{
    struct meta meta;
    unsigned char number[8];
    if (!read_file(copy, &meta) || !meta.place)
        return 0;
    sqlite3_randomness(sizeof number, number);
    number[0] = (number[0] & 0x3f) | 0x40;
    sqlite3_file *file = file_of(copy);
    if (file->pMethods->xWrite(file, number, sizeof number, meta.place) == SQLITE_OK)
        return 0;
    return err_set(err, ERR_IO, "cannot write to the copy %s", sqlite3_db_filename(copy, "main"));
}

/* ---- the check ---- */

static bool belongs(const struct meta *file, sqlite3_stmt *through)
{
    const char *uuid = (const char *)sqlite3_column_text(through, 0);
    return uuid && strcmp(uuid, file->uuid) == 0 &&
           (file->generation == sqlite3_column_int64(through, 1) ||
            file->generation == sqlite3_column_int64(through, 2));
}

int wal_check(struct catalogue *cat, int64_t version, struct err *err)
{
    static const char META[] = "SELECT uuid, generation, previous FROM meta WHERE one = 1";
    static const char OLD[] = "SELECT uuid, 0, 0 FROM meta WHERE one = 1"; /* before schema 5 */
    enum { LOOKS = 10 }; /* a page may be read while a checkpoint writes it: half of each */
    struct meta file;
    sqlite3_stmt *through;
    if (version < 1) /* nothing is in it yet */
        return 0;
    int rc = statement_start(cat, version < 5 ? OLD : META, NO_VALUES, &through, err);
    if (rc == 0)
        rc = statement_next(cat, through, err);
    if (rc <= 0)
        return rc;
    bool ours = false;
    for (int i = 0; !ours && i < LOOKS; i++) {
        ours = !read_file(cat->db, &file) || belongs(&file, through);
        if (!ours)
            (void)sched_yield();
    }
    statement_end(through); /* and with it the transaction */
    if (ours)
        return 0;
    return err_set(err, ERR_IO,
                   "the write-ahead log %s-wal is not of this catalogue (was a copy put in its "
                   "place?): move it and %s-shm away, then say rota dispatch --take-over",
                   cat->path, cat->path);
}
