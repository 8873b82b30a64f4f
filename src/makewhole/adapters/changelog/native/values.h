/* A value's bytes in a row go in, the value as Arrow holds it comes out. What Arrow cannot hold exactly, or no server writes, is refused:
the Python reader has a word for it. What each type's bytes are stands in numbers.py, moments.py and columns.py. */
#ifndef MW_VALUES_H
#define MW_VALUES_H

#include "arrow.h"

enum mw_type {
    MW_SKIP_FIXED = 0, /* `size` bytes that nobody wants */
    MW_SKIP_COUNTED,   /* a length of `size` bytes, and so many behind it */
    MW_SIGNED,         /* integers of 1, 2, 3, 4 or 8 bytes */
    MW_UNSIGNED,
    MW_FLOATING,
    MW_DECIMAL, /* `digits` and `scale`, at most 38 digits */
    MW_BITS,
    MW_YEAR,
    MW_DATE,
    MW_DATETIME, /* `scale` digits of a fraction */
    MW_TIMESTAMP,
    MW_TIME,
    MW_UTF8,
    MW_ASCII, /* text of a set in which bytes below 128 are ASCII: only such bytes are taken */
    MW_BINARY,
    MW_PADDED, /* BINARY of `digits` bytes: zeros at its end are not in the log */
    MW_ENUM,
    MW_SET,
    MW_TYPES
};

typedef struct {
    int32_t type;
    int32_t size; /* bytes of the value, or of the length in front of it */
    int32_t digits;
    int32_t scale;
    const char *name;   /* NULL for a column that nobody wants */
    const char *format; /* Arrow's letters for the type */
    const uint8_t *labels; /* of ENUM and SET: one after the other */
    const uint32_t *label_ends;
    uint32_t label_count;
    int32_t width; /* bytes of a value in Arrow; 0 for text and bytes */
} mw_column;

static const uint8_t mw_digit_bytes[10] = {0, 1, 1, 2, 2, 3, 3, 4, 4, 4};
static const uint32_t mw_powers[10] = {1, 10, 100, 1000, 10000, 100000, 1000000, 10000000, 100000000, 1000000000};

/* One group of decimal digits; false for a group that holds more than its digits can say. */
static inline bool mw_group(const uint8_t **at, unsigned digits, uint8_t turned, unsigned __int128 *sum) {
    uint32_t part = 0;
    for (unsigned i = 0; i < mw_digit_bytes[digits]; i++) part = part << 8 | (uint8_t)(*(*at)++ ^ turned);
    if (part >= mw_powers[digits]) return false;
    *sum = *sum * mw_powers[digits] + part;
    return true;
}

static bool mw_decimal(const mw_column *column, const uint8_t *at, uint8_t *into) {
    uint8_t first = at[0], copy[24];
    uint8_t turned = first & 0x80 ? 0 : 0xFF;
    memcpy(copy, at, (size_t)column->size);
    copy[0] = first ^ 0x80;
    const uint8_t *from = copy;
    unsigned whole = (unsigned)(column->digits - column->scale), part = (unsigned)column->scale;
    unsigned __int128 sum = 0;
    if (whole % 9 && !mw_group(&from, whole % 9, turned, &sum)) return false;
    for (unsigned i = 0; i < whole / 9; i++)
        if (!mw_group(&from, 9, turned, &sum)) return false;
    for (unsigned i = 0; i < part / 9; i++)
        if (!mw_group(&from, 9, turned, &sum)) return false;
    if (part % 9 && !mw_group(&from, part % 9, turned, &sum)) return false;
    if (turned && sum == 0) return false; /* minus zero */
    __int128 told = turned ? -(__int128)sum : (__int128)sum;
    memcpy(into, &told, sizeof told);
    return true;
}

/* Days from 1970-01-01 in the calendar that Python and Arrow have; false for a day that it has not. */
static bool mw_days(int64_t year, unsigned month, unsigned day, int64_t *days) {
    static const uint8_t lengths[13] = {0, 31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};
    if (year < 1 || year > 9999 || month < 1 || month > 12 || day < 1) return false;
    bool leap = (year % 4 == 0 && year % 100 != 0) || year % 400 == 0;
    if (day > lengths[month] + (month == 2 && leap ? 1u : 0u)) return false;
    /* Years that begin in March: the leap day is their last. */
    int64_t y = month <= 2 ? year - 1 : year;
    int64_t of_year = (153 * ((int64_t)month + (month > 2 ? -3 : 9)) + 2) / 5 + (int64_t)day - 1;
    *days = y * 365 + y / 4 - y / 100 + y / 400 + of_year - 719468;
    return true;
}

static inline uint64_t mw_micro(const uint8_t *at, int digits) {
    static const uint32_t units[4] = {0, 10000, 100, 1};
    size_t width = (size_t)(digits + 1) / 2;
    return mw_big(at, width) * units[width];
}

static bool mw_datetime(const mw_column *column, const uint8_t *at, int64_t *told) {
    uint64_t packed = mw_big(at, 5), micro = mw_micro(at + 5, column->scale);
    if (packed < 0x8000000000u || micro >= 1000000) return false;
    packed -= 0x8000000000u;
    uint64_t months = packed >> 22;
    unsigned hour = packed >> 12 & 31, minute = packed >> 6 & 63, second = packed & 63;
    int64_t days;
    if (hour > 23 || minute > 59 || second > 59) return false;
    if (!mw_days((int64_t)(months / 13), (unsigned)(months % 13), packed >> 17 & 31, &days)) return false;
    *told = ((days * 24 + hour) * 60 + minute) * 60 * 1000000 + (int64_t)second * 1000000 + (int64_t)micro;
    return true;
}

static int64_t mw_span(const mw_column *column, const uint8_t *at) {
    size_t width = (size_t)(column->scale + 1) / 2;
    static const uint32_t units[4] = {0, 10000, 100, 1};
    int64_t packed = (int64_t)mw_big(at, 3 + width) - ((int64_t)0x800000 << 8 * width);
    uint64_t size = (uint64_t)(packed < 0 ? -packed : packed), hms = size >> 8 * width;
    int64_t micro = (int64_t)((size & (((uint64_t)1 << 8 * width) - 1)) * units[width]);
    int64_t seconds = (int64_t)((hms >> 12 & 1023) * 3600 + (hms >> 6 & 63) * 60 + (hms & 63));
    return packed < 0 ? -(seconds * 1000000 + micro) : seconds * 1000000 + micro;
}

/* Whether Python would read it as UTF-8: no surrogates, nothing longer than need be, nothing above 10FFFF. */
static bool mw_is_utf8(const uint8_t *at, size_t size) {
    const uint8_t *end = at + size;
    while (at < end) {
        uint64_t eight;
        while (end - at >= 8 && (memcpy(&eight, at, 8), (eight & 0x8080808080808080u) == 0)) at += 8;
        while (at < end && *at < 0x80) at++;
        if (at == end) return true;
        unsigned more = *at >= 0xF0 ? 3 : *at >= 0xE0 ? 2 : 1;
        if (*at < 0xC2 || *at > 0xF4 || (size_t)(end - at) <= more) return false;
        if (*at == 0xE0 && at[1] < 0xA0) return false;
        if (*at == 0xED && at[1] > 0x9F) return false;
        if (*at == 0xF0 && at[1] < 0x90) return false;
        if (*at == 0xF4 && at[1] > 0x8F) return false;
        for (unsigned i = 1; i <= more; i++)
            if ((at[i] & 0xC0) != 0x80) return false;
        at += more + 1;
    }
    return true;
}

static bool mw_is_ascii(const uint8_t *at, size_t size) {
    uint8_t high = 0;
    for (size_t i = 0; i < size; i++) high |= at[i];
    return high < 0x80;
}

static bool mw_append(mw_grown *into, const uint8_t *at, size_t size) {
    uint8_t *room = mw_text_room(into, size);
    if (room == NULL) return false;
    if (size) memcpy(room, at, size);
    into->data_size += size;
    return true;
}

static bool mw_label(const mw_column *column, mw_grown *into, uint64_t number) {
    uint32_t begin = number ? column->label_ends[number - 1] : 0;
    return mw_append(into, column->labels + begin, column->label_ends[number] - begin);
}

/* The label of a number from 1 on; none for 0, which MySQL keeps for what was no label. */
static bool mw_enum(const mw_column *column, mw_grown *into, uint64_t number) {
    return number == 0 || (number <= column->label_count && mw_label(column, into, number - 1));
}

static bool mw_set(const mw_column *column, mw_grown *into, uint64_t bits) {
    bool first = true;
    for (uint32_t i = 0; i < column->label_count && i < 64; i++) {
        if (!(bits >> i & 1)) continue;
        if (!first && !mw_append(into, (const uint8_t *)",", 1)) return false;
        if (!mw_label(column, into, i)) return false;
        first = false;
    }
    return true;
}

static bool mw_counted(const mw_column *column, mw_bytes *from, mw_grown *into) {
    const uint8_t *head = mw_take(from, (size_t)column->size);
    if (head == NULL) return false;
    size_t size = (size_t)mw_little(head, (size_t)column->size);
    const uint8_t *at = mw_take(from, size);
    if (at == NULL) return false;
    if (column->type == MW_SKIP_COUNTED) return true;
    if (column->type == MW_UTF8 && !mw_is_utf8(at, size)) return false;
    if (column->type == MW_ASCII && !mw_is_ascii(at, size)) return false;
    if (!mw_append(into, at, size)) return false;
    if (column->type != MW_PADDED) return true;
    size_t missing = (size_t)column->digits > size ? (size_t)column->digits - size : 0;
    uint8_t *room = mw_text_room(into, missing);
    if (room == NULL) return false;
    memset(room, 0, missing);
    into->data_size += missing;
    return true;
}

/* One value that is not NULL, taken from the row and put at the end of its column. */
static bool mw_value(const mw_column *column, mw_bytes *from, mw_grown *into, size_t row) {
    if (column->type == MW_SKIP_COUNTED || (column->type >= MW_UTF8 && column->type <= MW_PADDED)) return mw_counted(column, from, into);
    size_t size = (size_t)column->size;
    const uint8_t *at = mw_take(from, size);
    if (at == NULL) return false;
    int64_t told = 0;
    switch (column->type) {
        case MW_SKIP_FIXED: return true;
        case MW_SIGNED: {
            unsigned unused = 64 - 8 * (unsigned)size;
            told = (int64_t)(mw_little(at, size) << unused) >> unused;
            break;
        }
        case MW_UNSIGNED: case MW_FLOATING: told = (int64_t)mw_little(at, size); break;
        case MW_DECIMAL: return mw_decimal(column, at, into->values + row * 16);
        case MW_BITS: told = (int64_t)mw_big(at, size); break;
        case MW_YEAR: told = at[0] ? at[0] + 1900 : 0; break;
        case MW_DATE: {
            uint64_t packed = mw_little(at, 3);
            if (!mw_days((int64_t)(packed >> 9), packed >> 5 & 15, packed & 31, &told)) return false;
            break;
        }
        case MW_DATETIME:
            if (!mw_datetime(column, at, &told)) return false;
            break;
        case MW_TIMESTAMP:
            told = (int64_t)(mw_big(at, 4) * 1000000 + mw_micro(at + 4, column->scale));
            if (mw_big(at, size) == 0) return false; /* the zero date */
            break;
        case MW_TIME: told = mw_span(column, at); break;
        case MW_ENUM: return mw_enum(column, into, mw_little(at, size));
        case MW_SET: return mw_set(column, into, mw_little(at, size));
        default: return false;
    }
    memcpy(into->values + row * (size_t)column->width, &told, (size_t)column->width);
    return true;
}

#endif
