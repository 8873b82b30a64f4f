/* Binlog events go in, columns of Arrow come out: the plain transactions of a log, one after the other, as fast as memory allows.

This file decides nothing that is doubtful. A transaction that is not plain (DDL, XA, compressed rows, partial images, a statement in
words), a value that Arrow cannot hold, a checksum that is wrong, a byte that makes no sense: it stops before that transaction and says so,
and the Python reader, which this one is held equal to, reads on from there or says in words what is wrong. It keeps no state of the log
but the table maps that it was taught. Called from one thread; knows nothing of Python. */
#include "values.h"

#define MW_PUBLIC __attribute__((visibility("default")))
#define MW_HEADER 19u
#define MW_CHECKSUM 4u
#define MW_RESIDUE 0x2144DF1Cu /* CRC32 of whatever ends with its own CRC32 */
#define MW_OPEN_MAX 64u        /* tables of one statement; with more it is not plain */
#define MW_COLUMNS_MAX 4096u   /* MySQL's and MariaDB's own limit */
#define MW_SKIP (-1)           /* a table that nobody asks for */
#define MW_ODD (-2)            /* a table whose rows are not read here */

enum { QUERY = 2, XID = 16, TABLE_MAP = 19, ROWS_QUERY = 29, GTID = 33, ANONYMOUS_GTID = 34, ANNOTATE = 160, MARIA_GTID = 162 };
enum { WRITE_V1 = 23, UPDATE_V1 = 24, DELETE_V1 = 25, WRITE_V2 = 30, UPDATE_V2 = 31, DELETE_V2 = 32 };

/* Why `mw_run` came back. */
enum mw_reason { MW_END = 0, MW_FULL, MW_NOT_PLAIN, MW_UNKNOWN_MAP, MW_NO_MEMORY };

typedef struct {
    uint64_t at;   /* where to go on: the beginning of a transaction */
    uint64_t map;  /* of MW_UNKNOWN_MAP: where the map's bytes begin that nobody taught, */
    uint64_t size; /* and how many they are */
    int32_t reason;
} mw_stop;

typedef struct {
    uint64_t at, end;      /* its bytes in the file */
    uint64_t ends;         /* where it ends as the log itself says */
    uint64_t number;       /* of its GTID */
    uint64_t committed_us; /* Unix microseconds where MySQL keeps them; else 0 */
    uint8_t source[16];    /* MySQL: the server's UUID; MariaDB: the domain and the server, four bytes each */
    uint32_t when;         /* Unix seconds of its last event */
    uint32_t kind;         /* 0 without GTID, 33 MySQL's, 162 MariaDB's */
} mw_group_place;

typedef struct {
    uint8_t source[16];   /* as in mw_group_place */
    uint64_t first, last; /* numbers, one after the other; of MariaDB only the last counts */
    uint32_t kind, unused;
} mw_executed;

typedef struct {
    uint32_t count;    /* columns of the table */
    mw_column *columns;
    mw_grown *grown;   /* one for each column; empty where nobody wants it */
    mw_grown group, kind, after, at;
    size_t rows, room;
    size_t rows_before; /* where the transaction that is being read began */
    uint64_t touched;   /* the number of that transaction */
} mw_plan;

typedef struct {
    const uint8_t *bytes; /* a copy of ours */
    size_t size;
    int32_t plan;
} mw_map;

typedef struct {
    uint64_t number;
    int32_t plan;
} mw_open;

typedef struct {
    mw_map *maps;
    size_t map_count, map_room;
    mw_plan *plans;
    size_t plan_count;
    mw_group_place *groups;
    size_t group_count, group_room;
    mw_executed *executed; /* the GTIDs of the groups, in as few stretches as may be */
    size_t executed_count, executed_room;
    uint8_t lengths[256]; /* of each kind's fixed part */
    int32_t kinds;        /* how many the file's first event announces */
    int32_t summed;
    size_t rows; /* in all plans */
    uint64_t turn;
    mw_open open[MW_OPEN_MAX];
    size_t open_count;
    mw_map *recent[256]; /* by the number of the table: nearly always the map that it had last */
} mw_scan;

/* ---------------------------------------------------------------- what Python tells */

MW_PUBLIC mw_scan *mw_new(void) {
    mw_crc32_prepare();
    return calloc(1, sizeof(mw_scan));
}

static void mw_drop_rows(mw_plan *plan) {
    mw_grown *own[4] = {&plan->group, &plan->kind, &plan->after, &plan->at};
    for (int i = 0; i < 4; i++) mw_drop(own[i]);
    for (uint32_t i = 0; i < plan->count; i++) mw_drop(&plan->grown[i]);
    plan->rows = plan->room = 0;
}

/* Forget what was read; what was taught stays. */
MW_PUBLIC void mw_clear(mw_scan *scan) {
    for (size_t i = 0; i < scan->plan_count; i++) mw_drop_rows(&scan->plans[i]);
    scan->rows = scan->group_count = scan->executed_count = 0;
}

MW_PUBLIC void mw_free(mw_scan *scan) {
    if (scan == NULL) return;
    mw_clear(scan);
    for (size_t i = 0; i < scan->plan_count; i++) {
        free(scan->plans[i].columns);
        free(scan->plans[i].grown);
    }
    for (size_t i = 0; i < scan->map_count; i++) free((void *)scan->maps[i].bytes);
    free(scan->maps);
    free(scan->plans);
    free(scan->groups);
    free(scan->executed);
    free(scan);
}

/* How the file is written: fixed lengths by kind, the first being kind 1. */
MW_PUBLIC void mw_format(mw_scan *scan, const uint8_t *lengths, uint32_t count, int32_t summed) {
    memset(scan->lengths, 0, sizeof scan->lengths);
    scan->kinds = count > 255 ? 255 : (int32_t)count;
    memcpy(scan->lengths + 1, lengths, (size_t)scan->kinds);
    scan->summed = summed;
}

static bool mw_sound(const mw_column *c) {
    static const uint8_t widest[MW_TYPES] = {255, 4, 8, 8, 8, 18, 8, 1, 3, 8, 7, 6, 4, 4, 4, 4, 2, 8};
    if (c->type < 0 || c->type >= MW_TYPES || c->size < 1 || c->size > widest[c->type]) return false;
    if (c->width != 0 && c->width != 1 && c->width != 2 && c->width != 4 && c->width != 8 && c->width != 16) return false;
    if (c->type == MW_DECIMAL) {
        if (c->digits < 1 || c->digits > 38 || c->scale < 0 || c->scale > c->digits || c->width != 16) return false;
        int whole = c->digits - c->scale;
        return c->size == mw_digit_bytes[whole % 9] + whole / 9 * 4 + mw_digit_bytes[c->scale % 9] + c->scale / 9 * 4;
    }
    bool text = c->type >= MW_UTF8 || c->type == MW_SKIP_COUNTED;
    if (c->type == MW_SKIP_FIXED || c->type == MW_SKIP_COUNTED) return c->name == NULL;
    if (c->name == NULL || c->format == NULL || text != (c->width == 0) || c->width > 8) return false;
    int base = c->type == MW_DATETIME ? 5 : c->type == MW_TIMESTAMP ? 4 : c->type == MW_TIME ? 3 : 0;
    if (base && (c->scale < 0 || c->scale > 6 || c->size != base + (c->scale + 1) / 2 || c->width != 8)) return false;
    if (c->type == MW_DATE && c->size != 3) return false;
    if (c->type >= MW_SIGNED && c->type <= MW_BITS && c->type != MW_DECIMAL && c->size > c->width) return false;
    return c->type != MW_PADDED || (c->digits >= 0 && c->digits <= 1024);
}

/* A new plan for these columns, or -1 where one of them makes no sense. The names and labels must live as long as the scan. */
MW_PUBLIC int32_t mw_add(mw_scan *scan, const mw_column *columns, uint32_t count) {
    if (count < 1 || count > MW_COLUMNS_MAX) return -1;
    for (uint32_t i = 0; i < count; i++)
        if (!mw_sound(&columns[i])) return -1;
    mw_plan *plans = realloc(scan->plans, (scan->plan_count + 1) * sizeof *plans);
    if (plans == NULL) return -1;
    scan->plans = plans;
    mw_plan *plan = &plans[scan->plan_count];
    memset(plan, 0, sizeof *plan);
    plan->columns = malloc(count * sizeof *columns);
    plan->grown = calloc(count, sizeof *plan->grown);
    if (plan->columns == NULL || plan->grown == NULL) {
        free(plan->columns);
        free(plan->grown);
        return -1;
    }
    memcpy(plan->columns, columns, count * sizeof *columns);
    plan->count = count;
    plan->group.size = sizeof(uint32_t);
    plan->kind.size = plan->after.size = 1;
    plan->at.size = sizeof(uint64_t);
    for (uint32_t i = 0; i < count; i++) plan->grown[i].size = (size_t)columns[i].width;
    return (int32_t)scan->plan_count++;
}

/* Which plan, MW_SKIP or MW_ODD, a table map with these bytes (all but its fixed part) belongs to. */
MW_PUBLIC int32_t mw_teach(mw_scan *scan, const uint8_t *bytes, size_t size, int32_t plan) {
    if (plan < MW_ODD || plan >= (int32_t)scan->plan_count) return -1;
    if (scan->map_count == scan->map_room) {
        size_t room = scan->map_room ? scan->map_room * 2 : 64;
        mw_map *maps = realloc(scan->maps, room * sizeof *maps);
        if (maps == NULL) return -1;
        scan->maps = maps;
        scan->map_room = room;
        memset(scan->recent, 0, sizeof scan->recent);
    }
    uint8_t *copy = malloc(size ? size : 1);
    if (copy == NULL) return -1;
    memcpy(copy, bytes, size);
    scan->maps[scan->map_count++] = (mw_map){copy, size, plan};
    return 0;
}

/* ---------------------------------------------------------------- rows */

static const mw_map *mw_find_map(mw_scan *scan, uint64_t number, const mw_bytes *body) {
    size_t size = mw_left(body);
    mw_map **recent = &scan->recent[number & 255];
    if (*recent != NULL && (*recent)->size == size && memcmp((*recent)->bytes, body->at, size) == 0) return *recent;
    for (size_t i = 0; i < scan->map_count; i++) {
        mw_map *map = &scan->maps[i];
        if (map->size == size && memcmp(map->bytes, body->at, size) == 0) return *recent = map;
    }
    return NULL;
}

static bool mw_room(mw_plan *plan) {
    if (plan->rows < plan->room) return true;
    size_t room = plan->room ? plan->room * 2 : 4096;
    if (!mw_grow(&plan->group, room) || !mw_grow(&plan->kind, room) || !mw_grow(&plan->after, room) || !mw_grow(&plan->at, room))
        return false;
    for (uint32_t i = 0; i < plan->count; i++)
        if (plan->columns[i].name != NULL && !mw_grow(&plan->grown[i], room)) return false;
    plan->room = room;
    return true;
}

/* One image: its NULL bits and its values. */
static bool mw_image(mw_scan *scan, mw_plan *plan, mw_bytes *from, uint8_t kind, uint8_t after, uint64_t at) {
    const uint8_t *nulls = mw_take(from, (plan->count + 7) / 8);
    if (nulls == NULL || !mw_room(plan)) return false;
    size_t row = plan->rows;
    for (uint32_t i = 0; i < plan->count; i++) {
        const mw_column *column = &plan->columns[i];
        mw_grown *into = &plan->grown[i];
        bool null = nulls[i >> 3] >> (i & 7) & 1;
        if (!null && !mw_value(column, from, into, row)) return false;
        if (column->name == NULL) continue;
        mw_mark(into, row, !null);
        if (into->size == 0)
            mw_end_text(into, row);
        else if (null)
            memset(into->values + row * into->size, 0, into->size);
    }
    uint32_t group = (uint32_t)scan->group_count;
    memcpy(plan->group.values + row * sizeof group, &group, sizeof group);
    memcpy(plan->at.values + row * sizeof at, &at, sizeof at);
    plan->kind.values[row] = kind;
    plan->after.values[row] = after;
    plan->rows++;
    scan->rows++;
    return true;
}

static bool mw_is_full(const uint8_t *bits, uint64_t width) {
    for (uint64_t i = 0; i < width; i++)
        if (!(bits[i >> 3] >> (i & 7) & 1)) return false;
    return true;
}

/* A row event; false where it is not plain. */
static bool mw_rows(mw_scan *scan, unsigned kind, mw_bytes body, uint64_t at) {
    size_t fixed = scan->lengths[kind], number_size = fixed == 6 ? 4 : 6;
    bool second = kind >= WRITE_V2, update = kind == UPDATE_V1 || kind == UPDATE_V2;
    if (fixed < (second ? 10u : 6u)) return false;
    const uint8_t *head = mw_take(&body, fixed);
    if (head == NULL) return false;
    uint64_t number = mw_little(head, number_size);
    if (second) {
        uint64_t extra = mw_little(head + fixed - 2, 2);
        if (extra < 2 || mw_take(&body, extra - 2) == NULL) return false;
    }
    const uint8_t *first = mw_take(&body, 1);
    if (first == NULL || *first > 252) return false;
    uint64_t width = *first;
    if (width > 250) {
        if (width != 252 || (first = mw_take(&body, 2)) == NULL) return false;
        width = mw_little(first, 2);
    }
    const uint8_t *before = mw_take(&body, (width + 7) / 8), *after = update ? mw_take(&body, (width + 7) / 8) : before;
    if (before == NULL || after == NULL || width == 0) return false;
    mw_open *open = NULL;
    for (size_t i = 0; i < scan->open_count; i++)
        if (scan->open[i].number == number) open = &scan->open[i];
    if (mw_left(&body) > 0) {
        if (open == NULL || open->plan == MW_ODD) return false;
        if (open->plan != MW_SKIP) {
            mw_plan *plan = &scan->plans[open->plan];
            if (plan->count != width || !mw_is_full(before, width) || !mw_is_full(after, width)) return false;
            if (plan->touched != scan->turn) {
                plan->touched = scan->turn;
                plan->rows_before = plan->rows;
            }
            uint8_t done = update ? 1 : kind == DELETE_V1 || kind == DELETE_V2 ? 2 : 0;
            while (mw_left(&body) > 0) {
                if (!mw_image(scan, plan, &body, done, done == 0, at)) return false;
                if (update && !mw_image(scan, plan, &body, done, 1, at)) return false;
            }
        }
    }
    if (mw_little(head + number_size, 2) & 1) scan->open_count = 0;
    return true;
}

/* Forget the rows of a transaction that turned out not to be plain. */
static void mw_undo(mw_scan *scan) {
    for (size_t p = 0; p < scan->plan_count; p++) {
        mw_plan *plan = &scan->plans[p];
        if (plan->touched != scan->turn) continue;
        scan->rows -= plan->rows - plan->rows_before;
        plan->rows = plan->rows_before;
        for (uint32_t i = 0; i < plan->count; i++) {
            mw_grown *column = &plan->grown[i];
            if (column->size == 0 && column->values != NULL) column->data_size = mw_u32(column->values + plan->rows * 4);
        }
    }
}

/* ---------------------------------------------------------------- transactions */

/* The statement of a QUERY event, if it is this one. */
static bool mw_says(mw_bytes body, const char *words) {
    const uint8_t *head = mw_take(&body, 13);
    if (head == NULL || mw_take(&body, mw_little(head + 11, 2)) == NULL || mw_take(&body, (size_t)head[8] + 1) == NULL) return false;
    size_t size = strlen(words);
    return mw_left(&body) == size && memcmp(body.at, words, size) == 0;
}

/* A GTID event begins a transaction; false where it is one of a single statement, or too short. */
static bool mw_gtid(mw_group_place *group, unsigned kind, const uint8_t *body, size_t size, uint32_t server) {
    group->kind = kind;
    memset(group->source, 0, sizeof group->source);
    group->committed_us = 0;
    if (kind == MARIA_GTID) {
        if (size < 13 || body[12] & 1) return false;
        group->number = mw_little(body, 8);
        memcpy(group->source, body + 8, 4);
        memcpy(group->source + 4, &server, 4);
        return true;
    }
    if (size < 25) return false;
    memcpy(group->source, body + 1, 16);
    group->number = mw_little(body + 17, 8);
    if (size < 49) return true;
    uint64_t told = mw_little(body + 42, 7);
    if (told >> 55) {
        if (size < 56) return false;
        told = mw_little(body + 49, 7);
    }
    group->committed_us = told;
    return true;
}

static bool mw_group_room(mw_scan *scan) {
    if (scan->group_count < scan->group_room) return true;
    size_t room = scan->group_room ? scan->group_room * 2 : 1024;
    mw_group_place *groups = realloc(scan->groups, room * sizeof *groups);
    if (groups == NULL) return false;
    scan->groups = groups;
    scan->group_room = room;
    return true;
}

/* One more transaction was executed; false where there is no memory. */
static bool mw_execute(mw_scan *scan, const mw_group_place *group) {
    if (group->kind == 0) return true;
    mw_executed *last = scan->executed_count ? &scan->executed[scan->executed_count - 1] : NULL;
    if (last != NULL && last->kind == group->kind && memcmp(last->source, group->source, sizeof last->source) == 0
        && (group->kind == MARIA_GTID || group->number == last->last + 1)) {
        last->last = group->number;
        return true;
    }
    if (scan->executed_count == scan->executed_room) {
        size_t room = scan->executed_room ? scan->executed_room * 2 : 64;
        mw_executed *executed = realloc(scan->executed, room * sizeof *executed);
        if (executed == NULL) return false;
        scan->executed = executed;
        scan->executed_room = room;
    }
    mw_executed *next = &scan->executed[scan->executed_count++];
    memcpy(next->source, group->source, sizeof next->source);
    next->first = next->last = group->number;
    next->kind = group->kind;
    next->unused = 0;
    return true;
}

/* Read from this place, where a transaction begins or nothing is open, until the bytes end, `rows_max` images are there, or something is
   not plain. The stop says where to go on: whatever lies before it is in the groups and the plans. */
MW_PUBLIC void mw_run(mw_scan *scan, const uint8_t *raw, uint64_t size, uint64_t at, uint64_t rows_max, mw_stop *stop) {
    size_t tail = scan->summed ? MW_CHECKSUM : 0;
    bool within = false; /* a transaction is open */
    mw_group_place group;
    memset(&group, 0, sizeof group);
    *stop = (mw_stop){at, 0, 0, MW_END};
    scan->open_count = 0;
    scan->turn++;
    while (at < size) {
        if (!within) stop->at = at;
        if (size - at < MW_HEADER) break;
        const uint8_t *head = raw + at;
        unsigned kind = head[4];
        uint64_t length = mw_u32(head + 9);
        if (length < MW_HEADER + tail || kind < 1 || (int32_t)kind > scan->kinds) goto odd;
        if (length > size - at) break;
        if (tail && mw_crc32(head, length) != MW_RESIDUE) goto odd;
        mw_bytes body = {head + MW_HEADER, head + length - tail};
        bool begins = kind == GTID || kind == MARIA_GTID || (kind == QUERY && !within && mw_says(body, "BEGIN"));
        if (begins) {
            if (within || !mw_group_room(scan)) goto odd;
            if (scan->rows >= rows_max) {
                stop->reason = MW_FULL;
                return;
            }
            group = (mw_group_place){.at = at};
            if (kind != QUERY && !mw_gtid(&group, kind, body.at, mw_left(&body), mw_u32(head + 5))) goto odd;
            within = true;
        } else if (!within) {
            if (kind != ANONYMOUS_GTID) goto odd;
        } else if (kind == TABLE_MAP) {
            size_t fixed = scan->lengths[kind];
            const uint8_t *number = mw_take(&body, fixed);
            if (number == NULL || fixed < 6 || scan->open_count == MW_OPEN_MAX) goto odd;
            mw_open opened = {mw_little(number, fixed == 6 ? 4 : 6), 0};
            const mw_map *map = mw_find_map(scan, opened.number, &body);
            if (map == NULL) {
                mw_undo(scan);
                stop->reason = MW_UNKNOWN_MAP;
                stop->map = (uint64_t)(body.at - raw);
                stop->size = mw_left(&body);
                return;
            }
            opened.plan = map->plan;
            scan->open[scan->open_count++] = opened;
        } else if ((kind >= WRITE_V1 && kind <= DELETE_V1) || (kind >= WRITE_V2 && kind <= DELETE_V2)) {
            if (!mw_rows(scan, kind, body, at)) goto odd;
        } else if (kind == XID || (kind == QUERY && mw_says(body, "COMMIT"))) {
            if (!mw_execute(scan, &group)) goto odd;
            group.end = at + length;
            group.ends = mw_u32(head + 13) ? mw_u32(head + 13) : group.end;
            group.when = mw_u32(head);
            scan->groups[scan->group_count++] = group;
            scan->turn++;
            within = false;
        } else if (kind != ANNOTATE && kind != ROWS_QUERY && !(kind == QUERY && mw_says(body, "BEGIN"))) {
            goto odd;
        }
        at += length;
    }
    if (within) mw_undo(scan);
    if (!within) stop->at = at;
    return;
odd:
    mw_undo(scan);
    stop->reason = MW_NOT_PLAIN;
}

/* ---------------------------------------------------------------- what Python takes */

MW_PUBLIC const mw_group_place *mw_groups(const mw_scan *scan, uint64_t *count) {
    *count = scan->group_count;
    return scan->groups;
}

MW_PUBLIC const mw_executed *mw_executed_of(const mw_scan *scan, uint64_t *count) {
    *count = scan->executed_count;
    return scan->executed;
}

MW_PUBLIC uint64_t mw_count(const mw_scan *scan, int32_t plan) {
    return plan >= 0 && (size_t)plan < scan->plan_count ? scan->plans[plan].rows : 0;
}

/* The rows of a plan as one Arrow struct: first `_group`, `_kind`, `_after` and `_at`, then the wanted columns. They leave the scan. False,
   with nothing to release, where there is no memory. */
MW_PUBLIC int32_t mw_export(mw_scan *scan, int32_t number, struct ArrowArray *array, struct ArrowSchema *schema) {
    static const char *const formats[4] = {"I", "c", "c", "L"};
    static const char *const names[4] = {"_group", "_kind", "_after", "_at"};
    if (number < 0 || (size_t)number >= scan->plan_count) return 0;
    mw_plan *plan = &scan->plans[number];
    size_t rows = plan->rows, wanted = 4;
    for (uint32_t i = 0; i < plan->count; i++) wanted += plan->columns[i].name != NULL;
    bool good = mw_array_of(array, rows, 1, wanted);
    good = mw_schema_of(schema, "+s", "", wanted) && good;
    if (good && plan->room == 0) good = mw_room(plan);
    mw_grown *own[4] = {&plan->group, &plan->kind, &plan->after, &plan->at};
    size_t child = 0;
    for (size_t i = 0; i < 4 && good; i++, child++)
        good = mw_schema_of(schema->children[child], formats[i], names[i], 0) && mw_hand_out(own[i], rows, false, array->children[child]);
    for (uint32_t i = 0; i < plan->count && good; i++) {
        const mw_column *column = &plan->columns[i];
        if (column->name == NULL) continue;
        good = mw_schema_of(schema->children[child], column->format, column->name, 0)
            && mw_hand_out(&plan->grown[i], rows, true, array->children[child]);
        schema->children[child++]->flags = MW_NULLABLE;
    }
    scan->rows -= rows;
    mw_drop_rows(plan);
    if (good) return 1;
    if (array->release != NULL) array->release(array);
    if (schema->release != NULL) schema->release(schema);
    return 0;
}

/* For whoever was handed structures of the interface and does not pass them on. */
MW_PUBLIC void mw_release(struct ArrowArray *array, struct ArrowSchema *schema) {
    if (array->release != NULL) array->release(array);
    if (schema->release != NULL) schema->release(schema);
}

#ifndef MW_SOURCE
#define MW_SOURCE ""
#endif
/* The digest of the sources that this was made from. */
MW_PUBLIC const char *mw_source(void) { return MW_SOURCE; }
