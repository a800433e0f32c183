/* SPDX-License-Identifier: MIT */
/* The guest's code as a part of this program; GUEST_IMAGE comes from CMake. */
#include "capture/vmm/image.h"

__asm__(".pushsection .rodata\n"
	".global guest_image, guest_image_end\n"
	"guest_image:\n"
	".incbin \"" GUEST_IMAGE "\"\n"
	"guest_image_end:\n"
	".popsection\n");
