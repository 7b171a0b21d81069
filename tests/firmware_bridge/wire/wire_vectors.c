/* SPDX-License-Identifier: Apache-2.0
 *
 * Lets test_wire_header.py speak to loamscan_wire.h: a command a line, its fields between spaces,
 * numbers decimal, bytes and texts hexadecimal ("-" for none), floats as their bytes in memory.
 * Each reply ends with a line that is a dot.
 *
 * Buffers are exactly as large as the header is told, for a sanitizer to see what oversteps them.
 */
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#include "loamscan_wire.h"

/* ---- Fields of a command ---- */

static void *held[8];
static size_t held_count;

static void *hold(size_t size)
{
    void *memory = malloc(size > 0 ? size : 1);
    if (memory == NULL || held_count == sizeof held / sizeof *held)
        abort();
    return held[held_count++] = memory;
}

static void let_go(void)
{
    while (held_count > 0)
        free(held[--held_count]);
}

static const char *word(void)
{
    static char field[1 << 18];
    if (scanf("%262143s", field) != 1)
        abort();
    return field;
}

static long long number(void)
{
    return strtoll(word(), NULL, 10);
}

static void *bytes(size_t *size)
{
    const char *hex = word();
    uint8_t *into;
    size_t i;
    *size = strcmp(hex, "-") == 0 ? 0 : strlen(hex) / 2;
    into = hold(*size);
    for (i = 0; i < *size; i++)
        if (sscanf(hex + 2 * i, "%2" SCNx8, &into[i]) != 1)
            abort();
    return into;
}

static const char *text(void)
{
    size_t size;
    const void *content = bytes(&size);
    char *ended = hold(size + 1);
    memcpy(ended, content, size);
    ended[size] = '\0';
    return ended;
}

static void show(const uint8_t *content, size_t size)
{
    while (size-- > 0)
        printf("%02x", *content++);
    printf("\n");
}

/* ---- Commands that write a frame: the room for it, its sequence, the message's fields ---- */

static size_t write_frame(uint8_t *out, size_t room, uint16_t sequence)
{
    uint8_t type = (uint8_t)number();
    size_t size;
    const uint8_t *payload = bytes(&size);
    return loamscan_write_frame(out, room, type, sequence, payload, size);
}

static size_t write_info(uint8_t *out, size_t room, uint16_t sequence)
{
    loamscan_info info;
    info.session = (uint32_t)number();
    info.capabilities = (uint32_t)number();
    info.model = text();
    info.serial = text();
    info.firmware = text();
    return loamscan_write_info(out, room, sequence, &info);
}

static loamscan_axis read_axis(void)
{
    loamscan_axis axis;
    size_t size;
    axis.unit = (uint8_t)number();
    axis.values = bytes(&size);
    axis.count = (uint16_t)(size / sizeof *axis.values);
    return axis;
}

static size_t write_axis(uint8_t *out, size_t room, uint16_t sequence)
{
    loamscan_axis axis = read_axis();
    return loamscan_write_axis(out, room, sequence, &axis);
}

static size_t write_accepted(uint8_t *out, size_t room, uint16_t sequence)
{
    return loamscan_write_accepted(out, room, sequence, (uint32_t)number());
}

static size_t write_status(uint8_t *out, size_t room, uint16_t sequence)
{
    loamscan_status status;
    status.temperature_centi_c = (int16_t)number();
    status.battery_pct = (uint8_t)number();
    status.state = (uint8_t)number();
    return loamscan_write_status(out, room, sequence, &status);
}

static size_t write_error(uint8_t *out, size_t room, uint16_t sequence)
{
    uint8_t code = (uint8_t)number();
    return loamscan_write_error(out, room, sequence, code, text());
}

static size_t write_scan(uint8_t *out, size_t room, uint16_t sequence)
{
    loamscan_scan scan;
    size_t size;
    scan.session = (uint32_t)number();
    scan.number = (uint32_t)number();
    scan.axis_id = (uint32_t)number();
    scan.role = (uint8_t)number();
    scan.kind = (uint8_t)number();
    scan.scan_time_ms = (uint32_t)number();
    scan.temperature_centi_c = (int16_t)number();
    scan.battery_pct = (uint8_t)number();
    memcpy(&scan.full_scale, bytes(&size), sizeof scan.full_scale);
    scan.label = text();
    scan.values = bytes(&size);
    scan.count = (uint16_t)(size / sizeof *scan.values);
    return loamscan_write_scan(out, room, sequence, &scan);
}

static const struct {
    const char *command;
    size_t (*write)(uint8_t *out, size_t room, uint16_t sequence);
} writers[] = {
    {"frame", write_frame},       {"info", write_info},     {"axis", write_axis},
    {"accepted", write_accepted}, {"status", write_status}, {"error", write_error},
    {"scan", write_scan},
};

static int wrote(const char *command)
{
    size_t i;
    for (i = 0; i < sizeof writers / sizeof *writers; i++)
        if (strcmp(command, writers[i].command) == 0) {
            size_t room = (size_t)number(), size;
            uint16_t sequence = (uint16_t)number();
            uint8_t *out = hold(room);
            size = writers[i].write(out, room, sequence);
            if (size > 0)
                show(out, size);
            else
                printf("refused\n");
            return 1;
        }
    return 0;
}

/* ---- The other commands ---- */

/* A line for each frame, then how many frames and damaged ones there were so far. */
static void feed(loamscan_decoder *decoder)
{
    size_t size;
    const uint8_t *received = bytes(&size);
    loamscan_frame frame;
    while (size-- > 0)
        if (loamscan_decode(decoder, *received++, &frame)) {
            printf("%d %d ", frame.type, frame.sequence);
            show(frame.payload, frame.size);
        }
    printf("%" PRIu32 " %" PRIu32 "\n", decoder->frames, decoder->damaged);
}

static void read_request(void)
{
    loamscan_frame frame;
    uint8_t low, high, role;
    uint32_t session, scan;
    frame.type = (uint8_t)number();
    frame.payload = bytes(&frame.size);
    if (frame.type == LOAMSCAN_HELLO && loamscan_read_hello(&frame, &low, &high))
        printf("%d %d\n", low, high);
    else if (frame.type == LOAMSCAN_GET_AXIS && loamscan_read_get_axis(&frame))
        printf("\n");
    else if (frame.type == LOAMSCAN_MEASURE && loamscan_read_measure(&frame, &role))
        printf("%d\n", role);
    else if (frame.type == LOAMSCAN_GET_STATUS && loamscan_read_get_status(&frame))
        printf("\n");
    else if (frame.type == LOAMSCAN_ACK && loamscan_read_ack(&frame, &session, &scan))
        printf("%" PRIu32 " %" PRIu32 "\n", session, scan);
    else
        printf("refused\n");
}

static void show_crc32(void)
{
    size_t size;
    const uint8_t *content = bytes(&size);
    printf("%" PRIu32 "\n", loamscan_crc32(content, size));
}

static void show_axis_id(void)
{
    loamscan_axis axis = read_axis();
    printf("%" PRIu32 "\n", loamscan_axis_id(&axis));
}

#define CONSTANT(name) {#name, LOAMSCAN_##name}

static const struct {
    const char *name;
    long value;
} constants[] = {
    CONSTANT(VERSION), CONSTANT(TEMPERATURE_UNKNOWN), CONSTANT(BATTERY_UNKNOWN),
    CONSTANT(MIN_POINTS), CONSTANT(MAX_POINTS), CONSTANT(MAX_TEXT), CONSTANT(MAX_LABEL),
    CONSTANT(MAX_PAYLOAD), CONSTANT(MAX_FRAME), CONSTANT(MAX_REQUEST),
    CONSTANT(HELLO), CONSTANT(GET_AXIS), CONSTANT(MEASURE), CONSTANT(GET_STATUS),
    CONSTANT(INFO), CONSTANT(AXIS), CONSTANT(ACCEPTED), CONSTANT(STATUS), CONSTANT(ERROR),
    CONSTANT(SCAN), CONSTANT(ACK),
    CONSTANT(CAPABILITY_MEASURE), CONSTANT(CAPABILITY_TRIGGER), CONSTANT(CAPABILITY_TEMPERATURE),
    CONSTANT(CAPABILITY_BATTERY), CONSTANT(CAPABILITY_LABEL),
    CONSTANT(UNIT_NM), CONSTANT(UNIT_PER_CM),
    CONSTANT(ROLE_SAMPLE), CONSTANT(ROLE_WHITE), CONSTANT(ROLE_DARK),
    CONSTANT(KIND_COUNTS), CONSTANT(KIND_REFLECTANCE),
    CONSTANT(STATE_READY), CONSTANT(STATE_MEASURING), CONSTANT(STATE_WARMING_UP),
    CONSTANT(STATE_FAULT),
    CONSTANT(ERROR_UNKNOWN_REQUEST), CONSTANT(ERROR_NO_COMMON_VERSION), CONSTANT(ERROR_BUSY),
    CONSTANT(ERROR_MALFORMED), CONSTANT(ERROR_NOT_ABLE), CONSTANT(ERROR_NOT_READY),
    CONSTANT(ERROR_HARDWARE),
};

static void show_constants(void)
{
    size_t i;
    for (i = 0; i < sizeof constants / sizeof *constants; i++)
        printf("%s %ld\n", constants[i].name, constants[i].value);
}

/* Bytes of the buffers that the header says are enough for scans and axes of so many bands. */
static void show_buffers(void)
{
    int count = (int)number();
    printf("%d %d\n", LOAMSCAN_FRAME_BYTES(LOAMSCAN_SCAN_BYTES(count)),
           LOAMSCAN_FRAME_BYTES(LOAMSCAN_AXIS_BYTES(count)));
}

int main(void)
{
    char command[16];
    loamscan_decoder decoder;
    uint8_t *received = NULL;

    while (scanf("%15s", command) == 1) {
        if (strcmp(command, "decoder") == 0) {
            size_t room = (size_t)number();
            free(received);
            received = malloc(room);
            if (received == NULL)
                abort();
            loamscan_decoder_init(&decoder, received, room);
        } else if (strcmp(command, "feed") == 0 && received != NULL) {
            feed(&decoder);
        } else if (strcmp(command, "read") == 0) {
            read_request();
        } else if (strcmp(command, "crc32") == 0) {
            show_crc32();
        } else if (strcmp(command, "axis_id") == 0) {
            show_axis_id();
        } else if (strcmp(command, "constants") == 0) {
            show_constants();
        } else if (strcmp(command, "buffers") == 0) {
            show_buffers();
        } else if (!wrote(command)) {
            abort();
        }
        let_go();
        printf(".\n");
        fflush(stdout);
    }
    free(received);
    return 0;
}
