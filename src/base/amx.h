/* The registers of AMX as our kernels use them: all eight hold 16 rows of 64 bytes. */
#ifndef ED_BASE_AMX_H
#define ED_BASE_AMX_H

#include <stdint.h>

static const struct {
    uint8_t palette, start_row, reserved[14];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} whole __attribute__((aligned(64))) = {.palette = 1,
                                        .row_bytes = {64, 64, 64, 64, 64, 64, 64, 64},
                                        .rows = {16, 16, 16, 16, 16, 16, 16, 16}};

#endif
