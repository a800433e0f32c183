/* SPDX-License-Identifier: MIT */
/* What figures share; see figure.h. */
#include "analysis/figure.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "analysis/labels.h"
#include "analysis/queries.h"
#include "base/alloc.h"

const struct figure_entry figures[] = {
#define ENTRY(name) {#name, &figure_##name},
#include "analysis/figures.def"
#undef ENTRY
	{NULL, NULL},
};

void figure_fini(struct figure *figure)
{
	outbuf_fini(&figure->commands);
	outbuf_fini(&figure->data);
	free(figure->blocks);
	*figure = (struct figure){0};
}

void figure_quote(struct outbuf *out, const char *text)
{
	outbuf_put(out, "'", 1);
	for (; *text; text++) {
		bool is_control = (unsigned char)*text < ' ' || *text == 0x7f;

		if (*text == '\'')
			outbuf_put(out, "'", 1);
		outbuf_put(out, is_control ? "?" : text, 1);
	}
	outbuf_put(out, "'", 1);
}

/* Move @text to the commands, as a string there. */
static void put_quoted(struct figure *figure, struct outbuf *text)
{
	figure_quote(&figure->commands, text->data ? text->data : "");
	if (text->error)
		figure->commands.error = text->error;
	outbuf_fini(text);
	*text = (struct outbuf){0};
}

static void put_machine(struct outbuf *out, const struct run *run)
{
	struct texts texts = {0};
	const char *driver = labels_driver(run, &texts, NULL);

	outbuf_printf(out, "MGLRU of %s, %s", run_text(run, RUN_kernel),
		      run_text(run, RUN_mmu));
	if (driver && strcmp(driver, "limit"))
		outbuf_printf(out, ", driver %s", driver);
	if (!driver)
		out->error = -ENOMEM;
	texts_fini(&texts);
}

void figure_title(struct figure *figure, const char *command,
		  const struct run *run, const char *what, bool has_limit)
{
	struct outbuf text = {0};
	char limit[LABELS_LIMIT];

	outbuf_printf(&text, "%s %.*s: %s", run_text(run, RUN_trace), LABELS_ID,
		      run_text(run, RUN_trace_id), what);
	if (has_limit)
		outbuf_printf(&text, " at %s", labels_limit_short(limit, run));
	outbuf_printf(&figure->commands, "%s ", command);
	put_quoted(figure, &text);
	outbuf_printf(&figure->commands, ".\"\\n\".");
	put_machine(&text, run);
	put_quoted(figure, &text);
	outbuf_printf(&figure->commands, "\n");
	outbuf_fini(&text);
}

void figure_block(struct figure *figure, const struct run *run)
{
	if (kage_grow(&figure->blocks, &figure->block_capacity,
		      figure->block_count, sizeof(figure->blocks[0]), NULL)) {
		figure->data.error = -ENOMEM;
		return;
	}
	outbuf_printf(&figure->data, figure->block_count ? "\n\n# " : "# ");
	figure_quote(&figure->data, run->label);
	outbuf_printf(&figure->data, "\n");
	figure->blocks[figure->block_count++] = run;
}

static void put_row(struct outbuf *out, sqlite3_stmt *stmt)
{
	for (int i = 0; i < sqlite3_column_count(stmt); i++) {
		if (sqlite3_column_type(stmt, i) == SQLITE_NULL)
			outbuf_printf(out, " ?");
		else
			outbuf_printf(out, " %.10g",
				      sqlite3_column_double(stmt, i));
	}
	outbuf_printf(out, "\n");
}

static int query_run(struct figure *figure, const struct scene *scene,
		     const struct run *run, const char *sql, struct status *st)
{
	sqlite3_stmt *stmt;
	bool is_first = true;
	int ret = queries_start(scene->db, sql, run_text(run, RUN_run_id),
				&stmt, st);

	while (!ret && (ret = queries_step(stmt, st)) == 1) {
		if (is_first)
			figure_block(figure, run);
		is_first = false;
		put_row(&figure->data, stmt);
		ret = 0;
	}
	sqlite3_finalize(stmt);
	return ret;
}

int figure_query(struct figure *figure, const struct scene *scene,
		 const char *sql, const char *reason, struct status *st)
{
	int ret = 0;

	for (size_t i = 0; i < scene->middle.count && !ret; i++)
		ret = query_run(figure, scene, &scene->middle.runs[i], sql, st);
	if (!ret && !figure->block_count)
		ret = status_fail(st, ENODATA, "%s", reason);
	return ret;
}

void figure_legend(struct figure *figure)
{
	size_t longest = 0;

	for (size_t i = 0; i < figure->block_count; i++) {
		size_t length = strlen(figure->blocks[i]->label);

		longest = length > longest ? length : longest;
	}
	/* A sample and the gap take as much as 8 letters. */
	outbuf_printf(&figure->commands,
		      "legend_wide = legend_columns / %zu\n"
		      "legend = legend_line * ceil(%zu.0 / (legend_wide > 1 ? "
		      "legend_wide : 1))\n"
		      "set key at screen 0.5, screen 0.01 center bottom\n",
		      longest + 8, figure->block_count);
}

void figure_lines(struct figure *figure, const struct scene *scene,
		  const char *how, bool is_named)
{
	struct outbuf *out = &figure->commands;
	double width = 1.5 + 0.6 * (double)figure->block_count;

	for (size_t i = 0; i < figure->block_count; i++) {
		const struct run *run = figure->blocks[i];
		const struct style *style =
			&scene->results->series[run->series].style;

		width -= 0.6; /* what coincides stays visible under the next */
		outbuf_printf(out,
			      "%sdata index %zu %s lw %.1f lc rgb '%s' dt %d",
			      i ? ", \\\n     " : "plot ", i, how, width,
			      style->colour, style->dash);
		if (strstr(how, "points"))
			outbuf_printf(out, " pt %d", style->point);
		outbuf_printf(out, is_named ? " title " : " notitle");
		if (is_named)
			figure_quote(out, run->label);
	}
	outbuf_printf(out, "\n");
}

void figure_upper_panel(struct figure *figure, const struct scene *scene,
			const char *text, const char *ylabel)
{
	outbuf_printf(&figure->commands,
		      "set multiplot\n"
		      "set lmargin at screen 0.11\n"
		      "set rmargin at screen 0.97\n"
		      "set yrange [0:*]\n"
		      "set tmargin at screen 0.90\n"
		      "set bmargin at screen 0.55\n"
		      "set format x ''\n"
		      "set format y '%%.10g'\n"
		      "set ylabel '%s'\n",
		      ylabel);
	figure_legend(figure);
	figure_title(figure, "set title", scene->middle.runs, text, true);
}

void figure_lower_panel(struct figure *figure, const char *ylabel)
{
	outbuf_printf(&figure->commands,
		      "unset title\n"
		      "set tmargin at screen 0.51\n"
		      "set bmargin at screen legend + 0.14\n"
		      "set format '%%g'\n"
		      "set xlabel 'time (s)'\n"
		      "set ylabel '%s'\n",
		      ylabel);
}
