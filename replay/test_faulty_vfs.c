/* SPDX-License-Identifier: MIT */
/* Writes and syncs that fail; see test_faulty_vfs.h. */
#include "replay/test_faulty_vfs.h"

#include <sqlite3.h>
#include <stddef.h>

/* One for databases, one for journals, which are not locked. */
struct faulty_methods {
	sqlite3_io_methods ours;
	const sqlite3_io_methods *real;
};

/* SQLite's own VFS, but for what it says of a write or a sync. */
static struct {
	sqlite3_vfs vfs;
	const sqlite3_vfs *real;
	struct faulty_methods methods[2];
	unsigned long left; /* until a fault; 0: none is armed */
	int code;
	bool stays, has_fired;
} faulty;

static bool is_due(void)
{
	if (!faulty.left)
		return false;
	if (faulty.left > 1) {
		faulty.left--;
		return false;
	}
	faulty.left = faulty.stays;
	faulty.has_fired = true;
	return true;
}

static const sqlite3_io_methods *real_of(const sqlite3_file *file)
{
	return file->pMethods == &faulty.methods[0].ours
		       ? faulty.methods[0].real
		       : faulty.methods[1].real;
}

static int faulty_write(sqlite3_file *file, const void *data, int bytes,
			sqlite3_int64 offset)
{
	return is_due() ? faulty.code
			: real_of(file)->xWrite(file, data, bytes, offset);
}

static int faulty_sync(sqlite3_file *file, int flags)
{
	return is_due() ? SQLITE_IOERR_FSYNC
			: real_of(file)->xSync(file, flags);
}

static int faulty_open(sqlite3_vfs *vfs, const char *name, sqlite3_file *file,
		       int flags, int *out)
{
	int ret = faulty.real->xOpen(vfs, name, file, flags, out);
	struct faulty_methods *m;

	if (!file->pMethods)
		return ret;
	m = &faulty.methods[!(flags & SQLITE_OPEN_MAIN_DB)];
	m->real = file->pMethods;
	m->ours = *file->pMethods;
	m->ours.xWrite = faulty_write;
	m->ours.xSync = faulty_sync;
	file->pMethods = &m->ours;
	return ret;
}

void faulty_arm(unsigned long nth, int code, bool stays)
{
	faulty.left = nth;
	faulty.code = code;
	faulty.stays = stays;
	faulty.has_fired = false;
}

bool faulty_disarm(void)
{
	bool has_fired = faulty.has_fired;

	faulty.left = 0;
	faulty.has_fired = false;
	return has_fired;
}

int faulty_register(void)
{
	faulty.real = sqlite3_vfs_find(NULL);
	faulty.vfs = *faulty.real;
	faulty.vfs.zName = "faulty";
	faulty.vfs.xOpen = faulty_open;
	return sqlite3_vfs_register(&faulty.vfs, 1);
}
