/* SPDX-License-Identifier: MIT */
/* The tables of export_sqlite.c; user_version counts changes of them. */
#ifndef DATASETS_EXPORT_SCHEMA_H
#define DATASETS_EXPORT_SCHEMA_H

#define EXPORT_SCHEMA                                                          \
	"PRAGMA user_version = 1;"                                             \
	"CREATE TABLE meta(name TEXT PRIMARY KEY, value TEXT NOT NULL)"        \
	" STRICT, WITHOUT ROWID;"                                              \
	"CREATE TABLE slot(gfn INTEGER PRIMARY KEY, npages INTEGER NOT NULL,"  \
	" hva INTEGER NOT NULL, page_bytes INTEGER NOT NULL,"                  \
	" node INTEGER NOT NULL, backing TEXT NOT NULL) STRICT;"               \
	"CREATE TABLE event(seq INTEGER PRIMARY KEY, tick INTEGER NOT NULL,"   \
	" kind TEXT NOT NULL, gfn INTEGER, count INTEGER NOT NULL,"            \
	" vcpu INTEGER NOT NULL, reason TEXT NOT NULL) STRICT;"                \
	"CREATE TABLE epoch(epoch INTEGER PRIMARY KEY,"                        \
	" start_tick INTEGER NOT NULL, end_tick INTEGER NOT NULL,"             \
	" scan_start_tick INTEGER NOT NULL, scan_end_tick INTEGER NOT NULL,"   \
	" ordered INTEGER NOT NULL, has_accessed INTEGER NOT NULL,"            \
	" has_dirty INTEGER NOT NULL, samples INTEGER) STRICT;"                \
	"CREATE TABLE run(epoch INTEGER NOT NULL REFERENCES epoch,"            \
	" place INTEGER NOT NULL, gfn INTEGER NOT NULL,"                       \
	" npages INTEGER NOT NULL, level TEXT NOT NULL, accessed INTEGER,"     \
	" dirty INTEGER, hits INTEGER, PRIMARY KEY(epoch, place))"             \
	" STRICT, WITHOUT ROWID;"                                              \
	"CREATE TABLE note(seq INTEGER PRIMARY KEY, text TEXT NOT NULL) "      \
	"STRICT;"

#endif
