/* SPDX-License-Identifier: MIT */
/* The guest's code, to be copied to GUEST_CODE; its entry is its first byte. */
#ifndef CAPTURE_VMM_IMAGE_H
#define CAPTURE_VMM_IMAGE_H

extern const unsigned char guest_image[], guest_image_end[];

#endif
