/* SPDX-License-Identifier: MIT */
/* Finding a running guest; see guest.h. */
#include "capture/guest/guest.h"

#include <ctype.h>
#include <dirent.h>
#include <errno.h>
#include <inttypes.h>
#include <jansson.h>
#include <limits.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <unistd.h>

#include "capture/qemu/qemu_ram.h"

static int connect_qmp(struct guest *guest, const char *path, struct status *st)
{
	struct sockaddr_un name = {.sun_family = AF_UNIX};
	int ret;

	if (strlen(path) >= sizeof(name.sun_path))
		return status_fail(st, EINVAL,
				   "--qmp: %s: the path is too long", path);
	strcpy(name.sun_path, path);
	guest->socket = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
	if (guest->socket < 0 ||
	    connect(guest->socket, (struct sockaddr *)&name, sizeof(name)))
		return status_fail(st, errno == ENOENT ? ENOENT : EIO,
				   "--qmp: %s: %s", path, strerror(errno));
	ret = qmp_init(&guest->qmp, guest->socket, st);
	if (ret == -EPIPE)
		return status_fail(
			st, EPIPE,
			"--qmp: %s: no greeting; does another client "
			"hold the socket?",
			path);
	if (ret)
		return ret;
	snprintf(guest->vmm, sizeof(guest->vmm), "QEMU %.56s",
		 guest->qmp.version);
	return 0;
}

static int read_qmp_vcpus(struct guest *guest, struct status *st)
{
	json_t *vcpus = qmp_command(&guest->qmp, "query-cpus-fast", NULL, st);
	json_t *vcpu;
	int ret = vcpus ? 0 : -EPROTO;
	size_t i;

	json_array_foreach(vcpus, i, vcpu)
	{
		json_int_t id =
			json_integer_value(json_object_get(vcpu, "thread-id"));

		if (id <= 0 || id > INT_MAX)
			ret = status_fail(st, EPROTO,
					  "QEMU names no thread of vCPU %zu",
					  i);
		else if (guest->nr_vcpus < GUEST_VCPUS_MAX)
			guest->vcpus[guest->nr_vcpus++] = (pid_t)id;
	}
	json_decref(vcpus);
	return ret;
}

/* The process that a thread belongs to.  Return: 0 if there is no such thread. */
static pid_t process_of(pid_t tid)
{
	char path[64], line[128];
	int pid = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/status", tid);
	file = fopen(path, "re");
	while (file && !pid && fgets(line, sizeof(line), file))
		if (sscanf(line, "Tgid: %d", &pid) != 1)
			pid = 0;
	if (file)
		fclose(file);
	return pid;
}

/* The socket does not tell: whoever called listen() may have handed it on. */
static int find_qmp_process(struct guest *guest, struct status *st)
{
	pid_t pid = guest->nr_vcpus ? process_of(guest->vcpus[0]) : 0;

	if (!pid)
		return status_fail(st, ESRCH,
				   "the vCPU threads that QEMU names are not "
				   "here: is it in another container?");
	if (guest->pid && guest->pid != pid)
		return status_fail(st, EINVAL,
				   "--pid %d is not the QEMU behind --qmp, "
				   "which is process %d",
				   guest->pid, pid);
	guest->pid = pid;
	return 0;
}

/* QEMU and libvirt's names for vCPU threads, and kage's: "CPU 0/KVM", "vcpu 0". */
static bool is_vcpu_name(const char *name)
{
	unsigned int index;

	return sscanf(name, "CPU %u/KVM", &index) == 1 ||
	       sscanf(name, "vcpu %u", &index) == 1;
}

static void add_if_vcpu(struct guest *guest, const char *tid)
{
	char path[64], name[32] = "";
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/task/%.10s/comm", guest->pid,
		 tid);
	file = fopen(path, "re");
	if (!file)
		return;
	if (fgets(name, sizeof(name), file) && is_vcpu_name(name) &&
	    guest->nr_vcpus < GUEST_VCPUS_MAX)
		guest->vcpus[guest->nr_vcpus++] = atoi(tid);
	fclose(file);
}

static void find_vcpus(struct guest *guest)
{
	char path[64];
	struct dirent *entry;
	DIR *folder;

	snprintf(path, sizeof(path), "/proc/%d/task", guest->pid);
	folder = opendir(path);
	while (folder && (entry = readdir(folder)))
		if (isdigit((unsigned char)entry->d_name[0]))
			add_if_vcpu(guest, entry->d_name);
	if (folder)
		closedir(folder);
}

static int open_process(struct guest *guest, struct status *st)
{
	guest->pidfd = (int)syscall(SYS_pidfd_open, guest->pid, 0);
	if (guest->pidfd >= 0)
		return 0;
	return status_fail(st, errno, "no process %d: %s", guest->pid,
			   strerror(errno));
}

/* Return: where the path begins if this line of /proc/PID/cgroup is the one that
 * counts so far: "0::/path", or "N:...memory...:/path" where version 1 has that
 * controller; else NULL. */
static const char *memory_cgroup(char *line, bool *is_v1)
{
	char *controllers = strchr(line, ':');
	char *path = controllers ? strchr(controllers + 1, ':') : NULL;

	if (!path)
		return NULL;
	*path++ = '\0';
	path[strcspn(path, "\n")] = '\0';
	if (strstr(controllers, "memory"))
		*is_v1 = true;
	else if (controllers[1] || *is_v1)
		return NULL;
	return path;
}

static int set_cgroup(struct guest *guest, const char *path, struct status *st)
{
	if (strlen(path) >= sizeof(guest->cgroup))
		return status_fail(st, EINVAL, "cgroup %.100s...: too long",
				   path);
	strcpy(guest->cgroup, path);
	return 0;
}

static int find_cgroup(struct guest *guest, struct status *st)
{
	char path[64], *line = NULL;
	const char *cgroup;
	bool is_v1 = false;
	size_t size = 0;
	int ret = 0;
	FILE *file;

	snprintf(path, sizeof(path), "/proc/%d/cgroup", guest->pid);
	file = fopen(path, "re");
	while (!ret && file && getline(&line, &size, file) > 0) {
		cgroup = memory_cgroup(line, &is_v1);
		if (cgroup)
			ret = set_cgroup(guest, cgroup, st);
	}
	free(line);
	if (file)
		fclose(file);
	return ret;
}

static int find_slots(struct guest *guest, const struct guest_words *words,
		      struct status *st)
{
	if (words->slots)
		return guest_slots_parse(words->slots, guest->pid,
					 &guest->slots, &guest->nr_slots, st);
	return words->qmp ? qemu_ram_read(&guest->qmp, &guest->slots,
					  &guest->nr_slots, st)
			  : 0;
}

static bool has_hvas(const struct guest *guest)
{
	bool all = guest->nr_slots;

	for (size_t i = 0; i < guest->nr_slots; i++)
		all &= guest->slots[i].hva != 0;
	return all;
}

static int check_needs(const struct guest *guest, unsigned int needs,
		       struct status *st)
{
	static const char slots[] =
		"where the guest's memory lies is not known: give --qmp "
		"SOCKET, or --slots FILE or GPA-GPA[@HVA],...";

	if (needs & GUEST_QMP && guest->socket < 0)
		return status_fail(st, EINVAL, "--qmp SOCKET is needed");
	if (needs & GUEST_PID && !guest->pid)
		return status_fail(st, EINVAL, "--pid or --qmp is needed");
	if (needs & GUEST_CGROUP && !guest->cgroup[0])
		return status_fail(st, EINVAL,
				   "--cgroup, --pid or --qmp is needed");
	if (needs & GUEST_SLOTS && !guest->slots)
		return status_fail(st, EINVAL, "%s", slots);
	if (needs & GUEST_HVAS && !has_hvas(guest))
		return status_fail(st, EINVAL,
				   "--slots lacks host addresses (@HVA)");
	if (needs & GUEST_VCPUS && !guest->nr_vcpus)
		return status_fail(
			st, ESRCH,
			"process %d has no vCPU thread that could be "
			"recognised: give --qmp, or QEMU "
			"-name ...,debug-threads=on",
			guest->pid);
	return 0;
}

/* The process and its vCPU threads, from QEMU or from /proc. */
static int find_process(struct guest *guest, const struct guest_words *words,
			struct status *st)
{
	int ret = 0;

	guest->pid = (pid_t)words->pid;
	if (words->qmp) {
		ret = connect_qmp(guest, words->qmp, st);
		if (!ret)
			ret = read_qmp_vcpus(guest, st);
		if (!ret)
			ret = find_qmp_process(guest, st);
	}
	if (!ret && guest->pid)
		ret = open_process(guest, st);
	if (!ret && guest->pid && !words->qmp)
		find_vcpus(guest);
	return ret;
}

int guest_open(struct guest *guest, const struct guest_words *words,
	       unsigned int needs, struct status *st)
{
	int ret;

	*guest = (struct guest){.pidfd = -1, .socket = -1};
	if (words->pid > INT_MAX)
		return status_fail(st, EINVAL, "--pid: %" PRIu64 " is no pid",
				   words->pid);
	ret = find_process(guest, words, st);
	if (!ret)
		ret = find_slots(guest, words, st);
	if (!ret && words->cgroup)
		ret = set_cgroup(guest, words->cgroup, st);
	else if (!ret && guest->pid)
		ret = find_cgroup(guest, st);
	return ret ? ret : check_needs(guest, needs, st);
}

void guest_close(struct guest *guest)
{
	if (guest->pidfd >= 0)
		close(guest->pidfd);
	if (guest->socket >= 0)
		close(guest->socket);
	free(guest->slots);
	guest->pidfd = guest->socket = -1;
	guest->slots = NULL;
}

bool guest_gfn_range(const struct guest *guest, uint64_t start, uint64_t end,
		     gfn_t *gfn, uint64_t *npages)
{
	for (size_t i = 0; i < guest->nr_slots; i++) {
		const struct trace_slot *slot = &guest->slots[i];
		uint64_t last = slot->hva + slot->npages * TRACE_PAGE_BYTES;
		uint64_t from = start > slot->hva ? start : slot->hva;
		uint64_t to = end < last ? end : last;

		if (from >= to)
			continue;
		*gfn = slot->gfn + (from - slot->hva) / TRACE_PAGE_BYTES;
		*npages = slot->gfn +
			  (to - slot->hva + TRACE_PAGE_BYTES - 1) /
				  TRACE_PAGE_BYTES -
			  *gfn;
		return true;
	}
	return false;
}

bool guest_gfn(const struct guest *guest, uint64_t hva, gfn_t *gfn,
	       uint64_t *left)
{
	return guest_gfn_range(guest, hva, UINT64_MAX, gfn, left) &&
	       guest_gfn_range(guest, hva, hva + 1, gfn, &(uint64_t){0});
}
