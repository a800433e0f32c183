/* SPDX-License-Identifier: MIT */
/* What the naive twin's files share. */
#ifndef MODELS_NAIVE_INTERNAL_H
#define MODELS_NAIVE_INTERNAL_H

#include "models/naive_mglru.h"

void naive_list_add(struct naive_list *l, uint32_t page);
void naive_list_add_tail(struct naive_list *l, uint32_t page);
void naive_list_del(struct naive_mglru *n, uint32_t page);

int naive_refs(const struct naive_page *p);
int naive_tier_from_refs(int refs);
void naive_clear_refs(struct naive_page *p);
void naive_add_active(struct naive_mglru *n, uint32_t page);
void naive_del(struct naive_mglru *n, uint32_t page);
void naive_remove_mapping(struct naive_mglru *n, uint32_t page);

/* cpu_fbatches.lru_activate */
void naive_lru_add_drain(struct naive_mglru *n);
bool naive_has_extra_reference(const struct naive_mglru *n, uint32_t page);
void naive_forget_activation(struct naive_mglru *n, uint32_t page);

#endif
