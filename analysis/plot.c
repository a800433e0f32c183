/* SPDX-License-Identifier: MIT */
/* Running gnuplot; see plot.h.  Whether its output looks right is not known here. */
#include "analysis/plot.h"

#include <ctype.h>
#include <errno.h>
#include <limits.h>
#include <spawn.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/alloc.h"

enum {
	ASCII_COLUMNS = 75, /* as in ascii_begin */
};

static const char *const kinds[] = {"svg", "png"};

/* A user who runs the .gp by hand has no `suffix`, and gets the final names. */
static const char script_begin[] =
	"# Drawn by `gnuplot %s.gp` in this folder; the data are in %s.dat.\n"
	"data = '%s.dat'\n"
	"if (!exists('suffix')) suffix = ''\n"
	"do for [kind in 'svg png'] {\n"
	"if (kind eq 'svg') { set terminal svg size 960,600 noenhanced "
	"font 'DejaVu Sans,14' background 'white' } "
	"else { set terminal pngcairo size 960,600 noenhanced "
	"font 'DejaVu Sans,11' }\n"
	"set output '%s.'.kind.suffix\n"
	"set key horizontal Left reverse samplen 3\n"
	"legend_columns = 108\n"
	"legend_line = 0.03\n"
	"set border 3\n"
	"set tics nomirror out\n"
	"set grid linetype 1 linecolor rgb '#e4e4e4'\n";

static const char script_end[] = "unset output\n"
				 "reset\n"
				 "}\n";

static const char ascii_begin[] = "set terminal dumb size 75,24 nofeed "
				  "noenhanced mono\n"
				  "set key horizontal width 2\n"
				  "legend_columns = 66\n"
				  "legend_line = 1 / 24.0\n"
				  "data = '$rows'\n"
				  "$rows << end_of_rows\n";

static int fail_pipe(struct status *st)
{
	return status_fail(st, EIO, "gnuplot: %s", strerror(errno));
}

char *plot_file_name(const char *name, struct status *st)
{
	char *copy = kage_strdup(name, st);

	for (char *c = copy; c && *c; c++) {
		bool is_first = c == copy;
		bool is_plain = isalnum((unsigned char)*c) || *c == '_';

		if (!is_plain && (is_first || !strchr("-.", *c)))
			*c = '_';
	}
	return copy;
}

static int write_part(const struct outbuf *part, const char *dir,
		      const char *name, const char *kind, struct status *st)
{
	char path[PATH_MAX];

	if (snprintf(path, sizeof(path), "%s/%s.%s", dir, name, kind) >=
	    (int)sizeof(path))
		return status_fail(st, ENAMETOOLONG, "%s: name too long", dir);
	return outbuf_write_file(part, path, st);
}

/* Append a part; its failure, if it had one, becomes that of the whole. */
static void put_all(struct outbuf *out, const struct outbuf *part)
{
	outbuf_put(out, part->data ? part->data : "", part->used);
	if (part->error)
		out->error = part->error;
}

int plot_write(const struct figure *figure, const char *dir, const char *name,
	       struct status *st)
{
	struct outbuf script = {0};
	int ret;

	outbuf_printf(&script, script_begin, name, name, name, name);
	put_all(&script, &figure->commands);
	outbuf_printf(&script, script_end);
	ret = write_part(&figure->data, dir, name, "dat", st);
	if (!ret)
		ret = write_part(&script, dir, name, "gp", st);
	outbuf_fini(&script);
	return ret;
}

static int wait_for(pid_t pid, const char *what, struct status *st)
{
	int state;

	while (waitpid(pid, &state, 0) < 0)
		if (errno != EINTR)
			return fail_pipe(st);
	if (!WIFEXITED(state) || WEXITSTATUS(state))
		return status_fail(st, EIO,
				   "gnuplot failed on %s (wait status %#x)",
				   what, (unsigned int)state);
	return 0;
}

/* @what: names the script in messages */
static int spawn(char *const *argv, const char *what,
		 const posix_spawn_file_actions_t *actions, struct status *st)
{
	pid_t pid;
	int error = posix_spawnp(&pid, argv[0], actions, NULL, argv, environ);

	if (error == ENOENT)
		return status_fail(st, ENOPKG,
				   "gnuplot is not installed "
				   "(apt-get install gnuplot-nox)");
	if (error)
		return status_fail(st, EIO, "gnuplot: %s", strerror(error));
	return wait_for(pid, what, st);
}

/* Give the drawings their names if they are @finished; else remove what is there. */
static int finish_drawings(const char *dir, const char *name, bool finished,
			   struct status *st)
{
	char from[PATH_MAX], to[PATH_MAX];

	for (size_t i = 0; i < sizeof(kinds) / sizeof(kinds[0]); i++) {
		if (snprintf(from, sizeof(from), "%s/%s.%s.tmp", dir, name,
			     kinds[i]) >= (int)sizeof(from))
			return status_fail(st, ENAMETOOLONG,
					   "%s: name too long", dir);
		snprintf(to, sizeof(to), "%.*s", (int)strlen(from) - 4, from);
		if (!finished)
			unlink(from);
		else if (rename(from, to))
			return status_fail(st, EIO, "%s: %s", to,
					   strerror(errno));
	}
	return finished ? outbuf_sync_folder(to, st) : 0;
}

int plot_draw(const char *dir, const char *name, struct status *st)
{
	char program[] = "gnuplot", defaults[] = "-d", command[] = "-e";
	char suffix[] = "suffix = '.tmp'", script[PATH_MAX];
	char *const argv[] = {program, defaults, command, suffix, script, NULL};
	posix_spawn_file_actions_t actions;
	int ret;

	if (snprintf(script, sizeof(script), "%s.gp", name) >=
	    (int)sizeof(script))
		return status_fail(st, ENAMETOOLONG, "%s: name too long", name);
	posix_spawn_file_actions_init(&actions);
	/* stdout carries results only. */
	if (posix_spawn_file_actions_addchdir_np(&actions, dir) ||
	    posix_spawn_file_actions_adddup2(&actions, STDERR_FILENO,
					     STDOUT_FILENO))
		ret = status_fail(st, ENOMEM, "out of memory");
	else
		ret = spawn(argv, script, &actions, st);
	posix_spawn_file_actions_destroy(&actions);
	if (ret)
		finish_drawings(dir, name, false, NULL);
	else
		ret = finish_drawings(dir, name, true, st);
	return ret;
}

/* Return: a file in memory, or -errno. */
static int memory_file(struct status *st)
{
	int fd = memfd_create("gnuplot", MFD_CLOEXEC);

	return fd < 0 ? fail_pipe(st) : fd;
}

static int write_script(int fd, const struct outbuf *script, struct status *st)
{
	if (script->error ||
	    write(fd, script->data, script->used) != (ssize_t)script->used ||
	    lseek(fd, 0, SEEK_SET))
		return status_fail(st, EIO, "gnuplot: cannot keep its script");
	return 0;
}

/* Run gnuplot between two files. */
static int filter(int in, int out, struct status *st)
{
	char program[] = "gnuplot", defaults[] = "-d";
	char *const argv[] = {program, defaults, NULL};
	posix_spawn_file_actions_t actions;
	int ret;

	posix_spawn_file_actions_init(&actions);
	if (posix_spawn_file_actions_adddup2(&actions, in, STDIN_FILENO) ||
	    posix_spawn_file_actions_adddup2(&actions, out, STDOUT_FILENO))
		ret = status_fail(st, ENOMEM, "out of memory");
	else
		ret = spawn(argv, "its standard input", &actions, st);
	posix_spawn_file_actions_destroy(&actions);
	return ret;
}

/* Copy the lines of @fd to stdout without the blanks that gnuplot pads with. */
static int print_lines(int fd, struct status *st)
{
	FILE *file = lseek(fd, 0, SEEK_SET) ? NULL : fdopen(dup(fd), "r");
	char line[1024];

	if (!file)
		return fail_pipe(st);
	while (fgets(line, sizeof(line), file)) {
		size_t used = strlen(line);

		while (used && isspace((unsigned char)line[used - 1]))
			used--;
		if (used > ASCII_COLUMNS)
			used = ASCII_COLUMNS;
		for (size_t i = 0; i < used; i++)
			putchar(isascii(line[i]) ? line[i] : '?');
		if (used)
			putchar('\n');
	}
	fclose(file);
	return 0;
}

static int write_stdout(const struct outbuf *out, struct status *st)
{
	if (fwrite(out->data, 1, out->used, stdout) != out->used)
		return status_fail(st, EIO, "standard output: %s",
				   strerror(errno));
	return 0;
}

/* Write all of the file @fd to @path. */
static int keep(int fd, const char *path, struct status *st)
{
	struct outbuf drawn = {0};
	char chunk[4096];
	ssize_t n = lseek(fd, 0, SEEK_SET);
	int ret;

	while (n >= 0 && (n = read(fd, chunk, sizeof(chunk))) > 0)
		outbuf_put(&drawn, chunk, (size_t)n);
	if (n < 0)
		ret = fail_pipe(st);
	else if (!drawn.used)
		ret = status_fail(st, EIO, "gnuplot drew nothing");
	else if (!strcmp(path, "-"))
		ret = write_stdout(&drawn, st);
	else
		ret = outbuf_write_file(&drawn, path, st);
	outbuf_fini(&drawn);
	return ret;
}

int plot_png(const struct outbuf *script, const char *path, struct status *st)
{
	int in = -1, out = -1, ret;

	in = ret = memory_file(st);
	if (ret < 0)
		goto out_close;
	out = ret = memory_file(st);
	if (ret < 0)
		goto out_close;
	ret = write_script(in, script, st);
	if (!ret)
		ret = filter(in, out, st);
	if (!ret)
		ret = keep(out, path, st);
out_close:
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	return ret;
}

int plot_ascii(const struct figure *figure, struct status *st)
{
	struct outbuf script = {0};
	int in = -1, out = -1, ret;

	outbuf_printf(&script, ascii_begin);
	put_all(&script, &figure->data);
	outbuf_printf(&script, "end_of_rows\n");
	put_all(&script, &figure->commands);
	in = ret = memory_file(st);
	if (ret < 0)
		goto out_close;
	out = ret = memory_file(st);
	if (ret < 0)
		goto out_close;
	ret = write_script(in, &script, st);
	if (!ret)
		ret = filter(in, out, st);
	if (!ret)
		ret = print_lines(out, st);
out_close:
	if (out >= 0)
		close(out);
	if (in >= 0)
		close(in);
	outbuf_fini(&script);
	return ret;
}
