/* SPDX-License-Identifier: Apache-2.0
 *
 * The device's side of the loamscan wire protocol, version 1: docs/wire-protocol.md.
 *
 *     static uint8_t in[64], out[LOAMSCAN_FRAME_BYTES(LOAMSCAN_SCAN_BYTES(257))];
 *     loamscan_decoder decoder;
 *     loamscan_frame request;
 *
 *     loamscan_decoder_init(&decoder, in, sizeof in);
 *     for (;;)
 *         if (loamscan_decode(&decoder, uart_receive(), &request))
 *             switch (request.type) {
 *             case LOAMSCAN_GET_AXIS:
 *                 uart_send(out, loamscan_write_axis(out, sizeof out, request.sequence, &axis));
 *                 ...
 *
 * Frames are written straight into the buffer that is sent and decoded in the buffer that
 * receives, so there is no second copy of a scan. Nothing is allocated, nothing is kept in
 * globals: with buffers of its own, each task and interrupt may use these functions.
 *
 * A writer returns the bytes to send, terminator included, or 0 if the buffer is too small or a
 * field is out of its range. A reader returns 1, or 0 for a payload to answer with
 * LOAMSCAN_ERROR_MALFORMED. Names that end in an underscore are not for callers.
 */
#ifndef LOAMSCAN_WIRE_H
#define LOAMSCAN_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

enum { LOAMSCAN_VERSION = 1 };

/* Message types */
enum {
    LOAMSCAN_HELLO = 0x01,
    LOAMSCAN_GET_AXIS = 0x02,
    LOAMSCAN_MEASURE = 0x03,
    LOAMSCAN_GET_STATUS = 0x04,
    LOAMSCAN_INFO = 0x41,
    LOAMSCAN_AXIS = 0x42,
    LOAMSCAN_ACCEPTED = 0x43,
    LOAMSCAN_STATUS = 0x44,
    LOAMSCAN_ERROR = 0x7F,
    LOAMSCAN_SCAN = 0x80,
    LOAMSCAN_ACK = 0xC0
};

/* Bits of INFO's capabilities */
enum {
    LOAMSCAN_CAPABILITY_MEASURE = 1 << 0,
    LOAMSCAN_CAPABILITY_TRIGGER = 1 << 1,
    LOAMSCAN_CAPABILITY_TEMPERATURE = 1 << 2,
    LOAMSCAN_CAPABILITY_BATTERY = 1 << 3,
    LOAMSCAN_CAPABILITY_LABEL = 1 << 4
};

enum { LOAMSCAN_UNIT_NM, LOAMSCAN_UNIT_PER_CM };

enum { LOAMSCAN_ROLE_SAMPLE, LOAMSCAN_ROLE_WHITE, LOAMSCAN_ROLE_DARK };

enum { LOAMSCAN_KIND_COUNTS, LOAMSCAN_KIND_REFLECTANCE };

enum {
    LOAMSCAN_STATE_READY,
    LOAMSCAN_STATE_MEASURING,
    LOAMSCAN_STATE_WARMING_UP,
    LOAMSCAN_STATE_FAULT
};

enum {
    LOAMSCAN_ERROR_UNKNOWN_REQUEST = 1,
    LOAMSCAN_ERROR_NO_COMMON_VERSION,
    LOAMSCAN_ERROR_BUSY,
    LOAMSCAN_ERROR_MALFORMED,
    LOAMSCAN_ERROR_NOT_ABLE,
    LOAMSCAN_ERROR_NOT_READY,
    LOAMSCAN_ERROR_HARDWARE
};

enum { LOAMSCAN_TEMPERATURE_UNKNOWN = 0x7FFF, LOAMSCAN_BATTERY_UNKNOWN = 255 };

/* Bytes of the largest payloads: an AXIS, and a SCAN with the longest label, of so many bands */
#define LOAMSCAN_AXIS_BYTES(count) (3 + 8 * (count))
#define LOAMSCAN_SCAN_BYTES(count) (28 + LOAMSCAN_MAX_LABEL + 4 * (count))

/* Bytes that hold any frame with a payload of so many bytes, COBS and terminator included */
#define LOAMSCAN_FRAME_BYTES(payload) ((payload) + 8 + ((payload) + 8 + 253) / 254 + 1)

enum {
    LOAMSCAN_MIN_POINTS = 2,
    LOAMSCAN_MAX_POINTS = 1024,
    LOAMSCAN_MAX_TEXT = 255, /* bytes, as all below */
    LOAMSCAN_MAX_LABEL = 64,
    LOAMSCAN_MAX_PAYLOAD = LOAMSCAN_AXIS_BYTES(LOAMSCAN_MAX_POINTS),
    LOAMSCAN_MAX_FRAME = LOAMSCAN_FRAME_BYTES(LOAMSCAN_MAX_PAYLOAD) - 1, /* no terminator */
    LOAMSCAN_MAX_REQUEST = LOAMSCAN_FRAME_BYTES(8) - 1 /* an ACK; no host sends a longer frame */
};

/* Positions of bands travel as f64; a compiler whose double is shorter would spoil them. */
typedef char loamscan_float_is_f32_[sizeof(float) == 4 ? 1 : -1];
typedef char loamscan_double_is_f64_[sizeof(double) == 8 ? 1 : -1];

/* ---- CRC-32/ISO-HDLC ---- */

#define LOAMSCAN_CRC_INVERTED_ 0xFFFFFFFFu

/* Half a byte at a time: 64 bytes of flash, and four times the speed of single bits. */
static inline uint32_t loamscan_crc_add_(uint32_t crc, uint8_t byte)
{
    static const uint32_t table[16] = {
        0x00000000u, 0x1DB71064u, 0x3B6E20C8u, 0x26D930ACu, 0x76DC4190u, 0x6B6B51F4u,
        0x4DB26158u, 0x5005713Cu, 0xEDB88320u, 0xF00F9344u, 0xD6D6A3E8u, 0xCB61B38Cu,
        0x9B64C2B0u, 0x86D3D2D4u, 0xA00AE278u, 0xBDBDF21Cu
    };
    crc ^= byte;
    crc = (crc >> 4) ^ table[crc & 0xF];
    return (crc >> 4) ^ table[crc & 0xF];
}

static inline uint32_t loamscan_crc32(const uint8_t *bytes, size_t size)
{
    uint32_t crc = LOAMSCAN_CRC_INVERTED_;
    while (size-- > 0)
        crc = loamscan_crc_add_(crc, *bytes++);
    return crc ^ LOAMSCAN_CRC_INVERTED_;
}

/* ---- Writing a frame ---- */

typedef struct {
    uint8_t *out;
    size_t capacity;
    size_t size;    /* counts on past the capacity, so that one look at the end is enough */
    size_t code_at; /* where the COBS code of the group under way goes once its length is known */
    uint8_t code;
    uint32_t crc;
} loamscan_writer_;

static inline void loamscan_out_(loamscan_writer_ *w, size_t at, uint8_t byte)
{
    if (at < w->capacity)
        w->out[at] = byte;
}

static inline void loamscan_group_(loamscan_writer_ *w)
{
    w->code_at = w->size++;
    w->code = 1;
}

static inline void loamscan_stuff_(loamscan_writer_ *w, uint8_t byte)
{
    /* A full group is followed by another only if there is something to put into it. */
    if (w->code == 0xFF) {
        loamscan_out_(w, w->code_at, w->code);
        loamscan_group_(w);
    }
    if (byte == 0) {
        loamscan_out_(w, w->code_at, w->code);
        loamscan_group_(w);
    } else {
        loamscan_out_(w, w->size++, byte);
        w->code++;
    }
}

static inline void loamscan_put_byte_(loamscan_writer_ *w, uint8_t byte)
{
    w->crc = loamscan_crc_add_(w->crc, byte);
    loamscan_stuff_(w, byte);
}

/* Shifts give little endian on any machine. */
static inline void loamscan_put_(loamscan_writer_ *w, uint64_t value, int bytes)
{
    for (; bytes > 0; bytes--, value >>= 8)
        loamscan_put_byte_(w, (uint8_t)(value & 0xFF));
}

/* Floats go by address: passed by value, some machines change the bits of a NaN. */
static inline void loamscan_put_f32_(loamscan_writer_ *w, const float *value)
{
    uint32_t bits;
    memcpy(&bits, value, sizeof bits);
    loamscan_put_(w, bits, 4);
}

static inline void loamscan_put_f64_(loamscan_writer_ *w, const double *value)
{
    uint64_t bits;
    memcpy(&bits, value, sizeof bits);
    loamscan_put_(w, bits, 8);
}

static inline void loamscan_put_text_(loamscan_writer_ *w, const char *text)
{
    loamscan_put_(w, strlen(text), 1);
    while (*text != '\0')
        loamscan_put_byte_(w, (uint8_t)*text++);
}

static inline loamscan_writer_ loamscan_begin_(uint8_t *out, size_t capacity, uint8_t type,
                                               uint16_t sequence)
{
    loamscan_writer_ w;
    w.out = out;
    w.capacity = capacity;
    w.size = 0;
    w.crc = LOAMSCAN_CRC_INVERTED_;
    loamscan_group_(&w);
    loamscan_put_byte_(&w, LOAMSCAN_VERSION);
    loamscan_put_byte_(&w, type);
    loamscan_put_(&w, sequence, 2);
    return w;
}

static inline size_t loamscan_end_(loamscan_writer_ *w)
{
    uint32_t crc = w->crc ^ LOAMSCAN_CRC_INVERTED_;
    int i;
    for (i = 0; i < 4; i++, crc >>= 8)
        loamscan_stuff_(w, (uint8_t)(crc & 0xFF));
    loamscan_out_(w, w->code_at, w->code);
    loamscan_out_(w, w->size++, 0);
    return w->size <= w->capacity ? w->size : 0;
}

/* ---- Messages a device sends ----
 *
 * Texts are C strings in UTF-8. See to that: the host refuses a message with anything else, and
 * a scan it refuses is never acknowledged.
 */

typedef struct {
    uint32_t session;
    uint32_t capabilities;
    const char *model;
    const char *serial;
    const char *firmware;
} loamscan_info;

typedef struct {
    uint8_t unit;
    uint16_t count;
    const double *values; /* positive, strictly rising or strictly falling: the host looks */
} loamscan_axis;

typedef struct {
    int16_t temperature_centi_c; /* hundredths of a degree Celsius */
    uint8_t battery_pct;
    uint8_t state;
} loamscan_status;

typedef struct {
    uint32_t session;
    uint32_t number;
    uint32_t axis_id;
    uint8_t role;
    uint8_t kind;
    uint32_t scan_time_ms;
    int16_t temperature_centi_c;
    uint8_t battery_pct;
    float full_scale;
    const char *label;
    uint16_t count;
    const float *values;
} loamscan_scan;

static inline int loamscan_is_text_(const char *text, size_t most_bytes)
{
    return strlen(text) <= most_bytes;
}

static inline int loamscan_is_count_(uint16_t count)
{
    return count >= LOAMSCAN_MIN_POINTS && count <= LOAMSCAN_MAX_POINTS;
}

/* Any payload as it is, for messages of your own making. */
static inline size_t loamscan_write_frame(uint8_t *out, size_t capacity, uint8_t type,
                                          uint16_t sequence, const uint8_t *payload, size_t size)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, type, sequence);
    if (size > LOAMSCAN_MAX_PAYLOAD)
        return 0;
    while (size-- > 0)
        loamscan_put_byte_(&w, *payload++);
    return loamscan_end_(&w);
}

static inline size_t loamscan_write_info(uint8_t *out, size_t capacity, uint16_t sequence,
                                         const loamscan_info *info)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_INFO, sequence);
    if (!loamscan_is_text_(info->model, LOAMSCAN_MAX_TEXT) ||
        !loamscan_is_text_(info->serial, LOAMSCAN_MAX_TEXT) ||
        !loamscan_is_text_(info->firmware, LOAMSCAN_MAX_TEXT))
        return 0;
    loamscan_put_byte_(&w, LOAMSCAN_VERSION);
    loamscan_put_(&w, info->session, 4);
    loamscan_put_(&w, info->capabilities, 4);
    loamscan_put_text_(&w, info->model);
    loamscan_put_text_(&w, info->serial);
    loamscan_put_text_(&w, info->firmware);
    return loamscan_end_(&w);
}

static inline void loamscan_put_axis_(loamscan_writer_ *w, const loamscan_axis *axis)
{
    uint16_t i;
    loamscan_put_byte_(w, axis->unit);
    loamscan_put_(w, axis->count, 2);
    for (i = 0; i < axis->count; i++)
        loamscan_put_f64_(w, &axis->values[i]);
}

static inline size_t loamscan_write_axis(uint8_t *out, size_t capacity, uint16_t sequence,
                                         const loamscan_axis *axis)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_AXIS, sequence);
    if (axis->unit > LOAMSCAN_UNIT_PER_CM || !loamscan_is_count_(axis->count))
        return 0;
    loamscan_put_axis_(&w, axis);
    return loamscan_end_(&w);
}

/* What a SCAN names its axis by. It changes only with the axis: work it out once. */
static inline uint32_t loamscan_axis_id(const loamscan_axis *axis)
{
    /* A writer without room only counts; the id is of the payload, so the header is left out. */
    loamscan_writer_ w = loamscan_begin_(NULL, 0, LOAMSCAN_AXIS, 0);
    w.crc = LOAMSCAN_CRC_INVERTED_;
    loamscan_put_axis_(&w, axis);
    return w.crc ^ LOAMSCAN_CRC_INVERTED_;
}

static inline size_t loamscan_write_accepted(uint8_t *out, size_t capacity, uint16_t sequence,
                                             uint32_t estimate_ms)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_ACCEPTED, sequence);
    loamscan_put_(&w, estimate_ms, 4);
    return loamscan_end_(&w);
}

static inline size_t loamscan_write_status(uint8_t *out, size_t capacity, uint16_t sequence,
                                           const loamscan_status *status)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_STATUS, sequence);
    if (status->state > LOAMSCAN_STATE_FAULT)
        return 0;
    loamscan_put_(&w, (uint16_t)status->temperature_centi_c, 2);
    loamscan_put_byte_(&w, status->battery_pct);
    loamscan_put_byte_(&w, status->state);
    return loamscan_end_(&w);
}

static inline size_t loamscan_write_error(uint8_t *out, size_t capacity, uint16_t sequence,
                                          uint8_t code, const char *text)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_ERROR, sequence);
    if (!loamscan_is_text_(text, LOAMSCAN_MAX_TEXT))
        return 0;
    loamscan_put_byte_(&w, code);
    loamscan_put_text_(&w, text);
    return loamscan_end_(&w);
}

static inline size_t loamscan_write_scan(uint8_t *out, size_t capacity, uint16_t sequence,
                                         const loamscan_scan *scan)
{
    loamscan_writer_ w = loamscan_begin_(out, capacity, LOAMSCAN_SCAN, sequence);
    uint16_t i;
    if (scan->role > LOAMSCAN_ROLE_DARK || scan->kind > LOAMSCAN_KIND_REFLECTANCE ||
        !loamscan_is_text_(scan->label, LOAMSCAN_MAX_LABEL) || !loamscan_is_count_(scan->count))
        return 0;
    loamscan_put_(&w, scan->session, 4);
    loamscan_put_(&w, scan->number, 4);
    loamscan_put_(&w, scan->axis_id, 4);
    loamscan_put_byte_(&w, scan->role);
    loamscan_put_byte_(&w, scan->kind);
    loamscan_put_(&w, scan->scan_time_ms, 4);
    loamscan_put_(&w, (uint16_t)scan->temperature_centi_c, 2);
    loamscan_put_byte_(&w, scan->battery_pct);
    loamscan_put_f32_(&w, &scan->full_scale);
    loamscan_put_text_(&w, scan->label);
    loamscan_put_(&w, scan->count, 2);
    for (i = 0; i < scan->count; i++)
        loamscan_put_f32_(&w, &scan->values[i]);
    return loamscan_end_(&w);
}

/* ---- Receiving frames ---- */

typedef struct {
    uint8_t type;
    uint16_t sequence;
    const uint8_t *payload; /* in the decoder's buffer: gone with the next byte received */
    size_t size;
} loamscan_frame;

typedef struct {
    uint32_t frames;
    uint32_t damaged;
    uint8_t *buffer;
    size_t capacity;
    size_t used;
    int oversized;
} loamscan_decoder;

/* A buffer of LOAMSCAN_MAX_FRAME bytes receives every frame there may be. LOAMSCAN_MAX_REQUEST
 * bytes are enough for the hosts of version 1; with some more, a longer request of a later
 * version is answered as unknown instead of skipped as damaged. */
static inline void loamscan_decoder_init(loamscan_decoder *decoder, uint8_t *buffer,
                                         size_t capacity)
{
    decoder->frames = 0;
    decoder->damaged = 0;
    decoder->buffer = buffer;
    decoder->capacity = capacity;
    if (capacity > LOAMSCAN_MAX_FRAME)
        decoder->capacity = LOAMSCAN_MAX_FRAME;
    decoder->used = 0;
    decoder->oversized = 0;
}

static inline uint32_t loamscan_u32_(const uint8_t *bytes)
{
    return (uint32_t)bytes[0] | (uint32_t)bytes[1] << 8 | (uint32_t)bytes[2] << 16 |
           (uint32_t)bytes[3] << 24;
}

/* Undoes COBS in place, which works because what is read is always ahead of what is written.
 * The bytes hold no 0x00. Returns the size left, 0 for a code that points beyond the end. */
static inline size_t loamscan_unstuff_(uint8_t *bytes, size_t size)
{
    size_t from = 0, to = 0;
    while (from < size) {
        uint8_t code = bytes[from++];
        size_t length = (size_t)code - 1;
        if (length > size - from)
            return 0;
        memmove(bytes + to, bytes + from, length);
        from += length;
        to += length;
        if (code < 0xFF && from < size)
            bytes[to++] = 0;
    }
    return to;
}

static inline int loamscan_open_(uint8_t *bytes, size_t stuffed, loamscan_frame *frame)
{
    size_t size = loamscan_unstuff_(bytes, stuffed);
    if (size < 8 || size > LOAMSCAN_MAX_PAYLOAD + 8 ||
        loamscan_crc32(bytes, size - 4) != loamscan_u32_(bytes + size - 4) ||
        bytes[0] != LOAMSCAN_VERSION)
        return 0;
    frame->type = bytes[1];
    frame->sequence = (uint16_t)(bytes[2] | (unsigned)bytes[3] << 8);
    frame->payload = bytes + 4;
    frame->size = size - 8;
    return 1;
}

/* Takes the next byte received; returns 1 if it ended a good frame, which is then in `frame`. */
static inline int loamscan_decode(loamscan_decoder *decoder, uint8_t byte, loamscan_frame *frame)
{
    size_t used = decoder->used;
    int oversized = decoder->oversized;
    if (byte != 0) {
        if (used < decoder->capacity)
            decoder->buffer[decoder->used++] = byte;
        else
            decoder->oversized = 1;
        return 0;
    }
    decoder->used = 0;
    decoder->oversized = 0;
    if (used == 0)
        return 0;
    if (oversized || !loamscan_open_(decoder->buffer, used, frame)) {
        decoder->damaged++;
        return 0;
    }
    decoder->frames++;
    return 1;
}

/* ---- Messages a device receives; the caller has looked at the frame's type ---- */

static inline int loamscan_read_hello(const loamscan_frame *frame, uint8_t *min_version,
                                      uint8_t *max_version)
{
    if (frame->size != 2 || frame->payload[0] > frame->payload[1])
        return 0;
    *min_version = frame->payload[0];
    *max_version = frame->payload[1];
    return 1;
}

static inline int loamscan_read_get_axis(const loamscan_frame *frame)
{
    return frame->size == 0;
}

static inline int loamscan_read_measure(const loamscan_frame *frame, uint8_t *role)
{
    if (frame->size != 1 || frame->payload[0] > LOAMSCAN_ROLE_DARK)
        return 0;
    *role = frame->payload[0];
    return 1;
}

static inline int loamscan_read_get_status(const loamscan_frame *frame)
{
    return frame->size == 0;
}

static inline int loamscan_read_ack(const loamscan_frame *frame, uint32_t *session,
                                    uint32_t *number)
{
    if (frame->size != 8)
        return 0;
    *session = loamscan_u32_(frame->payload);
    *number = loamscan_u32_(frame->payload + 4);
    return 1;
}

#endif
