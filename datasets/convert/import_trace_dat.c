/* SPDX-License-Identifier: MIT */
/*
 * What `trace-cmd record` wrote (trace.dat of version 6 or 7), through libtracecmd, by
 * the names of fields.  The library trusts its input, so a process of its own reads
 * the file and prints lines like perf script's; if it dies, the file is bad.
 */
#include <errno.h>
#include <fcntl.h>
#include <string.h>
#include <sys/wait.h>
#include <trace-cmd.h>
#include <unistd.h>

#include "datasets/convert/tracepoints.h"

enum {
	INSTANCES_MAX = 64
};

struct printer {
	FILE *out;
	struct tep_event *fault, *push, *region; /* NULL: not in the file */
	bool is_missing;			 /* a field was not there */
};

static unsigned long long field(struct printer *p, struct tep_event *event,
				struct tep_record *record, const char *name)
{
	unsigned long long value = 0;

	if (tep_get_field_val(NULL, event, name, record, &value, 0))
		p->is_missing = true;
	return value;
}

static void print_head(struct printer *p, struct tep_event *event,
		       const struct tep_record *record, const char *name)
{
	struct tep_record copy = *record;

	fprintf(p->out, "- %d %llu.%09llu: %s", tep_data_pid(event->tep, &copy),
		record->ts / 1000000000, record->ts % 1000000000, name);
}

static void print_fault(struct printer *p, struct tep_record *record)
{
	print_head(p, p->fault, record, "kvm:kvm_page_fault:");
	fprintf(p->out, " address 0x%llx error_code 0x%llx\n",
		field(p, p->fault, record, "fault_address"),
		field(p, p->fault, record, "error_code"));
}

static void print_push(struct printer *p, struct tep_record *record)
{
	print_head(p, p->push, record, "kvm:kvm_dirty_ring_push:");
	fprintf(p->out, " slot %llu offset 0x%llx\n",
		field(p, p->push, record, "slot"),
		field(p, p->push, record, "offset"));
}

static void print_region(struct printer *p, struct tep_record *record)
{
	struct tep_event *e = p->region;

	print_head(p, e, record, "damon:damon_aggregated:");
	fprintf(p->out, " target_id=%llu nr_regions=%llu %llu-%llu: %llu\n",
		field(p, e, record, "target_id"),
		field(p, e, record, "nr_regions"), field(p, e, record, "start"),
		field(p, e, record, "end"), field(p, e, record, "nr_accesses"));
}

static int on_record(struct tracecmd_input *input, struct tep_record *record,
		     int cpu, void *arg)
{
	struct printer *p = arg;
	int type = tep_data_type(tracecmd_get_tep(input), record);

	(void)cpu;
	if (record->missed_events)
		fprintf(p->out,
			"- 0 %llu.%09llu: PERF_RECORD_LOST lost %lld%s\n",
			record->ts / 1000000000, record->ts % 1000000000,
			record->missed_events > 0 ? record->missed_events : 1,
			record->missed_events > 0 ? "" : "+");
	if (p->fault && type == p->fault->id)
		print_fault(p, record);
	else if (p->push && type == p->push->id)
		print_push(p, record);
	else if (p->region && type == p->region->id)
		print_region(p, record);
	return 0;
}

/* The records of the file and of all of its instances (trace-cmd record -B), by time. */
static int iterate(struct tracecmd_input *input, struct printer *p)
{
	struct tracecmd_input *all[INSTANCES_MAX] = {input};
	int n = tracecmd_buffer_instances(input);

	if (n < 0 || n > INSTANCES_MAX - 1)
		return -1;
	for (int i = 0; i < n; i++) {
		all[i + 1] = tracecmd_buffer_instance_handle(input, i);
		if (!all[i + 1])
			return -1;
	}
	return tracecmd_iterate_events_multi(all, n + 1, on_record, p);
}

/* In the child.  Return: its exit code. */
static int print_file(const char *path, FILE *out)
{
	struct printer p = {.out = out};
	struct tracecmd_input *input;
	struct tep_handle *tep;
	int quiet = open("/dev/null", O_RDWR | O_CLOEXEC);

	dup2(quiet, STDOUT_FILENO);
	dup2(quiet, STDERR_FILENO);
	input = tracecmd_open(path, TRACECMD_FL_LOAD_NO_PLUGINS);
	if (!input)
		return 1;
	tep = tracecmd_get_tep(input);
	p.fault = tep_find_event_by_name(tep, "kvm", "kvm_page_fault");
	p.push = tep_find_event_by_name(tep, "kvm", "kvm_dirty_ring_push");
	p.region = tep_find_event_by_name(tep, "damon", "damon_aggregated");
	if (iterate(input, &p))
		return 1;
	return fflush(out) || p.is_missing ? 2 : 0;
}

static int print_apart(const struct import_job *job, FILE *out,
		       struct status *st)
{
	pid_t child;
	int status;

	fflush(NULL);
	child = fork();
	if (child < 0)
		return status_fail(st, errno, "fork: %s", strerror(errno));
	if (!child)
		_exit(print_file(job->path, out));
	while (waitpid(child, &status, 0) < 0)
		if (errno != EINTR)
			return status_fail(st, errno, "waitpid: %s",
					   strerror(errno));
	if (WIFEXITED(status) && !WEXITSTATUS(status))
		return 0;
	if (WIFEXITED(status) && WEXITSTATUS(status) == 2)
		return import_bad(job, st,
				  "its events lack a field that is needed");
	return import_bad(job, st,
			  "libtracecmd cannot read it: not a trace.dat, or "
			  "damaged");
}

static int read_trace_dat(struct import_job *job, struct status *st)
{
	FILE *out = tmpfile();
	int ret;

	if (!out)
		return status_fail(st, errno, "a temporary file: %s",
				   strerror(errno));
	ret = print_apart(job, out, st);
	if (!ret)
		ret = tracepoints_read_made(job, out, "trace-cmd", st);
	fclose(out);
	return ret;
}

const struct importer importer_trace_dat = {
	.name = "trace-dat",
	.summary = "trace-cmd's trace.dat with events of KVM or DAMON",
	.lost = tracepoints_lost,
	.params = tracepoints_params,
	.params_size = sizeof(struct tracepoints_params),
	.needs_name = true,
	.read = read_trace_dat,
};
