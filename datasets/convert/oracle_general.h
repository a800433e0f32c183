/* SPDX-License-Identifier: MIT */
/*
 * A record of libCacheSim's oracleGeneral format: 24 bytes, packed, little-endian
 * (libCacheSim, traceReader/customizedReader/oracle/oracleGeneralBin.h).  The file has
 * no header.
 */
#ifndef DATASETS_ORACLE_GENERAL_H
#define DATASETS_ORACLE_GENERAL_H

#include <stdint.h>

struct __attribute__((packed)) oracle_general {
	uint32_t time; /* seconds, they say */
	uint64_t id;
	uint32_t bytes;
	int64_t next; /* number of the next request of this id, from 0; -1: none */
};

_Static_assert(sizeof(struct oracle_general) == 24, "packed");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "records as stored");

#endif
