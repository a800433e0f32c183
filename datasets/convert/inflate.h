/* SPDX-License-Identifier: MIT */
/* A whole file in memory, decompressed if it is compressed by zlib or gzip. */
#ifndef DATASETS_INFLATE_H
#define DATASETS_INFLATE_H

#include "base/outbuf.h"
#include "datasets/convert/import.h"

/* Return: 0, -EBADMSG, -ENOMEM or -EIO; outbuf_fini() is due either way. */
int inflate_file(struct import_job *job, struct outbuf *text,
		 struct status *st);

#endif
